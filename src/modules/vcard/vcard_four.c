/* A vcard-temp card in the form of vCard 4: XEP-0292 section 5, RFC 6351. */
#include "vcard.h"

/* What an element of vcard-temp becomes: `four` with a child of the type `value`. */
static const struct {
    const char *temp, *four, *value;
} simple[] = {
    {"FN", "fn", "text"},        {"NICKNAME", "nickname", "text"}, {"BDAY", "bday", "date"},
    {"URL", "url", "uri"},       {"TITLE", "title", "text"},       {"ROLE", "role", "text"},
    {"DESC", "note", "text"},    {"NOTE", "note", "text"},         {"UID", "uid", "uri"},
    {"JABBERID", "impp", "uri"}, {"REV", "rev", "timestamp"},      {"TZ", "tz", "text"},
};

/* Those with parts: which part becomes which. Parts of vCard 4 are all there, in this order. */
struct part {
    const char *temp, *four;
};

static const struct part name_parts[] = {{"FAMILY", "surname"},    {"GIVEN", "given"},
                                         {"MIDDLE", "additional"}, {"PREFIX", "prefix"},
                                         {"SUFFIX", "suffix"},     {NULL, NULL}};

static const struct part address_parts[] = {
    {"POBOX", "pobox"},   {"EXTADD", "ext"}, {"STREET", "street"}, {"LOCALITY", "locality"},
    {"REGION", "region"}, {"PCODE", "code"}, {"CTRY", "country"},  {NULL, NULL}};

static const struct part org_parts[] = {{"ORGNAME", "text"}, {"ORGUNIT", "text"}, {NULL, NULL}};
static const struct part mail_parts[] = {{"USERID", "text"}, {NULL, NULL}};
static const struct part tel_parts[] = {{"NUMBER", "text"}, {NULL, NULL}};

static const struct {
    const char *temp, *four;
    const struct part *parts;
    bool all; /* parts that are empty, too */
} structured[] = {
    {"N", "n", name_parts, true},     {"ADR", "adr", address_parts, true},
    {"ORG", "org", org_parts, false}, {"EMAIL", "email", mail_parts, false},
    {"TEL", "tel", tel_parts, false},
};

/* <HOME/> and its like, which become types. */
static const struct part types[] = {{"HOME", "home"},   {"WORK", "work"}, {"VOICE", "voice"},
                                    {"FAX", "fax"},     {"CELL", "cell"}, {"PAGER", "pager"},
                                    {"VIDEO", "video"}, {"MSG", "text"},  {NULL, NULL}};

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
    add_text(acc, add(acc, four, simple[at].four), simple[at].value, text);
}

static void add_types(struct acc *acc, struct element *four, const struct element *field)
{
    struct element *type = NULL;
    for (const struct part *part = types; part->temp; part++) {
        if (!element_child(field, NS_VCARD, part->temp))
            continue;
        if (!type)
            type = add(acc, add(acc, four, "parameters"), "type");
        add_text(acc, type, "text", str_of(part->four));
    }
}

static void add_structured(struct acc *acc, struct element *four, const struct element *field,
                           size_t at)
{
    struct element *made = add(acc, four, structured[at].four);
    add_types(acc, made, field);
    for (const struct part *part = structured[at].parts; part->temp; part++) {
        struct str text = text_of(acc, element_child(field, NS_VCARD, part->temp));
        if (text.len || structured[at].all)
            add_text(acc, made, part->four, text);
    }
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
    for (size_t i = 0; i < COUNT_OF(simple); i++)
        if (str_is(field->name, simple[i].temp))
            add_simple(acc, four, field, i);
    for (size_t i = 0; i < COUNT_OF(structured); i++)
        if (str_is(field->name, structured[i].temp))
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
