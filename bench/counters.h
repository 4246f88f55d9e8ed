/* Counters that a command prints, for what no process tells: the bytes of a database's write-ahead
 * log, its size (--counters). */
#ifndef RT_COUNTERS_H
#define RT_COUNTERS_H

#include "report.h"

enum { COUNTERS_MAX = 8, COUNTER_NAME_ROOM = 24 };

struct counters {
    struct counter {
        char name[COUNTER_NAME_ROOM]; /* says the unit at its end (wal_bytes) */
        double value;
    } items[COUNTERS_MAX];
    unsigned count;
};

/* Runs a command by the shell and takes its lines, each NAME NUMBER. None when `command` is NULL;
 * none, and a line on standard error, when it fails or prints something else. */
struct counters counters_read(const char *command);

/* How much each has grown for one of `count` things, as NAME_UNIT. */
void counters_report(const struct counters *begin, const struct counters *end, const char *unit,
                     double count, struct report *out);

#endif
