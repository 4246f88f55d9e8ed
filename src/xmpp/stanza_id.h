/*
 * Ids of archived stanzas (XEP-0359): 64 bits, ordered by time, unique. From the top: a zero, 51
 * bits of microseconds since 2020 (until 2091), 12 bits that name the writer. What goes out is
 * sealed, since the number tells when others wrote.
 */
#ifndef RT_STANZA_ID_H
#define RT_STANZA_ID_H

#include "arena.h"

#include <stdbool.h>

enum { STANZA_ID_WRITERS = 4096, STANZA_ID_LEN = 16 };

/* Larger than each id. */
#define STANZA_ID_MAX ((uint64_t)INT64_MAX)

/* A fresh one: greater than all that this thread has made. `writer` is the shard's number. */
uint64_t stanza_id_next(unsigned writer, uint64_t unix_us);

/* The least id of a time, and the time of an id, in µs since 1970. */
uint64_t stanza_id_at(uint64_t unix_us);
uint64_t stanza_id_us(uint64_t id);

/* How far apart ids of that far apart times are. */
uint64_t stanza_id_span(uint64_t us);

/* Sets the key of the two below from the server's secret; at boot. Zeroes until then. */
void stanza_id_key(struct str secret);

/* The sealed form, STANZA_ID_LEN hex digits; false when a text is none. Any thread. */
struct str stanza_id_text(struct arena *arena, uint64_t id);
bool stanza_id_parse(struct str text, uint64_t *id);

#endif
