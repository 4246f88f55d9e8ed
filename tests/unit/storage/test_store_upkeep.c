/* What time does to the archive: partitions and retention, on each back end in the same words. */
#include "store_contract.h"

#include "limits.h"
#include "stanza_id.h"

#define DAY_US (24ull * 3600 * 1000000)

static const uint64_t start_us = 1750000000000000;

static void on_done(struct store_op *op)
{
    struct reply *reply = op->owner;
    reply->done = true;
    reply->outcome = op->outcome;
    if (op->kind == STORE_MAM_PAGE && !op->outcome)
        reply->total = op->page.total;
    if (op->kind == STORE_UPKEEP && !op->outcome) {
        reply->added = op->upkeep.made;
        reply->count = op->upkeep.dropped;
    }
}

static struct reply ask(struct store_op *op, struct reply *reply)
{
    store_ask(op, 0);
    stage_until(&reply->done);
    assert_int_equal(reply->outcome, ERR_OK);
    return *reply;
}

static void say(uint64_t at_us)
{
    struct reply reply = {0};
    struct store_op *op = store_op_new(STORE_MAM_STORE, on_done, &reply);
    op->message = (struct store_message){.id = stanza_id_at(at_us) + 1,
                                         .sender = STR("a@old"),
                                         .recipient = STR("b@old"),
                                         .body = STR("<message/>")};
    ask(op, &reply);
}

static uint64_t left(void)
{
    struct reply reply = {0};
    struct store_op *op = store_op_new(STORE_MAM_PAGE, on_done, &reply);
    op->page = (struct store_mam_page){
        .owner = STR("b@old"), .to = STANZA_ID_MAX, .before = STANZA_ID_MAX, .counted = true};
    return ask(op, &reply).total;
}

static struct reply look_after(uint64_t at_us, uint64_t keep_us)
{
    struct reply reply = {0};
    struct store_op *op = store_op_new(STORE_UPKEEP, on_done, &reply);
    op->upkeep.at = stanza_id_at(at_us);
    op->upkeep.keep = keep_us ? stanza_id_at(keep_us) : 0;
    op->upkeep.partition_us = 7 * DAY_US;
    return ask(op, &reply);
}

static void test_drops_what_is_old(void **state)
{
    (void)state;
    uint64_t now_us = clock_unix_us();
    say(start_us);
    say(now_us + 100 * DAY_US > start_us ? now_us : start_us);
    look_after(now_us + 100 * DAY_US, 0);
    assert_int_equal(left(), 2);
    say(now_us + 100 * DAY_US);
    struct reply dropped = look_after(now_us + 100 * DAY_US, now_us + 60 * DAY_US);
    assert_true(dropped.count >= 1);
    assert_int_equal(left(), 1);
    assert_int_equal(look_after(now_us + 100 * DAY_US, now_us + 60 * DAY_US).count, 0);
}

/* A gap, for instance a server that was off for a year, is one partition. */
static void test_makes_partitions(void **state)
{
    (void)state;
    uint64_t later_us = clock_unix_us() + 500 * DAY_US;
    struct reply made = look_after(later_us, 0);
    if (config.backend == STORE_POSTGRESQL)
        assert_in_range(made.added, 1, LIMIT_PARTITIONS_AHEAD + 1);
    assert_int_equal(look_after(later_us, 0).added, 0);
    say(later_us + 27 * DAY_US);
}

static int close_group(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drops_what_is_old),
        cmocka_unit_test(test_makes_partitions),
    };
    return contract_run(tests, COUNT_OF(tests));
}
