#include "stanza_id.h"
#include "xmpp_test.h"

static void ids_grow_whatever_the_clock_does(void **state)
{
    (void)state;
    static const uint64_t clock_us[] = {1750000000000000, 1750000000000000, 1750000000000005,
                                        1749999999000000, 1750000000000006, 0};
    uint64_t last = 0;
    for (size_t i = 0; i < COUNT_OF(clock_us); i++) {
        uint64_t id = stanza_id_next(i % 2 ? 7 : 4096 + 3, clock_us[i]);
        assert_true(id > last && id < STANZA_ID_MAX);
        assert_int_equal(id % STANZA_ID_WRITERS, i % 2 ? 7 : 3);
        last = id;
    }
}

static void ids_hold_the_time(void **state)
{
    (void)state;
    uint64_t at = stanza_id_at(1750000000123456);
    assert_int_equal(stanza_id_us(at), 1750000000123456);
    assert_int_equal(stanza_id_us(at + STANZA_ID_WRITERS - 1), 1750000000123456);
    assert_int_equal(at - stanza_id_at(1750000000123455), stanza_id_span(1));
    assert_int_equal(stanza_id_at(0), 0);
    assert_true(stanza_id_at(UINT64_MAX) == STANZA_ID_MAX);
}

static void sealed_ids_come_back(void **state)
{
    (void)state;
    struct arena texts;
    arena_init(&texts);
    stanza_id_key(STR("a secret"));
    struct str last = STR("");
    for (uint64_t id = stanza_id_at(1750000000000000), end = id + 50; id < end; id++) {
        uint64_t back = 0;
        struct str text = stanza_id_text(&texts, id);
        assert_int_equal(text.len, STANZA_ID_LEN);
        assert_true(stanza_id_parse(text, &back) && back == id);
        assert_true(!last.len || memcmp(last.at, text.at, 4) != 0); /* neighbours look unlike */
        last = text;
    }
    stanza_id_key(STR("another"));
    assert_false(str_eq(stanza_id_text(&texts, stanza_id_at(1750000000000000) + 49), last));
    arena_fini(&texts);
}

static void other_texts_are_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "0", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeg", "................"};
    uint64_t id;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_false(stanza_id_parse(str_of(texts[i]), &id));
}

static void sealing_is_a_permutation(void **state)
{
    (void)state;
    struct arena texts;
    arena_init(&texts);
    stanza_id_key(STR("permutation"));
    for (uint64_t bit = 1; bit && bit <= STANZA_ID_MAX; bit <<= 1) {
        uint64_t back;
        assert_true(stanza_id_parse(stanza_id_text(&texts, bit), &back) && back == bit);
    }
    arena_fini(&texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_grow_whatever_the_clock_does),
        cmocka_unit_test(ids_hold_the_time),
        cmocka_unit_test(sealed_ids_come_back),
        cmocka_unit_test(other_texts_are_none),
        cmocka_unit_test(sealing_is_a_permutation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
