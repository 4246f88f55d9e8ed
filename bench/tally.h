/* What came of a phase: counts and times. Those of threads and machines are added up. */
#ifndef RT_TALLY_H
#define RT_TALLY_H

#include "buf.h"
#include "hist.h"

#include <stdbool.h>

struct tally {
    uint64_t sent;      /* messages, lookups, logins that were begun */
    uint64_t expected;  /* copies, answers, sessions that should come of them */
    uint64_t delivered; /* of those: came, the first time */
    uint64_t doubled, disordered;
    uint64_t errors; /* refused, or said to be of us and not */
    uint64_t others; /* messages of the server's own, or of an earlier run */
    uint64_t receipts;
    uint64_t not_archived, not_listed; /* last messages of groups (expect.h) */
    uint64_t in_window;                /* delivered between begin and end of the measured part */
    uint64_t broken;                   /* connections, so far */
    uint64_t own_cpu_us;               /* in the measured part */
    uint64_t last_us;                  /* when the last one came, from the start */
    struct hist latency_us;            /* of what was due in the measured part */
    struct hist late_us;               /* of our own writes */
};

/* Adds another one. */
void tally_add(struct tally *tally, const struct tally *more);

/* As one line of text, without its end. */
void tally_write(struct buf *out, const struct tally *tally);

/* Reads such a line. ERR_INVALID: it is none. */
RT_NODISCARD enum err tally_read(struct str line, struct tally *out);

/* What is missing. */
static inline uint64_t tally_lost(const struct tally *tally)
{
    return tally->expected > tally->delivered ? tally->expected - tally->delivered : 0;
}

/* All came, once. */
static inline bool tally_is_clean(const struct tally *tally)
{
    return !tally_lost(tally) && !tally->doubled && !tally->broken && !tally->not_archived &&
           !tally->not_listed;
}

#endif
