#include "element.h"
#include "plain_bytes.h"

#include <stdio.h>

/* A cursor in room reserved from the buf, so that a small piece costs a comparison and a copy. */
struct out {
    struct buf *buf;
    char *at, *end;
};

enum { ROOM_STEP = 512 };

static void out_begin(struct out *out, struct buf *buf)
{
    out->buf = buf;
    out->at = (char *)buf_reserve(buf, ROOM_STEP);
    out->end = (char *)buf->memory + buf->room;
}

static void out_commit(struct out *out)
{
    buf_grow(out->buf, (size_t)(out->at - (char *)out->buf->memory) - out->buf->end);
}

static __attribute__((noinline)) void out_more(struct out *out, size_t len)
{
    out_commit(out);
    out->at = (char *)buf_reserve(out->buf, len + ROOM_STEP);
    out->end = (char *)out->buf->memory + out->buf->room;
}

static inline void need(struct out *out, size_t len)
{
    if ((size_t)(out->end - out->at) < len)
        out_more(out, len);
}

static inline void put(struct out *out, struct str s)
{
    need(out, s.len);
    if (s.len)
        memcpy(out->at, s.at, s.len);
    out->at += s.len;
}

static inline void put_char(struct out *out, char c)
{
    need(out, 1);
    *out->at++ = c;
}

/* What a byte is written as; no entry and below 0x20: left out. */
static const struct str text_escapes[256] = {
    ['&'] = STR("&amp;"),
    ['<'] = STR("&lt;"),
    ['>'] = STR("&gt;"),
    ['\r'] = STR("&#13;"),
};

static const struct str value_escapes[256] = {
    ['&'] = STR("&amp;"),  ['<'] = STR("&lt;"),   ['>'] = STR("&gt;"),   ['\''] = STR("&apos;"),
    ['"'] = STR("&quot;"), ['\r'] = STR("&#13;"), ['\n'] = STR("&#10;"), ['\t'] = STR("&#9;"),
};

enum { PLAIN, ESCAPED, LEADING };

/* PLAIN bytes stand for themselves, LEADING ones may begin a character of several bytes. */
#define CLASSES_OF_ALL                                                                             \
    [0 ... 8] = ESCAPED,                                                                           \
           [0x0b ... 0x1f] = ESCAPED, ['&'] = ESCAPED, ['<'] = ESCAPED, ['>'] = ESCAPED,           \
           [0x80 ... 0xff] = LEADING
static const uint8_t text_classes[256] = {CLASSES_OF_ALL};
static const uint8_t value_classes[256] = {
    CLASSES_OF_ALL, ['\t'] = ESCAPED, ['\n'] = ESCAPED, ['\''] = ESCAPED, ['"'] = ESCAPED};

/* Bytes of the character at `at`, which is no ASCII; 0 when it is ill-formed or not of XML. */
static size_t wide_len(const char *at, const char *end)
{
    size_t len = (uint8_t)*at < 0xe0 ? 2 : (uint8_t)*at < 0xf0 ? 3 : 4;
    return (size_t)(end - at) >= len && text_is_xml((struct str){at, len}) ? len : 0;
}

/* The end of the run that is written as it stands. */
static inline const char *run_end(const char *at, const char *end, bool is_value)
{
    const uint8_t *classes = is_value ? value_classes : text_classes;
    while (at < end) {
        bool whole = end - at >= PLAIN_BYTES;
        const char *stop = whole ? at + PLAIN_BYTES : end;
        if (whole && plain_bytes(at, is_value))
            at = stop;
        while (at < stop) {
            uint8_t class = classes[(uint8_t)*at];
            size_t len = class == PLAIN ? 1 : class == LEADING ? wide_len(at, end) : 0;
            if (len == 0)
                return at;
            at += len;
        }
    }
    return at;
}

static inline void put_escaped(struct out *out, struct str s, bool is_value)
{
    const struct str *escapes = is_value ? value_escapes : text_escapes;
    const char *at = s.at, *end = s.at + s.len;
    while (at < end) {
        const char *run = at;
        at = run_end(at, end, is_value);
        put(out, (struct str){run, (size_t)(at - run)});
        if (at < end)
            put(out, escapes[(uint8_t)*at++]);
    }
}

static void put_text(struct out *out, struct str s)
{
    if (s.len)
        put_escaped(out, s, false);
}

static void put_value(struct out *out, struct str s)
{
    put(out, STR("='"));
    if (s.len)
        put_escaped(out, s, true);
    put_char(out, '\'');
}

static void put_attr(struct out *out, struct str name, struct str value)
{
    put_char(out, ' ');
    put(out, name);
    put_value(out, value);
}

static void put_prefix(struct out *out, const char *format, unsigned number)
{
    char text[32];
    put(out, (struct str){text, (size_t)snprintf(text, sizeof text, format, number)});
}

/* Attributes in a namespace need a prefix. Those of one namespace share the first one's, which is
 * declared where it is first used on the element; the number is its place among the attributes. */
static void put_attr_ns(struct out *out, const struct attr *first, const struct attr *attr)
{
    unsigned number = 1;
    for (; !str_eq(first->ns_uri, attr->ns_uri); first = first->next)
        number++;
    if (str_eq(attr->ns_uri, ns_uri(NS_XML))) {
        put(out, STR(" xml:"));
    } else {
        if (first == attr) {
            put_prefix(out, " xmlns:ns%u", number);
            put_value(out, attr->ns_uri);
        }
        put_prefix(out, " ns%u:", number);
    }
    put(out, attr->name);
    put_value(out, attr->value);
}

static void put_attrs(struct out *out, const struct attr *first)
{
    for (const struct attr *attr = first; attr; attr = attr->next) {
        if (attr->ns_uri.len)
            put_attr_ns(out, first, attr);
        else
            put_attr(out, attr->name, attr->value);
    }
}

/* As put_attrs; "to" is left out, which was written before. */
static void put_attrs_but_to(struct out *out, const struct attr *first)
{
    for (const struct attr *attr = first; attr; attr = attr->next) {
        if (attr->ns_uri.len)
            put_attr_ns(out, first, attr);
        else if (!str_is(attr->name, "to"))
            put_attr(out, attr->name, attr->value);
    }
}

struct scope {
    enum ns ns; /* the default namespace */
    struct str uri;
    bool stream_bound; /* the prefix "stream" is */
};

static bool in_scope(const struct scope *scope, const struct element *element)
{
    return scope->ns == element->ns &&
           (element->ns != NS_OTHER || str_eq(scope->uri, element->ns_uri));
}

/* The namespace of XML must not be a default one, so its elements take the prefix. */
static struct str prefix_of(const struct scope *scope, const struct element *element)
{
    if (element->ns == NS_STREAM && scope->stream_bound)
        return STR("stream:");
    return element->ns == NS_XML ? STR("xml:") : STR("");
}

static void put_nodes(struct out *out, const struct node *node, struct scope scope);

/* Who the element goes to; NULL: whom its attribute names. */
static void put_element(struct out *out, const struct element *element, struct scope scope,
                        const struct str *to)
{
    struct str prefix = prefix_of(&scope, element);
    put_char(out, '<');
    put(out, prefix);
    put(out, element->name);
    if (prefix.len == 0 && !in_scope(&scope, element)) {
        scope.ns = element->ns;
        scope.uri = element->ns_uri;
        put_attr(out, STR("xmlns"), scope.uri);
    }
    if (to && to->at)
        put_attr(out, STR("to"), *to);
    if (to)
        put_attrs_but_to(out, element->attrs);
    else
        put_attrs(out, element->attrs);
    if (!element->first) {
        put(out, STR("/>"));
        return;
    }
    put_char(out, '>');
    put_nodes(out, element->first, scope);
    put(out, STR("</"));
    put(out, prefix);
    put(out, element->name);
    put_char(out, '>');
}

static void put_nodes(struct out *out, const struct node *node, struct scope scope)
{
    for (; node; node = node->next) {
        if (node->kind == NODE_ELEMENT)
            put_element(out, (const struct element *)node, scope, NULL);
        else if (node->kind == NODE_TEXT)
            put_text(out, ((const struct text_node *)node)->text);
        else
            put(out, ((const struct text_node *)node)->text);
    }
}

static void write_tree(struct buf *buf, const struct element *element, enum ns ns,
                       const struct str *to)
{
    struct scope scope = {ns, ns_uri(ns), ns == NS_CLIENT || ns == NS_SERVER};
    struct out out;
    out_begin(&out, buf);
    put_element(&out, element, scope, to);
    out_commit(&out);
}

void element_write(struct buf *out, const struct element *element, enum ns scope)
{
    write_tree(out, element, scope, NULL);
}

void element_write_to(struct buf *out, const struct element *element, enum ns scope, struct str to)
{
    write_tree(out, element, scope, &to);
}

void element_write_inside(struct buf *buf, const struct element *element)
{
    struct scope scope = {element->ns, element->ns_uri, element->ns == NS_CLIENT};
    struct out out;
    out_begin(&out, buf);
    put_nodes(&out, element->first, scope);
    out_commit(&out);
}

struct str element_xml(struct arena *arena, const struct element *element, enum ns scope)
{
    struct buf xml = {0};
    element_write(&xml, element, scope);
    struct str text = arena_str(arena, buf_str(&xml));
    buf_fini(&xml);
    return text;
}
