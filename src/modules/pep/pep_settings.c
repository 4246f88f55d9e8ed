/* What a node is set to: presets, the form in storage, and data forms. XEP-0060 16.4.4. */
#include "pep_settings.h"

#include <stddef.h>

static const char *const access_models[] = {"open",      "presence",  "roster",
                                            "whitelist", "authorize", NULL};
static const char *const send_lasts[] = {"never", "on_sub", "on_sub_and_presence", NULL};
static const char *const publish_models[] = {"publishers", "open", NULL};
static const char *const notification_types[] = {"headline", "normal", NULL};

enum field_kind { FIELD_BOOL, FIELD_CHOICE, FIELD_COUNT, FIELD_TEXT, FIELD_GROUPS };

static const struct field {
    const char *name; /* behind "pubsub#" */
    const char *type;
    const char *label;
    enum field_kind kind;
    size_t offset;
    const char *const *choices;
} fields[] = {
#define AT(field) offsetof(struct pep_settings, field)
    {"title", "text-single", "A name for the node", FIELD_TEXT, AT(title), NULL},
    {"description", "text-single", "A description of the node", FIELD_TEXT, AT(description), NULL},
    {"type", "text-single", "Namespace of payloads", FIELD_TEXT, AT(type), NULL},
    {"access_model", "list-single", "Who may read", FIELD_CHOICE, AT(access), access_models},
    {"roster_groups_allowed", "list-multi", "Roster groups that may read", FIELD_GROUPS, AT(groups),
     NULL},
    {"publish_model", "list-single", "Who may publish", FIELD_CHOICE, AT(publish_model),
     publish_models},
    {"max_items", "text-single", "Items that are kept", FIELD_COUNT, AT(max_items), NULL},
    {"persist_items", "boolean", "Keep items", FIELD_BOOL, AT(persist), NULL},
    {"deliver_notifications", "boolean", "Send notifications", FIELD_BOOL, AT(notifications), NULL},
    {"deliver_payloads", "boolean", "With payloads", FIELD_BOOL, AT(payloads), NULL},
    {"notify_retract", "boolean", "Tell of retracted items", FIELD_BOOL, AT(on_retract), NULL},
    {"notify_delete", "boolean", "Tell when the node is deleted", FIELD_BOOL, AT(on_delete), NULL},
    {"notify_config", "boolean", "Tell of other settings", FIELD_BOOL, AT(on_config), NULL},
    {"send_last_published_item", "list-single", "When the last item is sent", FIELD_CHOICE,
     AT(send_last), send_lasts},
    {"notification_type", "list-single", "Type of notifications", FIELD_CHOICE,
     AT(notification_type), notification_types},
#undef AT
};

/* --- Presets --- */

/* Nodes that are not for all contacts, or for more than those; a client that forgets to say so must
 * not give them away, or shut others out. A name that ends in "*" is a beginning. */
static const struct {
    const char *node;
    enum pep_access access;
    enum pep_send_last send_last;
    uint64_t max_items;
} known[] = {
    {"urn:xmpp:bookmarks:1", PEP_WHITELIST, PEP_NEVER, UINT64_MAX},
    {"storage:bookmarks", PEP_WHITELIST, PEP_ON_SUB_AND_PRESENCE, 1},
    {"urn:xmpp:mds:displayed:0", PEP_WHITELIST, PEP_NEVER, UINT64_MAX},
    {"urn:xmpp:avatar:data", PEP_PRESENCE, PEP_NEVER, 1},
    {"urn:xmpp:vcard4", PEP_OPEN, PEP_NEVER, 1},
    {"urn:xmpp:omemo:2:devices", PEP_OPEN, PEP_ON_SUB_AND_PRESENCE, 1},
    {"urn:xmpp:omemo:2:bundles", PEP_OPEN, PEP_NEVER, UINT64_MAX},
    {"eu.siacs.conversations.axolotl.devicelist", PEP_OPEN, PEP_ON_SUB_AND_PRESENCE, 1},
    {"eu.siacs.conversations.axolotl.bundles:*", PEP_OPEN, PEP_NEVER, 1},
};

static bool is_named(struct str node, const char *name)
{
    size_t len = strlen(name);
    if (name[len - 1] != '*')
        return str_is(node, name);
    return node.len >= len - 1 && memcmp(node.at, name, len - 1) == 0;
}

struct pep_settings pep_settings_preset(struct str node)
{
    struct pep_settings settings = {.access = PEP_PRESENCE,
                                    .send_last = PEP_ON_SUB_AND_PRESENCE,
                                    .max_items = 1,
                                    .persist = true,
                                    .payloads = true,
                                    .notifications = true,
                                    .on_retract = true,
                                    .on_delete = true};
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (!is_named(node, known[i].node))
            continue;
        settings.access = known[i].access;
        settings.send_last = known[i].send_last;
        settings.max_items = known[i].max_items;
        break;
    }
    return settings;
}

/* --- Values as text --- */

static void *place(const struct pep_settings *settings, const struct field *field)
{
    return (char *)settings + field->offset;
}

static bool read_bool(struct str text, bool *out)
{
    *out = str_is(text, "1") || str_is(text, "true");
    return *out || str_is(text, "0") || str_is(text, "false");
}

static bool read_choice(struct str text, const char *const *choices, int *out)
{
    for (int i = 0; choices[i]; i++)
        if (str_is(text, choices[i])) {
            *out = i;
            return true;
        }
    return false;
}

static bool read_count(struct str text, uint64_t *out)
{
    *out = UINT64_MAX;
    return str_is(text, "max") || text_u64(text, 1, UINT64_MAX - 1, out);
}

/* False: the text is no value of the field. */
static bool read_value(struct pep_settings *settings, const struct field *field, struct str text)
{
    switch (field->kind) {
    case FIELD_BOOL:
        return read_bool(text, place(settings, field));
    case FIELD_CHOICE:
        return read_choice(text, field->choices, place(settings, field));
    case FIELD_COUNT:
        return read_count(text, place(settings, field));
    case FIELD_TEXT:
    case FIELD_GROUPS:
        break;
    }
    *(struct str *)place(settings, field) = text;
    return true;
}

static struct str write_value(struct arena *arena, const struct pep_settings *settings,
                              const struct field *field)
{
    const void *at = place(settings, field);
    switch (field->kind) {
    case FIELD_BOOL:
        return *(const bool *)at ? STR("1") : STR("0");
    case FIELD_CHOICE:
        return str_of(field->choices[*(const int *)at]);
    case FIELD_COUNT:
        if (*(const uint64_t *)at == UINT64_MAX)
            return STR("max");
        return arena_format(arena, "%llu", (unsigned long long)*(const uint64_t *)at);
    case FIELD_TEXT:
    case FIELD_GROUPS:
        break;
    }
    return *(const struct str *)at;
}

static const struct field *find_field(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (str_is(name, fields[i].name))
            return &fields[i];
    return NULL;
}

/* --- In storage: fields, then groups, then people, with a form feed between them, which XML has
 * not --- */

struct pep_settings pep_settings_parse(struct str text)
{
    struct pep_settings settings = pep_settings_preset(STR(""));
    struct str rest, lines = str_cut(text, '\f', &rest);
    while (lines.len) {
        struct str value, line = str_cut(lines, '\n', &lines);
        const struct field *field = find_field(str_cut(line, ' ', &value));
        if (field)
            read_value(&settings, field, value);
    }
    settings.groups = str_cut(rest, '\f', &settings.people);
    return settings;
}

struct str pep_settings_text(struct arena *arena, const struct pep_settings *settings)
{
    struct buf text = {0};
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        struct str value = write_value(arena, settings, &fields[i]);
        if (fields[i].kind != FIELD_GROUPS && value.len)
            buf_format(&text, "%s %.*s\n", fields[i].name, STR_ARG(value));
    }
    buf_format(&text, "\f%.*s\f%.*s", STR_ARG(settings->groups), STR_ARG(settings->people));
    struct str out = arena_str(arena, buf_str(&text));
    buf_fini(&text);
    return out;
}

/* --- Data forms --- */

#define NODE_CONFIG "http://jabber.org/protocol/pubsub#node_config"
#define PREFIX      "pubsub#"

static void add_options(struct arena *arena, struct element *out, const char *const *choices)
{
    for (; choices && *choices; choices++)
        form_value(arena, element_add(arena, out, NS_DATA, "option"), str_of(*choices));
}

static void add_groups(struct arena *arena, struct element *out, struct str groups)
{
    while (groups.len)
        form_value(arena, out, str_cut(groups, '\n', &groups));
}

static void add_field(struct arena *arena, struct element *form,
                      const struct pep_settings *settings, const struct field *field, bool whole)
{
    struct str value = write_value(arena, settings, field);
    struct str var = arena_format(arena, PREFIX "%s", field->name);
    bool groups = field->kind == FIELD_GROUPS;
    struct element *out =
        form_field(arena, form, var.at, whole ? field->type : NULL, whole ? field->label : NULL,
                   groups     ? (struct str){NULL, 0}
                   : value.at ? value
                              : STR(""));
    if (groups)
        add_groups(arena, out, value);
    if (whole)
        add_options(arena, out, field->choices);
}

struct element *pep_settings_form(struct acc *acc, const struct pep_settings *settings,
                                  const char *type)
{
    struct element *form = form_new(&acc->arena, type, NODE_CONFIG);
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        add_field(&acc->arena, form, settings, &fields[i], strcmp(type, "form") == 0);
    return form;
}

/* The values of a field, one a line; a line end inside of one becomes a space. */
static struct str joined(struct acc *acc, const struct element *field)
{
    struct buf lines = {0};
    for (struct element *value = element_first(field); value; value = element_next(value)) {
        struct str text = element_text(&acc->arena, value);
        if (!element_is(value, NS_DATA, "value"))
            continue;
        if (buf_len(&lines))
            buf_push(&lines, "\n", 1);
        buf_push_str(&lines, text);
        for (size_t i = 1; i <= text.len; i++)
            if (buf_str(&lines).at[buf_len(&lines) - i] == '\n')
                buf_at(&lines)[buf_len(&lines) - i] = ' ';
    }
    struct str out = arena_str(&acc->arena, buf_str(&lines));
    buf_fini(&lines);
    return out;
}

static struct str value_of(struct acc *acc, const struct element *form_field,
                           const struct field *field)
{
    struct str text = joined(acc, form_field);
    return field->kind == FIELD_GROUPS ? text : str_trim(text);
}

/* NULL: it is none of ours; FORM_TYPE is not either. */
static const struct field *field_of(const struct element *form_field)
{
    struct str var = element_attr(form_field, "var");
    const size_t len = sizeof PREFIX - 1;
    if (var.len <= len || memcmp(var.at, PREFIX, len) != 0)
        return NULL;
    return find_field((struct str){var.at + len, var.len - len});
}

bool pep_settings_submit(struct acc *acc, const struct element *form, struct pep_settings *settings)
{
    for (struct element *one = element_first(form); one; one = element_next(one)) {
        const struct field *field = field_of(one);
        if (field && !read_value(settings, field, value_of(acc, one, field)))
            return false;
    }
    return true;
}

bool pep_settings_match(struct acc *acc, const struct element *form,
                        const struct pep_settings *settings)
{
    for (struct element *one = element_first(form); one; one = element_next(one)) {
        struct pep_settings wanted = *settings;
        const struct field *field = field_of(one);
        if (!element_is(one, NS_DATA, "field") || str_is(element_attr(one, "var"), "FORM_TYPE"))
            continue;
        if (!field || !read_value(&wanted, field, value_of(acc, one, field)) ||
            !str_eq(write_value(&acc->arena, &wanted, field),
                    write_value(&acc->arena, settings, field)))
            return false;
    }
    return true;
}
