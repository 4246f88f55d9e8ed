#include "element_read.h"

#include "limits.h"
#include "plain_bytes.h"

/* An element that is open, and the default namespace inside of it. */
struct level {
    struct element *element;
    enum ns ns;
    struct str ns_uri;
};

/* The copy ends with a NUL, which is plain nowhere: so looking ahead by a byte needs no check. */
struct reader {
    char *at, *end;
    struct arena *arena;
    unsigned depth; /* levels in use; the lowest is the stream */
    struct level levels[LIMIT_XML_DEPTH + 1];
};

_Static_assert(LIMIT_XML_DEPTH + 2 <= LIMIT_XML_ATTRIBUTES,
               "as many namespaces as levels are in sight, and a scope holds them");

enum { NAME = 1, NAME_BEGINS = 2, SPACE = 4, CARE = 8 /* in text and values */ };
static const uint8_t classes[256] = {
    [0 ... 8] = CARE,
    ['\t'] = SPACE | CARE,
    ['\n'] = SPACE | CARE,
    [0x0b ... 0x0c] = CARE,
    ['\r'] = SPACE | CARE,
    [0x0e ... 0x1f] = CARE,
    [' '] = SPACE,
    ['<'] = CARE,
    ['>'] = CARE,
    ['&'] = CARE,
    ['\''] = CARE,
    ['"'] = CARE,
    [0x80 ... 0xff] = CARE,
    ['a' ... 'z'] = NAME | NAME_BEGINS,
    ['A' ... 'Z'] = NAME | NAME_BEGINS,
    ['_'] = NAME | NAME_BEGINS,
    ['0' ... '9'] = NAME,
    ['-'] = NAME,
    ['.'] = NAME,
};

static inline bool is_a(char c, unsigned class)
{
    return classes[(uint8_t)c] & class;
}

static inline bool skip(struct reader *r, char c)
{
    bool here = *r->at == c;
    r->at += here;
    return here;
}

static inline bool read_name(struct reader *r, struct str *name)
{
    char *at = r->at;
    if (!is_a(*at, NAME_BEGINS))
        return false;
    while (is_a(*++at, NAME)) {
    }
    *name = (struct str){r->at, (size_t)(at - r->at)};
    r->at = at;
    return true;
}

static const struct {
    struct str name;
    char c;
} entities[] = {{STR("&lt;"), '<'},
                {STR("&gt;"), '>'},
                {STR("&amp;"), '&'},
                {STR("&quot;"), '"'},
                {STR("&apos;"), '\''}};

/* Replaces entities in place; false when there is another than the five. */
static bool unescape(struct str *s)
{
    char *to = (char *)s->at;
    const char *at = s->at, *end = at + s->len;
    while (at < end) {
        const char *mark = memchr(at, '&', (size_t)(end - at));
        size_t len = (size_t)((mark ? mark : end) - at), i = 0;
        memmove(to, at, len);
        to += len;
        at += len;
        if (!mark)
            break;
        while (i < COUNT_OF(entities) && ((size_t)(end - at) < entities[i].name.len ||
                                          memcmp(at, entities[i].name.at, entities[i].name.len)))
            i++;
        if (i == COUNT_OF(entities))
            return false;
        at += entities[i].name.len;
        *to++ = entities[i].c;
    }
    s->len = (size_t)(to - s->at);
    return true;
}

/* What must be done with a run of text or a value besides taking it. */
struct care {
    bool escaped, foreign;
};

/* Whether the byte may stand in the run that began at `from` and does not end it. */
static inline bool may_stand(const char *at, const char *from, bool is_value, char stop,
                             struct care *care)
{
    uint8_t c = (uint8_t)*at;
    care->escaped |= c == '&';
    care->foreign |= c >= 0x80;
    if (c == (uint8_t)stop || c == '<')
        return false;
    if (c < 0x20)
        return !is_value && (c == '\n' || c == '\t');
    bool closes = c == '>' && at - from >= 2 && at[-1] == ']' && at[-2] == ']';
    return is_value || !closes; /* "]]>" may not stand in text */
}

/* Moves to the first byte that may not stand here, or ends the run. */
static inline void pass_run(struct reader *r, bool is_value, char stop, struct care *care)
{
    char *at = r->at;
    while (at < r->end) {
        bool whole = r->end - at >= PLAIN_BYTES;
        const char *block_end = whole ? at + PLAIN_BYTES : r->end;
        if (whole && plain_bytes(at, is_value))
            at += PLAIN_BYTES;
        for (; at < block_end; at++)
            if (is_a(*at, CARE) && !may_stand(at, r->at, is_value, stop, care)) {
                r->at = at;
                return;
            }
    }
    r->at = at;
}

/* A run as a view of the copy, unescaped. */
static inline bool read_run(struct reader *r, bool is_value, char stop, struct str *run)
{
    struct care care = {false, false};
    char *from = r->at;
    pass_run(r, is_value, stop, &care);
    *run = (struct str){from, (size_t)(r->at - from)};
    if (*r->at != stop)
        return false;
    return (!care.foreign || text_is_xml(*run)) && (!care.escaped || unescape(run));
}

static bool read_value(struct reader *r, struct str *value)
{
    char quote = *r->at;
    if (quote != '\'' && quote != '"')
        return false;
    r->at++;
    return read_run(r, true, quote, value) && skip(r, quote);
}

/* xmlns='…' of the element at hand; not twice, and not what nobody may declare. */
static bool declare(struct level *level, struct str uri, bool *declared)
{
    enum ns ns = ns_find(uri);
    if (*declared || ns == NS_XML || str_is(uri, "http://www.w3.org/2000/xmlns/"))
        return false;
    *declared = true;
    level->ns = ns;
    level->ns_uri = ns == NS_OTHER ? uri : ns_uri(ns);
    return true;
}

static bool has(const struct element *element, const struct attr *twin)
{
    for (const struct attr *attr = element->attrs; attr; attr = attr->next)
        if (str_eq(attr->name, twin->name) && attr->ns_uri.len == twin->ns_uri.len)
            return true;
    return false;
}

static bool read_attr_name(struct reader *r, struct attr *attr)
{
    *attr = (struct attr){0};
    if (!read_name(r, &attr->name))
        return false;
    if (!skip(r, ':'))
        return true;
    attr->ns_uri = ns_uri(NS_XML);
    return str_is(attr->name, "xml") && read_name(r, &attr->name) && str_is(attr->name, "lang");
}

/* All attributes of a tag, up to what ends it. */
static bool read_attrs(struct reader *r, struct level *level)
{
    struct attr **link = &level->element->attrs;
    bool declared = false;
    for (unsigned count = 0; is_a(*r->at, SPACE); count++) {
        struct attr attr;
        while (is_a(*r->at, SPACE))
            r->at++;
        if (!is_a(*r->at, NAME_BEGINS))
            return true; /* space in front of the tag's end */
        if (count == LIMIT_XML_ATTRIBUTES || !read_attr_name(r, &attr) || !skip(r, '=') ||
            !read_value(r, &attr.value))
            return false;
        if (str_is(attr.name, "xmlns")) {
            if (!declare(level, attr.value, &declared))
                return false;
            continue;
        }
        if (has(level->element, &attr))
            return false;
        *link = arena_take(r->arena, sizeof attr);
        **link = attr;
        link = &(*link)->next;
    }
    return true;
}

/* Behind the '<' of a start tag. */
static bool read_start(struct reader *r)
{
    if (r->depth == COUNT_OF(r->levels))
        return false;
    struct level *level = &r->levels[r->depth], *parent = level - 1;
    *level = *parent;
    level->element = arena_zero(r->arena, sizeof *level->element);
    level->element->node.kind = NODE_ELEMENT;
    if (!read_name(r, &level->element->name) || !read_attrs(r, level))
        return false;
    level->element->ns = level->ns;
    level->element->ns_uri = level->ns_uri;
    if (parent->element)
        element_push(parent->element, level->element);
    r->depth += !skip(r, '/');
    return skip(r, '>');
}

/* Behind "</". */
static bool read_end(struct reader *r)
{
    struct str name = r->levels[r->depth - 1].element->name;
    if ((size_t)(r->end - r->at) <= name.len || memcmp(r->at, name.at, name.len) != 0)
        return false;
    r->at += name.len;
    r->depth--;
    return skip(r, '>');
}

static bool read_text(struct reader *r)
{
    struct str text;
    if (!read_run(r, false, '<', &text))
        return false;
    if (text.len)
        element_add_view(r->arena, r->levels[r->depth - 1].element, text);
    return true;
}

/* Everything inside of the root, and its end. */
static bool read_inside(struct reader *r)
{
    while (r->depth > 1) {
        if (!read_text(r) || !skip(r, '<'))
            return false;
        if (skip(r, '/') ? !read_end(r) : !read_start(r))
            return false;
    }
    return r->at == r->end;
}

struct element *element_read(struct arena *arena, struct str xml)
{
    struct reader r; /* not zeroed: its levels are written before they are read */
    r.arena = arena;
    r.depth = 1;
    r.levels[0] = (struct level){NULL, NS_CLIENT, ns_uri(NS_CLIENT)};
    r.at = (char *)arena_str(arena, xml).at;
    r.end = r.at + xml.len;
    return skip(&r, '<') && read_start(&r) && read_inside(&r) ? r.levels[1].element : NULL;
}
