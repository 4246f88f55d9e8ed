#include "item.h"

enum { TEXT_MAX = 1023, GROUPS_MAX = 100 };

/* True when the line is among the lines. */
static bool has_line(struct str lines, struct str line)
{
    while (lines.len)
        if (str_eq(str_cut(lines, '\n', &lines), line))
            return true;
    return false;
}

static bool is_line(struct str text)
{
    return text.len > 0 && text.len <= TEXT_MAX && !memchr(text.at, '\n', text.len);
}

static enum stanza_error read_groups(struct acc *acc, const struct element *item,
                                     struct roster_wish *out, const char **why)
{
    unsigned count = 0;
    for (struct element *child = element_first(item); child; child = element_next(child)) {
        if (!element_is(child, NS_ROSTER, "group"))
            continue;
        struct str group = element_text(&acc->arena, child);
        *why = "a group has a name of one line, of at most 1023 bytes";
        if (!is_line(group))
            return STANZA_NOT_ACCEPTABLE;
        *why = "a group stands there twice";
        if (has_line(out->groups, group))
            return STANZA_BAD_REQUEST;
        *why = "too many groups";
        if (++count > GROUPS_MAX)
            return STANZA_NOT_ACCEPTABLE;
        out->groups = count == 1 ? group
                                 : arena_format(&acc->arena, "%.*s\n%.*s", STR_ARG(out->groups),
                                                STR_ARG(group));
    }
    return STANZA_NO_ERROR;
}

enum stanza_error roster_read(struct acc *acc, struct roster_wish *out, const char **why)
{
    const struct element *item = element_first(element_first(acc->element));
    *out = (struct roster_wish){0};
    *why = "a roster set has exactly one item";
    if (!item || element_next(item) || !element_is(item, NS_ROSTER, "item"))
        return STANZA_BAD_REQUEST;
    *why = "the item has no valid jid";
    if (jid_parse(&acc->arena, element_attr(item, "jid"), &out->jid))
        return STANZA_BAD_REQUEST;
    out->jid = jid_bare(&out->jid);
    out->name = element_attr(item, "name");
    out->remove = str_is(element_attr(item, "subscription"), "remove");
    *why = "a name has at most 1023 bytes";
    if (out->name.len > TEXT_MAX)
        return STANZA_NOT_ACCEPTABLE;
    return out->remove ? STANZA_NO_ERROR : read_groups(acc, item, out, why);
}

static const char *subscription_name(unsigned flags)
{
    static const char *const names[] = {
        [0] = "none",
        [ROSTER_TO] = "to",
        [ROSTER_FROM] = "from",
        [ROSTER_TO | ROSTER_FROM] = "both",
    };
    return names[flags & (ROSTER_TO | ROSTER_FROM)];
}

void roster_write(struct acc *acc, struct element *query, const struct contact *contact)
{
    struct arena *arena = &acc->arena;
    struct element *item = element_add(arena, query, NS_ROSTER, "item");
    element_set(arena, item, "jid", arena_str(arena, contact->jid));
    if (contact->name.len)
        element_set(arena, item, "name", arena_str(arena, contact->name));
    element_set(arena, item, "subscription", str_of(subscription_name(contact->flags)));
    if (contact->flags & ROSTER_ASK)
        element_set(arena, item, "ask", STR("subscribe"));
    if (contact->flags & ROSTER_APPROVED)
        element_set(arena, item, "approved", STR("true"));
    for (struct str rest = contact->groups; rest.len;) {
        struct element *group = element_add(arena, item, NS_ROSTER, "group");
        element_add_text(arena, group, arena_str(arena, str_cut(rest, '\n', &rest)));
    }
}

void roster_write_others(struct element *query, const struct contacts *contacts,
                         struct element *others)
{
    for (struct element *item; (item = element_first(others));) {
        const struct contact *contact = contacts_get(contacts, element_attr(item, "jid"));
        element_drop(others, item);
        if (!contact || !(contact->flags & ROSTER_LISTED))
            element_push(query, item);
    }
}
