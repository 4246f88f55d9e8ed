/* Full text search (XEP-0431) in SQLite: a table of FTS5 beside that of the messages. */
#ifndef RT_LITE_SEARCH_H
#define RT_LITE_SEARCH_H

#include "lite.h"
#include "store.h"

/* Makes what is needed, at boot. `why` gets a sentence. */
RT_NODISCARD enum err lite_search_prepare(struct lite *lite, char *why, size_t room);

/* A message was stored; its text, if it has one. */
RT_NODISCARD enum err lite_search_add(struct lite *lite, uint64_t id, struct str text);

/* What is searched for, in the words of FTS5: all of them have to be there. */
struct str lite_search_query(struct arena *arena, struct str text);

#endif
