#include "etf.h"

#include "element.h"
#include "inflate.h"
#include "limits.h"

/* Tags of the external term format. */
enum {
    VERSION = 131,
    COMPRESSED = 80,
    SMALL_INTEGER = 97,
    SMALL_TUPLE = 104,
    LARGE_TUPLE = 105,
    NIL = 106,
    STRING = 107,
    LIST = 108,
    BINARY = 109,
    MAP = 116,
    ATOM = 100,
    SMALL_ATOM = 115,
    ATOM_UTF8 = 118,
    SMALL_ATOM_UTF8 = 119,
};

/* What is not read yet. Once `err` is set nothing more is read. */
struct etf {
    const uint8_t *at, *end;
    struct arena *arena;
    struct buf text; /* of a character node that comes in pieces */
    unsigned nodes;
    enum err err;
};

static bool fail(struct etf *etf, enum err err)
{
    if (!etf->err)
        etf->err = err;
    return false;
}

/* --- Pieces --- */

static bool has(struct etf *etf, size_t len)
{
    return !etf->err && ((size_t)(etf->end - etf->at) >= len || fail(etf, ERR_INVALID));
}

static uint32_t take_number(struct etf *etf, unsigned bytes)
{
    uint32_t number = 0;
    if (!has(etf, bytes))
        return 0;
    while (bytes--)
        number = number << 8 | *etf->at++;
    return number;
}

static struct str take_bytes(struct etf *etf, size_t len)
{
    if (!has(etf, len))
        return (struct str){NULL, 0};
    etf->at += len;
    return (struct str){(const char *)etf->at - len, len};
}

static uint8_t next_tag(struct etf *etf)
{
    return has(etf, 1) ? *etf->at : 0;
}

static bool take_tag(struct etf *etf, uint8_t tag)
{
    return (take_number(etf, 1) == tag && !etf->err) || fail(etf, ERR_INVALID);
}

static struct str take_binary(struct etf *etf)
{
    take_tag(etf, BINARY);
    return take_bytes(etf, take_number(etf, 4));
}

static struct str take_atom(struct etf *etf)
{
    uint32_t tag = take_number(etf, 1);
    if (tag == ATOM || tag == ATOM_UTF8)
        return take_bytes(etf, take_number(etf, 2));
    if (tag == SMALL_ATOM || tag == SMALL_ATOM_UTF8)
        return take_bytes(etf, take_number(etf, 1));
    fail(etf, ERR_INVALID);
    return (struct str){NULL, 0};
}

static uint32_t take_tuple(struct etf *etf)
{
    uint32_t tag = take_number(etf, 1);
    if (tag == SMALL_TUPLE || tag == LARGE_TUPLE)
        return take_number(etf, tag == SMALL_TUPLE ? 1 : 4);
    fail(etf, ERR_INVALID);
    return 0;
}

/* How many there are before the tail of a list. */
static uint32_t take_list(struct etf *etf)
{
    if (next_tag(etf) == NIL) {
        etf->at++;
        return 0;
    }
    return take_tag(etf, LIST) ? take_number(etf, 4) : 0;
}

static void take_tail(struct etf *etf, bool was_list)
{
    if (was_list)
        take_tag(etf, NIL);
}

/* --- Text: a binary, or what Erlang calls iodata --- */

static void gather_text(struct etf *etf, unsigned depth);

static void gather_list(struct etf *etf, unsigned depth)
{
    uint32_t count = take_list(etf);
    for (uint32_t i = 0; i < count && !etf->err; i++)
        gather_text(etf, depth);
    gather_text(etf, depth); /* the tail, which may be a binary */
}

static void gather_text(struct etf *etf, unsigned depth)
{
    uint8_t tag = next_tag(etf), byte;
    if (depth > LIMIT_XML_DEPTH)
        fail(etf, ERR_TOO_BIG);
    else if (tag == BINARY)
        buf_push_str(&etf->text, take_binary(etf));
    else if (tag == LIST)
        gather_list(etf, depth + 1);
    else if (tag == NIL && !etf->err)
        etf->at++;
    else if (tag == STRING && take_tag(etf, STRING))
        buf_push_str(&etf->text, take_bytes(etf, take_number(etf, 2)));
    else if (tag == SMALL_INTEGER && take_tag(etf, SMALL_INTEGER)) {
        byte = (uint8_t)take_number(etf, 1);
        buf_push(&etf->text, &byte, 1);
    } else
        fail(etf, ERR_INVALID);
}

static struct str take_text(struct etf *etf)
{
    if (next_tag(etf) == BINARY)
        return take_binary(etf);
    gather_text(etf, 0);
    struct str text = arena_str(etf->arena, buf_str(&etf->text));
    buf_fini(&etf->text);
    return text;
}

/* --- Elements --- */

/* The writer trusts names. A prefix is a part of them; what is wrong with it the parser finds. */
static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = (uint8_t)name.at[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        bool inner = i > 0 && ((c >= '0' && c <= '9') || c == '-' || c == '.');
        if (!letter && !inner && c != '_' && c != ':' && c < 0x80)
            return false;
    }
    return name.len > 0 && name.len <= LIMIT_XML_NAME && text_is_xml(name);
}

static struct str take_name(struct etf *etf)
{
    struct str name = take_binary(etf);
    if (!etf->err && !is_name(name))
        fail(etf, ERR_INVALID);
    return arena_str(etf->arena, name);
}

static void take_attr(struct etf *etf, struct element *element)
{
    struct str name = take_name(etf), value = take_text(etf);
    if (!etf->err)
        element_set(etf->arena, element, name.at, value.at ? value : STR(""));
}

/* A list of pairs, in later versions a map. */
static void take_attrs(struct etf *etf, struct element *element)
{
    bool is_map = next_tag(etf) == MAP, is_list = next_tag(etf) == LIST;
    uint32_t count = is_map ? (take_tag(etf, MAP), take_number(etf, 4)) : take_list(etf);
    if (count > LIMIT_XML_ATTRIBUTES)
        fail(etf, ERR_TOO_BIG);
    for (uint32_t i = 0; i < count && !etf->err; i++) {
        if (!is_map && take_tuple(etf) != 2)
            fail(etf, ERR_INVALID);
        take_attr(etf, element);
    }
    take_tail(etf, is_list);
}

static struct element *take_element(struct etf *etf, unsigned depth);

/* {xmlel, Name, Attributes, Children}, or {xmlcdata, Text}, in later versions with a style. */
static void take_node(struct etf *etf, struct element *parent, unsigned depth)
{
    const uint8_t *begin = etf->at;
    uint32_t arity = take_tuple(etf);
    struct str kind = take_atom(etf);
    if (etf->err)
        return;
    if (str_is(kind, "xmlel")) {
        etf->at = begin;
        struct element *child = take_element(etf, depth + 1);
        if (child)
            element_push(parent, child);
        return;
    }
    if (!str_is(kind, "xmlcdata") || arity < 2 || arity > 3)
        fail(etf, ERR_INVALID);
    struct str text = take_text(etf);
    if (arity == 3)
        take_atom(etf);
    if (!etf->err && text.len)
        element_add_text(etf->arena, parent, text);
}

static void take_children(struct etf *etf, struct element *parent, unsigned depth)
{
    bool is_list = next_tag(etf) == LIST;
    uint32_t count = take_list(etf);
    for (uint32_t i = 0; i < count && !etf->err; i++) {
        if (++etf->nodes > LIMIT_XML_NODES)
            fail(etf, ERR_TOO_BIG);
        take_node(etf, parent, depth);
    }
    take_tail(etf, is_list);
}

/* All are taken as of one namespace: declarations are attributes like others here, and prefixes
 * parts of names, so that what is written has them as they were. */
static struct element *take_element(struct etf *etf, unsigned depth)
{
    if (depth > LIMIT_XML_DEPTH)
        fail(etf, ERR_TOO_BIG);
    if (take_tuple(etf) != 4 || !str_is(take_atom(etf), "xmlel"))
        fail(etf, ERR_INVALID);
    struct str name = take_name(etf);
    if (etf->err)
        return NULL;
    struct element *element = element_new(etf->arena, NS_CLIENT, name.at);
    take_attrs(etf, element);
    take_children(etf, element, depth);
    return etf->err ? NULL : element;
}

/* --- The whole --- */

/* The length is told before the data: what would be too much is not begun. */
static void inflate(struct etf *etf)
{
    uint32_t len = take_number(etf, 4);
    if (etf->err)
        return;
    if (len > LIMIT_IMPORT_STANZA) {
        fail(etf, ERR_TOO_BIG);
        return;
    }
    struct str in = {(const char *)etf->at, (size_t)(etf->end - etf->at)};
    uint8_t *bytes = arena_take(etf->arena, len + 1);
    if (inflate_whole(in, bytes, len))
        fail(etf, ERR_INVALID);
    etf->at = bytes;
    etf->end = bytes + len;
}

bool etf_is_term(struct str bytes)
{
    return bytes.len > 0 && (uint8_t)bytes.at[0] == VERSION;
}

enum err etf_write_xml(struct arena *arena, struct str bytes, struct buf *out)
{
    struct etf etf = {.at = (const uint8_t *)bytes.at, .arena = arena};
    etf.end = etf.at + bytes.len;
    if (bytes.len > LIMIT_IMPORT_STANZA)
        return ERR_TOO_BIG;
    take_tag(&etf, VERSION);
    if (next_tag(&etf) == COMPRESSED) {
        etf.at++;
        inflate(&etf);
    }
    struct element *element = take_element(&etf, 1);
    buf_fini(&etf.text);
    if (!etf.err && etf.at != etf.end)
        fail(&etf, ERR_INVALID);
    if (!etf.err)
        element_write(out, element, NS_CLIENT);
    return etf.err;
}
