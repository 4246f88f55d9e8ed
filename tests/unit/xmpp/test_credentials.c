#include "credentials.h"

#include "limits.h"
#include "xmpp_test.h"

static const uint8_t secret[DIGEST_SEAL_KEY] = "a secret of the process";

static void derives_all_hashes(void **state)
{
    (void)state;
    struct credentials a, b;
    assert_int_equal(credentials_derive(STR("pencil"), 100, &a), ERR_OK);
    assert_int_equal(credentials_derive(STR("pencil"), 100, &b), ERR_OK);
    for (int i = 0; i < DIGEST_COUNT; i++) {
        assert_true(a.keys[i].present);
        assert_int_equal(a.keys[i].salt_len, SALT_LEN);
        assert_memory_not_equal(a.keys[i].salt, b.keys[i].salt, SALT_LEN);
        assert_memory_not_equal(a.keys[i].stored, b.keys[i].stored, 20);
    }
    assert_true(credentials_check(&a, STR("pencil")));
    assert_false(credentials_check(&a, STR("Pencil")));
    assert_false(credentials_check(&a, STR("")));
    assert_false(credentials_check(&a, STR("\x07")));
}

static void checks_with_each_hash_alone(void **state)
{
    (void)state;
    for (int i = 0; i < DIGEST_COUNT; i++) {
        struct credentials one;
        assert_int_equal(
            credentials_derive_one((enum digest)i, STR("pencil"), STR("salt"), 7, &one), ERR_OK);
        assert_true(credentials_check(&one, STR("pencil")));
        assert_true(credentials_check(&one, STR("pen\xc2\xad"
                                                "cil"))); /* prepared */
        assert_false(credentials_check(&one, STR("pencils")));
    }
    assert_false(credentials_check(&(struct credentials){.iterations = 1}, STR("pencil")));
}

static void refuses_passwords(void **state)
{
    (void)state;
    struct credentials out;
    char longest[LIMIT_PASSWORD + 1];
    memset(longest, 'x', sizeof longest);
    assert_int_equal(credentials_derive(STR(""), 10, &out), ERR_INVALID);
    assert_int_equal(credentials_derive(STR("a\x01"), 10, &out), ERR_INVALID);
    assert_int_equal(credentials_derive(STR("\xff"), 10, &out), ERR_INVALID);
    assert_int_equal(credentials_derive((struct str){longest, sizeof longest}, 1, &out),
                     ERR_INVALID);
    assert_int_equal(credentials_derive((struct str){longest, sizeof longest - 1}, 1, &out),
                     ERR_OK);
    assert_int_equal(credentials_derive(STR("x"), 0, &out), ERR_INVALID);
    assert_int_equal(credentials_derive(STR("x"), CREDENTIALS_ITERATIONS_MAX + 1, &out),
                     ERR_INVALID);
    assert_int_equal(credentials_derive_one(DIGEST_SHA1, STR("x"), STR(""), 1, &out), ERR_INVALID);
    struct str salt = {longest, SALT_MAX_LEN};
    assert_int_equal(credentials_derive_one(DIGEST_SHA1, STR("x"), salt, 1, &out), ERR_OK);
    salt.len++;
    assert_int_equal(credentials_derive_one(DIGEST_SHA1, STR("x"), salt, 1, &out), ERR_INVALID);
}

/* What is in a database today must be readable for ever. */
static void the_text_form_is_stable(void **state)
{
    (void)state;
    struct credentials out, back;
    assert_int_equal(
        credentials_derive_one(DIGEST_SHA1, STR("pencil"), STR("0123456789abcdef"), 4096, &out),
        ERR_OK);
    struct str text = credentials_write(&arena, &out);
    assert_str(text, "4096,SHA1:MDEyMzQ1Njc4OWFiY2RlZg==:rPJ7iPSJer+bnDr9PCWJNRIA68M=:"
                     "rcHjOyVIe4jH3uaHsm83lApzxlo=");
    assert_int_equal(credentials_parse(text, &back), ERR_OK);
    assert_memory_equal(&back.keys, &out.keys, sizeof back.keys);
    assert_int_equal(credentials_derive(STR("pencil"), 50, &out), ERR_OK);
    text = credentials_write(&arena, &out);
    assert_int_equal(credentials_parse(text, &back), ERR_OK);
    assert_str(credentials_write(&arena, &back), text.at);
    assert_true(credentials_check(&back, STR("pencil")));
}

static void refuses_texts(void **state)
{
    (void)state;
    struct credentials out;
    const char *const wrong[] = {
        "",
        "4096",
        "4096,",
        "x,SHA1:c2FsdA==:AAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "0,SHA1:c2FsdA==:AAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "1000001,SHA1:c2FsdA==:AAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "4096,SHA2:c2FsdA==:AAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "4096,SHA1::AAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "4096,SHA1:c2FsdA==:AAAAAAAAAAAAAAAAAAAAAAAAAA==:AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "4096,SHA1:c2FsdA==:AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "4096,SHA1:c2FsdA==:AAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAA=:",
        "4096,SHA1:c2FsdA==:AAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAA=,",
        "4096,SHA1:c2Fs dA=:AAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        ("4096,SHA1:c2FsdA==:AAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAA=,"
         "SHA1:c2FsdA==:AAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(credentials_parse(str_of(wrong[i]), &out), ERR_INVALID);
}

static void made_up_ones_look_real(void **state)
{
    (void)state;
    struct credentials a, again, other, elsewhere;
    uint8_t another[DIGEST_SEAL_KEY] = {9};
    credentials_fake(secret, STR("nobody@example.org"), 10000, &a);
    credentials_fake(secret, STR("nobody@example.org"), 10000, &again);
    credentials_fake(secret, STR("none@example.org"), 10000, &other);
    credentials_fake(another, STR("nobody@example.org"), 10000, &elsewhere);
    assert_memory_equal(&a, &again, sizeof a);
    for (int i = 0; i < DIGEST_COUNT; i++) {
        assert_true(a.keys[i].present);
        assert_int_equal(a.keys[i].salt_len, SALT_LEN);
        assert_memory_not_equal(a.keys[i].salt, other.keys[i].salt, SALT_LEN);
        assert_memory_not_equal(a.keys[i].salt, elsewhere.keys[i].salt, SALT_LEN);
        assert_memory_not_equal(a.keys[i].salt, a.keys[(i + 1) % DIGEST_COUNT].salt, SALT_LEN);
    }
    assert_int_equal(a.iterations, 10000);
}

static void fills_in_what_is_missing(void **state)
{
    (void)state;
    struct credentials real, again;
    assert_int_equal(credentials_derive_one(DIGEST_SHA1, STR("p"), STR("salt"), 5, &real), ERR_OK);
    again = real;
    credentials_fake_missing(&real, DIGEST_SHA512, STR("u@d"));
    credentials_fake_missing(&again, DIGEST_SHA512, STR("u@d"));
    assert_memory_equal(&real, &again, sizeof real);
    assert_false(real.keys[DIGEST_SHA512].present);
    assert_int_equal(real.keys[DIGEST_SHA512].salt_len, SALT_LEN);
    assert_true(credentials_check(&real, STR("p")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(derives_all_hashes),
        TEST(checks_with_each_hash_alone),
        TEST(refuses_passwords),
        TEST(the_text_form_is_stable),
        TEST(refuses_texts),
        TEST(made_up_ones_look_real),
        TEST(fills_in_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
