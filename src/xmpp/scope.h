/*
 * Which prefix stands for which namespace at a place in a stream (Namespaces in XML 1.0). The
 * shared parser knows nothing of namespaces, so that one parser serves streams whose headers
 * declare different ones.
 */
#ifndef RT_SCOPE_H
#define RT_SCOPE_H

#include "arena.h"
#include "buf.h"
#include "limits.h"
#include "ns.h"

struct binding {
    struct str prefix; /* empty: the default namespace */
    struct str uri;
    enum ns ns;
};

/* All bindings that are visible, innermost last. */
struct scope {
    unsigned count;
    struct binding bindings[LIMIT_XML_ATTRIBUTES];
};

/* The prefix in front of the colon, or empty; *local is what follows. False when it is no name of
 * that form (more than one colon, or one at an end). Whether `local` may begin as it does is
 * checked for ASCII only. */
bool scope_split(struct str name, struct str *prefix, struct str *local);

/* True when the attribute declares a namespace; *prefix is empty for the default one. */
bool scope_declares(struct str attr, struct str *prefix);

/* Adds a binding; the texts are copied into the arena where they are not constants. ERR_INVALID for
 * what the specification forbids, ERR_FULL over LIMIT_XML_ATTRIBUTES in sight. */
RT_NODISCARD enum err scope_bind(struct scope *scope, struct arena *arena, struct str prefix,
                                 struct str uri);

/* The innermost binding of a prefix, or NULL. "xml" is always bound; the default is, too. */
const struct binding *scope_find(const struct scope *scope, struct str prefix);

/* The bindings of a stream whose header declared what they all do: jabber:client, and "stream". */
void scope_init_usual(struct scope *scope);
bool scope_is_usual(const struct scope *scope);

/* Bindings as text, after the name of the header's tag: "name\0prefix=uri\0…\0\0". */
void scope_write(const struct scope *scope, struct str tag, struct buf *out);
void scope_init_written(struct scope *scope, const char *declarations);

#endif
