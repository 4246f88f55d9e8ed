/*
 * ringtail-relay: the floor that a server's cost is compared with. One thread hands the bytes of
 * each connection to its partner, on the same ring as the server and as cheaply as that can be
 * done: multishot receive, one copy, one send a destination and turn. It knows no XMPP. Connections
 * are paired in the order in which they come, 2k with 2k+1. With a SIZE above 2 they are in rooms
 * of so many, in that order: what comes first from each goes back to it, all else to the whole
 * room.
 *
 *   ringtail-relay IP PORT [CPU [SIZE]]
 */
#include "affinity.h"
#include "boot.h"
#include "limits.h"
#include "mem.h"
#include "ring.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

/* Memory that is kept, because the cheapest allocation is none. */
struct pile {
    uint8_t *bytes;
    size_t len, room;
};

struct end {
    int fd;
    bool live, dirty, greeted;
    struct op recv, send;
    struct pile gathering, going; /* to this end */
};

enum { ENDS_MAX = 20000, PILE_ROOM = 4096, ROOM_MAX = 1000 };

static struct ring *ring;
static struct op accepting;
static int listening;
static unsigned size = 2;      /* of a room; 2: a pair */
static struct end *ends;       /* ENDS_MAX, and a room more: the last one may not be full */
static unsigned taken, alive;  /* both are 0 again when all have gone: pairing begins anew */
static unsigned *dirty, count; /* ends to flush in this turn */

#define OWNER(pointer, field) ((struct end *)((char *)(pointer)-offsetof(struct end, field)))

static void pile_push(struct pile *pile, const uint8_t *bytes, size_t len)
{
    size_t room = pile->room ? pile->room : PILE_ROOM;
    while (room < pile->len + len)
        room *= 2;
    if (room != pile->room) {
        pile->bytes = mem_realloc(pile->bytes, room);
        pile->room = room;
    }
    memcpy(pile->bytes + pile->len, bytes, len);
    pile->len += len;
}

/* The first of the room. */
static struct end *leader(const struct end *end)
{
    return &ends[(unsigned)(end - ends) / size * size];
}

static void mark_dirty(struct end *end)
{
    if (end->dirty)
        return;
    end->dirty = true;
    dirty[count++] = (unsigned)(end - ends);
}

/* --- The end of a pair --- */

static void bury(struct end *end)
{
    if (end->live || end->fd < 0 || end->recv.armed || end->send.armed)
        return;
    ring_close(ring, end->fd);
    end->fd = -1;
    end->gathering.len = end->going.len = 0;
    if (--alive == 0)
        taken = 0;
}

static void finish(struct end *end)
{
    if (!end->live)
        return;
    end->live = false;
    if (end->recv.armed)
        ring_cancel(ring, &end->recv);
    ring_shutdown(ring, end->fd, SHUT_RDWR);
    bury(end);
}

static void finish_all(struct end *end)
{
    struct end *first = leader(end);
    for (struct end *one = first; one < first + size; one++) {
        one->gathering.len = 0; /* it may not have come yet */
        finish(one);
    }
}

/* --- Bytes --- */

static void send_next(struct end *end)
{
    if (!end->live || end->send.armed || end->gathering.len == 0)
        return;
    struct pile empty = end->going;
    end->going = end->gathering;
    end->gathering = empty;
    end->gathering.len = 0;
    ring_send(ring, &end->send, end->fd, end->going.bytes, end->going.len);
}

static void on_send(struct op *op, int result, const uint8_t *data, bool more)
{
    struct end *end = OWNER(op, send);
    (void)data;
    (void)more;
    if (result != (int)end->going.len) /* the ring sends all or fails */
        finish_all(end);
    bury(end);
    send_next(end);
}

static void give(struct end *to, const uint8_t *data, size_t len)
{
    pile_push(&to->gathering, data, len);
    mark_dirty(to);
    if (to->gathering.len > LIMIT_OUTPUT_MAX)
        finish_all(to);
}

static void pass_on(struct end *end, const uint8_t *data, size_t len)
{
    struct end *first = leader(end);
    bool greets = size > 2 && !end->greeted;
    end->greeted = true;
    for (struct end *to = first; to < first + size && end->live; to++)
        if (greets ? to == end : size > 2 || to != end)
            give(to, data, len);
}

static void on_recv(struct op *op, int result, const uint8_t *data, bool more)
{
    struct end *end = OWNER(op, recv);
    if (result > 0)
        pass_on(end, data, (size_t)result);
    else if (result != -ENOBUFS)
        finish_all(end);
    bury(end);
    if (!more && end->live)
        ring_recv(ring, &end->recv, end->fd);
}

static void flush(void)
{
    for (unsigned i = 0; i < count; i++) {
        ends[dirty[i]].dirty = false;
        send_next(&ends[dirty[i]]);
    }
    count = 0;
}

/* --- Connections --- */

/* What its partner sent before it came is gathered already. */
static void on_accept(struct op *op, int result, const uint8_t *data, bool more)
{
    (void)data;
    (void)more;
    if (result >= 0 && taken < ENDS_MAX) {
        struct end *end = &ends[taken++];
        alive++;
        end->fd = result;
        end->live = true;
        end->greeted = false;
        end->recv.done = on_recv;
        end->send.done = on_send;
        ring_recv(ring, &end->recv, end->fd);
        mark_dirty(end);
        if (end > leader(end) && !leader(end)->live)
            finish(end);
    } else if (result >= 0) {
        ring_close(ring, result);
    }
    ring_accept(ring, op, listening);
}

static _Noreturn void serve(void)
{
    ends = mem_zalloc((ENDS_MAX + ROOM_MAX) * sizeof *ends);
    dirty = mem_zalloc(ENDS_MAX * sizeof *dirty);
    accepting.done = on_accept;
    ring_accept(ring, &accepting, listening);
    for (;;) {
        flush();
        ring_wait(ring, UINT64_MAX);
        ring_reap(ring);
    }
}

static int listen_at(struct address at)
{
    const char *why;
    boot_descriptors();
    enum err err = ring_listen(at, 4096, false, &listening);
    if (err) {
        fprintf(stderr, "ringtail-relay: cannot listen there: %s\n", err_name(err));
        return 1;
    }
    if (ring_probe(&why) || ring_new(&ring)) {
        fprintf(stderr, "ringtail-relay: %s\n", why);
        return 1;
    }
    serve();
}

int main(int argc, char **argv)
{
    uint64_t port, cpu = 0, members = 2;
    if (argc < 3 || argc > 5 || !text_u64(str_of(argv[2]), 1, 65535, &port) ||
        (argc > 3 && !text_u64(str_of(argv[3]), 0, 4095, &cpu)) ||
        (argc > 4 && !text_u64(str_of(argv[4]), 2, ROOM_MAX, &members))) {
        fputs("ringtail-relay IP PORT [CPU [SIZE]]\n", stderr);
        return 2;
    }
    size = (unsigned)members;
    if (argc > 3 && affinity_pin((unsigned)cpu))
        fputs("ringtail-relay: this CPU cannot be had\n", stderr);
    return listen_at((struct address){argv[1], (uint16_t)port});
}
