/* The table behind options.h. */
#ifndef RT_OPTIONS_KEYS_H
#define RT_OPTIONS_KEYS_H

#include "key.h"

extern const struct key options_keys[];

#endif
