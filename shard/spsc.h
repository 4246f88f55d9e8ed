/*
 * A bounded ring of pointers for one producer and one consumer. The indices stand on cache lines of
 * their own; each side keeps a copy of the other's index and reads the real one only when the copy
 * says full or empty. Publish is a store-release, read a load-acquire, nothing stronger: on arm64
 * that is stlr and ldar.
 */
#ifndef RT_SPSC_H
#define RT_SPSC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* 128: two 64-byte lines, because of adjacent-line prefetch, and right for CPUs with 128-byte
 * lines. */
#define SPSC_LINE 128

struct spsc {
    _Alignas(SPSC_LINE) _Atomic size_t head; /* written by the producer */
    size_t tail_seen;
    _Alignas(SPSC_LINE) _Atomic size_t tail; /* written by the consumer */
    size_t head_seen;
    _Alignas(SPSC_LINE) size_t mask;
    void **slots;
};

/* `room` is a power of two. */
void spsc_init(struct spsc *ring, size_t room);
void spsc_fini(struct spsc *ring);

/* Producer: writes as many of `count` as there is room for and publishes them at once. */
size_t spsc_push(struct spsc *ring, void *const *items, size_t count);

/* Consumer: takes up to `count`. */
size_t spsc_pop(struct spsc *ring, void **items, size_t count);

/* Consumer: true when nothing is published. */
bool spsc_empty(const struct spsc *ring);

#endif
