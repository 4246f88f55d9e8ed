/* Requests about privacy lists: XEP-0016 2.3 to 2.8. */
#include "privacy_iq.h"

#include <stdlib.h>

enum { NAME_MAX_LEN = 1023 };

static const struct {
    const char *name;
    unsigned kind;
} kinds[] = {
    {"message", PRIVACY_MESSAGE},
    {"iq", PRIVACY_IQ},
    {"presence-in", PRIVACY_PRESENCE_IN},
    {"presence-out", PRIVACY_PRESENCE_OUT},
};

static const struct {
    const char *name;
    enum privacy_type type;
} types[] = {
    {"jid", PRIVACY_JID}, {"group", PRIVACY_GROUP}, {"subscription", PRIVACY_SUBSCRIPTION}};

static enum verdict refuse(struct acc *acc, enum stanza_error error, const char *why)
{
    effect_error(acc, error, why);
    return HOOK_STOP;
}

static bool is_own(struct acc *acc, const struct session *session)
{
    if (session && str_eq(acc->from.bare, acc->to.bare))
        return true;
    effect_error(acc, STANZA_FORBIDDEN, NULL);
    return false;
}

static bool is_unreadable(const struct privacy *privacy)
{
    return privacy && privacy->err;
}

static enum verdict answer_failure(struct acc *acc)
{
    return refuse(acc, STANZA_RESOURCE_CONSTRAINT, "the privacy lists are not available now");
}

static struct element *payload(const struct acc *acc)
{
    return element_first(acc->element);
}

/* --- Get (2.3, 2.4) --- */

static struct element *add_named(struct acc *acc, struct element *query, const char *element,
                                 struct str name)
{
    struct element *child = element_add(&acc->arena, query, NS_PRIVACY, element);
    element_set(&acc->arena, child, "name", arena_str(&acc->arena, name));
    return child;
}

static void write_names(struct acc *acc, struct element *query, const struct privacy *privacy,
                        const struct session *session)
{
    if (session->active_list)
        add_named(acc, query, "active", str_of(session->active_list));
    if (privacy && privacy->standard)
        add_named(acc, query, "default", privacy->standard->name);
    for (size_t i = 0; privacy && i < privacy->count; i++)
        add_named(acc, query, "list", privacy->lists[i]->name);
}

static void write_item(struct acc *acc, struct element *list, const struct privacy_item *item)
{
    struct element *told = element_add(&acc->arena, list, NS_PRIVACY, "item");
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i].type == item->type) {
            element_set(&acc->arena, told, "type", str_of(types[i].name));
            element_set(&acc->arena, told, "value", arena_str(&acc->arena, item->value));
        }
    element_set(&acc->arena, told, "action", item->denies ? STR("deny") : STR("allow"));
    unsigned long order = item->order;
    element_set(&acc->arena, told, "order", arena_format(&acc->arena, "%lu", order));
    for (size_t i = 0; i < COUNT_OF(kinds) && item->kinds != PRIVACY_ALL; i++)
        if (item->kinds & kinds[i].kind)
            element_add(&acc->arena, told, NS_PRIVACY, kinds[i].name);
}

static enum verdict give(struct acc *acc, struct session *session)
{
    const struct privacy *privacy = privacy_of(&acc->from);
    const struct element *asked = element_first(payload(acc));
    if (is_unreadable(privacy))
        return answer_failure(acc);
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *query = element_add(&acc->arena, result, NS_PRIVACY, "query");
    if (!asked) {
        write_names(acc, query, privacy, session);
        effect_answer(acc, result);
        return HOOK_STOP;
    }
    const struct privacy_list *list = privacy_get(privacy, element_attr(asked, "name"));
    if (!list)
        return refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    struct element *told = add_named(acc, query, "list", list->name);
    for (size_t i = 0; i < list->count; i++)
        write_item(acc, told, &list->items[i]);
    effect_answer(acc, result);
    return HOOK_STOP;
}

enum verdict privacy_on_get(struct acc *acc, struct session *session)
{
    const struct element *asked = element_first(payload(acc));
    if (!is_own(acc, session))
        return HOOK_STOP;
    if (asked && (element_next(asked) || !element_is(asked, NS_PRIVACY, "list")))
        return refuse(acc, STANZA_BAD_REQUEST, "a request is for one list, or for the names");
    return privacy_with(acc, session, &acc->from, give);
}

/* --- Items (2.1) --- */

static const char *read_type(struct acc *acc, const struct element *item, struct privacy_item *out)
{
    struct str type = element_attr(item, "type"), value = element_attr(item, "value");
    struct jid jid;
    out->type = PRIVACY_ANYBODY;
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_is(type, types[i].name))
            out->type = types[i].type;
    out->value = value;
    if (out->type == PRIVACY_ANYBODY)
        return type.at || value.at ? "an item's type is jid, group or subscription" : NULL;
    if (out->type == PRIVACY_JID) {
        if (jid_parse(&acc->arena, value, &jid))
            return "an item's value is not an address";
        out->value = jid.full;
    }
    if (out->type == PRIVACY_SUBSCRIPTION && !str_is(value, "none") && !str_is(value, "to") &&
        !str_is(value, "from") && !str_is(value, "both"))
        return "a subscription is none, to, from or both";
    bool is_line = value.len && value.len <= NAME_MAX_LEN && !memchr(value.at, '\n', value.len) &&
                   !memchr(value.at, '\t', value.len);
    return out->type != PRIVACY_GROUP || is_line ? NULL : "a group has a name of one line";
}

static const char *read_kinds(const struct element *item, struct privacy_item *out)
{
    for (const struct element *child = element_first(item); child; child = element_next(child)) {
        unsigned kind = 0;
        for (size_t i = 0; i < COUNT_OF(kinds); i++)
            if (element_is(child, NS_PRIVACY, kinds[i].name))
                kind = kinds[i].kind;
        if (!kind)
            return "an item is about message, iq, presence-in, presence-out, or all";
        out->kinds |= kind;
    }
    if (!out->kinds)
        out->kinds = PRIVACY_ALL;
    return NULL;
}

static const char *read_item(struct acc *acc, const struct element *item, struct privacy_item *out)
{
    struct str action = element_attr(item, "action");
    uint64_t order;
    if (!element_is(item, NS_PRIVACY, "item"))
        return "a list has items";
    if (!text_u64(element_attr(item, "order"), 0, UINT32_MAX, &order))
        return "an item's order is a number";
    out->order = (uint32_t)order;
    out->denies = str_is(action, "deny");
    if (!out->denies && !str_is(action, "allow"))
        return "an item's action is allow or deny";
    const char *wrong = read_type(acc, item, out);
    return wrong ? wrong : read_kinds(item, out);
}

static int by_order(const void *a, const void *b)
{
    const struct privacy_item *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

/* The text of a list; empty for one without items. */
static const char *read_list(struct acc *acc, const struct element *list, uint64_t count,
                             struct buf *text)
{
    struct privacy_item *items = arena_zero(&acc->arena, (count + 1) * sizeof *items);
    size_t i = 0;
    for (const struct element *item = element_first(list); item; item = element_next(item)) {
        const char *wrong = read_item(acc, item, &items[i++]);
        if (wrong)
            return wrong;
    }
    qsort(items, count, sizeof *items, by_order);
    for (i = 0; i < count; i++) {
        if (i && items[i].order == items[i - 1].order)
            return "two items have the same order";
        privacy_write(text, &items[i]);
    }
    return NULL;
}

/* --- Set (2.5, 2.7, 2.8) --- */

static bool has_active(const struct session *session, struct str name)
{
    return session->active_list && str_is(name, session->active_list);
}

/* True when another session goes by this list. */
static bool is_used_elsewhere(const struct privacy *privacy, const struct session *own,
                              const struct privacy_list *list)
{
    struct session *session = NULL;
    while ((session = users_next_session(&privacy->owner, session))) {
        if (session == own)
            continue;
        if (session->active_list ? has_active(session, list->name) : privacy->standard == list)
            return true;
    }
    return false;
}

static bool has_default_elsewhere(const struct privacy *privacy, const struct session *own)
{
    struct session *session = NULL;
    while ((session = users_next_session(&privacy->owner, session)))
        if (session != own && !session->active_list)
            return true;
    return false;
}

static enum verdict after_change(struct acc *acc, struct session *session)
{
    (void)session;
    if (acc->answer->outcome == ERR_OK)
        effect_answer(acc, NULL);
    else
        effect_error(acc, STANZA_INTERNAL_SERVER_ERROR, "the list could not be written");
    return HOOK_STOP;
}

/* A list that is no more is nobody's active one. */
static enum verdict after_removal(struct acc *acc, struct session *session)
{
    struct str name = element_attr(element_first(payload(acc)), "name");
    if (acc->answer->outcome == ERR_OK && has_active(session, name))
        privacy_set_active(session, STR(""));
    return after_change(acc, session);
}

static enum verdict remove_list(struct acc *acc, struct session *session,
                                const struct privacy *privacy, struct str name)
{
    const struct privacy_list *list = privacy_get(privacy, name);
    if (!list)
        return refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    if (is_used_elsewhere(privacy, session, list))
        return refuse(acc, STANZA_CONFLICT, "another resource uses this list");
    return privacy_set(acc, session, name, STR(""), after_removal);
}

static uint64_t count_items(const struct element *list)
{
    uint64_t count = 0;
    for (const struct element *item = element_first(list); item; item = element_next(item))
        count++;
    return count;
}

static enum verdict set_list(struct acc *acc, struct session *session,
                             const struct privacy *privacy, const struct element *list)
{
    const struct privacy_conf *conf = module_conf(acc->host, &module_privacy);
    struct str name = element_attr(list, "name");
    uint64_t count = count_items(list);
    struct buf text = {0};
    if (!name.len || name.len > NAME_MAX_LEN)
        return refuse(acc, STANZA_BAD_REQUEST, "a list has a name of at most 1023 bytes");
    if (!count)
        return remove_list(acc, session, privacy, name);
    bool is_more = privacy && privacy->count >= conf->max_lists && !privacy_get(privacy, name);
    if (is_more || count > conf->max_items)
        return refuse(acc, STANZA_RESOURCE_CONSTRAINT,
                      is_more ? "too many lists" : "too many items");
    const char *wrong = read_list(acc, list, count, &text);
    struct str copy = arena_str(&acc->arena, buf_str(&text));
    buf_fini(&text);
    if (wrong)
        return refuse(acc, STANZA_BAD_REQUEST, wrong);
    return privacy_set(acc, session, name, copy, after_change);
}

static enum verdict set_active(struct acc *acc, struct session *session,
                               const struct privacy *privacy, const struct element *active)
{
    struct str name = element_attr(active, "name");
    if (name.len && !privacy_get(privacy, name))
        return refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    privacy_set_active(session, name);
    effect_answer(acc, NULL);
    return HOOK_STOP;
}

static enum verdict set_default(struct acc *acc, struct session *session,
                                const struct privacy *privacy, const struct element *standard)
{
    struct str name = element_attr(standard, "name");
    if (name.len && !privacy_get(privacy, name))
        return refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    if (privacy && privacy->standard && has_default_elsewhere(privacy, session))
        return refuse(acc, STANZA_CONFLICT, "another resource uses the default list");
    return privacy_set_default(acc, session, name, after_change);
}

static enum verdict set(struct acc *acc, struct session *session)
{
    static const struct {
        const char *name;
        enum verdict (*run)(struct acc *, struct session *, const struct privacy *,
                            const struct element *);
    } elements[] = {{"list", set_list}, {"active", set_active}, {"default", set_default}};
    const struct privacy *privacy = privacy_of(&acc->from);
    const struct element *asked = element_first(payload(acc));
    if (is_unreadable(privacy))
        return answer_failure(acc);
    for (size_t i = 0; i < COUNT_OF(elements); i++)
        if (element_is(asked, NS_PRIVACY, elements[i].name))
            return elements[i].run(acc, session, privacy, asked);
    return refuse(acc, STANZA_BAD_REQUEST, "a set is of list, active or default");
}

enum verdict privacy_on_set(struct acc *acc, struct session *session)
{
    const struct element *asked = element_first(payload(acc));
    if (!is_own(acc, session))
        return HOOK_STOP;
    if (!asked || element_next(asked))
        return refuse(acc, STANZA_BAD_REQUEST, "a set is of exactly one thing");
    return privacy_with(acc, session, &acc->from, set);
}
