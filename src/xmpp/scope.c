#include "scope.h"

#define XMLNS_URI STR("http://www.w3.org/2000/xmlns/")

/* ASCII that may be inside a name but not begin it. */
static bool begins_badly(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '.';
}

bool scope_split(struct str name, struct str *prefix, struct str *local)
{
    struct str rest;
    *prefix = str_cut(name, ':', &rest);
    if (!rest.at) {
        *local = name;
        prefix->len = 0;
        return name.len > 0;
    }
    *local = rest;
    return prefix->len && rest.len && !memchr(rest.at, ':', rest.len) && !begins_badly(rest.at[0]);
}

bool scope_declares(struct str attr, struct str *prefix)
{
    if (attr.len < 5 || memcmp(attr.at, "xmlns", 5) != 0)
        return false;
    *prefix = (struct str){attr.at + 5, 0};
    if (attr.len == 5)
        return true;
    /* "xmlns:" declares nothing that there is: scope_bind refuses the colon. */
    size_t skip = attr.len == 6 ? 5 : 6;
    *prefix = (struct str){attr.at + skip, attr.len - skip};
    return attr.at[5] == ':';
}

/* "xml" and its namespace belong together, "xmlns" is nobody's, no prefix can be taken back. */
static bool may_bind(struct str prefix, struct str uri, enum ns ns)
{
    struct str inside, local;
    if (str_is(prefix, "xml") || ns == NS_XML)
        return str_is(prefix, "xml") && ns == NS_XML;
    if (str_is(prefix, "xmlns") || str_eq(uri, XMLNS_URI))
        return false;
    if (prefix.len == 0)
        return true;
    return uri.len && scope_split(prefix, &inside, &local) && inside.len == 0 &&
           !begins_badly(prefix.at[0]);
}

enum err scope_bind(struct scope *scope, struct arena *arena, struct str prefix, struct str uri)
{
    enum ns ns = ns_find(uri);
    if (!may_bind(prefix, uri, ns))
        return ERR_INVALID;
    if (ns == NS_XML)
        return ERR_OK; /* it is bound always */
    if (scope->count == COUNT_OF(scope->bindings))
        return ERR_FULL;
    scope->bindings[scope->count++] = (struct binding){
        prefix.len ? arena_str(arena, prefix) : STR(""),
        ns == NS_OTHER ? arena_str(arena, uri) : ns_uri(ns),
        ns,
    };
    return ERR_OK;
}

const struct binding *scope_find(const struct scope *scope, struct str prefix)
{
    static const struct binding none = {{NULL, 0}, {NULL, 0}, NS_NONE};
    static const struct binding xml = {STR("xml"), STR("http://www.w3.org/XML/1998/namespace"),
                                       NS_XML};
    for (unsigned i = scope->count; i-- > 0;)
        if (str_eq(scope->bindings[i].prefix, prefix))
            return &scope->bindings[i];
    if (prefix.len == 0)
        return &none;
    return str_is(prefix, "xml") ? &xml : NULL;
}

static void push(struct scope *scope, struct str prefix, struct str uri)
{
    enum ns ns = ns_find(uri);
    scope->bindings[scope->count++] =
        (struct binding){prefix, ns == NS_OTHER ? uri : ns_uri(ns), ns};
}

void scope_init_usual(struct scope *scope)
{
    scope->bindings[0] = (struct binding){STR("stream"), ns_uri(NS_STREAM), NS_STREAM};
    scope->bindings[1] = (struct binding){STR(""), ns_uri(NS_CLIENT), NS_CLIENT};
    scope->count = 2;
}

bool scope_is_usual(const struct scope *scope)
{
    const struct binding *stream = scope_find(scope, STR("stream"));
    return scope->count == 2 && scope_find(scope, STR(""))->ns == NS_CLIENT && stream &&
           stream->ns == NS_STREAM;
}

void scope_write(const struct scope *scope, struct str tag, struct buf *out)
{
    buf_push_str(out, tag);
    buf_push(out, "", 1);
    for (unsigned i = 0; i < scope->count; i++) {
        buf_push_str(out, scope->bindings[i].prefix);
        buf_push(out, "=", 1);
        buf_push_str(out, scope->bindings[i].uri);
        buf_push(out, "", 1);
    }
    buf_push(out, "", 1);
}

void scope_init_written(struct scope *scope, const char *declarations)
{
    const char *at = declarations + strlen(declarations) + 1;
    scope->count = 0;
    for (; *at; at += strlen(at) + 1) {
        struct str uri, prefix = str_cut(str_of(at), '=', &uri);
        push(scope, prefix, uri);
    }
}
