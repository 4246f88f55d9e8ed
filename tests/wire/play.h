/*
 * Wire scenarios: plays in text, run by the simulator (play_sim.c) and against a real server
 * (play_tcp.c). A line is `who verb rest`; tests/wire/README.md is the language.
 */
#ifndef RT_PLAY_H
#define RT_PLAY_H

#include "buf.h"
#include "text.h"

#include <stdbool.h>

/* How a play reaches a server. Connections are opaque. */
struct wire {
    const char *mode; /* "sim", "tcp", "tls": what `only` names */
    void (*begin)(void);
    void (*end)(void);
    void *(*connect)(const char *listener); /* "c2s", "legacy" */
    void (*send)(void *connection, struct str bytes);
    /* Appends what has come, waiting up to `ms` for something; false: it is closed and all was
     * read. */
    bool (*receive)(void *connection, struct buf *into, unsigned ms);
    void (*drop)(void *connection, bool reset);
    void (*wait)(unsigned ms);
};

/* Runs one play file. 0: passed, 1: failed (it said where), 2: not for this mode. */
int play_run(const struct wire *wire, const char *path);

/* Runs all files given; prints "N passed, N failed, N skipped"; returns the exit code. */
int play_all(const struct wire *wire, char **paths, int count);

#endif
