#include "ctl_server.h"

#include "conn.h"
#include "ctl.h"
#include "data_dir.h"
#include "limits.h"

#include <errno.h>
#include <unistd.h>

enum { PIECE = 65536, CONNS_MAX = 32, HEADER_ROOM = 8, RETRY_MS = 100 };

struct ctl_conn {
    struct conn conn;
    struct link link;
    char header[HEADER_ROOM]; /* the digits of a length */
    size_t header_len;
    size_t wanted_len; /* of the words; 0 while the header is read */
    struct buf words;
    struct buf answer;     /* what the connection has not taken yet */
    struct ctl_call *call; /* under way, or NULL */
    bool wants_more;       /* the call waits for the answer to go */
    bool closing;          /* close when the answer has gone */
};

/* Of shard 0. */
static struct {
    struct op accept;
    struct timer retry;
    int fd;
    const char *path;
    struct link conns;
    unsigned count;
} listening = {.fd = -1};

static struct metric requests = {"ctl_requests_total", "Requests on the control socket.",
                                 METRIC_COUNTER, 0};

struct metric *const ctl_metrics[] = {&requests, NULL};

static struct ctl_conn *owner_of(struct conn *conn)
{
    return LIST_OWNER(conn, struct ctl_conn, conn);
}

/* --- Answers --- */

/* Gives the connection what it takes; over its high water mark it tells when it has drained. True
 * when all is with it. */
static bool pump(struct ctl_conn *mine)
{
    while (buf_len(&mine->answer) && conn_unsent(&mine->conn) <= LIMIT_OUTPUT_HIGH) {
        size_t len = buf_len(&mine->answer) < PIECE ? buf_len(&mine->answer) : PIECE;
        conn_write(&mine->conn, (struct str){(const char *)buf_at(&mine->answer), len});
        buf_pop(&mine->answer, len);
    }
    return buf_len(&mine->answer) == 0;
}

static void go_on(struct ctl_conn *mine)
{
    if (!pump(mine))
        return;
    if (mine->wants_more) {
        mine->wants_more = false;
        mine->call->more(mine->call);
    } else if (mine->closing) {
        conn_close(&mine->conn);
    } else if (!mine->call) {
        conn_resume(&mine->conn, CONN_PAUSE_OWNER);
    }
}

static void on_flush(struct ctl_call *call)
{
    struct ctl_conn *mine = call->carrier;
    if (!mine) { /* nobody listens any more */
        ctl_done(call, CTL_FAILED);
        return;
    }
    buf_push_str(&mine->answer, buf_str(&call->out));
    buf_fini(&call->out);
    mine->wants_more = true;
    go_on(mine);
}

static void put_end(struct ctl_conn *mine, struct str text, int code)
{
    buf_push_str(&mine->answer, text);
    buf_push(&mine->answer, "", 1);
    buf_format(&mine->answer, "%d\n", code);
}

static void on_finish(struct ctl_call *call, int code)
{
    struct ctl_conn *mine = call->carrier;
    if (mine) {
        mine->call = NULL;
        put_end(mine, buf_str(&call->out), code);
        go_on(mine);
    }
    ctl_free(call);
}

static const struct ctl_way way = {on_flush, on_finish};

/* --- Requests --- */

static void run_request(struct ctl_conn *mine)
{
    struct buf words = mine->words;
    mine->words = (struct buf){0};
    mine->wanted_len = mine->header_len = 0;
    metric_count(&requests);
    conn_pause(&mine->conn, CONN_PAUSE_OWNER);
    mine->call = ctl_call_new(&way, mine);
    ctl_run(mine->call, buf_str(&words));
    mem_wipe(words.memory, words.room);
    buf_fini(&words);
}

static void refuse(struct ctl_conn *mine, const char *why)
{
    mine->closing = true;
    conn_pause(&mine->conn, CONN_PAUSE_OWNER);
    put_end(mine, str_of(why), CTL_USAGE);
    go_on(mine);
}

/* Digits and a newline. */
static void take_header(struct ctl_conn *mine, char c)
{
    uint64_t len;
    if (c != '\n' && mine->header_len < HEADER_ROOM)
        mine->header[mine->header_len++] = c;
    else if (c != '\n' ||
             !text_u64((struct str){mine->header, mine->header_len}, 1, UINT64_MAX, &len))
        refuse(mine, "that is not a request of ringtailctl\n");
    else if (len > LIMIT_CTL_REQUEST)
        refuse(mine, "the request is longer than CTL_REQUEST (ringtailctl limits)\n");
    else
        mine->wanted_len = (size_t)len;
}

static size_t take_words(struct ctl_conn *mine, struct str bytes)
{
    size_t left = mine->wanted_len - buf_len(&mine->words);
    size_t len = bytes.len < left ? bytes.len : left;
    buf_push(&mine->words, bytes.at, len);
    if (len == left)
        run_request(mine);
    return len;
}

/* Takes one request at most: what follows waits in the connection, which is paused meanwhile. */
static size_t on_bytes(struct conn *conn, struct str bytes)
{
    struct ctl_conn *mine = owner_of(conn);
    size_t taken = 0;
    while (taken < bytes.len && !mine->wanted_len && !mine->closing)
        take_header(mine, bytes.at[taken++]);
    if (mine->wanted_len && taken < bytes.len)
        taken += take_words(mine, (struct str){bytes.at + taken, bytes.len - taken});
    return mine->closing ? bytes.len : taken;
}

/* --- Life --- */

/* The command under way goes on, and nobody hears its answer. */
static void detach(struct ctl_conn *mine)
{
    struct ctl_call *call = mine->call;
    if (!call)
        return;
    mine->call = NULL;
    call->carrier = NULL;
    if (mine->wants_more)
        ctl_done(call, CTL_FAILED);
}

static void conn_drop(struct ctl_conn *mine)
{
    list_drop(&mine->link);
    listening.count--;
    buf_fini(&mine->words);
    buf_fini(&mine->answer);
    mem_free(mine);
}

static void on_closed(struct conn *conn, enum err why)
{
    (void)why;
    detach(owner_of(conn));
}

static void on_gone(struct conn *conn)
{
    conn_drop(owner_of(conn));
}

static void on_drained(struct conn *conn)
{
    go_on(owner_of(conn));
}

static const struct conn_events events = {
    .on_bytes = on_bytes, .on_drained = on_drained, .on_closed = on_closed, .on_gone = on_gone};

static void welcome(int fd)
{
    if (listening.count >= CONNS_MAX) {
        ring_close(shard_self->ring, fd);
        return;
    }
    struct ctl_conn *mine = mem_zalloc(sizeof *mine);
    list_push(&listening.conns, &mine->link);
    listening.count++;
    conn_init(&mine->conn, fd, &events);
    conn_start(&mine->conn);
}

static void accept_next(struct timer *timer)
{
    (void)timer;
    ring_accept(shard_self->ring, &listening.accept, listening.fd);
}

static void on_accept(struct op *op, int result, const uint8_t *data, bool more)
{
    (void)op;
    (void)data;
    (void)more;
    if (result < 0) { /* out of descriptors: not again at once */
        LOG(LOG_WARNING, "ctl_accept_failed", LF("why", strerror(-result)));
        shard_after(&listening.retry, RETRY_MS, accept_next);
        return;
    }
    welcome(result);
    accept_next(NULL);
}

const char *ctl_socket_path(const char *data_dir)
{
    return data_dir_path(data_dir, "ringtail.sock");
}

enum err ctl_open(const char *data_dir, const char **why)
{
    listening.path = ctl_socket_path(data_dir);
    enum err err = ring_listen_unix(listening.path, &listening.fd);
    if (err)
        *why = sentence("the control socket %s cannot be made: %s", listening.path,
                        err == ERR_TOO_BIG ? "the path is too long (107 bytes at most)"
                                           : strerror(errno));
    return err;
}

void ctl_start(void)
{
    list_init(&listening.conns);
    listening.accept.done = on_accept;
    accept_next(NULL);
}

void ctl_close_all(void)
{
    shard_drop(&listening.retry);
    LIST_EACH_SAFE (&listening.conns, link) {
        struct ctl_conn *mine = LIST_OWNER(link, struct ctl_conn, link);
        detach(mine);
        mine->conn.events = NULL;
        conn_discard(&mine->conn);
        conn_drop(mine);
    }
}

void ctl_close(void)
{
    if (listening.fd < 0)
        return;
    unlink(listening.path);
    close(listening.fd);
    listening.fd = -1;
}
