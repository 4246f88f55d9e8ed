#include "ns.h"
#include "xmpp_test.h"

static void finds_each_by_its_uri(void **state)
{
    (void)state;
    for (unsigned ns = NS_OTHER + 1; ns < NS_COUNT; ns++) {
        struct str uri = ns_uri((enum ns)ns);
        assert_true(uri.len > 0);
        assert_int_equal(ns_find(arena_str(&arena, uri)), ns);
    }
}

static void unknown_ones(void **state)
{
    (void)state;
    assert_int_equal(ns_find(STR("urn:nobody:knows")), NS_OTHER);
    assert_int_equal(ns_find(STR("jabber:clienT")), NS_OTHER);
    assert_int_equal(ns_find(STR("jabber:client ")), NS_OTHER);
    assert_int_equal(ns_find(STR("x")), NS_OTHER);
    assert_int_equal(ns_find(STR("")), NS_NONE);
    assert_int_equal(ns_find((struct str){NULL, 0}), NS_NONE);
    assert_int_equal(ns_uri(NS_NONE).len, 0);
    assert_int_equal(ns_uri(NS_OTHER).len, 0);
    assert_int_equal(ns_uri(NS_COUNT).len, 0);
}

/* Nothing near a known URI is taken for it. */
static void one_byte_off(void **state)
{
    (void)state;
    for (unsigned ns = NS_OTHER + 1; ns < NS_COUNT; ns++) {
        struct str uri = arena_str(&arena, ns_uri((enum ns)ns));
        for (size_t i = 0; i < uri.len; i++) {
            char *at = (char *)uri.at + i;
            *at ^= 0x40;
            assert_int_equal(ns_find(uri), NS_OTHER);
            *at ^= 0x40;
        }
        assert_int_equal(ns_find((struct str){uri.at, uri.len - 1}), NS_OTHER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(finds_each_by_its_uri),
        TEST(unknown_ones),
        TEST(one_byte_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
