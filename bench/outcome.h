/* From what was counted and read to the figures of a phase. */
#ifndef RT_OUTCOME_H
#define RT_OUTCOME_H

#include "counters.h"
#include "machine.h"
#include "options.h"
#include "scenario.h"
#include "tally.h"

/* Read at the begin and at the end of the measured part. */
struct reading {
    struct probe_usage server, database;
    struct machine_time machine;
};

/* Reads all that the options name; takes some milliseconds. */
struct reading reading_take(const struct options *options);

struct outcome {
    const struct options *options;
    const struct scenario *scenario;
    uint64_t rate;
    unsigned workers_lost;
    struct tally *tally;
    struct reading begin, end;
    struct counters before, after; /* a little earlier than `begin`, and later than `end` */
};

/* All figures of a phase; bench/README.md says what each means. */
void outcome_report(const struct outcome *outcome, struct report *out);

/* Those of the memory that sessions take: read with none, half and all of them. */
enum { MEMORY_NONE, MEMORY_HALF, MEMORY_ALL, MEMORY_POINTS };
void outcome_memory(const struct options *options, const struct reading *at, struct report *out);

#endif
