/* What store.h promises of privacy lists, on each back end in the same words. */
#include "store_contract.h"

static struct {
    bool done;
    enum err outcome;
    struct store_privacy_list lists[8];
    size_t count;
} got;

static void on_lists(struct store_op *op)
{
    got.done = true;
    got.outcome = op->outcome;
    if (op->outcome || op->kind != STORE_PRIVACY_GET)
        return;
    got.count = op->privacy.count;
    assert_true(got.count <= COUNT_OF(got.lists));
    for (size_t i = 0; i < got.count; i++)
        got.lists[i] = (struct store_privacy_list){
            .name = arena_str(&stage_texts, op->privacy.lists[i].name),
            .items = arena_str(&stage_texts, op->privacy.lists[i].items),
            .is_default = op->privacy.lists[i].is_default,
        };
}

static enum err ask(enum store_kind kind, const char *user, const char *name, const char *items)
{
    memset(&got, 0, sizeof got);
    struct store_op *op = store_op_new(kind, on_lists, NULL);
    op->privacy.user = arena_str(&op->arena, str_of(user));
    op->privacy.domain = arena_str(&op->arena, STR("p.example"));
    op->privacy.count = 1;
    op->privacy.lists = arena_zero(&op->arena, sizeof *op->privacy.lists);
    op->privacy.lists[0].name = str_of(name); /* constants */
    op->privacy.lists[0].items = str_of(items);
    store_ask(op, 0);
    stage_until(&got.done);
    return got.outcome;
}

static void get(const char *user)
{
    assert_int_equal(ask(STORE_PRIVACY_GET, user, "", ""), ERR_OK);
}

static void add_account(const char *user)
{
    struct reply reply;
    assert_int_equal(ask_account(STORE_ACCOUNT_ADD, account(user, "p.example", "x"), &reply),
                     ERR_OK);
}

static void who_has_no_account_has_no_lists(void **state)
{
    (void)state;
    assert_int_equal(ask(STORE_PRIVACY_GET, "nobody", "", ""), ERR_NOT_FOUND);
    assert_int_equal(ask(STORE_PRIVACY_SET, "nobody", "a", "x"), ERR_NOT_FOUND);
    assert_int_equal(ask(STORE_PRIVACY_REMOVE, "nobody", "a", ""), ERR_NOT_FOUND);
    assert_int_equal(ask(STORE_PRIVACY_DEFAULT, "nobody", "a", ""), ERR_NOT_FOUND);
    assert_int_equal(ask(STORE_PRIVACY_DEFAULT, "nobody", "", ""), ERR_NOT_FOUND);
}

static void a_user_begins_without_lists(void **state)
{
    (void)state;
    add_account("alice");
    get("alice");
    assert_int_equal(got.count, 0);
    assert_int_equal(ask(STORE_PRIVACY_REMOVE, "alice", "a", ""), ERR_NOT_FOUND);
    assert_int_equal(ask(STORE_PRIVACY_DEFAULT, "alice", "a", ""), ERR_NOT_FOUND);
    assert_int_equal(ask(STORE_PRIVACY_DEFAULT, "alice", "", ""), ERR_OK);
    assert_int_equal(ask(STORE_PRIVACY_SET, "alice", "", "x"), ERR_INVALID);
    get("alice");
    assert_int_equal(got.count, 0);
}

static void lists_come_back_in_order_as_they_were_set(void **state)
{
    (void)state;
    assert_int_equal(ask(STORE_PRIVACY_SET, "alice", "work", "one\ntwo <\xc3\xa4&'\">"), ERR_OK);
    assert_int_equal(ask(STORE_PRIVACY_SET, "alice", "blocking", ""), ERR_OK);
    assert_int_equal(ask(STORE_PRIVACY_SET, "alice", "home", "three"), ERR_OK);
    get("alice");
    assert_int_equal(got.count, 3);
    assert_true(str_is(got.lists[0].name, "blocking"));
    assert_int_equal(got.lists[0].items.len, 0);
    assert_true(str_is(got.lists[1].name, "home"));
    assert_true(str_is(got.lists[2].name, "work"));
    assert_true(str_is(got.lists[2].items, "one\ntwo <\xc3\xa4&'\">"));
    assert_false(got.lists[0].is_default || got.lists[1].is_default || got.lists[2].is_default);
}

static void there_is_one_default(void **state)
{
    (void)state;
    assert_int_equal(ask(STORE_PRIVACY_DEFAULT, "alice", "work", ""), ERR_OK);
    assert_int_equal(ask(STORE_PRIVACY_DEFAULT, "alice", "home", ""), ERR_OK);
    assert_int_equal(ask(STORE_PRIVACY_DEFAULT, "alice", "none", ""), ERR_NOT_FOUND);
    get("alice");
    assert_false(got.lists[0].is_default || got.lists[2].is_default);
    assert_true(got.lists[1].is_default);
}

static void a_list_is_replaced_and_stays_the_default(void **state)
{
    (void)state;
    assert_int_equal(ask(STORE_PRIVACY_SET, "alice", "home", "four"), ERR_OK);
    get("alice");
    assert_int_equal(got.count, 3);
    assert_true(str_is(got.lists[1].items, "four"));
    assert_true(got.lists[1].is_default);
}

static void a_default_is_declined(void **state)
{
    (void)state;
    assert_int_equal(ask(STORE_PRIVACY_DEFAULT, "alice", "", ""), ERR_OK);
    get("alice");
    assert_false(got.lists[0].is_default || got.lists[1].is_default || got.lists[2].is_default);
}

static void a_list_is_removed(void **state)
{
    (void)state;
    assert_int_equal(ask(STORE_PRIVACY_REMOVE, "alice", "home", ""), ERR_OK);
    assert_int_equal(ask(STORE_PRIVACY_REMOVE, "alice", "home", ""), ERR_NOT_FOUND);
    get("alice");
    assert_int_equal(got.count, 2);
}

/* Who gets the name of a removed account does not get its lists. */
static void lists_go_with_their_account(void **state)
{
    (void)state;
    struct reply reply;
    assert_int_equal(ask_account(STORE_ACCOUNT_REMOVE, account("alice", "p.example", ""), &reply),
                     ERR_OK);
    add_account("alice");
    get("alice");
    assert_int_equal(got.count, 0);
}

static int close_group(void **state)
{
    (void)state;
    struct reply last = {0};
    store_ask(account_op(STORE_ACCOUNT_GET, account("last", "p.example", ""), &last), 0);
    stage_close();
    return last.times == 1 && last.outcome == ERR_DOWN ? 0 : -1;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(who_has_no_account_has_no_lists),
    cmocka_unit_test(a_user_begins_without_lists),
    cmocka_unit_test(lists_come_back_in_order_as_they_were_set),
    cmocka_unit_test(there_is_one_default),
    cmocka_unit_test(a_list_is_replaced_and_stays_the_default),
    cmocka_unit_test(a_default_is_declined),
    cmocka_unit_test(a_list_is_removed),
    cmocka_unit_test(lists_go_with_their_account),
};

int main(void)
{
    return contract_run(tests, COUNT_OF(tests));
}
