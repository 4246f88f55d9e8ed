/* The outcome of a run: named numbers, told as lines for people or as one JSON object. */
#ifndef RT_REPORT_H
#define RT_REPORT_H

#include "buf.h"

#include <stdbool.h>

/* Zeroed but for `json`: empty. */
struct report {
    bool json;
    struct buf text;
};

/* `name` says the unit at its end (latency_p99_us). */
void report_number(struct report *report, const char *name, double value, int decimals);
void report_text(struct report *report, const char *name, const char *value);

/* Writes it to standard output and empties it. */
void report_print(struct report *report);

#endif
