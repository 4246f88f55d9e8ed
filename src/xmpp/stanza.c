#include "stanza.h"

enum stanza_kind stanza_kind(const struct element *element)
{
    static const struct {
        const char *name;
        enum stanza_kind kind;
    } kinds[] = {{"message", STANZA_MESSAGE}, {"presence", STANZA_PRESENCE}, {"iq", STANZA_IQ}};
    if (element->ns != NS_CLIENT)
        return STANZA_NONE;
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (str_is(element->name, kinds[i].name))
            return kinds[i].kind;
    return STANZA_NONE;
}

struct type {
    enum stanza_kind kind;
    const char *name;
    enum stanza_type type;
};

static const struct type types[] = {
    {STANZA_MESSAGE, "chat", TYPE_CHAT},
    {STANZA_MESSAGE, "groupchat", TYPE_GROUPCHAT},
    {STANZA_MESSAGE, "headline", TYPE_HEADLINE},
    {STANZA_MESSAGE, "error", TYPE_ERROR},
    {STANZA_PRESENCE, "unavailable", TYPE_UNAVAILABLE},
    {STANZA_PRESENCE, "subscribe", TYPE_SUBSCRIBE},
    {STANZA_PRESENCE, "subscribed", TYPE_SUBSCRIBED},
    {STANZA_PRESENCE, "unsubscribe", TYPE_UNSUBSCRIBE},
    {STANZA_PRESENCE, "unsubscribed", TYPE_UNSUBSCRIBED},
    {STANZA_PRESENCE, "probe", TYPE_PROBE},
    {STANZA_PRESENCE, "error", TYPE_ERROR},
    {STANZA_IQ, "get", TYPE_GET},
    {STANZA_IQ, "set", TYPE_SET},
    {STANZA_IQ, "result", TYPE_RESULT},
    {STANZA_IQ, "error", TYPE_ERROR},
};

enum stanza_type stanza_type(const struct element *stanza, enum stanza_kind kind)
{
    struct str name = element_attr(stanza, "type");
    for (size_t i = 0; name.at && i < COUNT_OF(types); i++)
        if (types[i].kind == kind && str_is(name, types[i].name))
            return types[i].type;
    if (kind == STANZA_MESSAGE)
        return TYPE_NORMAL;
    return kind == STANZA_PRESENCE && !name.at ? TYPE_AVAILABLE : TYPE_UNKNOWN;
}

static void set_copy(struct arena *arena, struct element *element, const char *name,
                     struct str value)
{
    if (value.at)
        element_set(arena, element, name, arena_str(arena, value));
}

/* A fresh stanza of the same name, back to where `stanza` came from. The values are copied: the
 * answer may live longer than what it answers. */
static struct element *answer(struct arena *arena, const struct element *stanza, const char *type)
{
    struct element *back = element_new(arena, stanza->ns, NULL);
    back->name = arena_str(arena, stanza->name);
    set_copy(arena, back, "from", element_attr(stanza, "to"));
    set_copy(arena, back, "to", element_attr(stanza, "from"));
    set_copy(arena, back, "id", element_attr(stanza, "id"));
    element_set(arena, back, "type", str_of(type));
    return back;
}

struct element *stanza_result(struct arena *arena, const struct element *iq)
{
    return answer(arena, iq, "result");
}

static void copy_children(struct arena *arena, struct element *to, const struct element *from)
{
    for (const struct node *node = from->first; node; node = node->next) {
        if (node->kind == NODE_TEXT) {
            element_add_text(arena, to, ((const struct text_node *)node)->text);
            continue;
        }
        const struct element *child = (const struct element *)node;
        if (node->kind == NODE_ELEMENT && !element_is(child, from->ns, "error"))
            element_push(to, element_copy(arena, child));
    }
}

static void add_condition(struct arena *arena, struct element *error, enum ns ns,
                          const char *condition, const char *text)
{
    element_add(arena, error, ns, condition);
    if (text)
        element_add_text(arena, element_add(arena, error, ns, "text"), str_of(text));
}

struct element *stanza_error_with(struct arena *arena, const struct element *stanza,
                                  enum stanza_error error, const char *text,
                                  struct element **out_error)
{
    struct element *back = answer(arena, stanza, "error");
    copy_children(arena, back, stanza);
    *out_error = element_add(arena, back, stanza->ns, "error");
    element_set(arena, *out_error, "type", str_of(stanza_error_type(error)));
    add_condition(arena, *out_error, NS_STANZAS, stanza_error_name(error), text);
    return back;
}

struct element *stanza_error(struct arena *arena, const struct element *stanza,
                             enum stanza_error error, const char *text)
{
    struct element *ignored;
    return stanza_error_with(arena, stanza, error, text, &ignored);
}

struct element *stream_error_element(struct arena *arena, enum stream_error error, const char *text)
{
    struct element *element = element_new(arena, NS_STREAM, "error");
    add_condition(arena, element, NS_STREAMS, stream_error_name(error), text);
    return element;
}
