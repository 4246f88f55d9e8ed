#include "arena.h"

#include "limits.h"
#include "mem.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *older;
    size_t len; /* with this header */
    _Alignas(max_align_t) char room[];
};

static _Thread_local struct {
    struct arena_chunk *free;
    unsigned count;
} pool;

static struct arena_chunk *chunk_new(size_t len)
{
    if (len == LIMIT_ARENA_CHUNK && pool.free) {
        struct arena_chunk *chunk = pool.free;
        pool.free = chunk->older;
        pool.count--;
        return chunk;
    }
    struct arena_chunk *chunk = mem_alloc(len);
    chunk->len = len;
    return chunk;
}

static void chunk_free(struct arena_chunk *chunk)
{
    if (chunk->len == LIMIT_ARENA_CHUNK && pool.count < LIMIT_ARENA_POOL) {
        chunk->older = pool.free;
        pool.free = chunk;
        pool.count++;
        return;
    }
    mem_free(chunk);
}

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

void arena_fini(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunks;
    while (chunk) {
        struct arena_chunk *older = chunk->older;
        chunk_free(chunk);
        chunk = older;
    }
    *arena = (struct arena){0};
}

static void grow(struct arena *arena, size_t size)
{
    size_t need = size + sizeof(struct arena_chunk);
    struct arena_chunk *chunk = chunk_new(need <= LIMIT_ARENA_CHUNK ? LIMIT_ARENA_CHUNK : need);
    chunk->older = arena->chunks;
    arena->chunks = chunk;
    arena->taken_len += chunk->len;
    arena->next = chunk->room;
    arena->end = (char *)chunk + chunk->len;
}

void *arena_take(struct arena *arena, size_t size)
{
    size_t least = size ? size : 1; /* nothing has an address, too, even in an empty arena */
    size_t rounded = (least + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    if ((size_t)(arena->end - arena->next) < rounded)
        grow(arena, rounded);
    void *memory = arena->next;
    arena->next += rounded;
    return memory;
}

void *arena_zero(struct arena *arena, size_t size)
{
    return memset(arena_take(arena, size), 0, size);
}

struct str arena_str(struct arena *arena, struct str s)
{
    char *copy = arena_take(arena, s.len + 1);
    if (s.len)
        memcpy(copy, s.at, s.len);
    copy[s.len] = '\0';
    return (struct str){copy, s.len};
}

struct str arena_format(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    size_t need = len < 0 ? 0 : (size_t)len;
    char *text = arena_take(arena, need + 1);
    vsnprintf(text, need + 1, format, again);
    va_end(again);
    va_end(args);
    return (struct str){text, need};
}

void arena_pool_drop(void)
{
    while (pool.free) {
        struct arena_chunk *chunk = pool.free;
        pool.free = chunk->older;
        mem_free(chunk);
    }
    pool.count = 0;
}
