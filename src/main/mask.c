#include "config_print.h"

#define MASK "***"

/* Behind the value of a parameter: a URI's ends at &, libpq's own form quotes and escapes. */
static const char *skip_value(const char *at, bool uri)
{
    char quote = !uri && *at == '\'' ? *at++ : '\0';
    while (*at) {
        if (quote ? *at == quote : strchr(uri ? "&" : " \t\r\n", *at) != NULL)
            break;
        at += *at == '\\' && at[1] ? 2 : 1;
    }
    return at + (quote && *at == quote);
}

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Copies, with each `password = value` masked. */
static void mask_parameters(struct buf *out, const char *at, bool uri)
{
    static const char word[] = "password";
    while (*at) {
        if (strncasecmp(at, word, sizeof word - 1)) {
            buf_push(out, at++, 1);
            continue;
        }
        buf_push(out, at, sizeof word - 1);
        at += sizeof word - 1;
        const char *equals = skip_spaces(at);
        if (*equals != '=')
            continue;
        buf_push_str(out, STR("=" MASK));
        at = skip_value(uri ? equals + 1 : skip_spaces(equals + 1), uri);
    }
}

/* The part of a URI in front of its path: user:password@host. Returns what is behind. */
static const char *mask_user(struct buf *out, const char *at)
{
    size_t len = strcspn(at, "/?");
    const char *host = memrchr(at, '@', len);
    const char *colon = host ? memchr(at, ':', (size_t)(host - at)) : NULL;
    if (colon) {
        buf_push(out, at, (size_t)(colon + 1 - at));
        buf_push_str(out, STR(MASK));
        len -= (size_t)(host - at);
        at = host;
    }
    buf_push(out, at, len);
    return at + len;
}

const char *mask_passwords(struct arena *arena, const char *text)
{
    struct buf out = {0};
    const char *scheme = strstr(text, "://");
    const char *at = text;
    if (scheme) {
        buf_push(&out, text, (size_t)(scheme + 3 - text));
        at = mask_user(&out, scheme + 3);
    }
    mask_parameters(&out, at, scheme != NULL);
    const char *masked = arena_str(arena, buf_str(&out)).at;
    buf_fini(&out);
    return masked;
}
