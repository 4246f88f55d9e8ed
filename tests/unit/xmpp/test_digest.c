#include "digest.h"
#include "xmpp_test.h"

static void assert_hex(const uint8_t *bytes, size_t len, const char *expected)
{
    char text[2 * DIGEST_MAX_LEN + 1];
    hex_encode(bytes, len, text);
    assert_str(((struct str){text, 2 * len}), expected);
}

static void hashes(void **state)
{
    (void)state;
    static const char *const expected[DIGEST_COUNT] = {
        "a9993e364706816aba3e25717850c26c9cd0d89d",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3"
        "f"
        "eebbd454d4423643ce80e2a9ac94fa54ca49f",
    };
    uint8_t out[DIGEST_MAX_LEN];
    for (int i = 0; i < DIGEST_COUNT; i++) {
        digest_hash((enum digest)i, STR("abc"), out);
        assert_hex(out, digest_len((enum digest)i), expected[i]);
    }
    digest_hash(DIGEST_SHA1, (struct str){NULL, 0}, out);
    assert_hex(out, 20, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

/* RFC 2202 and RFC 4231, test case 2; an empty key. */
static void macs(void **state)
{
    (void)state;
    struct str text = STR("what do ya want for nothing?");
    uint8_t out[DIGEST_MAX_LEN];
    digest_hmac(DIGEST_SHA1, STR("Jefe"), text, out);
    assert_hex(out, 20, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    digest_hmac(DIGEST_SHA256, STR("Jefe"), text, out);
    assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    digest_hmac(DIGEST_SHA512, STR("Jefe"), text, out);
    assert_hex(out, 64,
               "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d0"
               "34f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
    digest_hmac(DIGEST_SHA256, (struct str){NULL, 0}, (struct str){NULL, 0}, out);
    assert_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* RFC 6070 for SHA-1, RFC 7914 section 11 for SHA-256. */
static void derived_keys(void **state)
{
    (void)state;
    uint8_t out[DIGEST_MAX_LEN];
    digest_pbkdf2(DIGEST_SHA1, STR("password"), STR("salt"), 4096, out);
    assert_hex(out, 20, "4b007901b765489abead49d926f721d065a429c1");
    digest_pbkdf2(DIGEST_SHA256, STR("passwd"), STR("salt"), 1, out);
    assert_hex(out, 32, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    digest_pbkdf2(DIGEST_SHA512, STR("password"), STR("salt"), 1, out);
    assert_hex(out, 64,
               "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252c02d470a285a0501bad"
               "999bfe943c08f050235d7d68b1da55e63f73b60a57fce");
}

static void random_bytes(void **state)
{
    (void)state;
    uint8_t seen[64][18], big[1000] = {0};
    for (size_t i = 0; i < COUNT_OF(seen); i++) {
        digest_random(seen[i], sizeof seen[i]);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(seen[i], seen[k], sizeof seen[i]);
    }
    digest_random(big, sizeof big);
    size_t zeros = 0;
    for (size_t i = 0; i < sizeof big; i++)
        zeros += big[i] == 0;
    assert_true(zeros < 50);
    digest_random(big, 0);
}

static void compares(void **state)
{
    (void)state;
    assert_true(digest_equal("abc", "abc", 3));
    assert_false(digest_equal("abc", "abd", 3));
    assert_true(digest_equal("abc", "abd", 2));
    assert_true(digest_equal("", "x", 0));
}

static void seals(void **state)
{
    (void)state;
    uint8_t key[DIGEST_SEAL_KEY] = {1, 2, 3}, other[DIGEST_SEAL_KEY] = {1, 2, 4};
    uint8_t sealed[100 + DIGEST_SEAL_EXTRA], open[100];
    for (size_t len = 0; len <= 100; len++) {
        struct str text = {"0123456789012345678901234567890123456789012345678901234567890123456789"
                           "012345678901234567890123456789",
                           len};
        struct str all = {(const char *)sealed, len + DIGEST_SEAL_EXTRA};
        digest_seal(key, text, sealed);
        assert_int_equal(digest_unseal(key, all, open), ERR_OK);
        assert_memory_equal(open, text.at, len);
        assert_int_equal(digest_unseal(other, all, open), ERR_INVALID);
        for (size_t i = 0; i < all.len; i += 7) {
            sealed[i] ^= 1;
            assert_int_equal(digest_unseal(key, all, open), ERR_INVALID);
            sealed[i] ^= 1;
        }
        all.len--;
        assert_int_equal(digest_unseal(key, all, open), ERR_INVALID);
    }
    assert_int_equal(digest_unseal(key, (struct str){NULL, 0}, open), ERR_INVALID);
    assert_true(strlen(digest_version()) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hashes),       TEST(macs),     TEST(derived_keys),
        TEST(random_bytes), TEST(compares), TEST(seals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
