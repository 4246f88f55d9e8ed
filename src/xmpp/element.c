#include "element.h"

#include "check.h"

struct element *element_new(struct arena *arena, enum ns ns, const char *name)
{
    struct element *element = arena_zero(arena, sizeof *element);
    element->node.kind = NODE_ELEMENT;
    element->ns = ns;
    element->ns_uri = ns_uri(ns);
    element->name = str_of(name);
    return element;
}

struct element *element_new_uri(struct arena *arena, struct str uri, struct str name)
{
    enum ns ns = ns_find(uri);
    struct element *element = element_new(arena, ns, NULL);
    if (ns == NS_OTHER)
        element->ns_uri = arena_str(arena, uri);
    element->name = arena_str(arena, name);
    return element;
}

static void push_node(struct element *parent, struct node *node)
{
    CHECK(!node->next);
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
}

void element_push(struct element *parent, struct element *child)
{
    push_node(parent, &child->node);
}

struct element *element_add(struct arena *arena, struct element *parent, enum ns ns,
                            const char *name)
{
    struct element *child = element_new(arena, ns, name);
    push_node(parent, &child->node);
    return child;
}

void element_add_text(struct arena *arena, struct element *parent, struct str text)
{
    struct text_node *node = arena_take(arena, sizeof *node + text.len);
    char *copy = (char *)(node + 1);
    if (text.len)
        memcpy(copy, text.at, text.len);
    *node = (struct text_node){{NULL, NODE_TEXT}, {copy, text.len}};
    push_node(parent, &node->node);
}

static void add_view(struct arena *arena, struct element *parent, enum node_kind kind,
                     struct str view)
{
    struct text_node *node = arena_take(arena, sizeof *node);
    *node = (struct text_node){{NULL, kind}, view};
    push_node(parent, &node->node);
}

void element_add_view(struct arena *arena, struct element *parent, struct str text)
{
    add_view(arena, parent, NODE_TEXT, text);
}

void element_add_xml(struct arena *arena, struct element *parent, struct str xml)
{
    add_view(arena, parent, NODE_XML, xml);
}

void element_drop(struct element *parent, struct element *child)
{
    struct node *before = NULL, *node = parent->first;
    while (node && node != &child->node) {
        before = node;
        node = node->next;
    }
    CHECK(node);
    if (before)
        before->next = node->next;
    else
        parent->first = node->next;
    if (parent->last == node)
        parent->last = before;
    node->next = NULL;
}

bool element_is(const struct element *element, enum ns ns, const char *name)
{
    return element->ns == ns && str_is(element->name, name);
}

static struct element *from_node(struct node *node)
{
    while (node && node->kind != NODE_ELEMENT)
        node = node->next;
    return (struct element *)node; /* the node is the element's first field */
}

struct element *element_first(const struct element *parent)
{
    return from_node(parent->first);
}

struct element *element_next(const struct element *element)
{
    return from_node(element->node.next);
}

struct element *element_child(const struct element *parent, enum ns ns, const char *name)
{
    struct element *child = element_first(parent);
    while (child && (child->ns != ns || (name && !str_is(child->name, name))))
        child = element_next(child);
    return child;
}

static const struct text_node *as_text(const struct node *node)
{
    return node->kind == NODE_TEXT ? (const struct text_node *)node : NULL;
}

struct str element_text(struct arena *arena, const struct element *element)
{
    const struct text_node *only = NULL, *text;
    size_t len = 0, count = 0;
    for (const struct node *node = element->first; node; node = node->next)
        if ((text = as_text(node))) {
            only = text;
            len += text->text.len;
            count++;
        }
    if (count <= 1)
        return only ? only->text : STR("");
    char *joined = arena_take(arena, len + 1), *at = joined;
    for (const struct node *node = element->first; node; node = node->next)
        if ((text = as_text(node)) && text->text.len) {
            memcpy(at, text->text.at, text->text.len);
            at += text->text.len;
        }
    *at = '\0';
    return (struct str){joined, len};
}

/* A value that is there has an `at`, even when it is empty. */
static struct str present(struct str value)
{
    return value.at ? value : STR("");
}

struct str element_attr_ns(const struct element *element, struct str ns_uri, const char *name)
{
    struct str wanted = str_of(name);
    for (const struct attr *attr = element->attrs; attr; attr = attr->next)
        if (str_eq(attr->name, wanted) && str_eq(attr->ns_uri, ns_uri))
            return present(attr->value);
    return (struct str){NULL, 0};
}

struct str element_attr(const struct element *element, const char *name)
{
    return element_attr_ns(element, (struct str){NULL, 0}, name);
}

/* The link that holds the attribute, or the NULL at the end. */
static struct attr **attr_link(struct element *element, struct str name)
{
    struct attr **link = &element->attrs;
    while (*link && ((*link)->ns_uri.len || !str_eq((*link)->name, name)))
        link = &(*link)->next;
    return link;
}

void element_set(struct arena *arena, struct element *element, const char *name, struct str value)
{
    struct attr **link = attr_link(element, str_of(name));
    if (!*link) {
        *link = arena_zero(arena, sizeof **link);
        (*link)->name = str_of(name);
    }
    (*link)->value = present(value);
}

void element_unset(struct element *element, const char *name)
{
    struct attr **link = attr_link(element, str_of(name));
    if (*link)
        *link = (*link)->next;
}

/* Bytes of an attribute that must be copied: known namespaces are constants. */
static size_t attr_len(const struct attr *attr)
{
    bool copy_uri = ns_find(attr->ns_uri) == NS_OTHER;
    return attr->name.len + attr->value.len + (copy_uri ? attr->ns_uri.len : 0);
}

static struct str put(char **room, struct str s)
{
    struct str copy = {*room, s.len};
    if (s.len)
        memcpy(*room, s.at, s.len);
    *room += s.len;
    return copy;
}

static struct str put_uri(char **room, struct str uri)
{
    enum ns ns = ns_find(uri);
    return ns == NS_OTHER ? put(room, uri) : ns_uri(ns);
}

struct element *element_shallow(struct arena *arena, const struct element *model)
{
    size_t count = 0, len = model->name.len + (model->ns == NS_OTHER ? model->ns_uri.len : 0);
    for (const struct attr *attr = model->attrs; attr; attr = attr->next, count++)
        len += attr_len(attr);
    struct element *element =
        arena_take(arena, sizeof *element + count * sizeof(struct attr) + len);
    struct attr *to = (struct attr *)(element + 1);
    char *room = (char *)(to + count);
    *element = (struct element){.node.kind = NODE_ELEMENT, .ns = model->ns};
    element->attrs = count ? to : NULL;
    element->name = put(&room, model->name);
    element->ns_uri = model->ns == NS_OTHER ? put(&room, model->ns_uri) : ns_uri(model->ns);
    for (const struct attr *attr = model->attrs; attr; attr = attr->next, to++) {
        to->next = attr->next ? to + 1 : NULL;
        to->ns_uri = put_uri(&room, attr->ns_uri);
        to->name = put(&room, attr->name);
        to->value = put(&room, attr->value);
    }
    return element;
}

static void copy_node(struct arena *arena, struct element *parent, const struct node *node,
                      struct str shared)
{
    const struct text_node *text = (const struct text_node *)node;
    if (node->kind == NODE_ELEMENT)
        element_push(parent, element_copy_sharing(arena, (const struct element *)node, shared));
    else if (node->kind == NODE_TEXT)
        element_add_text(arena, parent, text->text);
    else if (text->text.at == shared.at)
        element_add_xml(arena, parent, text->text);
    else
        element_add_xml(arena, parent, arena_str(arena, text->text));
}

struct element *element_copy_sharing(struct arena *arena, const struct element *element,
                                     struct str shared)
{
    struct element *copy = element_shallow(arena, element);
    for (const struct node *node = element->first; node; node = node->next)
        copy_node(arena, copy, node, shared);
    return copy;
}

struct element *element_copy(struct arena *arena, const struct element *element)
{
    return element_copy_sharing(arena, element, (struct str){NULL, 0});
}
