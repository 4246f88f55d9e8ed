/*
 * XML elements as a tree in an arena. Names and values are views into the arena (or constants).
 * A tree belongs to whoever owns its arena.
 */
#ifndef RT_ELEMENT_H
#define RT_ELEMENT_H

#include "arena.h"
#include "buf.h"
#include "ns.h"

enum node_kind { NODE_TEXT, NODE_ELEMENT, NODE_XML };

struct node {
    struct node *next;
    enum node_kind kind;
};

struct text_node {
    struct node node;
    struct str text; /* unescaped; of NODE_XML: as it is written */
};

struct attr {
    struct attr *next;
    struct str ns_uri; /* empty: none */
    struct str name;   /* local name */
    struct str value;  /* unescaped */
};

struct element {
    struct node node;
    enum ns ns;
    struct str ns_uri; /* of ns, or the text of an unknown one */
    struct str name;   /* local name */
    struct attr *attrs;
    struct node *first, *last; /* children */
};

/* A fresh element in a known namespace. `name` must outlive the arena (a constant). */
struct element *element_new(struct arena *arena, enum ns ns, const char *name);

/* As element_new in any namespace; both texts are copied. */
struct element *element_new_uri(struct arena *arena, struct str uri, struct str name);

/* Appends a child; it must not be a child of another element. */
void element_push(struct element *parent, struct element *child);

/* element_new and element_push in one. */
struct element *element_add(struct arena *arena, struct element *parent, enum ns ns,
                            const char *name);

/* Appends text (copied). */
void element_add_text(struct arena *arena, struct element *parent, struct str text);

/* Appends text that lives as long as the arena. */
void element_add_view(struct arena *arena, struct element *parent, struct str text);

/* Appends elements that are XML already, written with NS_NONE or the parent's namespace as scope.
 * The text is a view that must live as long as the arena. Nobody but a writer looks into it: it is
 * neither text nor an element. */
void element_add_xml(struct arena *arena, struct element *parent, struct str xml);

/* Unlinks a child from its parent. */
void element_drop(struct element *parent, struct element *child);

/* True when namespace and local name match. */
bool element_is(const struct element *element, enum ns ns, const char *name);

/* The first child element, and the one after a given one; NULL at the end. */
struct element *element_first(const struct element *parent);
struct element *element_next(const struct element *element);

/* The first child element with that name; NULL name: any name of the namespace. */
struct element *element_child(const struct element *parent, enum ns ns, const char *name);

/* All text directly inside, joined. A view when it is one piece, else joined in the arena. */
struct str element_text(struct arena *arena, const struct element *element);

/* The value of an attribute without namespace; .at is NULL when absent (present-but-empty has
 * .at != NULL). */
struct str element_attr(const struct element *element, const char *name);

/* The value of an attribute in a namespace (xml:lang: NS_XML's URI). */
struct str element_attr_ns(const struct element *element, struct str ns_uri, const char *name);

/* Sets or replaces an attribute without namespace. `name` must outlive the arena, the value is a
 * view that must live as long as the arena. */
void element_set(struct arena *arena, struct element *element, const char *name, struct str value);

/* Removes an attribute without namespace, if it is there. */
void element_unset(struct element *element, const char *name);

/* A copy without the children, in one block of the arena; nothing in it points at the model. */
struct element *element_shallow(struct arena *arena, const struct element *model);

/* A deep copy into another arena. */
struct element *element_copy(struct arena *arena, const struct element *element);

/* The same, but XML that is a view of `shared` stays one. */
struct element *element_copy_sharing(struct arena *arena, const struct element *element,
                                     struct str shared);

/* Writes the tree as XML that is well-formed whatever the tree holds: names come from the parser or
 * from constants, text and values are escaped, characters that XML forbids are left out. `scope` is
 * the default namespace where it is written (NS_CLIENT inside a c2s stream; NS_NONE at top level,
 * so that xmlns is written). The prefix "stream" is taken as bound for NS_STREAM elements when
 * scope is NS_CLIENT. */
void element_write(struct buf *out, const struct element *element, enum ns scope);

/* As element_write, but the root's attribute `to` is written with this value (none when .at is
 * NULL); for fan-out of one tree to many. */
void element_write_to(struct buf *out, const struct element *element, enum ns scope, struct str to);

/* Writes what is inside of the element, for element_add_xml to one of the same namespace. */
void element_write_inside(struct buf *out, const struct element *element);

/* The same as element_write as a text in the arena. */
struct str element_xml(struct arena *arena, const struct element *element, enum ns scope);

#endif
