/* A vCard 4 in the form of vcard-temp, as which it is stored: XEP-0292 section 5, backwards. */
#include "vcard_fields.h"

static struct element *add(struct acc *acc, struct element *parent, const char *name)
{
    return element_add(&acc->arena, parent, NS_VCARD, name);
}

static void add_text(struct acc *acc, struct element *parent, const char *name, struct str text)
{
    if (text.len)
        element_add_text(&acc->arena, add(acc, parent, name), text);
}

/* The first child that is a value. */
static const struct element *value_of(const struct element *field)
{
    const struct element *value = element_first(field);
    while (value && str_is(value->name, "parameters"))
        value = element_next(value);
    return value;
}

static struct str text_of(struct acc *acc, const struct element *value)
{
    return value ? str_trim(element_text(&acc->arena, value)) : STR("");
}

/* Takes the beginning off; false: it is none. */
static bool cut(struct str *text, const char *beginning)
{
    size_t len = strlen(beginning);
    if (text->len < len || memcmp(text->at, beginning, len) != 0)
        return false;
    *text = (struct str){text->at + len, text->len - len};
    return true;
}

static bool add_simple(struct acc *acc, struct element *card, const struct element *field)
{
    const struct vcard_simple *simple = vcard_simple;
    while (simple->temp && !str_is(field->name, simple->four))
        simple++;
    if (!simple->temp)
        return false;
    struct str text = text_of(acc, value_of(field));
    if (str_is(field->name, "impp") && !cut(&text, "xmpp:"))
        return false;
    add_text(acc, card, simple->temp, text);
    return true;
}

static void add_types(struct acc *acc, struct element *out, const struct element *field)
{
    const struct element *parameters = element_child(field, NS_VCARD_4, "parameters");
    const struct element *type = parameters ? element_child(parameters, NS_VCARD_4, "type") : NULL;
    for (struct element *one = type ? element_first(type) : NULL; one; one = element_next(one))
        for (const struct vcard_part *known = vcard_types; known->temp; known++)
            if (str_is(text_of(acc, one), known->four))
                add(acc, out, known->temp);
}

/* Parts that have one name in vCard 4 are those of vcard-temp in order; the last one may be there
 * several times (ORGUNIT). */
static void add_parts(struct acc *acc, struct element *out, const struct element *field,
                      const struct vcard_part *parts)
{
    for (struct element *value = element_first(field); value; value = element_next(value)) {
        const struct vcard_part *part = parts;
        while (part->temp && !str_is(value->name, part->four))
            part++;
        if (!part->temp)
            continue;
        add_text(acc, out, part->temp, text_of(acc, value));
        bool repeats = part == parts && part[1].temp && strcmp(part[1].four, part->four) == 0;
        parts += repeats;
    }
}

static bool add_structured(struct acc *acc, struct element *card, const struct element *field)
{
    const struct vcard_structured *kind = vcard_structured;
    while (kind->temp && !str_is(field->name, kind->four))
        kind++;
    if (!kind->temp)
        return false;
    struct element *out = add(acc, card, kind->temp);
    const struct element *uri = element_child(field, NS_VCARD_4, "uri");
    struct str number = text_of(acc, uri);
    add_types(acc, out, field);
    add_parts(acc, out, field, kind->parts);
    if (str_is(field->name, "tel") && cut(&number, "tel:"))
        add_text(acc, out, "NUMBER", number);
    return true;
}

/* data:TYPE;base64,DATA, or a link. */
static bool add_photo(struct acc *acc, struct element *card, const struct element *field)
{
    struct str uri = text_of(acc, element_child(field, NS_VCARD_4, "uri")), data;
    if (!str_is(field->name, "photo") || !uri.len)
        return false;
    struct element *photo = add(acc, card, "PHOTO");
    struct str type = uri;
    if (!cut(&type, "data:")) {
        add_text(acc, photo, "EXTVAL", uri);
        return true;
    }
    add_text(acc, photo, "TYPE", str_cut(type, ';', &data));
    bool is_base64 = cut(&data, "base64,");
    add_text(acc, photo, "BINVAL", data);
    return is_base64;
}

struct element *vcard_temp(struct acc *acc, const struct element *four, struct str *lost)
{
    struct element *card = element_new(&acc->arena, NS_VCARD, "vCard");
    for (const struct element *field = element_first(four); field; field = element_next(field))
        if (!add_simple(acc, card, field) && !add_structured(acc, card, field) &&
            !add_photo(acc, card, field)) {
            *lost = field->name;
            return NULL;
        }
    return card;
}
