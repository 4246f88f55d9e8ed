/* What one thread does in a run: its users, from login to logout, through all phases. */
#ifndef RT_PART_H
#define RT_PART_H

#include "crew.h"

#include <stdatomic.h>

struct part {
    const struct options *options;
    const struct scenario *scenario;
    unsigned number, count;        /* of all parts of the run */
    struct tally *tally;           /* of the phase at hand */
    atomic_ullong sent, delivered; /* of it, about, for those who look on */
    /* Meets the others; returns when to go on, on the monotonic clock, or 0: it is over. */
    uint64_t (*meet)(struct part *part, bool well);
};

/* From the first point to the end, on the shard of the running thread. */
void part_run(struct part *part);

/* The users of a part: those from `first` on, in whole groups. Returns how many. */
unsigned part_users(const struct part *part, unsigned *first);

#endif
