#include "listen.h"

#include "check.h"
#include "log.h"
#include "mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { RETRY_MS = 20 };

static struct metric waits = {"accept_waits_total",
                              "Times a listener waited because its max_connections were reached.",
                              METRIC_COUNTER, 0};
static struct metric failures = {"accept_failures_total", "Failed accepts (out of descriptors …).",
                                 METRIC_COUNTER, 0};

struct metric *const listen_metrics[] = {&waits, &failures, NULL};

static void watch(struct acceptor *acceptor);

static const char *say_why(const struct listener *listener, enum err err)
{
    static _Thread_local char text[256]; /* good until the next failure */
    snprintf(text, sizeof text, "cannot listen at %s port %u: %s", listener->at.ip,
             listener->at.port,
             err == ERR_INVALID ? "not an IPv4 or IPv6 address" : strerror(errno));
    return text;
}

/* With SO_REUSEPORT a second server would silently share the port with a first one and take half of
 * its connections: without it, binding fails while anybody listens there. */
static enum err check_free(const struct listener *listener)
{
    int fd;
    enum err err = ring_listen(listener->at, 1, false, &fd);
    if (!err)
        ring_unlisten(fd);
    return err;
}

static enum err open_sockets(struct listener *listener, unsigned shards)
{
    for (unsigned i = 0; i < shards; i++) {
        struct acceptor *acceptor = &listener->acceptors[i];
        acceptor->listener = listener;
        acceptor->fd = listener->acceptors[0].fd;
        enum err err =
            i > 0 && !listener->reuse_port
                ? ERR_OK
                : ring_listen(listener->at, listener->backlog, listener->reuse_port, &acceptor->fd);
        if (err) {
            acceptor->fd = -1;
            return err;
        }
    }
    return ERR_OK;
}

static void close_sockets(struct listener *listener, unsigned shards)
{
    for (unsigned i = 0; listener->acceptors && i < shards; i++)
        if (listener->acceptors[i].fd >= 0 && (i == 0 || listener->reuse_port))
            ring_unlisten(listener->acceptors[i].fd);
    mem_free(listener->acceptors);
    listener->acceptors = NULL;
}

enum err listener_open(struct listener *listener, unsigned shards, const char **why)
{
    enum err err = listener->reuse_port ? check_free(listener) : ERR_OK;
    if (!err) {
        listener->acceptors = mem_zalloc(shards * sizeof *listener->acceptors);
        for (unsigned i = 0; i < shards; i++)
            listener->acceptors[i].fd = -1;
        err = open_sockets(listener, shards);
    }
    if (err) {
        *why = say_why(listener, err);
        close_sockets(listener, shards);
    }
    return err;
}

static bool reserve(struct listener *listener)
{
    if (atomic_fetch_add(&listener->count, 1) < listener->max_connections)
        return true;
    atomic_fetch_sub(&listener->count, 1);
    return false;
}

static void on_retry(struct timer *timer)
{
    watch((struct acceptor *)((char *)timer - offsetof(struct acceptor, retry)));
}

static struct acceptor *owner_of(struct op *op)
{
    return (struct acceptor *)((char *)op - offsetof(struct acceptor, op));
}

static void failed(struct acceptor *acceptor, int error)
{
    metric_count(&failures);
    LOG(LOG_WARNING, "accept_failed", LF("why", strerror(error)),
        LF_INT("port", acceptor->listener->at.port));
    shard_after(&acceptor->retry, RETRY_MS, on_retry);
}

static void on_accept(struct op *op, int result, const uint8_t *data, bool more)
{
    struct acceptor *acceptor = owner_of(op);
    (void)data;
    (void)more;
    if (result >= 0) {
        acceptor->listener->on_connection(acceptor->listener, result);
        watch(acceptor);
        return;
    }
    listener_release(acceptor->listener);
    if (result == -ECANCELED || acceptor->stopped)
        return;
    if (result == -EAGAIN) /* another shard was faster, or the client is gone */
        watch(acceptor);
    else
        failed(acceptor, -result);
}

static void on_waiting(struct op *op, int result, const uint8_t *data, bool more)
{
    struct acceptor *acceptor = owner_of(op);
    (void)data;
    (void)more;
    if (result == -ECANCELED || acceptor->stopped)
        return;
    if (result < 0) {
        failed(acceptor, -result);
        return;
    }
    if (!reserve(acceptor->listener)) {
        metric_count(&waits);
        shard_after(&acceptor->retry, RETRY_MS, on_retry);
        return;
    }
    acceptor->op.done = on_accept;
    ring_accept(shard_self->ring, &acceptor->op, acceptor->fd);
}

/* A place is reserved only when a connection waits for it: a shard that sleeps holds none. */
static void watch(struct acceptor *acceptor)
{
    if (acceptor->stopped)
        return;
    acceptor->op.done = on_waiting;
    ring_readable(shard_self->ring, &acceptor->op, acceptor->fd);
}

void listener_start(struct listener *listener)
{
    watch(&listener->acceptors[shard_self->id]);
}

void listener_stop(struct listener *listener)
{
    struct acceptor *acceptor = &listener->acceptors[shard_self->id];
    acceptor->stopped = true;
    shard_drop(&acceptor->retry);
    if (acceptor->op.armed)
        ring_cancel(shard_self->ring, &acceptor->op);
}

void listener_release(struct listener *listener)
{
    atomic_fetch_sub(&listener->count, 1);
}

void listener_close(struct listener *listener)
{
    close_sockets(listener, shard_count);
}
