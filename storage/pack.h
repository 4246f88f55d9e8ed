/*
 * Bodies of archived messages, compressed one by one (zstd) with a dictionary that comes with the
 * server, since a stanza alone is too short to compress. Which dictionary is kept with each body,
 * so a later server may bring another and still read the old ones. Any thread after pack_setup.
 */
#ifndef RT_PACK_H
#define RT_PACK_H

#include "arena.h"
#include "err.h"

#include <stdbool.h>

struct packed {
    unsigned dictionary; /* 0: not compressed */
    struct str bytes;
};

/* Whether pack_body compresses; at boot. */
void pack_setup(bool compress);

/* Compressed where that makes it shorter; `body` itself otherwise. */
struct packed pack_body(struct arena *arena, struct str body);

/* ERR_INVALID: a dictionary that this server does not have, or bytes that are damaged. The body is
 * in the arena. */
RT_NODISCARD enum err unpack_body(struct arena *arena, struct packed packed, struct str *body);

/* For --version. */
const char *pack_version(void);

#endif
