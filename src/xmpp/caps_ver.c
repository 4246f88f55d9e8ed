#include "caps_ver.h"

#include <stdlib.h>

/* Texts to be sorted; everything is in one arena. */
struct texts {
    struct arena *arena;
    struct str *items;
    size_t count, room;
    bool bad; /* one of them has a '<' */
};

static void add(struct texts *texts, struct str text)
{
    if (texts->count == texts->room) {
        texts->room = texts->room ? texts->room * 2 : 32;
        struct str *more = arena_zero(texts->arena, texts->room * sizeof *more);
        if (texts->count)
            memcpy(more, texts->items, texts->count * sizeof *more);
        texts->items = more;
    }
    texts->bad |= text.len && memchr(text.at, '<', text.len);
    texts->items[texts->count++] = text;
}

/* i;octet (RFC 4790). */
static int by_octets(const void *a, const void *b)
{
    const struct str *x = a, *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = len ? memcmp(x->at, y->at, len) : 0;
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static void sort(struct texts *texts)
{
    if (texts->count)
        qsort(texts->items, texts->count, sizeof *texts->items, by_octets);
}

static bool has_twins(const struct texts *texts)
{
    for (size_t i = 1; i < texts->count; i++)
        if (str_eq(texts->items[i - 1], texts->items[i]))
            return true;
    return false;
}

static void push(struct buf *out, const struct texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        buf_format(out, "%.*s<", STR_ARG(texts->items[i]));
}

/* --- Identities and features: 5.1, 2 to 5 --- */

static struct str identity_text(struct arena *arena, const struct element *identity)
{
    return arena_format(arena, "%.*s/%.*s/%.*s/%.*s", STR_ARG(element_attr(identity, "category")),
                        STR_ARG(element_attr(identity, "type")),
                        STR_ARG(element_attr_ns(identity, ns_uri(NS_XML), "lang")),
                        STR_ARG(element_attr(identity, "name")));
}

static bool push_plain(struct arena *arena, struct buf *out, const struct element *query,
                       const char *name)
{
    struct texts texts = {.arena = arena};
    for (const struct element *child = element_first(query); child; child = element_next(child)) {
        if (!element_is(child, NS_DISCO_INFO, name))
            continue;
        bool feature = str_is(child->name, "feature");
        add(&texts, feature ? element_attr(child, "var") : identity_text(arena, child));
    }
    sort(&texts);
    push(out, &texts);
    return !texts.bad && !has_twins(&texts);
}

/* --- Forms: 5.1, 6 and 7. Each is one text, which begins with its type. --- */

static bool is_hidden_type(const struct element *field)
{
    return element_is(field, NS_DATA, "field") && str_is(element_attr(field, "var"), "FORM_TYPE") &&
           str_is(element_attr(field, "type"), "hidden");
}

static void add_values(struct arena *arena, struct texts *texts, const struct element *field)
{
    for (const struct element *value = element_first(field); value; value = element_next(value))
        if (element_is(value, NS_DATA, "value"))
            add(texts, element_text(arena, value));
    sort(texts);
}

/* "var<value<value<" */
static struct str field_text(struct arena *arena, const struct element *field, bool *bad)
{
    struct texts values = {.arena = arena};
    struct buf text = {0};
    struct str var = element_attr(field, "var");
    add_values(arena, &values, field);
    buf_format(&text, "%.*s<", STR_ARG(var));
    push(&text, &values);
    *bad |= values.bad || (var.len && memchr(var.at, '<', var.len));
    struct str copy = arena_str(arena, buf_str(&text));
    buf_fini(&text);
    return copy;
}

/* False: ill-formed. A form without a hidden FORM_TYPE says nothing. */
static bool add_form(struct arena *arena, struct texts *forms, const struct element *form)
{
    struct texts types = {.arena = arena}, fields = {.arena = arena};
    bool bad = false;
    for (const struct element *field = element_first(form); field; field = element_next(field)) {
        if (is_hidden_type(field))
            add_values(arena, &types, field);
        else if (element_is(field, NS_DATA, "field") &&
                 !str_is(element_attr(field, "var"), "FORM_TYPE"))
            add(&fields, field_text(arena, field, &bad));
    }
    if (types.count == 0)
        return true;
    struct buf text = {0};
    sort(&fields);
    buf_format(&text, "%.*s<", STR_ARG(types.items[0]));
    for (size_t i = 0; i < fields.count; i++)
        buf_push_str(&text, fields.items[i]);
    add(forms, arena_str(arena, buf_str(&text)));
    buf_fini(&text);
    return !bad && !types.bad && types.count == 1;
}

static struct str type_of(struct str form)
{
    return str_cut(form, '<', &form);
}

static bool push_forms(struct arena *arena, struct buf *out, const struct element *query)
{
    struct texts forms = {.arena = arena};
    bool good = true;
    for (const struct element *form = element_first(query); form; form = element_next(form))
        if (element_is(form, NS_DATA, "x"))
            good &= add_form(arena, &forms, form);
    sort(&forms);
    for (size_t i = 0; i < forms.count; i++) {
        good &= i == 0 || !str_eq(type_of(forms.items[i - 1]), type_of(forms.items[i]));
        buf_push_str(out, forms.items[i]);
    }
    return good;
}

/* --- The string --- */

bool caps_digest(struct str name, enum digest *out)
{
    static const char *const names[] = {
        [DIGEST_SHA1] = "sha-1", [DIGEST_SHA256] = "sha-256", [DIGEST_SHA512] = "sha-512"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_is(name, names[i])) {
            *out = (enum digest)i;
            return true;
        }
    return false;
}

enum err caps_ver(const struct element *query, enum digest digest, char out[CAPS_VER_ROOM])
{
    struct arena arena;
    struct buf text = {0};
    uint8_t hash[DIGEST_MAX_LEN];
    arena_init(&arena);
    bool good = push_plain(&arena, &text, query, "identity");
    good &= push_plain(&arena, &text, query, "feature");
    good &= push_forms(&arena, &text, query);
    digest_hash(digest, buf_str(&text), hash);
    out[base64_encode(hash, digest_len(digest), out)] = '\0';
    buf_fini(&text);
    arena_fini(&arena);
    return good ? ERR_OK : ERR_INVALID;
}
