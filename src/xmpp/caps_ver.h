/* The verification string of entity capabilities (XEP-0115 section 5). */
#ifndef RT_CAPS_VER_H
#define RT_CAPS_VER_H

#include "digest.h"
#include "element.h"

enum { CAPS_VER_ROOM = BASE64_LEN(DIGEST_MAX_LEN) + 1 };

/* The hash function by its name in `hash`; false: not one of ours. */
bool caps_digest(struct str name, enum digest *out);

/* Makes the string of a disco#info <query/>, as base64 with a NUL. ERR_INVALID when the answer is
 * ill-formed (5.4): an identity or feature twice, two forms of one type, a form of several types,
 * or a text with '<' in it, which would let two answers have one string. */
RT_NODISCARD enum err caps_ver(const struct element *query, enum digest digest,
                               char out[CAPS_VER_ROOM]);

#endif
