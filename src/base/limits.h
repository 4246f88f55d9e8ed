/* The named caps of limits.def as constants, and as a table for `ringtailctl limits`. */
#ifndef RT_LIMITS_H
#define RT_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define LIMIT(name, value, unit, help) LIMIT_##name = (value),
enum {
#include "limits.def"
};
#undef LIMIT

struct limit {
    const char *name, *unit, *help;
    uint64_t value;
};

extern const struct limit limits[];
extern const size_t limits_count;

#endif
