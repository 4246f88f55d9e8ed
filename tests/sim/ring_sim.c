/* The ring's other body: an in-memory network that is as unkind as its seed says. */
#include "sim.h"

#include "check.h"
#include "mem.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

enum { SOCKETS_MAX = 256, WINDOW = 65536, PENDING_MAX = 16384 };

/* One direction: bytes on their way, and whether the writer has ended. */
struct pipe {
    struct buf bytes;
    bool ended;
};

struct socket {
    bool used, listening, reset, server_closed, client_gone, stopped, only_look;
    uint16_t port;
    struct pipe to_server, to_client;
    struct op *recv, *send, *accept;
    struct ring *recv_ring, *send_ring, *accept_ring;
    const uint8_t *send_bytes;
    size_t send_len;
    int backlog[256];
    size_t backlog_count;
    bool eof_told;
};

struct sim_peer {
    int fd;
    struct buf received;
};

struct ring {
    struct {
        struct op *op;
        int result;
    } pending[PENDING_MAX]; /* completions without data */
    size_t pending_count;
};

static struct socket *sockets[SOCKETS_MAX];
static struct sim_peer *peers[SOCKETS_MAX];

static struct socket *at(int fd)
{
    CHECK(fd >= 0 && fd < SOCKETS_MAX && sockets[fd] && sockets[fd]->used);
    return sockets[fd];
}

static int new_socket(void)
{
    for (int fd = 3; fd < SOCKETS_MAX; fd++) {
        if (sockets[fd] && sockets[fd]->used)
            continue;
        if (!sockets[fd])
            sockets[fd] = mem_zalloc(sizeof *sockets[fd]);
        sockets[fd]->used = true;
        return fd;
    }
    PANIC("the simulator is out of sockets");
}

static void free_socket(int fd)
{
    struct socket *socket = sockets[fd];
    if (!socket->server_closed || !socket->client_gone || socket->recv || socket->send)
        return;
    buf_fini(&socket->to_server.bytes);
    buf_fini(&socket->to_client.bytes);
    memset(socket, 0, sizeof *socket);
}

/* --- ring.h --- */

enum err ring_probe(const char **text)
{
    *text = "simulated";
    return ERR_OK;
}

const char *ring_version(void)
{
    return "simulated ring";
}

enum err ring_new(struct ring **out)
{
    *out = mem_zalloc(sizeof **out);
    return ERR_OK;
}

void ring_free(struct ring *ring)
{
    mem_free(ring);
}

enum err ring_listen(struct address address, int backlog, bool reuse_port, int *fd)
{
    (void)backlog;
    (void)reuse_port;
    *fd = new_socket();
    at(*fd)->listening = true;
    at(*fd)->port = address.port;
    return ERR_OK;
}

enum err ring_listen_unix(const char *path, int *fd)
{
    (void)path;
    *fd = new_socket();
    at(*fd)->listening = true;
    return ERR_OK;
}

void ring_unlisten(int fd)
{
    if (sockets[fd]) /* the network may be gone already */
        memset(sockets[fd], 0, sizeof *sockets[fd]);
}

static void complete(struct ring *ring, struct op *op, int result)
{
    CHECK(ring->pending_count < PENDING_MAX);
    ring->pending[ring->pending_count].op = op;
    ring->pending[ring->pending_count++].result = result;
}

void ring_accept(struct ring *ring, struct op *op, int fd)
{
    op->armed = true;
    at(fd)->only_look = false;
    at(fd)->accept = op;
    at(fd)->accept_ring = ring;
}

enum err ring_connect(struct ring *ring, struct op *op, struct address to, int *fd)
{
    (void)ring;
    (void)op;
    (void)to;
    *fd = -1;
    return ERR_UNSUPPORTED;
}

void ring_recv(struct ring *ring, struct op *op, int fd)
{
    CHECK(!at(fd)->recv);
    op->armed = true;
    at(fd)->recv = op;
    at(fd)->recv_ring = ring;
}

void ring_send(struct ring *ring, struct op *op, int fd, const void *bytes, size_t len)
{
    struct socket *socket = at(fd);
    CHECK(!socket->send);
    op->armed = true;
    socket->send = op;
    socket->send_ring = ring;
    socket->send_bytes = bytes;
    socket->send_len = len;
}

void ring_poll(struct ring *ring, struct op *op, int fd, unsigned events)
{
    (void)ring;
    (void)op;
    (void)events;
    PANIC("the simulator polls no descriptor (%d)", fd);
}

void ring_readable(struct ring *ring, struct op *op, int fd)
{
    CHECK(at(fd)->listening);
    ring_accept(ring, op, fd);
    at(fd)->only_look = true;
}

void ring_cancel(struct ring *ring, struct op *op)
{
    for (int fd = 0; fd < SOCKETS_MAX; fd++) {
        struct socket *socket = sockets[fd];
        if (!socket || !socket->used)
            continue;
        if (socket->recv == op)
            socket->recv = NULL;
        else if (socket->accept == op)
            socket->accept = NULL;
        else
            continue;
        complete(ring, op, -ECANCELED);
        return;
    }
}

void ring_shutdown(struct ring *ring, int fd, int how)
{
    struct socket *socket = at(fd);
    (void)ring;
    socket->to_client.ended = true;
    if (how == SHUT_RDWR)
        socket->to_server.ended = true;
}

void ring_close(struct ring *ring, int fd)
{
    (void)ring;
    if (fd < 0)
        return;
    at(fd)->server_closed = true;
    at(fd)->to_client.ended = true;
    free_socket(fd);
}

void ring_peer(int fd, char *out, size_t room)
{
    (void)fd;
    text_copy(out, room, STR("192.0.2.1"));
}

bool ring_pending(const struct ring *ring)
{
    return ring->pending_count > 0;
}

void ring_wait(struct ring *ring, uint64_t wait_us)
{
    (void)ring;
    (void)wait_us;
}

void ring_wake(struct ring *ring, struct ring *target)
{
    (void)ring;
    (void)target;
}

void ring_wake_outside(struct ring *target)
{
    (void)target;
}

/* --- What completes in a turn --- */

static size_t piece(size_t len)
{
    if (len > 1 && sim_chance(sim_faults.split_percent))
        return 1 + prng_below(&sim_prng, len);
    return len;
}

static bool late(void)
{
    return sim_chance(sim_faults.delay_percent);
}

static void finish_op(struct op *op, int result, const uint8_t *data, bool more)
{
    op->armed = more;
    op->done(op, result, data, more);
}

static size_t run_pending(struct ring *ring)
{
    size_t count = ring->pending_count, ran = 0;
    for (size_t i = 0; i < count; i++) {
        struct op *op = ring->pending[i].op;
        if (!op)
            continue;
        if (late())
            continue;
        int result = ring->pending[i].result;
        ring->pending[i].op = NULL;
        finish_op(op, result, NULL, false);
        ran++;
    }
    size_t kept = 0;
    for (size_t i = 0; i < ring->pending_count; i++)
        if (ring->pending[i].op)
            ring->pending[kept++] = ring->pending[i];
    ring->pending_count = kept;
    return ran;
}

static void run_accept(struct socket *socket)
{
    struct op *op = socket->accept;
    if (socket->only_look) {
        socket->accept = NULL;
        finish_op(op, 1, NULL, false);
        return;
    }
    int fd = socket->backlog[0];
    memmove(socket->backlog, socket->backlog + 1, --socket->backlog_count * sizeof(int));
    socket->accept = NULL;
    finish_op(op, fd, NULL, false);
}

static void run_recv(struct socket *socket)
{
    struct op *op = socket->recv;
    struct buf *bytes = &socket->to_server.bytes;
    if (socket->reset) {
        socket->recv = NULL;
        finish_op(op, -ECONNRESET, NULL, false);
        return;
    }
    if (buf_len(bytes) == 0) {
        socket->recv = NULL;
        finish_op(op, 0, NULL, false);
        return;
    }
    size_t len = piece(buf_len(bytes) < 4096 ? buf_len(bytes) : 4096);
    uint8_t copy[4096];
    memcpy(copy, buf_at(bytes), len);
    buf_pop(bytes, len);
    bool more = !sim_chance(5); /* now and then the kernel disarms a multishot receive */
    if (!more)
        socket->recv = NULL;
    finish_op(op, (int)len, copy, more);
}

static void run_send(struct socket *socket)
{
    struct op *op = socket->send;
    struct buf *bytes = &socket->to_client.bytes;
    size_t room = buf_len(bytes) < WINDOW ? WINDOW - buf_len(bytes) : 0;
    int result = socket->reset || socket->to_client.ended || socket->client_gone ? -EPIPE : 0;
    if (!result) {
        size_t len = piece(socket->send_len < room ? socket->send_len : room);
        buf_push(bytes, socket->send_bytes, len);
        result = (int)len;
    }
    socket->send = NULL;
    finish_op(op, result, NULL, false);
}

static bool can_recv(const struct socket *socket, const struct ring *ring)
{
    return socket->recv && socket->recv_ring == ring &&
           (buf_len(&socket->to_server.bytes) || socket->to_server.ended || socket->reset);
}

static bool can_send(const struct socket *socket, const struct ring *ring)
{
    return socket->send && socket->send_ring == ring &&
           (buf_len(&socket->to_client.bytes) < WINDOW || socket->reset || socket->client_gone ||
            socket->to_client.ended);
}

static void run_socket(struct ring *ring, struct socket *socket)
{
    if (socket->accept && socket->accept_ring == ring && socket->backlog_count && !late())
        run_accept(socket);
    if (socket->used && can_recv(socket, ring) && !late())
        run_recv(socket);
    if (socket->used && can_send(socket, ring) && !late())
        run_send(socket);
}

static void maybe_reset(struct socket *socket)
{
    if (socket->used && !socket->listening && !socket->client_gone &&
        prng_below(&sim_prng, 1000000) < sim_faults.reset_per_million)
        socket->reset = true;
}

size_t ring_reap(struct ring *ring)
{
    size_t ran = run_pending(ring);
    int start = (int)prng_below(&sim_prng, SOCKETS_MAX);
    for (int i = 0; i < SOCKETS_MAX; i++) {
        int fd = (start + i) % SOCKETS_MAX;
        if (!sockets[fd] || !sockets[fd]->used)
            continue;
        maybe_reset(sockets[fd]);
        run_socket(ring, sockets[fd]);
        if (sockets[fd]->used)
            free_socket(fd);
    }
    return ran;
}

/* --- The clients' side --- */

struct sim_peer *sim_connect(uint16_t port)
{
    int listening[64], count = 0;
    for (int fd = 0; fd < SOCKETS_MAX; fd++)
        if (sockets[fd] && sockets[fd]->used && sockets[fd]->listening &&
            sockets[fd]->port == port && count < 64)
            listening[count++] = fd;
    if (count == 0)
        return NULL;
    int listener = listening[prng_below(&sim_prng, (uint64_t)count)];
    struct sim_peer *peer = mem_zalloc(sizeof *peer);
    peer->fd = new_socket();
    CHECK(at(listener)->backlog_count < 256);
    at(listener)->backlog[at(listener)->backlog_count++] = peer->fd;
    peers[peer->fd] = peer;
    return peer;
}

void sim_send(struct sim_peer *peer, struct str bytes)
{
    struct socket *socket = at(peer->fd);
    if (!socket->server_closed)
        buf_push_str(&socket->to_server.bytes, bytes);
}

struct buf *sim_received(struct sim_peer *peer)
{
    struct buf *bytes = &at(peer->fd)->to_client.bytes;
    if (!at(peer->fd)->stopped) {
        buf_push_str(&peer->received, buf_str(bytes));
        buf_fini(bytes);
    }
    return &peer->received;
}

bool sim_is_closed(const struct sim_peer *peer)
{
    const struct socket *socket = at(peer->fd);
    return (socket->to_client.ended || socket->reset) && !socket->send &&
           buf_len(&socket->to_client.bytes) == 0;
}

void sim_stop_reading(struct sim_peer *peer, bool stop)
{
    at(peer->fd)->stopped = stop;
}

static void leave(struct sim_peer *peer)
{
    struct socket *socket = at(peer->fd);
    socket->client_gone = true;
    socket->to_server.ended = true;
    buf_fini(&socket->to_client.bytes);
    buf_fini(&peer->received);
    peers[peer->fd] = NULL;
    free_socket(peer->fd);
    mem_free(peer);
}

void sim_finish(struct sim_peer *peer)
{
    leave(peer);
}

void sim_reset(struct sim_peer *peer)
{
    at(peer->fd)->reset = true;
    leave(peer);
}

/* --- For sim.c --- */

bool sim_ring_busy(void)
{
    for (unsigned i = 0; i < shard_count; i++)
        if (shard_at(i) && shard_at(i)->ring->pending_count)
            return true;
    for (int fd = 0; fd < SOCKETS_MAX; fd++) {
        const struct socket *s = sockets[fd];
        if (!s || !s->used)
            continue;
        if (s->listening ? s->accept && s->backlog_count
                         : can_recv(s, s->recv_ring) || can_send(s, s->send_ring))
            return true;
    }
    return false;
}

size_t sim_ring_sockets(void)
{
    size_t count = 0;
    for (int fd = 0; fd < SOCKETS_MAX; fd++)
        count += sockets[fd] && sockets[fd]->used && !sockets[fd]->listening &&
                 !sockets[fd]->server_closed;
    return count;
}

void sim_ring_forget(void)
{
    for (int fd = 0; fd < SOCKETS_MAX; fd++) {
        if (peers[fd])
            leave(peers[fd]);
        if (!sockets[fd])
            continue;
        buf_fini(&sockets[fd]->to_server.bytes);
        buf_fini(&sockets[fd]->to_client.bytes);
        mem_free(sockets[fd]);
        sockets[fd] = NULL;
    }
}
