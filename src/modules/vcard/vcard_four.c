/* A vcard-temp card in the form of vCard 4: XEP-0292 section 5, RFC 6351. */
#include "vcard_fields.h"

static struct element *add(struct acc *acc, struct element *parent, const char *name)
{
    return element_add(&acc->arena, parent, NS_VCARD_4, name);
}

static struct str text_of(struct acc *acc, const struct element *element)
{
    return element ? str_trim(element_text(&acc->arena, element)) : STR("");
}

static void add_text(struct acc *acc, struct element *parent, const char *name, struct str text)
{
    struct element *child = add(acc, parent, name);
    if (text.len)
        element_add_text(&acc->arena, child, text);
}

static void add_simple(struct acc *acc, struct element *four, const struct element *field,
                       size_t at)
{
    struct str text = text_of(acc, field);
    if (text.len == 0)
        return;
    if (str_is(field->name, "JABBERID"))
        text = arena_format(&acc->arena, "xmpp:%.*s", STR_ARG(text));
    add_text(acc, add(acc, four, vcard_simple[at].four), vcard_simple[at].value, text);
}

static void add_types(struct acc *acc, struct element *four, const struct element *field)
{
    struct element *type = NULL;
    for (const struct vcard_part *part = vcard_types; part->temp; part++) {
        if (!element_child(field, NS_VCARD, part->temp))
            continue;
        if (!type)
            type = add(acc, add(acc, four, "parameters"), "type");
        add_text(acc, type, "text", str_of(part->four));
    }
}

/* A part may be there several times (ORGUNIT); an empty one is added with `all`. */
static void add_part(struct acc *acc, struct element *made, const struct element *field,
                     const struct vcard_part *part, bool all)
{
    const struct element *child = element_child(field, NS_VCARD, part->temp);
    if (!child && all)
        add_text(acc, made, part->four, STR(""));
    for (; child; child = element_next(child))
        if (element_is(child, NS_VCARD, part->temp) && (all || text_of(acc, child).len))
            add_text(acc, made, part->four, text_of(acc, child));
}

static void add_structured(struct acc *acc, struct element *four, const struct element *field,
                           size_t at)
{
    struct element *made = add(acc, four, vcard_structured[at].four);
    add_types(acc, made, field);
    for (const struct vcard_part *part = vcard_structured[at].parts; part->temp; part++)
        add_part(acc, made, field, part, vcard_structured[at].all);
}

/* XEP-0292 5: inside the card, as a data URI. */
static void add_photo(struct acc *acc, struct element *four, const struct element *field)
{
    struct str type = text_of(acc, element_child(field, NS_VCARD, "TYPE"));
    struct str data = text_of(acc, element_child(field, NS_VCARD, "BINVAL"));
    struct str uri = text_of(acc, element_child(field, NS_VCARD, "EXTVAL"));
    if (data.len)
        uri = arena_format(&acc->arena, "data:%.*s;base64,%.*s", STR_ARG(type), STR_ARG(data));
    if (uri.len)
        add_text(acc, add(acc, four, "photo"), "uri", uri);
}

static void add_field(struct acc *acc, struct element *four, const struct element *field)
{
    for (size_t i = 0; vcard_simple[i].temp; i++)
        if (str_is(field->name, vcard_simple[i].temp))
            add_simple(acc, four, field, i);
    for (size_t i = 0; vcard_structured[i].temp; i++)
        if (str_is(field->name, vcard_structured[i].temp))
            add_structured(acc, four, field, i);
    if (str_is(field->name, "PHOTO"))
        add_photo(acc, four, field);
}

struct element *vcard_four(struct acc *acc, const struct element *card)
{
    struct element *four = element_new(&acc->arena, NS_VCARD_4, "vcard");
    for (const struct element *field = element_first(card); field; field = element_next(field))
        add_field(acc, four, field);
    return four;
}
