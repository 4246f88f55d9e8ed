#include "mim_scram.h"

enum { FIELD_MAX = 128 };

static const struct {
    struct str prefix;
    int digest; /* -1: not known here */
} hashes[] = {
    {STR("===SHA1==="), DIGEST_SHA1},   {STR("==SHA224=="), -1},
    {STR("==SHA256=="), DIGEST_SHA256}, {STR("==SHA384=="), -1},
    {STR("==SHA512=="), DIGEST_SHA512},
};

static bool cut_prefix(struct str *text, struct str prefix)
{
    if (text->len < prefix.len || memcmp(text->at, prefix.at, prefix.len))
        return false;
    *text = (struct str){text->at + prefix.len, text->len - prefix.len};
    return true;
}

static bool read_field(struct str text, size_t min, size_t max, uint8_t *out, size_t *len)
{
    uint8_t bytes[BASE64_MAX(FIELD_MAX)];
    if (!text.at || text.len > FIELD_MAX || base64_decode(text, bytes, len))
        return false;
    if (*len < min || *len > max)
        return false;
    memcpy(out, bytes, *len);
    return true;
}

static bool read_keys(struct credentials *out, int digest, struct str salt, struct str stored,
                      struct str server)
{
    struct scram_keys *keys = &out->keys[digest];
    size_t len = digest_len((enum digest)digest), ignored;
    keys->present = read_field(salt, 1, SALT_MAX_LEN, keys->salt, &keys->salt_len) &&
                    read_field(stored, len, len, keys->stored, &ignored) &&
                    read_field(server, len, len, keys->server, &ignored);
    return keys->present;
}

static bool read_iterations(struct str text, struct credentials *out)
{
    uint64_t iterations = 0;
    bool good = text_u64(text, 1, CREDENTIALS_ITERATIONS_MAX, &iterations);
    out->iterations = (uint32_t)iterations;
    return good;
}

static const char broken[] = "its pass_details are not as MongooseIM writes them";

static const char *read_one(struct str text, struct credentials *out)
{
    struct str stored = str_cut(text, ',', &text), server = str_cut(text, ',', &text);
    struct str salt = str_cut(text, ',', &text);
    return read_iterations(text, out) && read_keys(out, DIGEST_SHA1, salt, stored, server) ? NULL
                                                                                           : broken;
}

static bool read_hash(struct str text, struct credentials *out)
{
    for (size_t i = 0; i < COUNT_OF(hashes); i++) {
        if (!cut_prefix(&text, hashes[i].prefix))
            continue;
        struct str salt = str_cut(text, '|', &text), stored = str_cut(text, '|', &text);
        return hashes[i].digest < 0 || read_keys(out, hashes[i].digest, salt, stored, text);
    }
    return true;
}

static const char *read_many(struct str text, struct credentials *out)
{
    bool any = false;
    if (!read_iterations(str_cut(text, ',', &text), out))
        return broken;
    while (text.at)
        if (!read_hash(str_cut(text, ',', &text), out))
            return broken;
    for (int i = 0; i < DIGEST_COUNT; i++)
        any |= out->keys[i].present;
    return any ? NULL : "it has keys for none of SHA-1, SHA-256 and SHA-512";
}

const char *mim_scram_read(struct str text, struct credentials *out)
{
    *out = (struct credentials){0};
    if (cut_prefix(&text, STR("==SCRAM==,")))
        return read_one(text, out);
    return cut_prefix(&text, STR("==MULTI_SCRAM==,")) ? read_many(text, out) : broken;
}
