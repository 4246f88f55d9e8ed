/* A connection over a socket pair or loopback: its owner writes down what happens, the test is the
 * peer. */
#ifndef RT_CONN_TEST_H
#define RT_CONN_TEST_H

#include "conn.h"
#include "limits.h"
#include "row_test.h"

#include <errno.h>
#include <fcntl.h>

struct owner {
    struct conn conn; /* first */
    int peer;         /* the other end, non-blocking; -1: closed */
    struct buf got;   /* what was taken */
    size_t appetite;  /* most that is taken at once */
    unsigned calls, secured, drained, ended, closed, gone, left;
    enum err why;
    void (*then)(struct owner *owner); /* inside on_bytes */
};

static struct owner owner;

static inline size_t on_bytes(struct conn *conn, struct str bytes)
{
    struct owner *mine = (struct owner *)conn;
    size_t len = bytes.len < mine->appetite ? bytes.len : mine->appetite;
    assert_int_equal(mine->closed, 0);
    assert_false(conn->paused);
    assert_true(bytes.len > 0);
    buf_push(&mine->got, bytes.at, len);
    mine->calls++;
    if (mine->then)
        mine->then(mine);
    return len;
}

static inline void on_secured(struct conn *conn)
{
    ((struct owner *)conn)->secured++;
}

static inline void on_drained(struct conn *conn)
{
    ((struct owner *)conn)->drained++;
    assert_false(conn->crowded);
    assert_true(conn_unsent(conn) < LIMIT_OUTPUT_HIGH / 2);
}

static inline void on_closed(struct conn *conn, enum err why)
{
    struct owner *mine = (struct owner *)conn;
    assert_int_equal(mine->gone, 0);
    mine->closed++;
    mine->why = why;
}

static inline void on_leave(struct conn *conn)
{
    ((struct owner *)conn)->left++;
}

static inline void on_gone(struct conn *conn)
{
    struct owner *mine = (struct owner *)conn;
    assert_int_equal(mine->closed, 1); /* that comes first, and once */
    assert_false(conn->recv.armed);
    assert_false(conn->send.armed);
    mine->gone++;
}

static const struct conn_events conn_test_events = {on_bytes,  on_secured, on_drained, NULL,
                                                    on_closed, on_leave,   on_gone};

/* Takes a connected descriptor; does not start. */
static inline void owner_init(int fd, int peer)
{
    owner = (struct owner){.appetite = SIZE_MAX, .peer = peer};
    assert_int_equal(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    conn_init(&owner.conn, fd, &conn_test_events);
}

static inline void open_pair(void)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    owner_init(fds[0], fds[1]);
    conn_start(&owner.conn);
}

static inline void open_tcp(void)
{
    int fds[2];
    tcp_pair(fds);
    owner_init(fds[0], fds[1]);
    conn_start(&owner.conn);
}

/* The peer sends; all of it must fit. */
static inline void peer_sends(struct str bytes)
{
    assert_int_equal(send(owner.peer, bytes.at, bytes.len, MSG_NOSIGNAL), (ssize_t)bytes.len);
}

/* What has come to the peer by now, behind what was in `into`. True: the stream has ended. */
static inline bool peer_reads(struct buf *into)
{
    for (;;) {
        ssize_t got = recv(owner.peer, buf_reserve(into, 65536), 65536, 0);
        if (got <= 0)
            return got == 0 || errno != EAGAIN;
        buf_grow(into, (size_t)got);
    }
}

static inline void peer_closes(void)
{
    if (owner.peer >= 0)
        close(owner.peer);
    owner.peer = -1;
}

/* The connection ends for that reason, on_gone comes once, and nothing after it. */
static inline void expect_end(enum err why)
{
    TURN_UNTIL(owner.gone);
    turn_for(5);
    assert_int_equal(owner.gone, 1);
    assert_int_equal(owner.why, why);
    assert_int_equal(shard->wheel.count, 0);
    assert_null(owner.conn.in.memory);
    buf_fini(&owner.got);
    peer_closes();
}

/* Time passes at once for the shard's timers. */
static inline void jump(uint64_t ms)
{
    wheel_turn(&shard->wheel, shard->wheel.now_ms + ms);
}

static inline bool holds_no_memory(void)
{
    const struct conn *conn = &owner.conn;
    return !conn->in.memory && !conn->out.memory && !conn->wire.memory && !conn->sending.memory;
}

#endif
