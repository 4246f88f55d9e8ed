#include "base_test.h"
#include "list.h"

struct member {
    int number;
    struct link link;
};

static void assert_numbers(struct link *list, const char *expected)
{
    char text[64];
    size_t len = 0;
    LIST_EACH (list, link)
        text[len++] = (char)('0' + LIST_OWNER(link, struct member, link)->number);
    assert_str(((struct str){text, len}), expected);
}

static void keeps_order(void **state)
{
    (void)state;
    struct link list;
    struct member members[5] = {{0, {0}}, {1, {0}}, {2, {0}}, {3, {0}}, {4, {0}}};
    list_init(&list);
    assert_true(list_empty(&list));
    assert_null(list_pop(&list));
    for (int i = 0; i < 5; i++) {
        assert_false(list_has(&members[i].link));
        list_push(&list, &members[i].link);
        assert_true(list_has(&members[i].link));
    }
    assert_numbers(&list, "01234");
    list_drop(&members[2].link);
    assert_false(list_has(&members[2].link));
    assert_numbers(&list, "0134");
    assert_ptr_equal(list_pop(&list), &members[0].link);
    assert_numbers(&list, "134");
    list_push(&list, &members[0].link);
    assert_numbers(&list, "1340");
    while (list_pop(&list))
        ;
    assert_true(list_empty(&list));
}

static void drops_while_it_iterates(void **state)
{
    (void)state;
    struct link list;
    struct member members[5] = {{0, {0}}, {1, {0}}, {2, {0}}, {3, {0}}, {4, {0}}};
    list_init(&list);
    for (int i = 0; i < 5; i++)
        list_push(&list, &members[i].link);
    LIST_EACH_SAFE (&list, link)
        if (LIST_OWNER(link, struct member, link)->number % 2 == 0)
            list_drop(link);
    assert_numbers(&list, "13");
    LIST_EACH_SAFE (&list, link)
        list_drop(link);
    assert_true(list_empty(&list));
}

static void moves(void **state)
{
    (void)state;
    struct link a, b;
    struct member members[4] = {{0, {0}}, {1, {0}}, {2, {0}}, {3, {0}}};
    list_init(&a);
    list_init(&b);
    list_move(&a, &b);
    assert_true(list_empty(&a));
    for (int i = 0; i < 4; i++)
        list_push(i < 2 ? &a : &b, &members[i].link);
    list_move(&a, &b);
    assert_numbers(&a, "0123");
    assert_true(list_empty(&b));
    list_move(&b, &a);
    assert_numbers(&b, "0123");
    assert_true(list_empty(&a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order),
        cmocka_unit_test(drops_while_it_iterates),
        cmocka_unit_test(moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
