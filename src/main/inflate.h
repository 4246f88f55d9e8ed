/* Inflates zlib streams (RFC 1950). The only door to zlib. Any thread. */
#ifndef RT_INFLATE_H
#define RT_INFLATE_H

#include "text.h"

/* Inflates all of `in` into exactly `len` bytes at `out`. ERR_INVALID when it is no zlib stream,
 * gives more or fewer bytes, or has something behind it: so nobody makes it write more than was
 * promised. */
RT_NODISCARD enum err inflate_whole(struct str in, uint8_t *out, size_t len);

/* For --version. */
const char *inflate_version(void);

#endif
