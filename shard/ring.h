/*
 * The ring of a shard: what a shard asks of the kernel. One body talks io_uring (ring_uring.c), the
 * simulator links another. A request is an op inside its owner; it must stay where it is until its
 * last completion has been seen. One thread a ring, except for ring_wake_outside.
 */
#ifndef RT_RING_H
#define RT_RING_H

#include "err.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;
struct op;

/* A completion. `result`: bytes, a descriptor or poll events; negative: -errno (-ECANCELED after
 * ring_cancel). `data`: what a recv got, valid during the call. `more`: the request is still armed.
 */
typedef void op_fn(struct op *op, int result, const uint8_t *data, bool more);

struct op {
    op_fn *done;
    bool armed; /* kept by the ring */
};

/* An address to listen at or connect to. */
struct address {
    const char *ip; /* IPv4 or IPv6, numeric */
    uint16_t port;
};

/* Says in one sentence what this kernel or container lacks (ERR_UNSUPPORTED), or which optional
 * features are in use (ERR_OK). `text` outlives the process. Any thread. */
RT_NODISCARD enum err ring_probe(const char **text);

/* A ring for the running thread. ERR_UNSUPPORTED or ERR_SYSTEM: ring_probe tells why. */
RT_NODISCARD enum err ring_new(struct ring **out);
void ring_free(struct ring *ring);

/* A listening socket; it does not block. ERR_INVALID: not an address; ERR_SYSTEM: errno says why.
 * Any thread. */
RT_NODISCARD enum err ring_listen(struct address at, int backlog, bool reuse_port, int *fd);

/* A listening Unix socket; a stale one of that name is replaced. Mode 0600. */
RT_NODISCARD enum err ring_listen_unix(const char *path, int *fd);

/* Closes a listening socket. Any thread. */
void ring_unlisten(int fd);

/* One connection: result is its descriptor; -EAGAIN when none waits and the socket is one of
 * ring_listen. */
void ring_accept(struct ring *ring, struct op *op, int fd);

/* Connects a fresh TCP socket: *fd is set at once, the completion tells the outcome. */
RT_NODISCARD enum err ring_connect(struct ring *ring, struct op *op, struct address to, int *fd);

/* All bytes that come, again and again; result 0: the other side has closed. When `more` is false
 * without an error the owner arms it again (the ring ran out of buffers). */
void ring_recv(struct ring *ring, struct op *op, int fd);

/* Sends; the bytes must stay until the completion. Result: how many went. */
void ring_send(struct ring *ring, struct op *op, int fd, const void *bytes, size_t len);

/* Waits for POLLIN, POLLOUT …; again and again. For libraries that bring their own sockets. */
void ring_poll(struct ring *ring, struct op *op, int fd, unsigned events);

/* One completion, once there is something to read (a listening socket: a connection waits). */
void ring_readable(struct ring *ring, struct op *op, int fd);

/* Ends an armed request; its last completion comes. */
void ring_cancel(struct ring *ring, struct op *op);

/* Ends one or both directions (SHUT_WR …) of a socket, and gives a descriptor back. */
void ring_shutdown(struct ring *ring, int fd, int how);
void ring_close(struct ring *ring, int fd);

/* The numeric address of the other side, "?" when it has none. */
void ring_peer(int fd, char *out, size_t room);

/* Submits what was asked for and waits at most `wait_us` for a completion (0: does not wait,
 * UINT64_MAX: without bound). */
void ring_wait(struct ring *ring, uint64_t wait_us);

/* True when ring_wait would not wait: a completion is there. No system call. */
bool ring_pending(const struct ring *ring);

/* Runs the completions that are there. Returns how many. */
size_t ring_reap(struct ring *ring);

/* Makes another ring's ring_wait return. From the thread of `ring`. */
void ring_wake(struct ring *ring, struct ring *target);

/* The same from a thread without a ring. */
void ring_wake_outside(struct ring *target);

/* Library and kernel, for --version. */
const char *ring_version(void);

#endif
