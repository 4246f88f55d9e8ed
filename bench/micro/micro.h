/*
 * Micro benchmarks: each case does one small thing many times over. micro.c runs them, by the
 * clock or, under callgrind, to count their instructions (count.sh). One thread.
 */
#ifndef RT_MICRO_H
#define RT_MICRO_H

#include "arena.h"
#include "buf.h"
#include "check.h"
#include "mem.h"

#include <stdint.h>

/* `run` does the thing `count` times and returns something that depends on what came out, so that
 * nothing is optimised away. `setup` and `teardown` may be NULL; they are not measured. What one
 * time means is in `what`. */
struct micro {
    const char *name, *what;
    void (*setup)(void);
    uint64_t (*run)(uint64_t count);
    void (*teardown)(void);
    uint64_t count; /* for counting instructions; enough that the first times do not matter */
    bool needs_tls; /* a certificate (micro_folder) */
};

/* The tables, one a file; each ends with a row without a name. */
extern const struct micro micro_base[], micro_xmpp[], micro_login[], micro_shard[], micro_storage[],
    micro_sqlite[];

/* A folder with localhost.pem and localhost.key, or NULL. */
extern const char *micro_folder;

/* A chat message of 300 bytes, as a client writes it. */
#define MICRO_BODY                                                                                 \
    "the meeting at the station is tomorrow at nine, or when all of you have had your breakfast "  \
    "and said what you think about it; but do not come without them, as we were told that they "   \
    "will be there, too"
#define MICRO_STANZA                                                                               \
    "<message id='m4711' type='chat' to='u2@localhost' "                                           \
    "from='u1@localhost/bench'><body>" MICRO_BODY "</body></message>"

#endif
