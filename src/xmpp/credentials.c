#include "credentials.h"

#include "buf.h"
#include "jid.h"
#include "limits.h"
#include "mem.h"

static const char *const names[DIGEST_COUNT] = {
    [DIGEST_SHA1] = "SHA1",
    [DIGEST_SHA256] = "SHA256",
    [DIGEST_SHA512] = "SHA512",
};

static struct str hash_str(const uint8_t *hash, enum digest digest)
{
    return (struct str){(const char *)hash, digest_len(digest)};
}

static struct str salt_str(const struct scram_keys *keys)
{
    return (struct str){(const char *)keys->salt, keys->salt_len};
}

/* RFC 5802 section 3: the key of the client, hashed, and that of the server. */
static void keys_of(enum digest digest, struct str password, struct str salt, uint32_t iterations,
                    uint8_t *stored, uint8_t *server)
{
    uint8_t salted[DIGEST_MAX_LEN], client[DIGEST_MAX_LEN];
    digest_pbkdf2(digest, password, salt, iterations, salted);
    digest_hmac(digest, hash_str(salted, digest), STR("Client Key"), client);
    digest_hash(digest, hash_str(client, digest), stored);
    digest_hmac(digest, hash_str(salted, digest), STR("Server Key"), server);
    mem_wipe(salted, sizeof salted);
    mem_wipe(client, sizeof client);
}

static void derive(enum digest digest, struct str prepared, struct credentials *out)
{
    struct scram_keys *keys = &out->keys[digest];
    keys_of(digest, prepared, salt_str(keys), out->iterations, keys->stored, keys->server);
    keys->present = true;
}

static bool iterations_allowed(uint32_t iterations)
{
    return iterations > 0 && iterations <= CREDENTIALS_ITERATIONS_MAX;
}

/* SASLprep in an arena of one's own, wiped by password_fini. */
static enum err password_init(struct arena *arena, struct str password, struct str *prepared)
{
    arena_init(arena);
    return password.len > LIMIT_PASSWORD ? ERR_INVALID : jid_saslprep(arena, password, prepared);
}

static void password_fini(struct arena *arena, struct str prepared)
{
    if (prepared.len)
        mem_wipe((void *)prepared.at, prepared.len);
    arena_fini(arena);
}

enum err credentials_derive(struct str password, uint32_t iterations, struct credentials *out)
{
    struct arena arena;
    struct str prepared = {NULL, 0};
    *out = (struct credentials){.iterations = iterations};
    enum err err = password_init(&arena, password, &prepared);
    if (!err && !iterations_allowed(iterations))
        err = ERR_INVALID;
    for (int i = 0; i < DIGEST_COUNT && !err; i++) {
        out->keys[i].salt_len = SALT_LEN;
        digest_random(out->keys[i].salt, SALT_LEN);
        derive((enum digest)i, prepared, out);
    }
    password_fini(&arena, prepared);
    return err;
}

enum err credentials_derive_one(enum digest digest, struct str password, struct str salt,
                                uint32_t iterations, struct credentials *out)
{
    struct arena arena;
    struct str prepared = {NULL, 0};
    struct scram_keys *keys = &out->keys[digest];
    *out = (struct credentials){.iterations = iterations};
    enum err err = password_init(&arena, password, &prepared);
    if (!err && (!iterations_allowed(iterations) || salt.len == 0 || salt.len > SALT_MAX_LEN))
        err = ERR_INVALID;
    if (!err) {
        memcpy(keys->salt, salt.at, salt.len);
        keys->salt_len = salt.len;
        derive(digest, prepared, out);
    }
    password_fini(&arena, prepared);
    return err;
}

static void write_base64(struct buf *out, struct str bytes)
{
    buf_push(out, ":", 1);
    buf_grow(out,
             base64_encode(bytes.at, bytes.len, (char *)buf_reserve(out, BASE64_LEN(bytes.len))));
}

struct str credentials_write(struct arena *arena, const struct credentials *credentials)
{
    struct buf out = {0};
    buf_format(&out, "%u", credentials->iterations);
    for (int i = 0; i < DIGEST_COUNT; i++) {
        const struct scram_keys *keys = &credentials->keys[i];
        if (!keys->present)
            continue;
        buf_format(&out, ",%s", names[i]);
        write_base64(&out, salt_str(keys));
        write_base64(&out, hash_str(keys->stored, (enum digest)i));
        write_base64(&out, hash_str(keys->server, (enum digest)i));
    }
    struct str text = arena_str(arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

/* Cuts one base64 field off; false unless it holds min to max bytes. */
static bool read_base64(struct str *rest, size_t min, size_t max, uint8_t *out, size_t *out_len)
{
    uint8_t bytes[BASE64_MAX(BASE64_LEN(DIGEST_MAX_LEN))];
    struct str field = rest->at ? str_cut(*rest, ':', rest) : STR("");
    if (field.len > BASE64_LEN(DIGEST_MAX_LEN) || base64_decode(field, bytes, out_len))
        return false;
    if (*out_len < min || *out_len > max)
        return false;
    memcpy(out, bytes, *out_len);
    return true;
}

static bool read_keys(struct str text, struct credentials *out)
{
    struct str rest, name = str_cut(text, ':', &rest);
    size_t ignored;
    for (int i = 0; i < DIGEST_COUNT; i++) {
        struct scram_keys *keys = &out->keys[i];
        size_t len = digest_len((enum digest)i);
        if (!str_is(name, names[i]))
            continue;
        if (keys->present)
            return false;
        keys->present = read_base64(&rest, 1, SALT_MAX_LEN, keys->salt, &keys->salt_len) &&
                        read_base64(&rest, len, len, keys->stored, &ignored) &&
                        read_base64(&rest, len, len, keys->server, &ignored) && !rest.at;
        return keys->present;
    }
    return false;
}

enum err credentials_parse(struct str text, struct credentials *out)
{
    struct str rest, first = str_cut(text, ',', &rest);
    uint64_t iterations;
    *out = (struct credentials){0};
    if (!rest.at || !text_u64(first, 1, CREDENTIALS_ITERATIONS_MAX, &iterations))
        return ERR_INVALID;
    out->iterations = (uint32_t)iterations;
    while (rest.at)
        if (!read_keys(str_cut(rest, ',', &rest), out))
            return ERR_INVALID;
    return ERR_OK;
}

/* Bytes that depend on the secret, what they are for, and the user. */
static void fake_bytes(const uint8_t secret[DIGEST_SEAL_KEY], const char *purpose, enum digest of,
                       struct str bare_jid, uint8_t out[DIGEST_MAX_LEN])
{
    struct buf text = {0};
    buf_format(&text, "%s %s ", purpose, names[of]);
    buf_push_str(&text, bare_jid);
    digest_hmac(DIGEST_SHA512, (struct str){(const char *)secret, DIGEST_SEAL_KEY}, buf_str(&text),
                out);
    buf_fini(&text);
}

static void fake_keys(const uint8_t secret[DIGEST_SEAL_KEY], enum digest digest,
                      struct str bare_jid, struct scram_keys *keys)
{
    uint8_t salt[DIGEST_MAX_LEN];
    fake_bytes(secret, "salt", digest, bare_jid, salt);
    memcpy(keys->salt, salt, SALT_LEN);
    keys->salt_len = SALT_LEN;
    fake_bytes(secret, "stored", digest, bare_jid, keys->stored);
    fake_bytes(secret, "server", digest, bare_jid, keys->server);
    keys->present = true;
}

void credentials_fake(const uint8_t secret[DIGEST_SEAL_KEY], struct str bare_jid,
                      uint32_t iterations, struct credentials *out)
{
    *out = (struct credentials){.iterations = iterations};
    for (int i = 0; i < DIGEST_COUNT; i++)
        fake_keys(secret, (enum digest)i, bare_jid, &out->keys[i]);
}

void credentials_fake_missing(struct credentials *credentials, enum digest digest,
                              struct str bare_jid)
{
    uint8_t secret[DIGEST_MAX_LEN] = {0};
    for (int i = 0; i < DIGEST_COUNT; i++)
        if (credentials->keys[i].present)
            digest_hmac(DIGEST_SHA512, hash_str(credentials->keys[i].server, (enum digest)i),
                        STR("missing"), secret);
    fake_keys(secret, digest, bare_jid, &credentials->keys[digest]);
    credentials->keys[digest].present = false;
    mem_wipe(secret, sizeof secret);
}

static const struct scram_keys *strongest(const struct credentials *credentials,
                                          enum digest *digest)
{
    for (int i = DIGEST_COUNT; i-- > 0;)
        if (credentials->keys[i].present) {
            *digest = (enum digest)i;
            return &credentials->keys[i];
        }
    return NULL;
}

bool credentials_check(const struct credentials *credentials, struct str password)
{
    enum digest digest;
    uint8_t stored[DIGEST_MAX_LEN], server[DIGEST_MAX_LEN];
    struct arena arena;
    struct str prepared = {NULL, 0};
    const struct scram_keys *keys = strongest(credentials, &digest);
    bool right = !password_init(&arena, password, &prepared) && keys &&
                 iterations_allowed(credentials->iterations);
    if (right) {
        keys_of(digest, prepared, salt_str(keys), credentials->iterations, stored, server);
        right = digest_equal(stored, keys->stored, digest_len(digest));
    }
    password_fini(&arena, prepared);
    mem_wipe(stored, sizeof stored);
    mem_wipe(server, sizeof server);
    return right;
}
