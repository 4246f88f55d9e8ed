/* What a run says: text for people on standard output, JSON lines, a page. */
#ifndef RT_TELLING_H
#define RT_TELLING_H

#include "hist.h"
#include "options.h"
#include "report.h"
#include "scenario.h"

struct telling {
    const struct options *options;
    const struct scenario *scenario;
    bool table; /* a line a phase rather than one a figure */
    bool header_told;
    struct buf lines; /* JSON */
};

/* The options stay the caller's. telling_end gives all back. */
void telling_init(struct telling *telling, const struct options *options,
                  const struct scenario *scenario);

/* The machine, the parameters and what is known before the first phase. */
void telling_run(struct telling *telling, const struct report *run);

/* A phase, or (`kind` "median") the medians of its repeats, whose times were merged. */
void telling_phase(struct telling *telling, const char *kind, const struct report *report,
                   const struct hist *latency_us);

/* Writes the files that were asked for. False: one could not be written, which was told. */
bool telling_end(struct telling *telling);

#endif
