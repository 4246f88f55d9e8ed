/* Named numbers of a phase or of a run: told as lines for people or as members of a JSON object. */
#ifndef RT_REPORT_H
#define RT_REPORT_H

#include "buf.h"

#include <stdbool.h>

enum { FIGURES_MAX = 64 };

struct figure {
    char name[40]; /* says the unit at its end (latency_p99_us) */
    double value;
    int decimals;
};

/* Zeroed: empty. */
struct report {
    struct figure figures[FIGURES_MAX];
    unsigned count;
};

/* Adds a figure. There is room for FIGURES_MAX. */
void report_add(struct report *report, const char *name, double value, int decimals);

/* The same, named PREFIX_UNIT. */
void report_add_per(struct report *report, const char *prefix, const char *unit, double value,
                    int decimals);

/* 0 when it is not there. */
double report_get(const struct report *report, const char *name);

/* A line a figure. */
void report_lines(struct buf *out, const struct report *report);

/* Members of a JSON object that is open. */
void report_members(struct buf *out, const struct report *report);

/* The median of each figure of the first; all have the same. count > 0. */
void report_median(const struct report *reports, unsigned count, struct report *out);

#endif
