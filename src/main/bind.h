/*
 * Tables of keys (key.h) at work: from a tree to structs. Presets apply to what is absent; each
 * mistake becomes a problem with its line and path, and binding goes on behind it.
 *
 * Beside what key.h says: a KEY_NUMBER with `choices` also takes its one word, stored as 0
 * ("auto"). A KEY_GROUP without `keys` is known but left to the caller. `infinity` needs max
 * KEY_INFINITY or no range.
 */
#ifndef RT_BIND_H
#define RT_BIND_H

#include "key.h"
#include "yaml.h"

/* Fills `out` (a zeroed struct of `keys`) from a map, NULL for presets only. Texts and lists go
 * into the arena. `path` stands in front of names in problems ("" at the top). */
void bind_map(struct arena *arena, struct problems *problems, const struct key *keys,
              const struct conf_node *map, const char *path, void *out);

/* "listen" and "c2s" make "listen.c2s". */
const char *bind_path(struct arena *arena, const char *path, const char *name);

/* Says that a name is not known, and which one is near; `keys` ends with a NULL. */
void bind_unknown(struct problems *problems, const struct conf_node *member, const char *path,
                  const char *const *names);

/* A value as it would stand in a file: "64k", "5s", "infinity". `number` is of a number, size or
 * duration key. */
void key_format_number(struct buf *out, const struct key *key, uint64_t number);

/* "a number from 1 to 256, or auto": what a value may be. */
void key_describe(struct buf *out, const struct key *key);

#endif
