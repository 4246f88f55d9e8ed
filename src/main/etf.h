/*
 * Stanzas as Erlang terms: MongooseIM's archive keeps the records that its XML parser makes
 * (xmlel, xmlcdata) in the external term format, compressed by zlib or not. Of the format only
 * what such a record is made of is understood. Any thread.
 */
#ifndef RT_ETF_H
#define RT_ETF_H

#include "arena.h"
#include "buf.h"

#include <stdbool.h>

/* True when the bytes begin like a term, which no XML does. */
bool etf_is_term(struct str bytes);

/* Writes the element that the term holds as XML into `out`; well-formed, and with the namespace
 * declarations and prefixes that it has. What is taken from the arena may be given back afterwards.
 * ERR_TOO_BIG: larger, deeper or of more pieces than LIMIT_IMPORT_STANZA, LIMIT_XML_DEPTH and
 * LIMIT_XML_NODES allow. ERR_INVALID: anything else than a whole term of that kind. */
RT_NODISCARD enum err etf_write_xml(struct arena *arena, struct str bytes, struct buf *out);

#endif
