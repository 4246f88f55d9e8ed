/*
 * The general heap. Memory may be freed on another thread than the one that took it, but on hot
 * paths it goes home instead (arena.h, blob.h). Out of memory panics: the shortage that a server
 * can survive is a full cap (limits.h), not a failed malloc.
 */
#ifndef RT_MEM_H
#define RT_MEM_H

#include <stddef.h>

/* Zeroed memory of `size` bytes, aligned to max_align_t. Owner: the caller. Any thread. */
void *mem_zalloc(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));

/* As mem_zalloc, aligned to `align` (a power of two): for structs with cache lines of their own. */
void *mem_zalloc_aligned(size_t size, size_t align) __attribute__((malloc, returns_nonnull));

/* As mem_zalloc, not zeroed. */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));

/* As realloc(3); `old` may be NULL. */
void *mem_realloc(void *old, size_t size) __attribute__((returns_nonnull, alloc_size(2)));

/* A copy of `len` bytes with a NUL behind them. */
char *mem_strndup(const char *text, size_t len) __attribute__((malloc, returns_nonnull));
char *mem_strdup(const char *text) __attribute__((malloc, returns_nonnull));

/* Gives memory back; NULL is fine. */
void mem_free(void *memory);

/* Zeroes secrets in a way that the compiler keeps. */
void mem_wipe(void *memory, size_t size);

/* The version of the allocator, for --version. */
const char *mem_version(void);

#endif
