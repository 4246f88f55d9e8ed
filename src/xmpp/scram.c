#include "scram.h"

enum { NONCE_RANDOM_LEN = 18 }; /* gives 24 characters of base64, which no comma is among */

static const enum digest digests[SASL_MECHANISM_COUNT] = {
    [SASL_SCRAM_SHA_512_PLUS] = DIGEST_SHA512, [SASL_SCRAM_SHA_256_PLUS] = DIGEST_SHA256,
    [SASL_SCRAM_SHA_1_PLUS] = DIGEST_SHA1,     [SASL_SCRAM_SHA_512] = DIGEST_SHA512,
    [SASL_SCRAM_SHA_256] = DIGEST_SHA256,      [SASL_SCRAM_SHA_1] = DIGEST_SHA1,
};

static enum sasl_want malformed(struct sasl *sasl, const char *text)
{
    return sasl_fail(sasl, SASL_MALFORMED_REQUEST, text);
}

static enum sasl_want denied(struct sasl *sasl, const char *text)
{
    return sasl_fail(sasl, SASL_NOT_AUTHORIZED, text);
}

/* Cuts "k=value" off in front; false when something else is there. */
static bool take_attr(struct str *rest, char key, struct str *value)
{
    if (!rest->at)
        return false;
    struct str attr = str_cut(*rest, ',', rest);
    if (attr.len < 2 || attr.at[0] != key || attr.at[1] != '=')
        return false;
    *value = (struct str){attr.at + 2, attr.len - 2};
    return true;
}

/* Undoes "=2C" and "=3D"; no other "=" may be in a name (RFC 5802 5.1). */
static bool unescape(struct arena *arena, struct str name, struct str *out)
{
    char *to = arena_take(arena, name.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c == '=') {
            struct str code = {name.at + i, name.len - i < 3 ? 0 : 3};
            if (!str_is(code, "=2C") && !str_is(code, "=3D"))
                return false;
            c = code.at[1] == '2' ? ',' : '=';
            i += 2;
        }
        to[len++] = c;
    }
    *out = (struct str){to, len};
    return len > 0;
}

static bool is_printable(struct str nonce)
{
    for (size_t i = 0; i < nonce.len; i++)
        if (nonce.at[i] < '!' || nonce.at[i] > '~' || nonce.at[i] == ',')
            return false;
    return nonce.len > 0;
}

static struct str binding_data(const struct sasl *sasl, struct str type)
{
    if (str_is(type, "tls-exporter"))
        return sasl->binding.tls_exporter;
    if (str_is(type, "tls-server-end-point"))
        return sasl->binding.tls_server_end_point;
    return (struct str){NULL, 0};
}

/* The client's word on channel binding against what was offered (RFC 5802 section 6). */
static bool binding_fits(struct sasl *sasl, struct str flag)
{
    bool plus = sasl_mechanism_is_plus(sasl->mechanism);
    bool binds = flag.len > 2 && memcmp(flag.at, "p=", 2) == 0;
    if (!binds && !str_is(flag, "n") && !str_is(flag, "y"))
        malformed(sasl, "channel-binding flag");
    else if (plus != binds)
        denied(sasl, "channel binding and mechanism do not fit");
    else if (str_is(flag, "y") && sasl->plus_offered)
        denied(sasl, "somebody took channel binding out of the offer");
    else if (!binds)
        return true;
    else if (!(sasl->cbind = binding_data(sasl, (struct str){flag.at + 2, flag.len - 2})).len)
        denied(sasl, "no such channel binding here");
    else
        return true;
    return false;
}

/* "a=name" or nothing between the commas. */
static bool take_authzid(struct sasl *sasl, struct str field, struct str *authzid)
{
    struct str name;
    *authzid = (struct str){NULL, 0};
    return field.len == 0 ||
           (take_attr(&field, 'a', &name) && unescape(sasl->arena, name, authzid));
}

/* Extensions may follow and are ignored, if they have the form of some; "m" is the mandatory one
 * that nobody here knows, wherever it stands (RFC 5802 5.1). */
static bool extensions_fit(struct str rest)
{
    while (rest.at) {
        struct str one = str_cut(rest, ',', &rest);
        bool letter = one.len > 2 && ((one.at[0] | 32) >= 'a' && (one.at[0] | 32) <= 'z');
        if (!letter || one.at[0] == 'm' || one.at[1] != '=')
            return false;
    }
    return true;
}

enum sasl_want scram_first(struct sasl *sasl, struct str message)
{
    struct str rest, authzid, name, authcid, mandatory;
    message = arena_str(sasl->arena, message);
    struct str flag = str_cut(message, ',', &rest);
    struct str field = rest.at ? str_cut(rest, ',', &rest) : rest;
    if (!rest.at || !take_authzid(sasl, field, &authzid))
        return malformed(sasl, "header");
    if (!binding_fits(sasl, flag))
        return SASL_FAILURE;
    sasl->gs2_header = (struct str){message.at, (size_t)(rest.at - message.at)};
    sasl->client_first_bare = rest;
    if (take_attr(&(struct str){rest.at, rest.len}, 'm', &mandatory))
        return malformed(sasl, "mandatory extension");
    if (!take_attr(&rest, 'n', &name) || !unescape(sasl->arena, name, &authcid))
        return malformed(sasl, "user name");
    if (!take_attr(&rest, 'r', &sasl->nonce) || !is_printable(sasl->nonce))
        return malformed(sasl, "nonce");
    if (!extensions_fit(rest))
        return malformed(sasl, "extension");
    return sasl_identity(sasl, authcid, authzid) ? SASL_WANT_ACCOUNT : SASL_FAILURE;
}

static struct str to_base64(struct arena *arena, struct str bytes)
{
    char *text = arena_take(arena, BASE64_LEN(bytes.len));
    return (struct str){text, base64_encode(bytes.at, bytes.len, text)};
}

static struct str server_nonce(struct sasl *sasl)
{
    char random[NONCE_RANDOM_LEN];
    if (sasl->server_nonce.len)
        return sasl->server_nonce;
    digest_random(random, sizeof random);
    return to_base64(sasl->arena, (struct str){random, sizeof random});
}

/* A user who lacks keys for this hash gets made-up ones, and so the flow of one who does not exist.
 */
static struct scram_keys *keys_of(struct sasl *sasl)
{
    enum digest digest = digests[sasl->mechanism];
    struct scram_keys *keys = &sasl->credentials.keys[digest];
    if (!keys->present)
        credentials_fake_missing(
            &sasl->credentials, digest,
            arena_format(sasl->arena, "%.*s@%.*s", STR_ARG(sasl->username), STR_ARG(sasl->domain)));
    return keys;
}

enum sasl_want scram_challenge(struct sasl *sasl)
{
    const struct scram_keys *keys = keys_of(sasl);
    struct str ours = server_nonce(sasl);
    struct str salt =
        to_base64(sasl->arena, (struct str){(const char *)keys->salt, keys->salt_len});
    sasl->nonce = arena_format(sasl->arena, "%.*s%.*s", STR_ARG(sasl->nonce), STR_ARG(ours));
    sasl->server_first = arena_format(sasl->arena, "r=%.*s,s=%.*s,i=%u", STR_ARG(sasl->nonce),
                                      STR_ARG(salt), sasl->credentials.iterations);
    sasl->out = sasl->server_first;
    return SASL_WANT_RESPONSE;
}

/* What c= must be, byte for byte. */
static struct str expected_binding(struct sasl *sasl)
{
    size_t len = sasl->gs2_header.len + sasl->cbind.len;
    char *bytes = arena_take(sasl->arena, len);
    memcpy(bytes, sasl->gs2_header.at, sasl->gs2_header.len);
    if (sasl->cbind.len)
        memcpy(bytes + sasl->gs2_header.len, sasl->cbind.at, sasl->cbind.len);
    return to_base64(sasl->arena, (struct str){bytes, len});
}

/* RFC 5802 section 3. Everything is computed for everybody, so that time tells nothing. */
static bool proof_right(const struct sasl *sasl, struct str auth_message, const uint8_t *proof)
{
    enum digest digest = digests[sasl->mechanism];
    const struct scram_keys *keys = &sasl->credentials.keys[digest];
    size_t len = digest_len(digest);
    uint8_t key[DIGEST_MAX_LEN], stored[DIGEST_MAX_LEN];
    digest_hmac(digest, (struct str){(const char *)keys->stored, len}, auth_message, key);
    for (size_t i = 0; i < len; i++)
        key[i] ^= proof[i];
    digest_hash(digest, (struct str){(const char *)key, len}, stored);
    bool equal = digest_equal(stored, keys->stored, len);
    return equal & keys->present & sasl->account_known;
}

static struct str server_final(struct sasl *sasl, struct str auth_message)
{
    enum digest digest = digests[sasl->mechanism];
    const struct scram_keys *keys = &sasl->credentials.keys[digest];
    struct str key = {(const char *)keys->server, digest_len(digest)};
    uint8_t signature[DIGEST_MAX_LEN];
    digest_hmac(digest, key, auth_message, signature);
    struct str text = to_base64(sasl->arena, (struct str){(const char *)signature, key.len});
    return arena_format(sasl->arena, "v=%.*s", STR_ARG(text));
}

/* The proof is the last attribute; *without is what stands before it. */
static bool split_proof(struct str message, struct str *without, struct str *proof)
{
    size_t at = message.len;
    while (at && message.at[at - 1] != ',')
        at--;
    struct str last = {message.at + at, message.len - at};
    if (at == 0 || !take_attr(&last, 'p', proof))
        return false;
    *without = (struct str){message.at, at - 1};
    return true;
}

enum sasl_want scram_final(struct sasl *sasl, struct str message)
{
    uint8_t proof[BASE64_MAX(BASE64_LEN(DIGEST_MAX_LEN))];
    struct str without, text, rest, cbind, nonce;
    size_t len = digest_len(digests[sasl->mechanism]), proof_len;
    if (!message.len || !split_proof(message, &without, &text) || text.len != BASE64_LEN(len))
        return malformed(sasl, "proof");
    rest = without;
    if (!take_attr(&rest, 'c', &cbind) || !take_attr(&rest, 'r', &nonce) || !extensions_fit(rest))
        return malformed(sasl, "final message");
    if (base64_decode(text, proof, &proof_len) || proof_len != len)
        return malformed(sasl, "proof");
    if (!str_eq(cbind, expected_binding(sasl)))
        return denied(sasl, "channel binding");
    if (!str_eq(nonce, sasl->nonce))
        return denied(sasl, "nonce");
    struct str auth_message =
        arena_format(sasl->arena, "%.*s,%.*s,%.*s", STR_ARG(sasl->client_first_bare),
                     STR_ARG(sasl->server_first), STR_ARG(without));
    if (!proof_right(sasl, auth_message, proof))
        return denied(sasl, NULL);
    sasl->out = server_final(sasl, auth_message);
    return SASL_SUCCESS;
}
