/* Text to fill messages with. */
#ifndef RT_WORDS_H
#define RT_WORDS_H

#include "buf.h"

/* `len` bytes of words; the same seed gives the same. */
void words_write(struct buf *out, size_t len, uint64_t seed);

#endif
