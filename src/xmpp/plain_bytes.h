/* Whether bytes of text stand for themselves in XML, sixteen at once: for element_read.c and
 * element_write.c. */
#ifndef RT_PLAIN_BYTES_H
#define RT_PLAIN_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { PLAIN_BYTES = 16 };

/* A vector register on all machines that have one; the compiler makes words of it elsewhere. */
typedef uint8_t plain_bytes_vector __attribute__((vector_size(PLAIN_BYTES)));

/* True when the PLAIN_BYTES at `at` are ASCII, no control characters, and none of & < >; with
 * `is_value` no quotes either. */
static inline bool plain_bytes(const char *at, bool is_value)
{
    plain_bytes_vector b;
    uint64_t odd[2];
    memcpy(&b, at, sizeof b);
    plain_bytes_vector found = (plain_bytes_vector)(b - 0x20 >= 0x60) |
                               (plain_bytes_vector)((b | 2) == ('<' | 2)) | /* and '>' */
                               (plain_bytes_vector)(b == '&');
    if (is_value)
        found |= (plain_bytes_vector)(b == '\'') | (plain_bytes_vector)(b == '"');
    memcpy(odd, &found, sizeof odd);
    return !(odd[0] | odd[1]);
}

#endif
