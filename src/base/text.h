/*
 * Views of text, numbers in text, base64 and hex. Nothing here allocates; a view never owns.
 */
#ifndef RT_TEXT_H
#define RT_TEXT_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* `len` bytes at `at`; not NUL-terminated unless it says so. Empty: len 0 (at may be NULL). */
struct str {
    const char *at;
    size_t len;
};

#define STR(literal)    ((struct str){(literal), sizeof(literal) - 1})
#define STR_ARG(s)      (int)(s).len, ((s).at ? (s).at : "") /* for "%.*s" */
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static inline struct str str_of(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool str_is(struct str a, const char *text)
{
    return str_eq(a, str_of(text));
}

/* ASCII case is folded; other bytes compare as they are. */
bool str_eq_nocase(struct str a, struct str b);

/* Without ASCII white space at both ends. */
struct str str_trim(struct str s);

/* Cuts `s` at the first `separator`: returns what stands before it and leaves what stands behind it
 * in *rest. Without a separator returns all of `s` and *rest is empty with at == NULL. */
struct str str_cut(struct str s, char separator, struct str *rest);

/* A decimal number with nothing around it; false when it is none or out of range. */
bool text_u64(struct str s, uint64_t min, uint64_t max, uint64_t *out);
bool text_i64(struct str s, int64_t min, int64_t max, int64_t *out);

/* A byte count ("64k", "1M", "10", binary units k M G, optional "B" or "iB"). */
bool text_size(struct str s, uint64_t *bytes);

/* A duration ("500ms", "5s", "2m", "1h", "3d", bare number = seconds) in milliseconds. */
bool text_duration(struct str s, uint64_t *ms);

/* Bytes that base64 text of `len` bytes takes (with padding), and the most that decoding gives. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)
#define BASE64_MAX(len) ((len) / 4 * 3 + 3)

/* RFC 4648 section 4, with padding. Writes BASE64_LEN(len) bytes, no NUL; returns that count. */
size_t base64_encode(const void *in, size_t len, char *out);

/* Strict: no white space, padding only at the end and only as needed, unused bits zero.
 * `out` has room for BASE64_MAX(in.len). ERR_INVALID when the text is not base64. */
RT_NODISCARD enum err base64_decode(struct str in, uint8_t *out, size_t *out_len);

/* Lower-case hex, 2*len bytes, no NUL. */
void hex_encode(const void *in, size_t len, char *out);
RT_NODISCARD enum err hex_decode(struct str in, uint8_t *out); /* in.len/2 bytes */

/* True when all of `s` is well-formed UTF-8 of characters that XML 1.0 allows. */
bool text_is_xml(struct str s);

/* Copies with truncation and always a NUL; returns the length copied. */
size_t text_copy(char *out, size_t room, struct str s);

/* XEP-0082 date and time in UTC, "2026-11-24T06:41:32.123Z", from µs since 1970. 25 bytes of room
 * with the NUL. Milliseconds are left out when they are zero. */
#define TEXT_TIME_ROOM 25
size_t text_time(char out[TEXT_TIME_ROOM], uint64_t unix_us);

/* The other way round, with any offset from UTC; digits behind the sixth of a second are dropped.
 * False: it is none, or before 1970. */
bool text_time_parse(struct str s, uint64_t *unix_us);

/* The nearest of `names` (NULL-ended) to a mistyped word, or NULL when none is near. */
const char *text_nearest(struct str word, const char *const *names);

#endif
