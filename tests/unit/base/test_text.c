#include "base_test.h"

static void compares(void **state)
{
    (void)state;
    assert_true(str_eq(STR("a"), STR("a")));
    assert_false(str_eq(STR("a"), STR("b")));
    assert_false(str_eq(STR("a"), STR("ab")));
    assert_true(str_eq(STR(""), (struct str){NULL, 0}));
    assert_true(str_is((struct str){"abc", 2}, "ab"));
    assert_true(str_is(str_of(NULL), ""));
    assert_true(str_eq_nocase(STR("aBc-1"), STR("AbC-1")));
    assert_false(str_eq_nocase(STR("a"), STR("ab")));
    assert_false(str_eq_nocase(STR("\xc3\xa4"), STR("\xc3\x84")));
    assert_false(str_eq_nocase(STR("@"), STR("`")));
}

static void trims(void **state)
{
    (void)state;
    assert_str(str_trim(STR(" \t\r\na b \n")), "a b");
    assert_str(str_trim(STR(" \t\r\n")), "");
    assert_str(str_trim(STR("")), "");
    assert_str(str_trim((struct str){NULL, 0}), "");
}

static void cuts(void **state)
{
    (void)state;
    struct str rest;
    assert_str(str_cut(STR("a,b,c"), ',', &rest), "a");
    assert_str(rest, "b,c");
    assert_str(str_cut(STR("a,"), ',', &rest), "a");
    assert_non_null(rest.at);
    assert_int_equal(rest.len, 0);
    assert_str(str_cut(STR(",a"), ',', &rest), "");
    assert_str(rest, "a");
    assert_str(str_cut(STR("a"), ',', &rest), "a");
    assert_null(rest.at);
    assert_str(str_cut((struct str){NULL, 0}, ',', &rest), "");
    assert_null(rest.at);
    struct str all = STR("a\0b");
    assert_str(str_cut(all, '\0', &all), "a"); /* into itself */
    assert_str(all, "b");
}

static void numbers(void **state)
{
    (void)state;
    uint64_t u = 7;
    int64_t i = 7;
    assert_true(text_u64(STR("0"), 0, UINT64_MAX, &u) && u == 0);
    assert_true(text_u64(STR("18446744073709551615"), 0, UINT64_MAX, &u) && u == UINT64_MAX);
    assert_true(text_u64(STR("007"), 0, 10, &u) && u == 7);
    const char *const wrong[] = {
        "", " 1", "1 ", "+1", "-1", "1a", "0x1", "18446744073709551616", "99999999999999999999"};
    for (size_t k = 0; k < COUNT_OF(wrong); k++)
        assert_false(text_u64(str_of(wrong[k]), 0, UINT64_MAX, &u));
    assert_false(text_u64(STR("4"), 5, 10, &u));
    assert_false(text_u64(STR("11"), 5, 10, &u));
    assert_true(text_u64(STR("5"), 5, 10, &u));
    assert_true(text_i64(STR("-5"), -10, 10, &i) && i == -5);
    assert_true(text_i64(STR("+5"), -10, 10, &i) && i == 5);
    assert_true(text_i64(STR("9223372036854775807"), INT64_MIN, INT64_MAX, &i) && i == INT64_MAX);
    assert_true(text_i64(STR("-9223372036854775808"), INT64_MIN, INT64_MAX, &i) && i == INT64_MIN);
    assert_false(text_i64(STR("9223372036854775808"), INT64_MIN, INT64_MAX, &i));
    assert_false(text_i64(STR("-9223372036854775809"), INT64_MIN, INT64_MAX, &i));
    assert_false(text_i64(STR("-"), INT64_MIN, INT64_MAX, &i));
    assert_false(text_i64(STR("--1"), INT64_MIN, INT64_MAX, &i));
    assert_false(text_i64(STR("-11"), -10, 10, &i));
}

static void sizes_and_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value;
    } sizes[] = {{"10", 10},      {"10B", 10},       {"64k", 65536},
                 {"1M", 1 << 20}, {"1mib", 1 << 20}, {"2GiB", 2ull << 30}},
      durations[] = {{"5", 5000},     {"500ms", 500},    {"5s", 5000}, {"2m", 120000},
                     {"1h", 3600000}, {"3d", 259200000}, {"0", 0}};
    uint64_t value;
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        assert_true(text_size(str_of(sizes[i].text), &value) && value == sizes[i].value);
    for (size_t i = 0; i < COUNT_OF(durations); i++)
        assert_true(text_duration(str_of(durations[i].text), &value) &&
                    value == durations[i].value);
    const char *const wrong[] = {"", "k", "1 k", "1kk", "-1", "1.5M", "99999999999999999999G"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_false(text_size(str_of(wrong[i]), &value));
        assert_false(text_duration(str_of(wrong[i]), &value));
    }
    assert_false(text_size(STR("18446744073709551615k"), &value));
    assert_false(text_duration(STR("18446744073709551615"), &value));
}

/* RFC 4648 section 10. */
static void base64_examples(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xfe\xfb", "//77"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        char text[16];
        uint8_t bytes[16];
        size_t len = strlen(pairs[i][0]), out;
        assert_int_equal(base64_encode(pairs[i][0], len, text), BASE64_LEN(len));
        assert_str(((struct str){text, BASE64_LEN(len)}), pairs[i][1]);
        assert_int_equal(base64_decode(str_of(pairs[i][1]), bytes, &out), ERR_OK);
        assert_int_equal(out, len);
        assert_memory_equal(bytes, pairs[i][0], len);
    }
}

static void base64_is_strict(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "Z",     "Zg",   "Zg=",  "Z===",     "====",    "=",        "Zg==Zg==", "Zm9v=",
        "Zm9vY", "Zh==", "Zm9=", "Zm9v\n",   "Zm 9v",   " Zm9v",    "Zm9-",     "Zm9_",
        "Zm=v",  "Z=9v", "=m9v", "Zm9v====", "Zm9vYg=", "Zm9vYh==", "Zm9v\xc3",
    };
    uint8_t bytes[16];
    size_t len;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(base64_decode(str_of(wrong[i]), bytes, &len), ERR_INVALID);
    assert_int_equal(base64_decode((struct str){"Zm\0v", 4}, bytes, &len), ERR_INVALID);
}

/* Into blocks that are just long enough, for the sanitizer. */
static void base64_stays_in_its_room(void **state)
{
    (void)state;
    for (size_t len = 0; len < 100; len++) {
        uint8_t *bytes = malloc(len + 1), *back = malloc(BASE64_MAX(BASE64_LEN(len)));
        char *text = malloc(BASE64_LEN(len) + 1);
        size_t out;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)(i * 37 + len);
        assert_int_equal(base64_encode(bytes, len, text), BASE64_LEN(len));
        assert_int_equal(base64_decode((struct str){text, BASE64_LEN(len)}, back, &out), ERR_OK);
        assert_int_equal(out, len);
        assert_memory_equal(bytes, back, len);
        free(bytes);
        free(back);
        free(text);
    }
}

static void hex(void **state)
{
    (void)state;
    char text[6];
    uint8_t bytes[3];
    hex_encode("\x00\xab\xff", 3, text);
    assert_str(((struct str){text, 6}), "00abff");
    assert_int_equal(hex_decode(STR("00AbfF"), bytes), ERR_OK);
    assert_memory_equal(bytes, "\x00\xab\xff", 3);
    assert_int_equal(hex_decode(STR("0"), bytes), ERR_INVALID);
    assert_int_equal(hex_decode(STR("0g"), bytes), ERR_INVALID);
    assert_int_equal(hex_decode(STR(""), bytes), ERR_OK);
}

static void utf8_of_xml(void **state)
{
    (void)state;
    const char *const right[] = {"",
                                 "abc\t\n\r",
                                 "\x7f",
                                 "\xc2\x80",
                                 "\xdf\xbf",
                                 "\xe0\xa0\x80",
                                 "\xed\x9f\xbf",
                                 "\xee\x80\x80",
                                 "\xef\xbf\xbd",
                                 "\xf0\x90\x80\x80",
                                 "\xf4\x8f\xbf\xbf"};
    const char *const wrong[] = {"\x01",
                                 "\x1f",
                                 "\x80",
                                 "\xbf",
                                 "\xc0\x80",
                                 "\xc1\xbf",
                                 "\xc2",
                                 "\xc2 a",
                                 "\xe0\x9f\xbf",
                                 "\xe2\x82",
                                 "\xed\xa0\x80",
                                 "\xed\xbf\xbf",
                                 "\xef\xbf\xbe",
                                 "\xef\xbf\xbf",
                                 "\xf0\x8f\xbf\xbf",
                                 "\xf0\x90\x80",
                                 "\xf4\x90\x80\x80",
                                 "\xf5\x80\x80\x80",
                                 "\xff",
                                 "ok\xfe"};
    for (size_t i = 0; i < COUNT_OF(right); i++)
        assert_true(text_is_xml(str_of(right[i])));
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(text_is_xml(str_of(wrong[i])));
    assert_false(text_is_xml((struct str){"a\0b", 3}));
    /* a character cut by the end of the view, not by its bytes */
    assert_false(text_is_xml((struct str){"\xe2\x82\xac", 2}));
}

static void copies(void **state)
{
    (void)state;
    char out[4] = "xxx";
    assert_int_equal(text_copy(out, sizeof out, STR("ab")), 2);
    assert_string_equal(out, "ab");
    assert_int_equal(text_copy(out, sizeof out, STR("abcdef")), 3);
    assert_string_equal(out, "abc");
    assert_int_equal(text_copy(out, 1, STR("abc")), 0);
    assert_string_equal(out, "");
}

static void times(void **state)
{
    (void)state;
    char out[TEXT_TIME_ROOM];
    assert_int_equal(text_time(out, 0), 20);
    assert_string_equal(out, "1970-01-01T00:00:00Z");
    assert_int_equal(text_time(out, 1795502492123456), 24);
    assert_string_equal(out, "2026-11-24T06:41:32.123Z");
    text_time(out, 951782400000999);
    assert_string_equal(out, "2000-02-29T00:00:00Z");
}

static void nearest_words(void **state)
{
    (void)state;
    const char *const names[] = {"listen", "domains", "modules", NULL};
    assert_string_equal(text_nearest(STR("listne"), names), "listen");
    assert_string_equal(text_nearest(STR("domain"), names), "domains");
    assert_string_equal(text_nearest(STR("modules"), names), "modules");
    assert_null(text_nearest(STR("entirely-different"), names));
    char big[1000];
    memset(big, 'x', sizeof big);
    assert_null(text_nearest((struct str){big, sizeof big}, names));
    assert_null(text_nearest(STR(""), names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),
        cmocka_unit_test(trims),
        cmocka_unit_test(cuts),
        cmocka_unit_test(numbers),
        cmocka_unit_test(base64_examples),
        cmocka_unit_test(sizes_and_durations),
        cmocka_unit_test(hex),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(utf8_of_xml),
        cmocka_unit_test(base64_stays_in_its_room),
        cmocka_unit_test(copies),
        cmocka_unit_test(times),
        cmocka_unit_test(nearest_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
