#include "jid.h"

#include "limits.h"
#include "map.h"
#include "xmpp_test.h"

static void assert_jid(const char *text, const char *full)
{
    struct jid jid, again;
    if (jid_parse(&arena, str_of(text), &jid)) {
        print_error("%s is refused\n", text);
        fail();
    }
    assert_str(jid.full, full);
    assert_int_equal(jid.full.at[jid.full.len], 0);
    assert_true(jid.bare_hash == map_hash(jid.bare));
    /* prepared once, it stays as it is */
    assert_int_equal(jid_parse(&arena, jid.full, &again), ERR_OK);
    assert_str(again.full, full);
}

static void assert_no_jid(const char *text)
{
    struct jid jid;
    if (!jid_parse(&arena, str_of(text), &jid))
        print_error("%s is taken\n", text);
    assert_int_equal(jid_parse(&arena, str_of(text), &jid), ERR_INVALID);
}

static void parts(void **state)
{
    (void)state;
    struct jid jid;
    assert_int_equal(jid_parse(&arena, STR("user@example.org/r/e@s"), &jid), ERR_OK);
    assert_str(jid.user, "user");
    assert_str(jid.domain, "example.org");
    assert_str(jid.resource, "r/e@s");
    assert_str(jid.bare, "user@example.org");
    assert_int_equal(jid_parse(&arena, STR("example.org"), &jid), ERR_OK);
    assert_int_equal(jid.user.len, 0);
    assert_int_equal(jid.resource.len, 0);
    assert_str(jid.bare, "example.org");
    assert_int_equal(jid_parse(&arena, STR("example.org/a@b"), &jid), ERR_OK);
    assert_int_equal(jid.user.len, 0);
    assert_str(jid.resource, "a@b");
}

static void ascii(void **state)
{
    (void)state;
    assert_jid("User@Example.ORG/Res Ource", "user@example.org/Res Ource");
    assert_jid("a!#$%()*+,-.;=?[\\]^_`{|}~z@x", "a!#$%()*+,-.;=?[\\]^_`{|}~z@x");
    assert_jid("example.org.", "example.org");
    assert_jid("a@example.org./r", "a@example.org/r");
    assert_jid("127.0.0.1", "127.0.0.1");
    assert_jid("a@x/ ~!\"'<>", "a@x/ ~!\"'<>");
    assert_jid("a-b.c-d", "a-b.c-d");
}

static void refused(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "",
        "@",
        "/",
        "a@",
        "@b",
        "@b/c",
        "a@/c",
        "b/",
        "a@b/",
        "a@b@c",
        "a b@c",
        "a\"@c",
        "a&b@c",
        "a'@c",
        "a:b@c",
        "a<@c",
        "a>@c",
        "a\x7f@c",
        "a\x01@c",
        "a@b c",
        "a@b_c",
        "a@b!",
        ".",
        "a@.",
        "a@b..c",
        "a@.b",
        "a@b..",
        "a@-b",
        "a@b-",
        "a@b.-c.d",
        "a@b/\x01",
        "a@b/\x7f",
        "[",
        "[]",
        "[::1",
        "[::g]",
        "[1.2.3.4]",
        "[::1]x",
        "a@[::1%lo]",
        "a@b/\xff",
        "\xc3@b",
        "a@\xed\xa0\x80",
        "a\xc0\x80@b",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_no_jid(wrong[i]);
    struct jid jid;
    assert_int_equal(jid_parse(&arena, STR("a\0b@c"), &jid), ERR_INVALID);
    assert_int_equal(jid_parse(&arena, STR("\xc3\xa4\0b@c"), &jid), ERR_INVALID);
    assert_int_equal(jid_parse(&arena, (struct str){NULL, 0}, &jid), ERR_INVALID);
}

/* Each ASCII byte is taken or refused in each part just as libidn does it. */
static void the_table_is_what_stringprep_says(void **state)
{
    (void)state;
    for (int c = 1; c < 0x80; c++) {
        char plain[2] = {(char)c, 0}, wide[8];
        struct str out, slow;
        /* U+00AD maps to nothing, so that libidn sees the byte alone */
        snprintf(wide, sizeof wide, "%c\xc2\xad", c);
        enum err fast = jid_prep_user(&arena, str_of(plain), &out);
        assert_int_equal(jid_prep_user(&arena, str_of(wide), &slow), fast);
        if (!fast)
            assert_true(str_eq(out, slow));
        fast = jid_prep_resource(&arena, str_of(plain), &out);
        assert_int_equal(jid_prep_resource(&arena, str_of(wide), &slow), fast);
        if (!fast)
            assert_true(str_eq(out, slow));
        fast = jid_saslprep(&arena, str_of(plain), &out);
        assert_int_equal(jid_saslprep(&arena, str_of(wide), &slow), fast);
        if (!fast)
            assert_true(str_eq(out, slow));
    }
}

static void beyond_ascii(void **state)
{
    (void)state;
    assert_jid("J\xc3\x9cLIET@b/\xc3\x9c", "j\xc3\xbcliet@b/\xc3\x9c");
    assert_jid("stra\xc3\x9f"
               "e@b",
               "strasse@b");
    assert_jid("\xe2\x85\xa3@b", "iv@b"); /* U+2163 ROMAN NUMERAL FOUR */
    assert_jid("a\xc2\xad@b", "a@b");
    assert_jid("a@b/\xf0\x9f\x98\x80", "a@b/\xf0\x9f\x98\x80");
    assert_jid("\xf0\x9f\x98\x80@b", "\xf0\x9f\x98\x80@b");
    assert_jid("\xd7\x90\xd7\x91@b", "\xd7\x90\xd7\x91@b");
    assert_no_jid("\xc2\xad@b"); /* nothing is left of it */
    assert_no_jid("a@b/\xc2\xad");
    assert_no_jid("a\xef\xbc\xa0"
                  "c@b"); /* U+FF20 is an @ in disguise */
    assert_no_jid("a\xef\xbc\x8f"
                  "c@b");              /* U+FF0F is a / */
    assert_no_jid("a\xef\xbc\x86@b");  /* U+FF06 is a & */
    assert_no_jid("a\xe2\x80\x83z@b"); /* a wide space */
    assert_no_jid("\xd7\x90z@b");      /* right-to-left and not */
    assert_no_jid("a\xee\x80\x80@b");  /* private use */
    assert_no_jid("a@b/\xe2\x80\xae"); /* an override of direction */
    assert_jid("a@b/a\xef\xbc\x8f"
               "c",
               "a@b/a/c");
}

static void domains_beyond_ascii(void **state)
{
    (void)state;
    assert_jid("a@B\xc3\x9c"
               "cher.Example",
               "a@b\xc3\xbc"
               "cher.example");
    assert_jid("a@xn--bcher-kva.example", "a@b\xc3\xbc"
                                          "cher.example");
    assert_jid("a@XN--BCHER-KVA.example", "a@b\xc3\xbc"
                                          "cher.example");
    assert_jid("a@b\xc3\xbc"
               "cher\xe3\x80\x82"
               "example",
               "a@b\xc3\xbc"
               "cher.example");
    assert_jid("a@b\xc3\xbc"
               "cher.example.",
               "a@b\xc3\xbc"
               "cher.example");
    assert_no_jid("a@b\xc3\xbc"
                  "cher_.example");
    assert_no_jid("a@-b\xc3\xbc"
                  "cher");
    assert_no_jid("a@b\xc3\xbc"
                  "cher..example");
    assert_no_jid("a@\xef\xbc\x8f");
    assert_no_jid("a@b\xc3\xbc"
                  "cher\xef\xbc\x8f");
    assert_no_jid("a@\xc2\xad");
}

static void addresses(void **state)
{
    (void)state;
    assert_jid("a@[::1]/r", "a@[::1]/r");
    assert_jid("[2001:DB8::0:1]", "[2001:db8::1]");
}

static struct str repeated(char c, size_t count)
{
    char *text = arena_take(&arena, count + 1);
    memset(text, c, count);
    return (struct str){text, count};
}

static void lengths(void **state)
{
    (void)state;
    struct str out, most = repeated('a', LIMIT_JID_PART), more = repeated('a', LIMIT_JID_PART + 1);
    struct jid jid;
    assert_int_equal(jid_prep_user(&arena, most, &out), ERR_OK);
    assert_int_equal(jid_prep_user(&arena, more, &out), ERR_INVALID);
    assert_null(out.at);
    assert_int_equal(jid_prep_resource(&arena, most, &out), ERR_OK);
    assert_int_equal(jid_prep_resource(&arena, more, &out), ERR_INVALID);
    assert_int_equal(jid_prep_domain(&arena, repeated('a', 63), &out), ERR_OK);
    assert_int_equal(jid_prep_domain(&arena, repeated('a', 64), &out), ERR_INVALID);
    struct str labels = arena_str(&arena, most);
    for (size_t i = 10; i + 1 < labels.len; i += 11)
        ((char *)labels.at)[i] = '.';
    assert_int_equal(jid_prep_domain(&arena, labels, &out), ERR_OK);
    struct str full =
        arena_format(&arena, "%.*s@%.*s/%.*s", STR_ARG(most), STR_ARG(labels), STR_ARG(most));
    assert_int_equal(jid_parse(&arena, full, &jid), ERR_OK);
    assert_int_equal(jid.full.len, 3 * LIMIT_JID_PART + 2);
    /* U+FDFA becomes 18 characters: the result counts, too */
    struct buf grown = {0};
    for (int i = 0; i < 100; i++)
        buf_push(&grown, "\xef\xb7\xba", 3);
    assert_int_equal(jid_prep_resource(&arena, buf_str(&grown), &out), ERR_INVALID);
    buf_fini(&grown);
}

static void made_of_parts(void **state)
{
    (void)state;
    struct jid jid;
    jid_make(&arena, STR("u"), STR("d"), STR("r"), &jid);
    assert_str(jid.full, "u@d/r");
    assert_str(jid.bare, "u@d");
    jid_make(&arena, STR(""), STR("d"), (struct str){NULL, 0}, &jid);
    assert_str(jid.full, "d");
    assert_int_equal(jid.user.len, 0);
}

static void kept_and_dropped(void **state)
{
    (void)state;
    struct arena own;
    struct jid jid, kept, bare_kept;
    arena_init(&own);
    assert_int_equal(jid_parse(&own, STR("u@d/r"), &jid), ERR_OK);
    struct jid bare = jid_bare(&jid);
    assert_str(bare.full, "u@d");
    assert_int_equal(bare.resource.len, 0);
    assert_true(bare.bare_hash == jid.bare_hash);
    jid_keep(&kept, &jid);
    jid_keep(&bare_kept, &bare);
    arena_fini(&own);
    assert_str(kept.full, "u@d/r");
    assert_str(kept.bare, "u@d");
    assert_str(kept.user, "u");
    assert_str(kept.domain, "d");
    assert_str(kept.resource, "r");
    assert_str(bare_kept.full, "u@d");
    assert_str(bare_kept.resource, "");
    jid_drop(&kept);
    jid_drop(&bare_kept);
    assert_null(kept.full.at);
    jid_drop(&kept);
}

static void saslprep(void **state)
{
    (void)state;
    struct str out;
    /* RFC 4013 section 3 */
    assert_int_equal(jid_saslprep(&arena, STR("I\xc2\xadX"), &out), ERR_OK);
    assert_str(out, "IX");
    assert_int_equal(jid_saslprep(&arena, STR("USER"), &out), ERR_OK);
    assert_str(out, "USER");
    assert_int_equal(jid_saslprep(&arena, STR("\xc2\xaa"), &out), ERR_OK);
    assert_str(out, "a");
    assert_int_equal(jid_saslprep(&arena, STR("\xe2\x85\xa8"), &out), ERR_OK);
    assert_str(out, "IX");
    assert_int_equal(jid_saslprep(&arena, STR("\x07"), &out), ERR_INVALID);
    assert_int_equal(jid_saslprep(&arena, STR("\xd8\xa7\x31"), &out), ERR_INVALID);
    assert_int_equal(jid_saslprep(&arena, STR("a\xc2\xa0z"), &out), ERR_OK);
    assert_str(out, "a z");
    assert_true(strlen(jid_version()) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(parts),         TEST(ascii),
        TEST(refused),       TEST(the_table_is_what_stringprep_says),
        TEST(beyond_ascii),  TEST(domains_beyond_ascii),
        TEST(addresses),     TEST(lengths),
        TEST(made_of_parts), TEST(kept_and_dropped),
        TEST(saslprep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
