/*
 * An arena: memory for one journey (a stanza, a stream header), freed as a whole. Taking from it is
 * a few instructions. Its chunks come from a pool of the running thread and go back to the pool of
 * the thread that frees the arena; the pool is capped, what is over goes to the general heap.
 * An arena belongs to one thread at a time and may be moved with its mail.
 */
#ifndef RT_ARENA_H
#define RT_ARENA_H

#include "text.h"

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    char *next, *end;           /* what is left of the newest chunk */
    size_t taken_len;           /* bytes of all chunks */
};

/* An empty arena; it takes its first chunk with the first arena_take. */
void arena_init(struct arena *arena);

/* Frees all that was taken. */
void arena_fini(struct arena *arena);

/* `size` bytes aligned to max_align_t, not zeroed. Never fails (mem.h). */
void *arena_take(struct arena *arena, size_t size) __attribute__((returns_nonnull));

/* As arena_take, zeroed. */
void *arena_zero(struct arena *arena, size_t size) __attribute__((returns_nonnull));

/* A copy with a NUL behind it (the NUL is not counted in len). */
struct str arena_str(struct arena *arena, struct str s);

/* printf into the arena, NUL-terminated. */
struct str arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Gives the running thread's pooled chunks back to the heap. Call when a thread ends. */
void arena_pool_drop(void);

#endif
