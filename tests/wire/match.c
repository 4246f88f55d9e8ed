#include "match.h"

#include <stdio.h>

static struct str find_attr(const struct element *element, const struct attr *wanted)
{
    for (const struct attr *attr = element->attrs; attr; attr = attr->next)
        if (str_eq(attr->name, wanted->name) && str_eq(attr->ns_uri, wanted->ns_uri))
            return attr->value.at ? attr->value : STR("");
    return (struct str){NULL, 0};
}

static bool match_attr(const struct attr *wanted, const struct element *element, char *why,
                       size_t room)
{
    struct str value = find_attr(element, wanted);
    bool good = str_is(wanted->value, "!")   ? value.at == NULL
                : str_is(wanted->value, "*") ? value.at != NULL
                                             : value.at && str_eq(value, wanted->value);
    if (!good)
        snprintf(why, room, "attribute %.*s of <%.*s> is '%.*s'", STR_ARG(wanted->name),
                 STR_ARG(element->name), STR_ARG(value));
    return good;
}

static bool match_text(struct arena *arena, const struct element *pattern,
                       const struct element *element, char *why, size_t room)
{
    struct str wanted = str_trim(element_text(arena, pattern));
    struct str text = str_trim(element_text(arena, element));
    if (wanted.len == 0 || str_is(wanted, "*") || str_eq(wanted, text))
        return true;
    snprintf(why, room, "text of <%.*s> is '%.*s'", STR_ARG(element->name), STR_ARG(text));
    return false;
}

static bool match_children(const struct element *pattern, const struct element *element, char *why,
                           size_t room)
{
    const struct element *have = element_first(element);
    for (const struct element *want = element_first(pattern); want; want = element_next(want)) {
        char inner[200] = "";
        while (have && !match(want, have, inner, sizeof inner))
            have = element_next(have);
        if (!have) {
            snprintf(why, room, "<%.*s> has no such <%.*s> %s", STR_ARG(element->name),
                     STR_ARG(want->name), inner);
            return false;
        }
        have = element_next(have);
    }
    return true;
}

bool match(const struct element *pattern, const struct element *element, char *why, size_t room)
{
    struct arena arena;
    if (!str_eq(pattern->name, element->name) || !str_eq(pattern->ns_uri, element->ns_uri)) {
        snprintf(why, room, "it is <%.*s xmlns='%.*s'>", STR_ARG(element->name),
                 STR_ARG(element->ns_uri));
        return false;
    }
    for (const struct attr *attr = pattern->attrs; attr; attr = attr->next)
        if (!match_attr(attr, element, why, room))
            return false;
    arena_init(&arena);
    bool good = match_text(&arena, pattern, element, why, room) &&
                match_children(pattern, element, why, room);
    arena_fini(&arena);
    return good;
}
