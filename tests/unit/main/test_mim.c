/* What the import from MongooseIM reads: passwords, relative JIDs, ids. */
#include "main_test.h"

#include "limits.h"
#include "mim.h"
#include "mim_jid.h"
#include "mim_scram.h"
#include "stanza_id.h"

/* --- Passwords --- */

static struct str text64(struct str bytes)
{
    char *text = arena_zero(&arena, BASE64_LEN(bytes.len) + 1);
    return (struct str){text, base64_encode(bytes.at, bytes.len, text)};
}

static struct scram_keys keys_of(enum digest digest)
{
    struct credentials one;
    assert_int_equal(credentials_derive_one(digest, STR("pencil"), STR("some salt"), 4096, &one),
                     ERR_OK);
    return one.keys[digest];
}

static struct str key64(const uint8_t *key, enum digest digest)
{
    return text64((struct str){(const char *)key, digest_len(digest)});
}

/* "salt|stored|server" */
static struct str hash_text(enum digest digest)
{
    struct scram_keys keys = keys_of(digest);
    return arena_format(&arena, "%.*s|%.*s|%.*s", STR_ARG(text64(STR("some salt"))),
                        STR_ARG(key64(keys.stored, digest)), STR_ARG(key64(keys.server, digest)));
}

static void scram_of_one_hash(void **state)
{
    (void)state;
    struct scram_keys keys = keys_of(DIGEST_SHA1);
    struct credentials read;
    struct str text = arena_format(
        &arena, "==SCRAM==,%.*s,%.*s,%.*s,4096", STR_ARG(key64(keys.stored, DIGEST_SHA1)),
        STR_ARG(key64(keys.server, DIGEST_SHA1)), STR_ARG(text64(STR("some salt"))));
    assert_null(mim_scram_read(text, &read));
    assert_true(read.iterations == 4096 && credentials_check(&read, STR("pencil")));
    assert_false(read.keys[DIGEST_SHA256].present);
    for (size_t len = 0; len < text.len; len++) {
        bool only_fewer_iterations = len > text.len - 4;
        assert_int_equal(!mim_scram_read((struct str){text.at, len}, &read), only_fewer_iterations);
    }
}

static void scram_of_many_hashes(void **state)
{
    (void)state;
    struct credentials read;
    struct str sha1 = hash_text(DIGEST_SHA1), sha256 = hash_text(DIGEST_SHA256);
    struct str sha512 = hash_text(DIGEST_SHA512);
    struct str all = arena_format(&arena,
                                  "==MULTI_SCRAM==,4096,===SHA1===%.*s,==SHA224==a|b|c,"
                                  "==SHA256==%.*s,==SHA384==a|b|c,==SHA512==%.*s",
                                  STR_ARG(sha1), STR_ARG(sha256), STR_ARG(sha512));
    assert_null(mim_scram_read(all, &read));
    for (int i = 0; i < DIGEST_COUNT; i++)
        assert_true(read.keys[i].present);
    assert_true(credentials_check(&read, STR("pencil")));
    assert_false(credentials_check(&read, STR("pen")));
    read.keys[DIGEST_SHA512].present = false;
    assert_true(credentials_check(&read, STR("pencil")));
    read.keys[DIGEST_SHA256].present = false;
    assert_true(credentials_check(&read, STR("pencil")));
}

static void scram_of_no_use(void **state)
{
    (void)state;
    struct credentials read;
    struct str sha1 = hash_text(DIGEST_SHA1);
    static const char *const bad[] = {"",
                                      "pencil",
                                      "==SCRAM==,",
                                      "==SCRAM==,a,b,c,4096",
                                      "==MULTI_SCRAM==,",
                                      "==MULTI_SCRAM==,4096",
                                      "==MULTI_SCRAM==,x,===SHA1===a|b|c",
                                      "==MULTI_SCRAM==,4096,===SHA1===a|b",
                                      "==MULTI_SCRAM==,4096,===SHA1===||",
                                      "==MULTI_SCRAM==,4096,==SHA224==a|b|c"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_non_null(mim_scram_read(str_of(bad[i]), &read));
    struct str slow = arena_format(&arena, "==MULTI_SCRAM==,2000000000,===SHA1===%.*s",
                                   STR_ARG(sha1)); /* a check would take minutes */
    assert_non_null(mim_scram_read(slow, &read));
    struct str wrong_hash =
        arena_format(&arena, "==MULTI_SCRAM==,4096,==SHA256==%.*s", STR_ARG(sha1));
    assert_non_null(mim_scram_read(wrong_hash, &read));
}

/* --- JIDs --- */

static void relative_jids(void **state)
{
    (void)state;
    static const struct {
        const char *text, *jid;
        bool is_bare;
    } jids[] = {
        {"", "alice@room", true},
        {"/home", "alice@room/home", false},
        {"/a@b:c", "alice@room/a@b:c", false},
        {"bob", "bob@room", true},
        {"bob/home", "bob@room/home", false},
        {"bob/a/b@c", "bob@room/a/b@c", false},
        {":", "room", true},
        {":/home", "room/home", false},
        {"street:bob", "bob@street", true},
        {"street:", "street", true},
        {"street@bob/home/x", "bob@street/home/x", false},
        {"street@/home", "street/home", false},
    };
    struct jid alice, jid;
    jid_make(&arena, STR("alice"), STR("room"), STR(""), &alice);
    for (size_t i = 0; i < COUNT_OF(jids); i++) {
        struct str text = str_of(jids[i].text);
        assert_int_equal(mim_jid_read(&arena, MIM_RELATIVE, &alice, text, &jid), ERR_OK);
        assert_true(str_is(jid.full, jids[i].jid));
        if (jids[i].is_bare)
            assert_true(str_eq(mim_jid_write(&arena, MIM_RELATIVE, &alice, &jid), text));
    }
    assert_int_equal(mim_jid_read(&arena, MIM_RELATIVE, &alice, STR("a b@"), &jid), ERR_INVALID);
}

static void whole_jids(void **state)
{
    (void)state;
    struct jid alice, jid;
    jid_make(&arena, STR("alice"), STR("room"), STR(""), &alice);
    assert_int_equal(mim_jid_read(&arena, MIM_WHOLE, &alice, STR("bob@street/x"), &jid), ERR_OK);
    assert_true(str_is(jid.full, "bob@street/x"));
    jid = jid_bare(&jid);
    assert_true(str_is(mim_jid_write(&arena, MIM_WHOLE, &alice, &jid), "bob@street"));
    assert_int_equal(mim_jid_format(&alice, STR("alice@room/x")), MIM_WHOLE);
    assert_int_equal(mim_jid_format(&alice, STR("alice@room")), MIM_WHOLE);
    assert_int_equal(mim_jid_format(&alice, STR("alice@roommate/x")), MIM_RELATIVE);
    assert_int_equal(mim_jid_format(&alice, STR("/x")), MIM_RELATIVE);
    assert_int_equal(mim_jid_format(&alice, STR("")), MIM_RELATIVE);
}

/* --- Ids --- */

static void ids(void **state)
{
    (void)state;
    uint64_t now = 1683705600000001, first = stanza_id_us(0);
    assert_int_equal(stanza_id_us(mim_id(now, 7)), now);
    assert_int_equal(mim_id(now, 7), mim_id(now, 7));
    assert_true(mim_id(now, 7) != mim_id(now, 8) && mim_id(now, 255) < mim_id(now + 1, 0));
    for (unsigned writer = 0; writer < LIMIT_BATCH_SHARDS; writer++) /* of live messages */
        assert_true((stanza_id_at(now) | writer) < mim_id(now, 0));
    assert_false(mim_is_older(first + 1));
    assert_true(mim_is_older(first));
    assert_true(mim_id(0, 1) > 0 && mim_id(1000000, 1) < mim_id(1000005, 1));
    assert_true(mim_id(first, 255) < mim_id(first + 86400ull * 1000000, 0));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(scram_of_one_hash), TEST(scram_of_many_hashes), TEST(scram_of_no_use),
        TEST(relative_jids),     TEST(whole_jids),           TEST(ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
