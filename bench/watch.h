/*
 * Eyes on other machines: a worker there (worker.h) reads the processes that --server-pid and
 * --database-pid name, or the control groups, and what it reads is added to what is read here.
 */
#ifndef RT_WATCH_H
#define RT_WATCH_H

#include "outcome.h"
#include "wire.h"

enum { WATCHES_MAX = 16 };

struct watches {
    struct wire wires[WATCHES_MAX];
    unsigned count;
    bool failed; /* one was lost, which was told */
};

/* Connects to all of --watch. ERR_DOWN after a sentence on standard error. */
RT_NODISCARD enum err watches_open(struct watches *watches, const struct options *options);
void watches_close(struct watches *watches);

/* A reading of this machine and of those. */
struct reading watches_read(struct watches *watches, const struct options *options);

/* On the other machine: answers each `read` until the wire ends. */
void watch_serve(struct wire *wire, const struct options *options);

#endif
