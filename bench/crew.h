/*
 * Those who do the work of a run: the threads of this process (crew_local.c), or those of another
 * machine (crew_remote.c). The conductor looks at them now and then. A run is a chain of points at
 * which all meet, and go on together at a time that the conductor says.
 */
#ifndef RT_CREW_H
#define RT_CREW_H

#include "options.h"
#include "scenario.h"

enum crew_state { CREW_BUSY, CREW_WAITS, CREW_ENDED, CREW_LOST };

/* Which part of a run: users and lines of the timetable are divided among all parts evenly. */
struct share {
    unsigned first_part, parts;
};

struct crew {
    const struct crew_kind *kind;
    char name[64]; /* as reports call it */
    unsigned threads;
    bool well; /* false: a part has failed, which was told */
    bool lost; /* told as well */
};

struct crew_kind {
    /* Begins; it waits at the first point when all is made. */
    void (*start)(struct crew *crew, const struct options *options, struct share share);
    enum crew_state (*look)(struct crew *crew);
    /* All go on at `at_us` of our monotonic clock; 0: they stop. */
    void (*go)(struct crew *crew, uint64_t at_us);
    /* While it waits: adds what came since the point before. */
    void (*take)(struct crew *crew, struct tally *out);
    /* Adds what was sent and came so far in this phase, about. */
    void (*peek)(struct crew *crew, uint64_t *sent, uint64_t *delivered);
    /* It has ended, or is lost. */
    void (*free)(struct crew *crew);
};

/* The threads of this process. */
struct crew *crew_local_new(const struct options *options);

/* Those of a worker at HOST:PORT. NULL after a sentence on standard error. */
struct crew *crew_remote_new(const char *address, const struct options *options);

/* How many threads --threads means here. */
unsigned crew_threads(const struct options *options);

#endif
