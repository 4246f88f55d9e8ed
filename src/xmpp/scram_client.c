#include "scram_client.h"

#include "jid.h"

static struct str to_base64(struct arena *arena, const void *bytes, size_t len)
{
    char *text = arena_take(arena, BASE64_LEN(len));
    return (struct str){text, base64_encode(bytes, len, text)};
}

/* "=" and "," have codes in a name. */
static struct str escape(struct arena *arena, struct str name)
{
    char *text = arena_take(arena, 3 * name.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool coded = c == '=' || c == ',';
        memcpy(text + len, c == '=' ? "=3D" : c == ',' ? "=2C" : &c, coded ? 3 : 1);
        len += coded ? 3 : 1;
    }
    return (struct str){text, len};
}

struct str scram_client_first(struct scram_client *client)
{
    uint8_t random[18];
    if (client->nonce.len == 0) {
        digest_random(random, sizeof random);
        client->nonce = to_base64(client->arena, random, sizeof random);
    }
    client->client_first_bare =
        arena_format(client->arena, "n=%.*s,r=%.*s",
                     STR_ARG(escape(client->arena, client->username)), STR_ARG(client->nonce));
    return arena_format(client->arena, "%.*s%.*s", STR_ARG(client->gs2_header),
                        STR_ARG(client->client_first_bare));
}

struct challenge {
    struct str nonce, salt;
    uint64_t iterations;
};

static bool value_of(struct str *rest, char key, struct str *value)
{
    if (!rest->at)
        return false;
    struct str attr = str_cut(*rest, ',', rest);
    if (attr.len < 2 || attr.at[0] != key || attr.at[1] != '=')
        return false;
    *value = (struct str){attr.at + 2, attr.len - 2};
    return true;
}

static bool read_challenge(struct scram_client *client, struct str rest, struct challenge *out)
{
    struct str salt, iterations;
    if (!value_of(&rest, 'r', &out->nonce) || !value_of(&rest, 's', &salt) ||
        !value_of(&rest, 'i', &iterations))
        return false;
    bool ours = out->nonce.len > client->nonce.len &&
                memcmp(out->nonce.at, client->nonce.at, client->nonce.len) == 0;
    uint8_t *bytes = arena_take(client->arena, BASE64_MAX(salt.len));
    size_t len;
    if (!ours || base64_decode(salt, bytes, &len) || len == 0)
        return false;
    out->salt = (struct str){(const char *)bytes, len};
    return text_u64(iterations, 1, 10000000, &out->iterations);
}

static struct str bound(struct scram_client *client)
{
    struct str header = client->gs2_header, data = client->binding;
    char *bytes = arena_take(client->arena, header.len + data.len + 1);
    memcpy(bytes, header.at, header.len);
    if (data.len)
        memcpy(bytes + header.len, data.at, data.len);
    return to_base64(client->arena, bytes, header.len + data.len);
}

static bool is_kept(const struct scram_kept *kept, enum digest digest,
                    const struct challenge *challenge)
{
    return kept && kept->iterations == challenge->iterations && kept->digest == digest &&
           str_eq((struct str){(const char *)kept->salt, kept->salt_len}, challenge->salt);
}

static void salt_password(struct scram_client *client, struct str password,
                          const struct challenge *challenge, uint8_t salted[DIGEST_MAX_LEN])
{
    struct scram_kept *kept = client->kept;
    if (is_kept(kept, client->digest, challenge)) {
        memcpy(salted, kept->salted, sizeof kept->salted);
        return;
    }
    digest_pbkdf2(client->digest, password, challenge->salt, (uint32_t)challenge->iterations,
                  salted);
    if (!kept || challenge->salt.len > sizeof kept->salt)
        return;
    *kept = (struct scram_kept){.digest = client->digest,
                                .iterations = (uint32_t)challenge->iterations,
                                .salt_len = challenge->salt.len};
    memcpy(kept->salt, challenge->salt.at, challenge->salt.len);
    memcpy(kept->salted, salted, digest_len(client->digest));
}

/* RFC 5802 section 3: the client's proof; the server's key is kept for scram_client_verify. */
static void prove(struct scram_client *client, struct str password,
                  const struct challenge *challenge, uint8_t proof[DIGEST_MAX_LEN])
{
    enum digest digest = client->digest;
    size_t len = digest_len(digest);
    uint8_t salted[DIGEST_MAX_LEN], stored[DIGEST_MAX_LEN], signature[DIGEST_MAX_LEN];
    struct str key = {(const char *)salted, len};
    salt_password(client, password, challenge, salted);
    digest_hmac(digest, key, STR("Client Key"), proof);
    digest_hmac(digest, key, STR("Server Key"), client->server_key);
    digest_hash(digest, (struct str){(const char *)proof, len}, stored);
    digest_hmac(digest, (struct str){(const char *)stored, len}, client->auth_message, signature);
    for (size_t i = 0; i < len; i++)
        proof[i] ^= signature[i];
}

enum err scram_client_final(struct scram_client *client, struct str server_first, struct str *out)
{
    struct challenge challenge;
    struct str password;
    uint8_t proof[DIGEST_MAX_LEN];
    if (!read_challenge(client, server_first, &challenge) ||
        jid_saslprep(client->arena, client->password, &password))
        return ERR_INVALID;
    struct str without = arena_format(client->arena, "c=%.*s,r=%.*s", STR_ARG(bound(client)),
                                      STR_ARG(challenge.nonce));
    client->auth_message =
        arena_format(client->arena, "%.*s,%.*s,%.*s", STR_ARG(client->client_first_bare),
                     STR_ARG(server_first), STR_ARG(without));
    prove(client, password, &challenge, proof);
    struct str text = to_base64(client->arena, proof, digest_len(client->digest));
    *out = arena_format(client->arena, "%.*s,p=%.*s", STR_ARG(without), STR_ARG(text));
    return ERR_OK;
}

bool scram_client_verify(const struct scram_client *client, struct str server_final)
{
    uint8_t signature[DIGEST_MAX_LEN], theirs[BASE64_MAX(BASE64_LEN(DIGEST_MAX_LEN))];
    size_t len = digest_len(client->digest), their_len;
    struct str rest = server_final, text;
    if (!value_of(&rest, 'v', &text) || text.len != BASE64_LEN(len) ||
        base64_decode(text, theirs, &their_len) || their_len != len)
        return false;
    digest_hmac(client->digest, (struct str){(const char *)client->server_key, len},
                client->auth_message, signature);
    return digest_equal(signature, theirs, len);
}
