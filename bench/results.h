/*
 * JSON lines of runs, read back: to plot them, and to reckon what they cost. Several files may
 * stand one behind the other, of several servers.
 */
#ifndef RT_RESULTS_H
#define RT_RESULTS_H

#include "arena.h"
#include "err.h"
#include "yaml.h"

/* A line: a map of the keys that bench/README.md describes. */
struct result {
    struct result *next;
    const struct conf_node *map;
};

/* All lines in their order, in the arena. ERR_INVALID: a line is no JSON, which was told with its
 * file and number. */
RT_NODISCARD enum err results_read(struct arena *arena, const char *file, struct str lines,
                                   struct result **out);

/* The same of a file; they are added at the end of *out. */
RT_NODISCARD enum err results_load(struct arena *arena, const char *file, struct result **out);

/* A member of a line: empty and 0 when it is not there. result_text ends with a NUL. */
struct str result_text(const struct result *result, const char *name);
double result_number(const struct result *result, const char *name);

/* A number whose name ends with the unit of the line: PREFIX_UNIT. */
double result_per_unit(const struct result *result, const char *prefix);

/* True when `type` is what the line has. */
bool result_is(const struct result *result, const char *type);

#endif
