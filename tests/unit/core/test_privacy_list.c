/* Privacy lists as text and as what they deny. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "arena.h"
#include "privacy_list.h"
#include "store_roster.h"

#include <stdio.h>

static struct arena arena;

static struct jid jid(const char *text)
{
    struct jid out;
    assert_int_equal(jid_parse(&arena, str_of(text), &out), ERR_OK);
    return out;
}

static bool denies(const char *text, unsigned kind, const char *peer,
                   const struct subscription *contact)
{
    struct privacy_list *list = privacy_list_new(STR("x"), str_of(text));
    struct jid address = jid(peer);
    bool denied = privacy_list_denies(list, kind, &address, contact);
    privacy_list_unref(list);
    return denied;
}

static bool blocks(const char *text, const char *peer)
{
    struct privacy_list *list = privacy_list_new(STR("x"), str_of(text));
    struct jid address = jid(peer);
    bool blocked = privacy_list_blocks(list, &address);
    privacy_list_unref(list);
    return blocked;
}

static void items_come_back_as_they_were_written(void **state)
{
    (void)state;
    static const struct privacy_item items[] = {
        {0, PRIVACY_ANYBODY, false, PRIVACY_IQ, {"", 0}, {"", 0}},
        {7, PRIVACY_GROUP, true, PRIVACY_MESSAGE | PRIVACY_IQ, STR("My Friends"), {"", 0}},
        {9, PRIVACY_SUBSCRIPTION, true, PRIVACY_PRESENCE_OUT, STR("both"), {"", 0}},
        {UINT32_MAX, PRIVACY_JID, true, PRIVACY_ALL, STR("a@b/c d"), STR("spam: buy this")},
    };
    struct buf text = {0};
    for (size_t i = 0; i < COUNT_OF(items); i++)
        privacy_write(&text, &items[i]);
    buf_push_str(&text, STR("nonsense\n1 j d\n1 x d 31 a\n1 j x 31 a\n1 j d 0 a\n1 j d 32 a\n"));
    struct privacy_list *list = privacy_list_new(STR("name"), buf_str(&text));
    buf_fini(&text);
    assert_true(str_is(list->name, "name"));
    assert_true(list->asks_roster);
    assert_int_equal(list->count, COUNT_OF(items));
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        assert_int_equal(list->items[i].order, items[i].order);
        assert_int_equal(list->items[i].type, items[i].type);
        assert_int_equal(list->items[i].denies, items[i].denies);
        assert_int_equal(list->items[i].kinds, items[i].kinds);
        assert_true(str_eq(list->items[i].value, items[i].value));
        assert_true(str_eq(list->items[i].report, items[i].report));
    }
    privacy_list_unref(list);
}

static void addresses_match_as_they_should(void **state)
{
    (void)state;
    static const struct {
        const char *item, *peer;
        bool matches;
    } rows[] = {
        {"a@b", "a@b", true},      {"a@b", "a@b/c", true},  {"a@b/c", "a@b/c", true},
        {"a@b/c", "a@b/d", false}, {"a@b/c", "a@b", false}, {"b", "a@b/c", true},
        {"b", "b", true},          {"b/c", "a@b/c", true},  {"b/c", "a@b/d", false},
        {"b/c", "a@b", false},     {"a@b", "x@b", false},   {"b", "a@bb", false},
        {"b", "a@c.b", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[64];
        snprintf(text, sizeof text, "1 j d 31 %s\n", rows[i].item);
        assert_int_equal(denies(text, PRIVACY_MESSAGE, rows[i].peer, NULL), rows[i].matches);
        assert_int_equal(blocks(text, rows[i].peer), rows[i].matches);
    }
}

static void only_what_denies_an_address_as_a_whole_blocks(void **state)
{
    (void)state;
    assert_false(blocks("1 j a 31 a@b\n", "a@b"));
    assert_false(blocks("1 j d 15 a@b\n", "a@b"));
    assert_false(blocks("1 a d 31 \n", "a@b"));
    assert_true(blocks("1 j a 31 a@b\n2 j d 31 b\n3 j d 31 c\n", "a@b"));
}

static void the_first_item_decides(void **state)
{
    (void)state;
    static const char text[] = "1 j a 31 a@b\n2 j d 1 b\n3 a d 8 \n";
    assert_false(denies(text, PRIVACY_MESSAGE, "a@b", NULL));
    assert_false(denies(text, PRIVACY_PRESENCE_OUT, "a@b", NULL));
    assert_true(denies(text, PRIVACY_MESSAGE, "x@b", NULL));
    assert_false(denies(text, PRIVACY_IQ, "x@b", NULL));
    assert_true(denies(text, PRIVACY_PRESENCE_OUT, "x@c", NULL));
    assert_false(denies(text, PRIVACY_REST, "x@c", NULL));
    assert_false(denies("", PRIVACY_MESSAGE, "a@b", NULL));
}

static void groups_and_subscriptions_are_those_of_the_roster(void **state)
{
    (void)state;
    const struct subscription friend = {.flags = ROSTER_TO | ROSTER_FROM,
                                        .groups = STR("Work\nFriends")};
    const struct subscription asked = {.flags = ROSTER_ASKED};
    assert_true(denies("1 g d 31 Friends\n", PRIVACY_IQ, "a@b", &friend));
    assert_false(denies("1 g d 31 Friend\n", PRIVACY_IQ, "a@b", &friend));
    assert_false(denies("1 g d 31 Friends\n", PRIVACY_IQ, "a@b", NULL));
    assert_true(denies("1 s d 31 both\n", PRIVACY_IQ, "a@b", &friend));
    assert_false(denies("1 s d 31 to\n", PRIVACY_IQ, "a@b", &friend));
    assert_true(denies("1 s d 31 none\n", PRIVACY_IQ, "a@b", &asked));
    assert_true(denies("1 s d 31 none\n", PRIVACY_IQ, "a@b", NULL));
}

static void references_are_counted(void **state)
{
    (void)state;
    struct privacy_list *list = privacy_list_new(STR("x"), STR("1 j d 31 a@b\n"));
    assert_ptr_equal(privacy_list_ref(list), list);
    privacy_list_unref(list);
    assert_true(privacy_list_names(list, STR("a@b")));
    assert_false(privacy_list_names(list, STR("a")));
    privacy_list_unref(list);
    assert_null(privacy_list_ref(NULL));
    privacy_list_unref(NULL);
    assert_false(privacy_list_names(NULL, STR("a")));
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    arena_pool_drop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_back_as_they_were_written),
        cmocka_unit_test(addresses_match_as_they_should),
        cmocka_unit_test(only_what_denies_an_address_as_a_whole_blocks),
        cmocka_unit_test(the_first_item_decides),
        cmocka_unit_test(groups_and_subscriptions_are_those_of_the_roster),
        cmocka_unit_test(references_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
