#include "buf.h"

#include "check.h"
#include "mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buf_fini(struct buf *buf)
{
    mem_free(buf->memory);
    *buf = (struct buf){0};
}

uint8_t *buf_reserve(struct buf *buf, size_t len)
{
    size_t have = buf_len(buf);
    if (buf->room - buf->end >= len && buf->memory)
        return buf->memory + buf->end;
    size_t room = buf->room ? buf->room : 512;
    while (room < have + len)
        room *= 2;
    /* Moving to the front is enough when the consumed part is at least half: amortised constant. */
    if (room == buf->room && buf->start >= have) {
        memmove(buf->memory, buf->memory + buf->start, have);
    } else {
        if (room == buf->room)
            room *= 2;
        uint8_t *memory = mem_alloc(room);
        if (have)
            memcpy(memory, buf->memory + buf->start, have);
        mem_free(buf->memory);
        buf->memory = memory;
        buf->room = room;
    }
    buf->start = 0;
    buf->end = have;
    return buf->memory + buf->end;
}

void buf_push(struct buf *buf, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    memcpy(buf_reserve(buf, len), bytes, len);
    buf->end += len;
}

void buf_format(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    if (len > 0) {
        uint8_t *room = buf_reserve(buf, (size_t)len + 1);
        vsnprintf((char *)room, (size_t)len + 1, format, again);
        buf->end += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

void buf_pop(struct buf *buf, size_t len)
{
    CHECK(len <= buf_len(buf));
    buf->start += len;
    if (buf->start == buf->end)
        buf_fini(buf);
}
