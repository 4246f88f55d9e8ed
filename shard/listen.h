/*
 * A listening address: one socket a shard with SO_REUSEPORT, or one for all. Its cap on connections
 * is a real one: a shard that sees a connection wait accepts it only after it has reserved a place,
 * so that what is over waits in the kernel's backlog.
 */
#ifndef RT_LISTEN_H
#define RT_LISTEN_H

#include "shard.h"

#include <stdatomic.h>

struct listener;

/* A connection came; `fd` is the callee's. It gives its place back with listener_release. */
typedef void listen_fn(struct listener *listener, int fd);

struct acceptor {
    struct op op;
    struct timer retry;
    struct listener *listener;
    int fd;
    bool stopped;
};

struct listener {
    struct address at;
    int backlog;
    bool reuse_port;
    uint64_t max_connections;
    listen_fn *on_connection;
    void *own;
    /* private */
    atomic_ullong count;
    struct acceptor *acceptors; /* one a shard */
};

/* Binds and listens, at boot. On failure nothing is held, and *why is a sentence. */
RT_NODISCARD enum err listener_open(struct listener *listener, unsigned shards, const char **why);

/* Begins to accept on the running shard. */
void listener_start(struct listener *listener);

/* Accepts no more, on the running shard. */
void listener_stop(struct listener *listener);

/* A connection is over. Any thread. */
void listener_release(struct listener *listener);

/* Closes the sockets; after all shards have ended. */
void listener_close(struct listener *listener);

extern struct metric *const listen_metrics[];

#endif
