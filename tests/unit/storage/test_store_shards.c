/* Two shards on threads of their own ask the same things of one back end at the same time. */
#include "store_pg.h"
#include "store_stage.h"

#include "log.h"

#include <stdatomic.h>

enum { SHARDS = 2, NAMES = 500, ASKED_AT_ONCE = 50 };

static atomic_int added, conflicts, found, others, ended;

/* Each shard's own. */
static _Thread_local struct {
    int next, under_way;
    bool reads;
    struct timer retry;
} self;

static void ask_more(void);

static void count_answer(const struct store_op *op)
{
    if (op->outcome == ERR_CONFLICT)
        atomic_fetch_add(&conflicts, 1);
    else if (op->outcome != ERR_OK)
        atomic_fetch_add(&others, 1);
    else if (op->kind == STORE_ACCOUNT_ADD)
        atomic_fetch_add(&added, 1);
    else
        atomic_fetch_add(&found, 1);
}

/* First all names are added, by both shards, then all are read. */
static void on_answer(struct store_op *op)
{
    if (op->outcome == ERR_DOWN && shard_self->stopping)
        return;
    count_answer(op);
    self.under_way--;
    if (self.next == NAMES && self.under_way == 0 && !self.reads) {
        self.reads = true;
        self.next = 0;
    }
    if (self.next < NAMES)
        ask_more();
    else if (self.under_way == 0 && atomic_fetch_add(&ended, 1) == SHARDS - 1)
        boot_stop();
}

static void ask_more(void)
{
    while (self.under_way < ASKED_AT_ONCE && self.next < NAMES) {
        struct store_op *op =
            store_op_new(self.reads ? STORE_ACCOUNT_GET : STORE_ACCOUNT_ADD, on_answer, NULL);
        op->account.user = arena_format(&op->arena, "user%d", self.next++);
        op->account.domain = STR("shards.example");
        op->account.credentials = STR("x");
        self.under_way++;
        store_ask(op, 20000);
    }
}

static void on_retry(struct timer *timer)
{
    const char *why;
    if (store_ready(shard_self, &why))
        ask_more();
    else
        shard_after(timer, 20, on_retry);
}

static void on_start(struct shard *shard)
{
    store_shard_start(shard);
    shard_after(&self.retry, 1, on_retry);
}

static void on_stop(struct shard *shard)
{
    shard_drop(&self.retry);
    store_shard_stop(shard);
}

static void run(const struct store_config *config)
{
    const char *why = "";
    added = conflicts = found = others = ended = 0;
    if (store_setup(config, &why))
        fail_msg("%s", why);
    const struct boot boot = {.shards = SHARDS, .start = on_start, .stop = on_stop};
    assert_int_equal(boot_run(&boot), ERR_OK);
    store_teardown();
    assert_int_equal(others, 0);
    assert_int_equal(added, NAMES);
    assert_int_equal(conflicts, NAMES);
    assert_int_equal(found, SHARDS * NAMES);
}

static void test_memory(void **state)
{
    (void)state;
    run(&(struct store_config){.backend = STORE_MEMORY});
}

static void test_sqlite(void **state)
{
    (void)state;
    char dir[] = "/tmp/ringtail-shards-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    run(&(struct store_config){.backend = STORE_SQLITE, .data_dir = dir});
    snprintf(path, sizeof path, "%s/ringtail.sqlite", dir);
    unlink(path);
    assert_int_equal(rmdir(dir), 0);
}

static void test_postgresql(void **state)
{
    (void)state;
    int setup = pg_test_setup();
    if (setup == 1)
        return;
    assert_int_equal(setup, 0);
    run(&(struct store_config){.backend = STORE_POSTGRESQL, .conninfo = pg_conninfo});
    pg_test_teardown();
}

int main(void)
{
    log_threshold = LOG_ERROR;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_sqlite),
        cmocka_unit_test(test_postgresql),
    };
    return cmocka_run_group_tests_name("two shards", tests, NULL, NULL);
}
