#include "conn.h"

#include "check.h"
#include "limits.h"

#include <errno.h>
#include <sys/socket.h>

static struct metric opened = {"connections_opened_total", "Connections taken.", METRIC_COUNTER, 0};
static struct metric open_now = {"connections", "Connections now.", METRIC_GAUGE, 0};
static struct metric bytes_in = {"received_bytes_total", "Bytes from sockets.", METRIC_COUNTER, 0};
static struct metric bytes_out = {"sent_bytes_total", "Bytes to sockets.", METRIC_COUNTER, 0};
static struct metric sends = {"sends_total", "Send requests.", METRIC_COUNTER, 0};
static struct metric slow = {"slow_readers_dropped_total",
                             "Connections dropped because their peer did not read.", METRIC_COUNTER,
                             0};
static struct metric moves = {"connections_moved_total", "Connections that moved to another shard.",
                              METRIC_COUNTER, 0};

struct metric *const conn_metrics[] = {&opened, &open_now, &bytes_in, &bytes_out,
                                       &sends,  &slow,     &moves,    NULL};

#define OWNER(pointer, field) ((struct conn *)((char *)(pointer)-offsetof(struct conn, field)))

static void deliver(struct conn *conn);
static void try_move(struct conn *conn);

static bool wants_input(const struct conn *conn)
{
    return conn->started && !conn->dead && !conn->peer_closed && !conn->moving &&
           buf_len(&conn->in) < LIMIT_CONN_HELD;
}

static void arm_recv(struct conn *conn)
{
    if (!conn->recv.armed && wants_input(conn))
        ring_recv(shard_self->ring, &conn->recv, conn->fd);
}

static void disarm_recv(struct conn *conn)
{
    if (conn->recv.armed)
        ring_cancel(shard_self->ring, &conn->recv);
}

void conn_discard(struct conn *conn)
{
    conn->dead = true;
    task_drop(&conn->flush);
    task_drop(&conn->again);
    shard_drop(&conn->linger);
    if (conn->send.armed) /* the kernel must not read the buffers that are given back */
        ring_shutdown(shard_self->ring, conn->fd, SHUT_RDWR);
    ring_close(shard_self->ring, conn->fd);
    buf_fini(&conn->in);
    buf_fini(&conn->out);
    buf_fini(&conn->wire);
    buf_fini(&conn->sending);
    tls_free(conn->tls);
    conn->tls = NULL;
    metric_add(&open_now, -1);
}

/* The owner may free the memory when no request points into it any more. */
static void gone_if_quiet(struct conn *conn)
{
    if (!conn->dead || conn->recv.armed || conn->send.armed || conn->events == NULL)
        return;
    if (list_has(&conn->again.link)) /* on_closed is still to come */
        return;
    const struct conn_events *events = conn->events;
    conn->events = NULL;
    conn_discard(conn);
    events->on_gone(conn);
}

static void finish(struct conn *conn, enum err why)
{
    if (conn->dead)
        return;
    conn->dead = true;
    conn->target =
        why; /* told by report_closed; the field is free now: a dead conn does not move */
    task_drop(&conn->flush);
    shard_drop(&conn->linger);
    disarm_recv(conn);
    ring_shutdown(shard_self->ring, conn->fd, SHUT_RDWR);
    task_drop(&conn->again);
    shard_soon(&conn->again);
}

static void report_closed(struct conn *conn)
{
    conn->events->on_closed(conn, (enum err)conn->target);
    gone_if_quiet(conn);
}

static void on_again(struct task *task)
{
    struct conn *conn = OWNER(task, again);
    if (conn->dead)
        report_closed(conn);
    else
        deliver(conn);
}

static void on_linger(struct timer *timer)
{
    finish(OWNER(timer, linger), ERR_TIMEOUT);
}

/* --- Input --- */

static void end_of_input(struct conn *conn)
{
    if (!conn->peer_closed || buf_len(&conn->in) || conn->moving || conn->dead)
        return;
    if (conn->closing) {
        if (!conn->send.armed && !conn_unsent(conn)) /* else sent_all goes on */
            finish(conn, ERR_OK);
    } else if (!conn->events->on_end) {
        finish(conn, ERR_CLOSED);
    } else if (!conn->end_told) {
        conn->end_told = true;
        conn->events->on_end(conn);
    }
}

static void feed_tls(struct conn *conn, struct str cipher)
{
    bool was_secured = conn->secured;
    enum err err = tls_input(conn->tls, cipher, &conn->in, &conn->wire, &conn->secured);
    if (buf_len(&conn->wire))
        conn_flush(conn);
    if (!was_secured && conn->secured && !conn->closing) {
        conn->events->on_secured(conn);
        if (buf_len(&conn->out))
            conn_flush(conn);
    }
    if (err == ERR_CLOSED)
        conn->peer_closed = true;
    else if (err) /* an alert may be on its way: let it out, then end */
        conn_close(conn);
}

/* The owner put a filter in while it had `bytes` and took `taken` of them: the rest is what the
 * peer sent in the clear behind <starttls/>, which is nobody's, or the begin of direct TLS. */
static void switch_filter(struct conn *conn, struct str bytes, size_t taken)
{
    if (!conn->keep_early || conn->dead)
        return;
    feed_tls(conn, (struct str){bytes.at + taken, bytes.len - taken});
}

static void deliver(struct conn *conn)
{
    while (buf_len(&conn->in) && !conn->paused && !conn->dead && !conn->closing) {
        struct tls *filter = conn->tls;
        size_t taken = conn->events->on_bytes(conn, buf_str(&conn->in));
        if (conn->tls != filter) {
            struct buf early = conn->in;
            conn->in = (struct buf){0};
            switch_filter(conn, buf_str(&early), taken);
            buf_fini(&early);
            continue;
        }
        buf_pop(&conn->in, taken);
        if (buf_len(&conn->in)) { /* its share of this turn is used up, or it wants more bytes */
            if (taken && !conn->paused && !conn->dead)
                shard_soon(&conn->again);
            if (!taken && !conn->paused && conn->peer_closed) /* which will not come */
                buf_fini(&conn->in);
            break;
        }
    }
    if (conn->closing) /* what comes after we said good-bye is not read */
        buf_fini(&conn->in);
    end_of_input(conn);
    arm_recv(conn);
}

/* Bytes go to the owner without a copy when nothing stands before them. */
static void feed(struct conn *conn, struct str bytes)
{
    if (conn->tls) {
        feed_tls(conn, bytes);
    } else if (conn->paused || conn->closing || buf_len(&conn->in)) {
        if (!conn->closing)
            buf_push_str(&conn->in, bytes);
    } else {
        size_t taken = conn->events->on_bytes(conn, bytes);
        if (!conn->tls) {
            buf_push(&conn->in, bytes.at + taken, bytes.len - taken);
            if (taken && taken < bytes.len && !conn->paused && !conn->dead)
                shard_soon(&conn->again);
            return;
        }
        switch_filter(conn, bytes, taken);
    }
    if (!conn->paused || conn->closing)
        deliver(conn);
}

static void on_recv(struct op *op, int result, const uint8_t *data, bool more)
{
    struct conn *conn = OWNER(op, recv);
    if (conn->dead) {
        gone_if_quiet(conn);
        return;
    }
    if (result > 0) {
        metric_add(&bytes_in, result);
        conn->received_len += (uint64_t)result;
        feed(conn, (struct str){(const char *)data, (size_t)result});
    } else if (result == 0) {
        conn->peer_closed = true;
        if (!conn->paused || conn->closing)
            deliver(conn);
    } else if (result != -ENOBUFS && result != -ECANCELED && result != -EINTR) {
        finish(conn, ERR_CLOSED);
    }
    if (conn->dead || conn->events == NULL)
        return;
    if (conn->moving)
        try_move(conn);
    else if (!more)
        arm_recv(conn);
    else if (buf_len(&conn->in) >= LIMIT_CONN_HELD)
        disarm_recv(conn);
}

void conn_pause(struct conn *conn, enum conn_pause why)
{
    conn->paused |= (uint8_t)why;
}

void conn_resume(struct conn *conn, enum conn_pause why)
{
    if (!(conn->paused & why))
        return;
    conn->paused &= (uint8_t)~why;
    if (conn->paused || conn->dead)
        return;
    shard_soon(&conn->again);
}

/* --- Output --- */

size_t conn_unsent(const struct conn *conn)
{
    return buf_len(&conn->out) + buf_len(&conn->wire) + buf_len(&conn->sending);
}

static void send_next(struct conn *conn)
{
    if (conn->send.armed || conn->dead)
        return;
    if (buf_len(&conn->sending) == 0) {
        conn->sending = conn->wire;
        conn->wire = (struct buf){0};
    }
    if (buf_len(&conn->sending)) {
        metric_count(&sends);
        ring_send(shard_self->ring, &conn->send, conn->fd, buf_at(&conn->sending),
                  buf_len(&conn->sending));
    }
}

/* Moves what gathered behind what is on its way, through the filter. What is said during a TLS
 * handshake waits for its end: it must not go out in the clear. */
static enum err gather(struct conn *conn)
{
    if (buf_len(&conn->out) == 0 || (conn->tls && !conn->secured))
        return ERR_OK;
    enum err err = ERR_OK;
    if (conn->secured) {
        err = tls_output(conn->tls, buf_str(&conn->out), &conn->wire);
    } else if (buf_len(&conn->wire) == 0) {
        buf_fini(&conn->wire);
        conn->wire = conn->out;
        conn->out = (struct buf){0};
        return ERR_OK;
    } else {
        buf_push_str(&conn->wire, buf_str(&conn->out));
    }
    buf_fini(&conn->out);
    return err;
}

static void mark_water(struct conn *conn)
{
    size_t unsent = conn_unsent(conn);
    if (!conn->crowded && unsent > LIMIT_OUTPUT_HIGH) {
        conn->crowded = true;
        conn_pause(conn, CONN_PAUSE_OUTPUT);
    } else if (conn->crowded && unsent < LIMIT_OUTPUT_HIGH / 2) {
        conn->crowded = false;
        conn_resume(conn, CONN_PAUSE_OUTPUT);
        if (conn->events->on_drained)
            conn->events->on_drained(conn);
    }
}

/* All is out: a close goes on with FIN, a move can begin. */
static void sent_all(struct conn *conn)
{
    if (conn->moving)
        try_move(conn);
    else if (conn->closing && conn->peer_closed)
        finish(conn, ERR_OK);
    else if (conn->closing)
        ring_shutdown(shard_self->ring, conn->fd, SHUT_WR);
}

static void on_flush(struct task *task)
{
    struct conn *conn = OWNER(task, flush);
    if (conn->dead)
        return;
    if (gather(conn)) {
        finish(conn, ERR_CLOSED);
        return;
    }
    send_next(conn);
    mark_water(conn);
    if (!conn->send.armed)
        sent_all(conn);
}

static void on_send(struct op *op, int result, const uint8_t *data, bool more)
{
    struct conn *conn = OWNER(op, send);
    (void)data;
    (void)more;
    if (conn->dead) {
        gone_if_quiet(conn);
        return;
    }
    if (result < 0 && result != -EINTR && result != -EAGAIN) {
        finish(conn, ERR_CLOSED);
        return;
    }
    if (result > 0) {
        metric_add(&bytes_out, result);
        buf_pop(&conn->sending, (size_t)result);
    }
    send_next(conn);
    mark_water(conn);
    if (!conn->send.armed && !list_has(&conn->flush.link))
        sent_all(conn);
}

void conn_flush(struct conn *conn)
{
    if (conn->dead)
        return;
    if (conn_unsent(conn) > LIMIT_OUTPUT_MAX) {
        metric_count(&slow);
        finish(conn, ERR_FULL);
        return;
    }
    shard_flush(&conn->flush);
}

void conn_write(struct conn *conn, struct str bytes)
{
    if (conn->dead || conn->closing)
        return;
    buf_push_str(&conn->out, bytes);
    conn_flush(conn);
}

/* --- Life --- */

void conn_init(struct conn *conn, int fd, const struct conn_events *events)
{
    conn->fd = fd;
    conn->events = events;
    conn->recv.done = on_recv;
    conn->send.done = on_send;
    conn->flush.run = on_flush;
    conn->again.run = on_again;
    metric_count(&opened);
    metric_count(&open_now);
}

void conn_start(struct conn *conn)
{
    conn->started = true;
    arm_recv(conn);
}

void conn_start_tls(struct conn *conn, struct tls *tls, bool discard)
{
    if (gather(conn) == ERR_OK)
        shard_flush(&conn->flush);
    conn->tls = tls;
    conn->keep_early = !discard;
}

void conn_close(struct conn *conn)
{
    if (conn->closing || conn->dead)
        return;
    if (gather(conn)) {
        finish(conn, ERR_CLOSED);
        return;
    }
    conn->closing = true;
    conn->started = true; /* to see the peer's FIN */
    conn->moving = false;
    buf_fini(&conn->out); /* said during a handshake: nobody will read it */
    if (conn->tls)
        tls_close(conn->tls, &conn->wire);
    shard_after(&conn->linger, LIMIT_CONN_LINGER, on_linger);
    shard_flush(&conn->flush);
    arm_recv(conn);
}

void conn_abort(struct conn *conn, enum err why)
{
    finish(conn, why);
}

/* --- Move --- */

static void on_arrived(struct mail *mail)
{
    struct conn *conn = OWNER(mail, mail);
    conn->moving = false;
    conn->paused &= (uint8_t)~CONN_PAUSE_MOVE;
    metric_count(&open_now);
    metric_count(&moves);
    conn->arrived(conn);
    if (conn->dead)
        return;
    shard_soon(&conn->again);
    arm_recv(conn);
}

static void try_move(struct conn *conn)
{
    if (conn->recv.armed || conn->send.armed || conn_unsent(conn) || conn->dead)
        return;
    task_drop(&conn->flush);
    task_drop(&conn->again);
    shard_drop(&conn->linger);
    metric_add(&open_now, -1);
    if (conn->events->on_leave)
        conn->events->on_leave(conn);
    conn->mail.run = on_arrived;
    mail_send(conn->target, &conn->mail);
}

void conn_move(struct conn *conn, unsigned target, void (*arrived)(struct conn *conn))
{
    conn->moving = true;
    conn->target = target;
    conn->arrived = arrived;
    conn_pause(conn, CONN_PAUSE_MOVE);
    shard_after(&conn->linger, LIMIT_CONN_LINGER, on_linger);
    disarm_recv(conn);
    shard_flush(&conn->flush); /* ends in try_move, also when there is nothing to send */
}
