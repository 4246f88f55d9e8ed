#include "limits.h"

#define LIMIT(name, value, unit, help) {#name, unit, help, value},
const struct limit limits[] = {
#include "limits.def"
};
#undef LIMIT

const size_t limits_count = sizeof limits / sizeof limits[0];
