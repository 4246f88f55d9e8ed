/* What is particular to PostgreSQL: connections that are lost, databases that are not there, and
 * groups that share a sync. */
#include "store_pg.h"
#include "store_stage.h"

#include "store_backend.h"

#include "log.h"

/* One connection, so that it is known which one is lost; test_store_contract has several. */
static struct store_config config = {
    .backend = STORE_POSTGRESQL, .conninfo = pg_conninfo, .connections_per_shard = 1};

static void open_config(const struct store_config *wanted)
{
    const char *why = "";
    if (stage_open(wanted, &why))
        fail_msg("%s", why);
}

static int open_stage(void **state)
{
    (void)state;
    pg_fresh_schema();
    open_config(&config);
    stage_until_ready(true);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

static int fresh_schema(void **state)
{
    (void)state;
    pg_fresh_schema();
    return 0;
}

static struct store_account account(const char *user)
{
    return (struct store_account){
        .user = str_of(user), .domain = STR("a.example"), .credentials = STR("x")};
}

static void must(enum store_kind kind, const char *user, enum err expected)
{
    struct reply reply;
    enum err outcome = ask_account(kind, account(user), &reply);
    if (outcome != expected)
        fail_msg("%s: %s, not %s", user, err_name(outcome), err_name(expected));
}

static void terminate_all(void)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
             " WHERE starts_with(application_name, '%s')",
             pg_name);
    assert_true(pg_number(sql) > 0);
}

static void test_reopen(void **state)
{
    (void)state;
    must(STORE_ACCOUNT_ADD, "a", ERR_OK);
    stage_close();
    open_config(&config);
    stage_until_ready(true);
    must(STORE_ACCOUNT_GET, "a", ERR_OK);
}

static void test_version(void **state)
{
    (void)state;
    assert_non_null(strstr(store_version(), "(server "));
}

static void test_group(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    static struct reply replies[MANY];
    memset(replies, 0, sizeof replies);
    uint64_t commits = metric_sum(&store_commits);
    for (int i = 0; i < MANY; i++) {
        char user[16];
        snprintf(user, sizeof user, "u%d", i);
        store_ask(account_op(STORE_ACCOUNT_ADD, account(user), &replies[i]), 15000);
    }
    for (int i = 0; i < MANY; i++) {
        stage_until(&replies[i].done);
        assert_int_equal(replies[i].outcome, ERR_OK);
    }
    commits = metric_sum(&store_commits) - commits;
    assert_in_range(commits, 1, 4);
}

/* More than a socket takes at once, both ways. */
static void test_big(void **state)
{
    (void)state;
    enum { BIG = 1 << 20, MANY = 20 };
    static struct reply replies[MANY];
    static char text[BIG];
    memset(replies, 0, sizeof replies);
    memset(text, 'c', sizeof text);
    for (int i = 0; i < MANY; i++) {
        struct store_account big = account("big");
        char user[16];
        snprintf(user, sizeof user, "big%d", i);
        big.user = str_of(user);
        big.credentials = (struct str){text, sizeof text};
        store_ask(account_op(STORE_ACCOUNT_ADD, big, &replies[i]), 15000);
    }
    for (int i = 0; i < MANY; i++) {
        stage_until(&replies[i].done);
        assert_int_equal(replies[i].outcome, ERR_OK);
    }
    memset(replies, 0, sizeof replies);
    for (int i = 0; i < MANY; i++)
        store_ask(account_op(STORE_ACCOUNT_GET, account("big7"), &replies[i]), 15000);
    for (int i = 0; i < MANY; i++) {
        stage_until(&replies[i].done);
        assert_int_equal(replies[i].credentials.len, BIG);
    }
}

/* What was under way fails, what is asked meanwhile fails at once, and then all is well again. */
static void test_terminated(void **state)
{
    (void)state;
    struct reply hanging = {0}, read = {0};
    const char *why;
    uint64_t lost = metric_sum(&store_lost);
    must(STORE_ACCOUNT_ADD, "before", ERR_OK);
    pg_do("BEGIN; LOCK TABLE account IN ACCESS EXCLUSIVE MODE");
    store_ask(account_op(STORE_ACCOUNT_ADD, account("a"), &hanging), 10000);
    store_ask(account_op(STORE_ACCOUNT_GET, account("before"), &read), 10000);
    stage_turns(50);
    assert_false(hanging.done);
    terminate_all();
    stage_until(&hanging.done);
    stage_until(&read.done);
    assert_int_equal(hanging.outcome, ERR_DOWN);
    assert_int_equal(read.outcome, ERR_DOWN);
    assert_false(store_ready(stage_shard, &why));
    assert_true(strlen(why) > 0);
    must(STORE_ACCOUNT_GET, "before", ERR_DOWN);
    pg_do("COMMIT");
    stage_until_ready(true);
    assert_true(metric_sum(&store_lost) > lost);
    must(STORE_ACCOUNT_GET, "a", ERR_NOT_FOUND);
    must(STORE_ACCOUNT_ADD, "a", ERR_OK);
}

static void test_idle_terminated(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        terminate_all();
        stage_until_ready(false);
        stage_until_ready(true);
        must(STORE_ACCOUNT_GET, "nobody", ERR_NOT_FOUND);
    }
}

static void test_deadline(void **state)
{
    (void)state;
    struct reply reply = {0};
    pg_do("BEGIN; LOCK TABLE account IN ACCESS EXCLUSIVE MODE");
    store_ask(account_op(STORE_ACCOUNT_ADD, account("late"), &reply), 100);
    stage_until(&reply.done);
    assert_int_equal(reply.outcome, ERR_TIMEOUT);
    pg_do("COMMIT");
    while (store_pending(stage_shard))
        shard_turn(stage_shard, 2000);
    assert_int_equal(reply.times, 1);
    must(STORE_ACCOUNT_GET, "late", ERR_OK); /* it was done after all */
}

/* A server that says nothing for longer than anyone waits is not asked any more, and then left. */
static void test_silence(void **state)
{
    (void)state;
    struct reply reply = {0};
    const char *why;
    uint64_t lost = metric_sum(&store_lost);
    pg_do("BEGIN; LOCK TABLE account IN ACCESS EXCLUSIVE MODE");
    store_ask(account_op(STORE_ACCOUNT_ADD, account("late"), &reply), 100);
    store_ask(account_op(STORE_ACCOUNT_GET, account("late"), &reply), 100);
    stage_until_ready(false);
    assert_int_equal(reply.times, 2);
    assert_false(store_ready(stage_shard, &why));
    assert_string_equal(why, "the server does not answer");
    must(STORE_ACCOUNT_GET, "late", ERR_DOWN);
    assert_int_equal(store_pending(stage_shard), 2);
    while (store_pending(stage_shard))
        shard_turn(stage_shard, 5000);
    assert_int_equal(metric_sum(&store_lost), lost + 1);
    assert_int_equal(reply.times, 2);
    pg_do("COMMIT");
    stage_until_ready(true);
}

/* A server that was only slow is asked again as soon as it answers. */
static void test_slow(void **state)
{
    (void)state;
    struct reply reply = {0};
    uint64_t lost = metric_sum(&store_lost);
    pg_do("BEGIN; LOCK TABLE account IN ACCESS EXCLUSIVE MODE");
    store_ask(account_op(STORE_ACCOUNT_ADD, account("late"), &reply), 100);
    stage_until_ready(false);
    pg_do("COMMIT");
    stage_until_ready(true);
    assert_int_equal(metric_sum(&store_lost), lost);
    must(STORE_ACCOUNT_GET, "late", ERR_OK);
}

/* The victim of a deadlock is done again. */
static void test_deadlock(void **state)
{
    (void)state;
    struct reply a = {0}, b = {0}, c = {0};
    must(STORE_ACCOUNT_ADD, "a", ERR_OK);
    must(STORE_ACCOUNT_ADD, "b", ERR_OK);
    pg_do("BEGIN; UPDATE account SET credentials = '1' WHERE name = 'b'");
    store_ask(account_op(STORE_ACCOUNT_SET, account("a"), &a), 10000);
    store_ask(account_op(STORE_ACCOUNT_SET, account("b"), &b), 10000);
    store_ask(account_op(STORE_ACCOUNT_SET, account("nobody"), &c), 10000);
    stage_turns(100);
    pg_do("UPDATE account SET credentials = '1' WHERE name = 'a'; COMMIT");
    stage_until(&a.done);
    stage_until(&b.done);
    stage_until(&c.done);
    assert_int_equal(a.outcome, ERR_OK);
    assert_int_equal(b.outcome, ERR_OK);
    assert_int_equal(c.outcome, ERR_NOT_FOUND);
    assert_int_equal(pg_number("SELECT count(*) FROM account WHERE credentials = 'x'"), 2);
}

/* Bytes that are no UTF-8 are refused by the server, and only they. */
static void test_no_utf8(void **state)
{
    (void)state;
    struct reply good[2] = {0}, bad = {0};
    store_ask(account_op(STORE_ACCOUNT_ADD, account("good1"), &good[0]), 0);
    store_ask(account_op(STORE_ACCOUNT_ADD, account("\xff\xfe"), &bad), 0);
    store_ask(account_op(STORE_ACCOUNT_ADD, account("good2"), &good[1]), 0);
    stage_until(&good[1].done);
    stage_until(&bad.done);
    assert_int_equal(good[0].outcome, ERR_OK);
    assert_int_equal(good[1].outcome, ERR_OK);
    assert_int_equal(bad.outcome, ERR_INVALID);
    must(STORE_ACCOUNT_GET, "good1", ERR_OK);
}

/* Domains and ids are not used up by adding what is there. */
static void test_domain_once(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        must(STORE_ACCOUNT_ADD, "a", i ? ERR_CONFLICT : ERR_OK);
    assert_int_equal(pg_number("SELECT count(*) FROM domain"), 1);
    assert_int_equal(
        pg_number("SELECT last_value FROM pg_sequences WHERE schemaname = current_schema()"
                  " AND sequencename = 'domain_id_seq'"),
        1);
}

static void test_newer_on_reconnect(void **state)
{
    (void)state;
    const char *why;
    pg_do("INSERT INTO schema_migration (version) VALUES (99)");
    terminate_all();
    stage_until_ready(false);
    stage_turns(1500);
    assert_false(store_ready(stage_shard, &why));
    assert_non_null(strstr(why, "schema version 99"));
    pg_do("DELETE FROM schema_migration WHERE version = 99");
    stage_until_ready(true);
}

/* Someone has replaced the database by an empty one. */
static void test_schema_gone(void **state)
{
    (void)state;
    pg_fresh_schema(); /* which ends connections */
    stage_until_ready(false);
    stage_until_ready(true);
    must(STORE_ACCOUNT_ADD, "a", ERR_OK);
}

/* Boot. */

static void test_newer(void **state)
{
    (void)state;
    const char *why = "";
    open_config(&config);
    stage_close();
    pg_do("INSERT INTO schema_migration (version) VALUES (99)");
    assert_int_equal(store_setup(&config, &why), ERR_UNSUPPORTED);
    assert_non_null(strstr(why, "schema version 99"));
    assert_non_null(strstr(why, "versions up to"));
}

static void test_conninfo(void **state)
{
    (void)state;
    const char *why = "";
    struct store_config wrong = config;
    wrong.conninfo = "hots=localhost";
    assert_int_equal(store_setup(&wrong, &why), ERR_INVALID);
    assert_non_null(strstr(why, "hots"));
}

static char role_conninfo[sizeof pg_conninfo + 128];

/* A user of its own, to take rights from. */
static void make_role(const char *options)
{
    char sql[512];
    snprintf(sql, sizeof sql, "DROP ROLE IF EXISTS %s; CREATE ROLE %s LOGIN PASSWORD 'pw' %s",
             pg_name, pg_name, options);
    pg_do(sql);
    snprintf(role_conninfo, sizeof role_conninfo, "%s user=%s password=pw", pg_conninfo, pg_name);
}

static int drop_role(void **state)
{
    (void)state;
    char sql[256];
    snprintf(sql, sizeof sql, "DROP OWNED BY %s; DROP ROLE %s", pg_name, pg_name);
    pg_do(sql);
    return 0;
}

static void test_no_rights(void **state)
{
    (void)state;
    const char *why = "";
    struct store_config poor = config;
    char sql[256];
    make_role("");
    snprintf(sql, sizeof sql, "GRANT USAGE ON SCHEMA %s TO %s", pg_name, pg_name);
    pg_do(sql);
    poor.conninfo = role_conninfo;
    assert_int_not_equal(store_setup(&poor, &why), ERR_OK);
    assert_non_null(strstr(why, "permission denied"));
}

/* The server starts although nobody lets it in, and makes the tables when somebody does. */
static void test_down_at_boot(void **state)
{
    (void)state;
    const char *why = "";
    struct store_config later = config;
    char sql[256];
    make_role("CONNECTION LIMIT 0");
    snprintf(sql, sizeof sql, "GRANT ALL ON SCHEMA %s TO %s", pg_name, pg_name);
    pg_do(sql);
    later.conninfo = role_conninfo;
    open_config(&later);
    stage_turns(300);
    assert_false(store_ready(stage_shard, &why));
    assert_non_null(strstr(why, "too many connections"));
    must(STORE_ACCOUNT_GET, "a", ERR_DOWN);
    snprintf(sql, sizeof sql, "ALTER ROLE %s CONNECTION LIMIT -1", pg_name);
    pg_do(sql);
    stage_until_ready(true);
    must(STORE_ACCOUNT_ADD, "a", ERR_OK);
    stage_close();
}

/* Asked before there is a connection: it waits for the first. */
static void test_early(void **state)
{
    (void)state;
    open_config(&config);
    must(STORE_ACCOUNT_ADD, "early", ERR_OK);
    stage_close();
}

static void test_early_and_nobody_there(void **state)
{
    (void)state;
    struct store_config nowhere = config;
    nowhere.conninfo = "host=127.0.0.1 port=1";
    open_config(&nowhere);
    must(STORE_ACCOUNT_ADD, "early", ERR_DOWN);
    stage_close();
}

static void on_counted(struct store_op *op)
{
    assert_int_equal(op->outcome, ERR_DOWN);
}

static void test_early_and_stopped(void **state)
{
    (void)state;
    open_config(&config);
    struct store_op *op = store_op_new(STORE_ACCOUNT_COUNT, on_counted, NULL);
    op->list.domain = STR("a.example");
    store_ask(op, 0);
    stage_close();
}

static void test_nobody_there(void **state)
{
    (void)state;
    const char *why = "";
    struct store_config nowhere = config;
    nowhere.conninfo = "host=127.0.0.1 port=1";
    open_config(&nowhere);
    stage_turns(300);
    assert_false(store_ready(stage_shard, &why));
    assert_non_null(strstr(why, "Connection refused"));
    must(STORE_ACCOUNT_ADD, "a", ERR_DOWN);
    stage_close();
}

#define CASE(test)      cmocka_unit_test_setup_teardown(test, open_stage, close_stage)
#define BOOT_CASE(test) cmocka_unit_test_setup(test, fresh_schema)
#define ROLE_CASE(test) cmocka_unit_test_setup_teardown(test, fresh_schema, drop_role)

int main(void)
{
    log_threshold = LOG_NONE;
    int setup = pg_test_setup();
    if (setup)
        return setup == 1 ? 0 : 1;
    const struct CMUnitTest tests[] = {
        CASE(test_reopen),
        CASE(test_version),
        CASE(test_group),
        CASE(test_big),
        CASE(test_terminated),
        CASE(test_idle_terminated),
        CASE(test_deadline),
        CASE(test_silence),
        CASE(test_slow),
        CASE(test_deadlock),
        CASE(test_no_utf8),
        CASE(test_domain_once),
        CASE(test_newer_on_reconnect),
        CASE(test_schema_gone),
        BOOT_CASE(test_newer),
        BOOT_CASE(test_conninfo),
        ROLE_CASE(test_no_rights),
        ROLE_CASE(test_down_at_boot),
        BOOT_CASE(test_nobody_there),
        BOOT_CASE(test_early),
        BOOT_CASE(test_early_and_nobody_there),
        BOOT_CASE(test_early_and_stopped),
    };
    int failed = cmocka_run_group_tests_name("postgresql", tests, NULL, NULL);
    pg_test_teardown();
    return failed;
}
