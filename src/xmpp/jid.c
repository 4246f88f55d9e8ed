#include "jid.h"

#include "limits.h"
#include "map.h"
#include "mem.h"

#include <arpa/inet.h>
#include <idn-free.h>
#include <idna.h>
#include <stringprep.h>

/* What an ASCII byte may be in: U user, D domain, R resource, S SASL names and passwords. CAPITAL
 * ones are folded where the part is. */
enum { U = 1, D = 2, R = 4, S = 8, CAPITAL = 16 };

static const uint8_t classes[256] = {
    [' '] = R | S,
    ['!'] = U | R | S,
    ['"'] = R | S,
    ['#' ... '%'] = U | R | S,
    ['&' ... '\''] = R | S,
    ['(' ... ','] = U | R | S,
    ['-' ... '.'] = U | D | R | S,
    ['/'] = R | S,
    ['0' ... '9'] = U | D | R | S,
    [':'] = R | S,
    [';'] = U | R | S,
    ['<'] = R | S,
    ['='] = U | R | S,
    ['>'] = R | S,
    ['?'] = U | R | S,
    ['@'] = R | S,
    ['A' ... 'Z'] = U | D | R | S | CAPITAL,
    ['[' ... '`'] = U | R | S,
    ['a' ... 'z'] = U | D | R | S,
    ['{' ... '~'] = U | R | S,
};

struct part {
    uint8_t class;
    uint8_t fold; /* CAPITAL, or 0 */
    const Stringprep_profile *profile;
};

static const struct part user_part = {U, CAPITAL, stringprep_xmpp_nodeprep};
static const struct part resource_part = {R, 0, stringprep_xmpp_resourceprep};
static const struct part sasl_part = {S, 0, stringprep_saslprep};

/* A prepared part; libidn wants a NUL. */
struct prepared {
    size_t len;
    char text[LIMIT_JID_PART + 1];
};

enum ascii { ASCII_YES, ASCII_FORBIDDEN, ASCII_WIDE };

/* Copies and folds; WIDE when bytes beyond ASCII are there. Both are found without a branch a byte.
 */
static enum ascii prep_ascii(const struct part *part, struct str in, char *out)
{
    uint8_t common = 0xff, wide = 0;
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = (uint8_t)in.at[i], class = classes[c];
        common &= class;
        wide |= c;
        out[i] = (char)(c | (class & part->fold) << 1); /* CAPITAL << 1 is the bit of case */
    }
    if (wide & 0x80)
        return ASCII_WIDE;
    return common & part->class ? ASCII_YES : ASCII_FORBIDDEN;
}

static bool all_ascii_allowed(const struct part *part, const struct prepared *out)
{
    for (size_t i = 0; i < out->len; i++) {
        uint8_t c = (uint8_t)out->text[i];
        if (c < 0x80 && (!(classes[c] & part->class) || (classes[c] & part->fold)))
            return false;
    }
    return true;
}

/* Characters that Unicode 3.2 did not know are let through: people use emoji. */
static enum err prep_wide(const struct part *part, struct str in, struct prepared *out)
{
    if (!text_is_xml(in))
        return ERR_INVALID;
    memcpy(out->text, in.at, in.len);
    out->text[in.len] = '\0';
    if (stringprep(out->text, sizeof out->text, 0, part->profile) != STRINGPREP_OK)
        return ERR_INVALID;
    out->len = strlen(out->text);
    return out->len && all_ascii_allowed(part, out) ? ERR_OK : ERR_INVALID;
}

static enum err prep(const struct part *part, struct str in, struct prepared *out)
{
    if (in.len == 0 || in.len > LIMIT_JID_PART)
        return ERR_INVALID;
    enum ascii ascii = prep_ascii(part, in, out->text);
    if (ascii == ASCII_WIDE)
        return prep_wide(part, in, out);
    out->len = in.len;
    return ascii == ASCII_YES ? ERR_OK : ERR_INVALID;
}

/* An IPv6 address in brackets, written in the one way that inet_ntop has. */
static enum err prep_ipv6(struct str in, struct prepared *out)
{
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN];
    if (in.len < 4 || in.at[in.len - 1] != ']' || in.len - 2 >= sizeof text)
        return ERR_INVALID;
    text_copy(text, sizeof text, (struct str){in.at + 1, in.len - 2});
    if (inet_pton(AF_INET6, text, &address) != 1 ||
        !inet_ntop(AF_INET6, &address, text, sizeof text))
        return ERR_INVALID;
    out->text[0] = '[';
    out->len = 1 + text_copy(out->text + 1, LIMIT_JID_PART - 1, str_of(text));
    out->text[out->len++] = ']';
    return ERR_OK;
}

enum { LABEL_MAX = 63 };

/* What the labels of a domain in ASCII are: right, wrong, or with "xn--" in front, which libidn has
 * to undo (RFC 7622 3.2.1). */
static enum ascii check_labels(struct str domain)
{
    bool encoded = false;
    while (domain.at) {
        struct str label = str_cut(domain, '.', &domain);
        if (label.len == 0 || label.len > LABEL_MAX || label.at[0] == '-' ||
            label.at[label.len - 1] == '-')
            return ASCII_FORBIDDEN;
        encoded |= label.len > 4 && memcmp(label.at, "xn--", 4) == 0;
    }
    return encoded ? ASCII_WIDE : ASCII_YES;
}

static enum err keep_domain(const char *text, struct prepared *out)
{
    size_t len = text ? strlen(text) : 0;
    if (len == 0 || len > LIMIT_JID_PART)
        return ERR_INVALID;
    out->len = text_copy(out->text, sizeof out->text, (struct str){text, len});
    return ERR_OK;
}

/* To ASCII and back: the first step prepares and checks each label, the second gives the form that
 * is kept, which is the same however the name was written. */
static enum err prep_domain_wide(struct str in, struct prepared *out)
{
    char *ascii = NULL, *unicode = NULL;
    enum err err = ERR_INVALID;
    if (!text_is_xml(in))
        return ERR_INVALID;
    memcpy(out->text, in.at, in.len);
    out->text[in.len] = '\0';
    int flags = IDNA_USE_STD3_ASCII_RULES | IDNA_ALLOW_UNASSIGNED;
    int rc = idna_to_ascii_8z(out->text, &ascii, flags);
    for (char *c = ascii; rc == IDNA_SUCCESS && *c; c++)
        *c = (char)(*c | (classes[(uint8_t)*c] & CAPITAL) << 1);
    if (rc == IDNA_SUCCESS && check_labels(str_of(ascii)) != ASCII_FORBIDDEN &&
        idna_to_unicode_8z8z(ascii, &unicode, flags) == IDNA_SUCCESS)
        err = keep_domain(unicode, out);
    idn_free(ascii);
    idn_free(unicode);
    return err;
}

static enum err prep_domain(struct str in, struct prepared *out)
{
    static const struct part part = {D, CAPITAL, NULL};
    if (in.len && in.at[in.len - 1] == '.')
        in.len--;
    if (in.len == 0 || in.len > LIMIT_JID_PART)
        return ERR_INVALID;
    if (in.at[0] == '[')
        return prep_ipv6(in, out);
    enum ascii ascii = prep_ascii(&part, in, out->text);
    out->len = in.len;
    if (ascii == ASCII_YES)
        ascii = check_labels((struct str){out->text, out->len});
    if (ascii == ASCII_WIDE)
        return prep_domain_wide(in, out);
    return ascii == ASCII_YES ? ERR_OK : ERR_INVALID;
}

void jid_make(struct arena *arena, struct str user, struct str domain, struct str resource,
              struct jid *out)
{
    size_t user_len = user.len ? user.len + 1 : 0, bare_len = user_len + domain.len;
    size_t len = bare_len + (resource.len ? resource.len + 1 : 0);
    char *text = arena_take(arena, len + 1);
    if (user.len) {
        memcpy(text, user.at, user.len);
        text[user.len] = '@';
    }
    if (domain.len)
        memcpy(text + user_len, domain.at, domain.len);
    if (resource.len) {
        text[bare_len] = '/';
        memcpy(text + bare_len + 1, resource.at, resource.len);
    }
    text[len] = '\0';
    out->full = (struct str){text, len};
    out->bare = (struct str){text, bare_len};
    out->user = (struct str){text, user.len};
    out->domain = (struct str){text + user_len, domain.len};
    out->resource = (struct str){text + len - resource.len, resource.len};
    out->bare_hash = map_hash(out->bare);
}

enum err jid_parse(struct arena *arena, struct str text, struct jid *out)
{
    struct prepared user, domain, resource; /* three kilobytes that nobody needs zeroed */
    struct str rest, at;
    user.len = resource.len = 0;
    struct str bare = str_cut(text, '/', &rest), first = str_cut(bare, '@', &at);
    if (rest.at && prep(&resource_part, rest, &resource))
        return ERR_INVALID;
    if (at.at && prep(&user_part, first, &user))
        return ERR_INVALID;
    if (prep_domain(at.at ? at : first, &domain))
        return ERR_INVALID;
    jid_make(arena, (struct str){user.text, user.len}, (struct str){domain.text, domain.len},
             (struct str){resource.text, resource.len}, out);
    return ERR_OK;
}

struct jid jid_bare(const struct jid *jid)
{
    struct jid bare = *jid;
    bare.full = jid->bare;
    bare.resource = (struct str){jid->bare.at + jid->bare.len, 0};
    return bare;
}

static struct str moved(struct str view, const char *from, const char *to)
{
    return (struct str){to + (view.at - from), view.len};
}

void jid_keep(struct jid *out, const struct jid *jid)
{
    const char *from = jid->full.at, *to = mem_strndup(from, jid->full.len);
    *out = (struct jid){moved(jid->full, from, to),     moved(jid->bare, from, to),
                        moved(jid->user, from, to),     moved(jid->domain, from, to),
                        moved(jid->resource, from, to), jid->bare_hash};
}

void jid_drop(struct jid *jid)
{
    mem_free((void *)jid->full.at);
    *jid = (struct jid){0};
}

static enum err prep_into(struct arena *arena, enum err err, const struct prepared *prepared,
                          struct str *out)
{
    *out =
        err ? (struct str){NULL, 0} : arena_str(arena, (struct str){prepared->text, prepared->len});
    return err;
}

enum err jid_prep_user(struct arena *arena, struct str in, struct str *out)
{
    struct prepared prepared;
    return prep_into(arena, prep(&user_part, in, &prepared), &prepared, out);
}

enum err jid_prep_domain(struct arena *arena, struct str in, struct str *out)
{
    struct prepared prepared;
    return prep_into(arena, prep_domain(in, &prepared), &prepared, out);
}

enum err jid_prep_resource(struct arena *arena, struct str in, struct str *out)
{
    struct prepared prepared;
    return prep_into(arena, prep(&resource_part, in, &prepared), &prepared, out);
}

enum err jid_saslprep(struct arena *arena, struct str in, struct str *out)
{
    struct prepared prepared;
    enum err err = prep_into(arena, prep(&sasl_part, in, &prepared), &prepared, out);
    mem_wipe(&prepared, sizeof prepared); /* it was a password */
    return err;
}

const char *jid_version(void)
{
    return stringprep_check_version(NULL);
}
