/* Two shards that take connections and throw them to each other; clients on threads of their own.
 */
#ifndef RT_MOVE_TEST_H
#define RT_MOVE_TEST_H

#include "conn.h"
#include "listen.h"
#include "row_test.h"
#include "tls_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

enum { MOVE_SHARDS = 2 };

/* The owner of a connection; it belongs to the shard where that is. Freed in on_gone. */
struct mover {
    struct conn conn; /* first */
    struct prng prng;
    uint64_t got; /* bytes taken so far, each right */
    unsigned moves, left, closed;
};

static atomic_uint move_mistakes, visitors, movers_opened, movers_gone, moves_done;

static inline void check(bool right, int line)
{
    if (right)
        return;
    fprintf(stderr, "line %d: mistake\n", line);
    atomic_fetch_add(&move_mistakes, 1);
}

#define CHECK_THAT(condition) check((condition), __LINE__)

/* The byte at a place in the row that all send. */
static inline uint8_t row_byte(uint64_t at)
{
    return (uint8_t)(at * 2654435761u >> 13);
}

/* --- A client that sends the row and wants it back --- */

struct visitor {
    int fd;
    struct tls *tls; /* NULL: none */
    struct buf out, plain;
    uint64_t sent, back;
    bool secured, over;
};

static inline void visitor_begin(struct visitor *visitor, uint16_t port, struct tls_context *guest)
{
    struct sockaddr_in at = loopback(port);
    *visitor = (struct visitor){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    CHECK_THAT(connect(visitor->fd, (struct sockaddr *)&at, sizeof at) == 0);
    atomic_fetch_add(&visitors, 1);
    CHECK_THAT(fcntl(visitor->fd, F_SETFL, O_NONBLOCK) == 0);
    if (guest)
        visitor->tls = tls_new_client(guest, "one.test", &visitor->out);
    visitor->secured = !guest;
}

static inline void visitor_end(struct visitor *visitor)
{
    tls_free(visitor->tls);
    buf_fini(&visitor->out);
    buf_fini(&visitor->plain);
    close(visitor->fd);
}

static inline void visitor_says_more(struct visitor *visitor, size_t len)
{
    uint8_t bytes[4096];
    for (size_t i = 0; i < len; i++)
        bytes[i] = row_byte(visitor->sent++);
    if (!visitor->tls)
        buf_push(&visitor->out, bytes, len);
    else
        CHECK_THAT(!tls_output(visitor->tls, (struct str){(char *)bytes, len}, &visitor->out));
}

static inline void visitor_hears(struct visitor *visitor, struct str bytes)
{
    if (!visitor->tls)
        buf_push_str(&visitor->plain, bytes);
    else if (tls_input(visitor->tls, bytes, &visitor->plain, &visitor->out, &visitor->secured))
        visitor->over = true;
    for (size_t i = 0; i < buf_len(&visitor->plain); i++)
        CHECK_THAT(buf_at(&visitor->plain)[i] == row_byte(visitor->back++));
    buf_fini(&visitor->plain);
}

/* Sends and receives what is possible now. */
static inline void visitor_turn(struct visitor *visitor)
{
    static _Thread_local char bytes[16384];
    struct pollfd poll_fd = {.fd = visitor->fd, .events = POLLIN};
    if (buf_len(&visitor->out))
        poll_fd.events |= POLLOUT;
    poll(&poll_fd, 1, 1);
    if (buf_len(&visitor->out)) {
        ssize_t sent =
            send(visitor->fd, buf_at(&visitor->out), buf_len(&visitor->out), MSG_NOSIGNAL);
        if (sent > 0)
            buf_pop(&visitor->out, (size_t)sent);
    }
    ssize_t got = recv(visitor->fd, bytes, sizeof bytes, 0);
    if (got > 0)
        visitor_hears(visitor, (struct str){bytes, (size_t)got});
    else if (got == 0 || errno != EAGAIN)
        visitor->over = true;
}

#endif
