/*
 * Lines of text over TCP between a coordinator and its workers. The calls block at most some
 * seconds; a wire that fails, or is silent for too long, is dead and stays so.
 */
#ifndef RT_WIRE_H
#define RT_WIRE_H

#include "buf.h"

#include <stdbool.h>

enum { WIRE_SILENCE_MS = 10000, WIRE_LINE_MAX = 1 << 20 };

struct wire {
    int fd;
    bool dead;
    struct buf in;
    size_t taken; /* of `in`: the line that was heard last */
    uint64_t heard_us;
};

/* Listens at or connects to "HOST:PORT" ("[IPv6]:PORT"). A descriptor, or -1 after a sentence on
 * standard error. */
int wire_listen(const char *address);
int wire_connect(const char *address);

/* Takes a connected descriptor. wire_close gives all back. */
void wire_init(struct wire *wire, int fd);
void wire_close(struct wire *wire);

/* Writes a line; the end of the line is added. */
void wire_say(struct wire *wire, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* True when a line is there within `wait_ms`; it lives until the next call. */
bool wire_hear(struct wire *wire, unsigned wait_ms, struct str *line);

#endif
