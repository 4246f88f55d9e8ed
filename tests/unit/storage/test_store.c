/* What store.c itself does, on a memory back end that a hook makes slow, lost or down. */
#include "store_stage.h"

#include "store_backend.h"

#include "limits.h"
#include "log.h"

static struct {
    enum err outcome;
    uint64_t delay_ms;
    unsigned calls;
} fault;

static enum err on_hook(const struct store_op *op, uint64_t *delay_ms)
{
    (void)op;
    __atomic_add_fetch(&fault.calls, 1, __ATOMIC_RELAXED);
    *delay_ms = fault.delay_ms;
    return fault.outcome;
}

static void set_fault(enum err outcome, uint64_t delay_ms)
{
    fault.outcome = outcome;
    fault.delay_ms = delay_ms;
    fault.calls = 0;
}

static const struct metric *metric_named(const char *name)
{
    for (size_t i = 0; store_metrics[i]; i++)
        if (strcmp(store_metrics[i]->name, name) == 0)
            return store_metrics[i];
    fail_msg("no metric %s", name);
    return NULL;
}

static uint64_t metric(const char *name)
{
    return metric_sum(metric_named(name));
}

static struct store_account account(const char *user)
{
    return (struct store_account){
        .user = str_of(user), .domain = STR("a.example"), .credentials = STR("x")};
}

static int open_stage(void **state)
{
    (void)state;
    const struct store_config config = {.backend = STORE_MEMORY, .deadline_ms = 300};
    const char *why;
    set_fault(ERR_OK, 0);
    store_mem_hook = on_hook;
    return stage_open(&config, &why) == ERR_OK ? 0 : -1;
}

static int close_stage(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

/* A lost answer: done, told late, and so not known. */
static void test_deadline(void **state)
{
    (void)state;
    struct reply reply = {0}, later;
    uint64_t timeouts = metric("store_timeouts_total");
    set_fault(ERR_OK, 1000);
    store_ask(account_op(STORE_ACCOUNT_ADD, account("slow"), &reply), 50);
    uint64_t start = clock_monotonic_us();
    stage_until(&reply.done);
    uint64_t ms = (clock_monotonic_us() - start) / 1000;
    assert_int_equal(reply.outcome, ERR_TIMEOUT);
    assert_true(ms >= 45 && ms < 900);
    assert_int_equal(store_pending(stage_shard), 1); /* the back end still has it */
    while (store_pending(stage_shard))
        shard_turn(stage_shard, 5000);
    assert_int_equal(reply.times, 1);
    assert_int_equal(metric("store_timeouts_total"), timeouts + 1);
    set_fault(ERR_OK, 0);
    assert_int_equal(ask_account(STORE_ACCOUNT_GET, account("slow"), &later), ERR_OK);
}

static void test_configured_deadline(void **state)
{
    (void)state;
    struct reply reply = {0};
    set_fault(ERR_OK, 10000);
    store_ask(account_op(STORE_ACCOUNT_ADD, account("slow"), &reply), 0);
    uint64_t start = clock_monotonic_us();
    stage_until(&reply.done);
    assert_int_equal(reply.outcome, ERR_TIMEOUT);
    assert_true(clock_monotonic_us() - start < 2000000);
}

/* A lost question: not done. */
static void test_lost(void **state)
{
    (void)state;
    struct reply reply = {0}, later;
    set_fault(ERR_TIMEOUT, UINT64_MAX / 2);
    store_ask(account_op(STORE_ACCOUNT_ADD, account("lost"), &reply), 20);
    stage_until(&reply.done);
    assert_int_equal(reply.outcome, ERR_TIMEOUT);
    set_fault(ERR_OK, 0);
    assert_int_equal(ask_account(STORE_ACCOUNT_GET, account("lost"), &later), ERR_NOT_FOUND);
}

static void test_down(void **state)
{
    (void)state;
    struct reply reply;
    uint64_t failures = metric("store_failures_total");
    set_fault(ERR_DOWN, 0);
    assert_int_equal(ask_account(STORE_ACCOUNT_ADD, account("down"), &reply), ERR_DOWN);
    assert_int_equal(metric("store_failures_total"), failures + 1);
}

static void test_answer_before_deadline(void **state)
{
    (void)state;
    struct reply reply = {0};
    set_fault(ERR_OK, 20);
    store_ask(account_op(STORE_ACCOUNT_ADD, account("quick"), &reply), 60);
    stage_turns(120);
    assert_int_equal(reply.times, 1);
    assert_int_equal(reply.outcome, ERR_OK);
}

static void test_revoke_slow(void **state)
{
    (void)state;
    struct reply reply = {0};
    size_t before = store_pending(stage_shard); /* lost ones of other tests */
    set_fault(ERR_OK, 50);
    struct store_op *op = account_op(STORE_ACCOUNT_ADD, account("revoked"), &reply);
    store_ask(op, 20);
    store_revoke(op);
    assert_int_equal(store_pending(stage_shard), before + 1);
    stage_turns(100);
    assert_false(reply.done);
    assert_int_equal(store_pending(stage_shard), before);
}

static struct reply *many;

static void test_full(void **state)
{
    (void)state;
    many = mem_zalloc(sizeof *many * 4);
    uint64_t full = metric("store_full_total");
    set_fault(ERR_OK, 400);
    for (int i = 0; i < LIMIT_STORE_PENDING; i++)
        store_ask(account_op(STORE_ACCOUNT_GET, account("x"), &many[0]), 2000);
    assert_int_equal(metric("store_pending"), LIMIT_STORE_PENDING);
    store_ask(account_op(STORE_ACCOUNT_GET, account("x"), &many[1]), 2000);
    store_ask(account_op(STORE_ACCOUNT_GET, account("x"), &many[2]), 2000);
    struct store_op *revoked = account_op(STORE_ACCOUNT_GET, account("x"), &many[3]);
    store_ask(revoked, 2000);
    store_revoke(revoked); /* while it waits to be told that it is refused */
    assert_false(many[1].done);
    shard_turn(stage_shard, 0);
    assert_int_equal(many[1].outcome, ERR_FULL);
    assert_int_equal(many[2].times, 1);
    assert_false(many[3].done);
    assert_int_equal(metric("store_full_total"), full + 2);
    while (store_pending(stage_shard))
        shard_turn(stage_shard, 1000);
    assert_int_equal(many[0].times, LIMIT_STORE_PENDING);
    assert_int_equal(fault.calls, LIMIT_STORE_PENDING);
    mem_free(many);
}

/* Asked by a completion while the shard stops: answered as well. */
static void on_again(struct store_op *op)
{
    struct reply *reply = op->owner;
    assert_int_equal(op->outcome, ERR_DOWN);
    if (reply->times++ < 3) {
        struct store_op *next = account_op(STORE_ACCOUNT_GET, account("x"), reply);
        next->done = on_again;
        store_ask(next, 0);
    }
}

static void test_stop(void **state)
{
    (void)state;
    struct reply reply = {0}, revoked = {0};
    set_fault(ERR_OK, 5000);
    struct store_op *op = account_op(STORE_ACCOUNT_ADD, account("a"), &reply);
    op->done = on_again;
    store_ask(op, 0);
    op = account_op(STORE_ACCOUNT_ADD, account("b"), &revoked);
    store_ask(op, 0);
    store_revoke(op);
    store_shard_stop(stage_shard);
    assert_int_equal(reply.times, 4);
    assert_false(revoked.done);
    store_shard_start(stage_shard);
}

static void test_latency(void **state)
{
    (void)state;
    struct reply reply;
    uint64_t asked = metric("store_operations_total");
    uint64_t us = metric("store_latency_microseconds_total");
    set_fault(ERR_OK, 30);
    ask_account(STORE_ACCOUNT_GET, account("x"), &reply);
    assert_int_equal(metric("store_operations_total"), asked + 1);
    us = metric("store_latency_microseconds_total") - us;
    assert_true(us >= 25000);
}

static void test_version(void **state)
{
    (void)state;
    assert_non_null(strstr(store_version(), "sqlite 3."));
    assert_non_null(strstr(store_version(), "libpq "));
}

int main(void)
{
    log_threshold = LOG_ERROR;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_configured_deadline),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_down),
        cmocka_unit_test(test_answer_before_deadline),
        cmocka_unit_test(test_revoke_slow),
        cmocka_unit_test(test_latency),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_stop),
    };
    const struct CMUnitTest fresh[] = {
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests_name("store", tests, open_stage, close_stage) +
           cmocka_run_group_tests_name("store, full", fresh, open_stage, close_stage);
}
