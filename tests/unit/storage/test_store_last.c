/* What store.h promises of the last activity of users, on each back end in the same words. */
#include "store_contract.h"

static struct {
    bool done;
    enum err outcome;
    uint64_t stamp_us;
    struct str status;
} got;

static void on_last(struct store_op *op)
{
    got.done = true;
    got.outcome = op->outcome;
    if (op->outcome || op->kind != STORE_LAST_GET)
        return;
    got.stamp_us = op->last.stamp_us;
    got.status = arena_str(&stage_texts, op->last.status);
}

static enum err ask(enum store_kind kind, const char *user, uint64_t stamp_us, const char *status)
{
    memset(&got, 0, sizeof got);
    struct store_op *op = store_op_new(kind, on_last, NULL);
    op->last.user = arena_str(&op->arena, str_of(user));
    op->last.domain = arena_str(&op->arena, STR("l.example"));
    op->last.stamp_us = stamp_us;
    op->last.status = str_of(status); /* a constant */
    store_ask(op, 0);
    stage_until(&got.done);
    return got.outcome;
}

static void add_account(const char *user)
{
    struct reply reply;
    assert_int_equal(ask_account(STORE_ACCOUNT_ADD, account(user, "l.example", "x"), &reply),
                     ERR_OK);
}

static void who_has_no_account_was_never_there(void **state)
{
    (void)state;
    assert_int_equal(ask(STORE_LAST_GET, "nobody", 0, ""), ERR_NOT_FOUND);
    assert_int_equal(ask(STORE_LAST_SET, "nobody", 1, "x"), ERR_NOT_FOUND);
    add_account("alice");
    assert_int_equal(ask(STORE_LAST_GET, "alice", 0, ""), ERR_NOT_FOUND);
}

static void the_last_time_counts(void **state)
{
    (void)state;
    assert_int_equal(ask(STORE_LAST_SET, "alice", 1763992000123456, "gone <\xc3\xa4&>"), ERR_OK);
    assert_int_equal(ask(STORE_LAST_GET, "alice", 0, ""), ERR_OK);
    assert_int_equal(got.stamp_us, 1763992000123456);
    assert_true(str_is(got.status, "gone <\xc3\xa4&>"));
    assert_int_equal(ask(STORE_LAST_SET, "alice", 1763992000123457, ""), ERR_OK);
    assert_int_equal(ask(STORE_LAST_GET, "alice", 0, ""), ERR_OK);
    assert_int_equal(got.stamp_us, 1763992000123457);
    assert_int_equal(got.status.len, 0);
}

static void it_goes_with_the_account(void **state)
{
    (void)state;
    struct reply reply;
    assert_int_equal(ask_account(STORE_ACCOUNT_REMOVE, account("alice", "l.example", ""), &reply),
                     ERR_OK);
    add_account("alice");
    assert_int_equal(ask(STORE_LAST_GET, "alice", 0, ""), ERR_NOT_FOUND);
}

static int close_group(void **state)
{
    (void)state;
    struct reply last = {0};
    store_ask(account_op(STORE_ACCOUNT_GET, account("last", "l.example", ""), &last), 0);
    stage_close();
    return last.times == 1 && last.outcome == ERR_DOWN ? 0 : -1;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(who_has_no_account_was_never_there),
    cmocka_unit_test(the_last_time_counts),
    cmocka_unit_test(it_goes_with_the_account),
};

int main(void)
{
    return contract_run(tests, COUNT_OF(tests));
}
