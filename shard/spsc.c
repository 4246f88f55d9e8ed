#include "spsc.h"

#include "check.h"
#include "mem.h"

void spsc_init(struct spsc *ring, size_t room)
{
    CHECK(room && (room & (room - 1)) == 0);
    *ring = (struct spsc){.mask = room - 1, .slots = mem_zalloc(room * sizeof(void *))};
}

void spsc_fini(struct spsc *ring)
{
    mem_free(ring->slots);
    ring->slots = NULL;
}

size_t spsc_push(struct spsc *ring, void *const *items, size_t count)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t room = ring->mask + 1 - (head - ring->tail_seen);
    if (room < count) {
        ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
        room = ring->mask + 1 - (head - ring->tail_seen);
    }
    if (count > room)
        count = room;
    for (size_t i = 0; i < count; i++)
        ring->slots[(head + i) & ring->mask] = items[i];
    atomic_store_explicit(&ring->head, head + count, memory_order_release);
    return count;
}

size_t spsc_pop(struct spsc *ring, void **items, size_t count)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    size_t have = ring->head_seen - tail;
    if (have < count) {
        ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        have = ring->head_seen - tail;
    }
    if (count > have)
        count = have;
    for (size_t i = 0; i < count; i++)
        items[i] = ring->slots[(tail + i) & ring->mask];
    atomic_store_explicit(&ring->tail, tail + count, memory_order_release);
    return count;
}

bool spsc_empty(const struct spsc *ring)
{
    return atomic_load_explicit(&ring->head, memory_order_acquire) ==
           atomic_load_explicit(&ring->tail, memory_order_relaxed);
}
