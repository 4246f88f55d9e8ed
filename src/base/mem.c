#include "mem.h"

#include "check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The sanitizers must see every allocation, so their builds use the C library's heap. */
#ifdef RINGTAIL_MIMALLOC
#include <mimalloc.h>
#define heap_malloc               mi_malloc
#define heap_zalloc               mi_zalloc
#define heap_realloc              mi_realloc
#define heap_free                 mi_free
#define heap_aligned(size, align) mi_malloc_aligned(size, align)
#else
#define heap_malloc               malloc
#define heap_zalloc(size)         calloc(1, size)
#define heap_realloc              realloc
#define heap_free                 free
#define heap_aligned(size, align) aligned_alloc(align, size)
#endif

static void *taken(void *memory, size_t size)
{
    if (!memory)
        PANIC("out of memory for %zu bytes", size);
    return memory;
}

void *mem_zalloc(size_t size)
{
    return taken(heap_zalloc(size ? size : 1), size);
}

void *mem_zalloc_aligned(size_t size, size_t align)
{
    size_t rounded = (size + align - 1) & ~(align - 1); /* aligned_alloc(3) wants a multiple */
    return memset(taken(heap_aligned(rounded ? rounded : align, align), size), 0, rounded);
}

void *mem_alloc(size_t size)
{
    return taken(heap_malloc(size ? size : 1), size);
}

void *mem_realloc(void *old, size_t size)
{
    return taken(heap_realloc(old, size ? size : 1), size);
}

char *mem_strndup(const char *text, size_t len)
{
    char *copy = mem_alloc(len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *mem_strdup(const char *text)
{
    return mem_strndup(text, strlen(text));
}

void mem_free(void *memory)
{
    heap_free(memory);
}

void mem_wipe(void *memory, size_t size)
{
    explicit_bzero(memory, size);
}

const char *mem_version(void)
{
#ifdef RINGTAIL_MIMALLOC
    static char text[32];
    int version = mi_version();
    snprintf(text, sizeof text, "mimalloc %d.%d.%d", version / 100, version / 10 % 10,
             version % 10);
    return text;
#else
    return "libc malloc";
#endif
}
