/*
 * A byte queue: append behind, consume in front. Holds no memory while empty, so that an idle
 * connection costs nothing. One owner, one thread at a time.
 */
#ifndef RT_BUF_H
#define RT_BUF_H

#include "text.h"

#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *memory;
    size_t start, end, room; /* the bytes are memory[start..end) */
};

static inline size_t buf_len(const struct buf *buf)
{
    return buf->end - buf->start;
}

static inline uint8_t *buf_at(const struct buf *buf)
{
    return buf->memory ? buf->memory + buf->start : NULL; /* NULL + 0 is undefined in C17 */
}

static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){(const char *)buf_at(buf), buf_len(buf)};
}

/* Gives back the memory and empties it. A zeroed struct is an empty buf; no init is needed. */
void buf_fini(struct buf *buf);

/* Room for `len` more bytes; the caller writes there and calls buf_grow. */
uint8_t *buf_reserve(struct buf *buf, size_t len) __attribute__((returns_nonnull));

static inline void buf_grow(struct buf *buf, size_t len)
{
    buf->end += len;
}

/* Appends a copy. */
void buf_push(struct buf *buf, const void *bytes, size_t len);

static inline void buf_push_str(struct buf *buf, struct str s)
{
    buf_push(buf, s.at, s.len);
}

/* Appends as printf does. */
void buf_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes `len` bytes away in front; gives the memory back when nothing is left. */
void buf_pop(struct buf *buf, size_t len);

#endif
