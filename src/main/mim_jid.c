#include "mim_jid.h"

static struct str behind(struct str text, size_t len)
{
    return (struct str){text.at + len, text.len - len};
}

/* "" the owner, "/r" the owner's resource, "u" and "u/r" of the owner's domain, ":" that domain,
 * ":/r" its resource, "d:u" of another domain, "d:" another domain, "d@u/r", "d@/r". */
static struct str whole(struct arena *arena, const struct jid *owner, struct str text)
{
    size_t at = 0;
    while (at < text.len && !strchr("@/:", text.at[at]))
        at++;
    struct str front = {text.at, at}, rest = behind(text, at);
    char mark = rest.len ? rest.at[0] : '\0';
    if (text.len == 0 || (at == 0 && mark == '/'))
        return arena_format(arena, "%.*s%.*s", STR_ARG(owner->bare), STR_ARG(text));
    if (at == 0 && mark == ':')
        return arena_format(arena, "%.*s%.*s", STR_ARG(owner->domain), STR_ARG(behind(text, 1)));
    if (mark != ':' && mark != '@')
        return arena_format(arena, "%.*s@%.*s%.*s", STR_ARG(front), STR_ARG(owner->domain),
                            STR_ARG(rest));
    struct str resource, user = str_cut(behind(rest, 1), mark == '@' ? '/' : '\0', &resource);
    return arena_format(arena, "%.*s%s%.*s%s%.*s", STR_ARG(user), user.len ? "@" : "",
                        STR_ARG(front), resource.at ? "/" : "", STR_ARG(resource));
}

enum err mim_jid_read(struct arena *arena, enum mim_format format, const struct jid *owner,
                      struct str text, struct jid *out)
{
    return jid_parse(arena, format == MIM_WHOLE ? text : whole(arena, owner, text), out);
}

struct str mim_jid_write(struct arena *arena, enum mim_format format, const struct jid *owner,
                         const struct jid *bare)
{
    bool same_domain = str_eq(owner->domain, bare->domain);
    if (format == MIM_WHOLE)
        return bare->bare;
    if (same_domain && str_eq(owner->user, bare->user))
        return STR("");
    if (same_domain)
        return bare->user.len ? bare->user : STR(":");
    return arena_format(arena, "%.*s:%.*s", STR_ARG(bare->domain), STR_ARG(bare->user));
}

enum mim_format mim_jid_format(const struct jid *owner, struct str source)
{
    struct str bare = owner->bare;
    bool begins = source.len >= bare.len && memcmp(source.at, bare.at, bare.len) == 0;
    return begins && (source.len == bare.len || source.at[bare.len] == '/') ? MIM_WHOLE
                                                                            : MIM_RELATIVE;
}
