/* `ringtailctl db`: what it says, and that it does what it says, on SQLite and PostgreSQL. */
#include "store_pg.h"

#include "database.h"
#include "log.h"
#include "store_backend.h"

static struct store_config config;

typedef enum err what_fn(const struct store_config *config, struct buf *out);

/* What it says has `part` in it. */
static void assert_says(what_fn *what, enum err wanted, const char *part)
{
    struct buf out = {0};
    enum err err = what(&config, &out);
    buf_push(&out, "", 1);
    if (err != wanted || !strstr((const char *)buf_at(&out), part))
        fail_msg("%s, and it says: %s", err_name(err), (const char *)buf_at(&out));
    buf_fini(&out);
}

static void assert_start(bool by_hand, enum err wanted, const char *part)
{
    const char *why = "";
    config.by_hand = by_hand;
    enum err err = store_setup(&config, &why);
    config.by_hand = false;
    if (err != wanted || !strstr(why, part))
        fail_msg("%s, because: %s", err_name(err), why);
    if (!err)
        store_teardown();
}

static void make_newer(void)
{
    const struct store_backend *backend = store_backend_of(config.backend);
    struct schema_target target;
    char why[256];
    assert_int_equal(backend->open(&config, &target, why, sizeof why), ERR_OK);
    assert_int_equal(target.exec(target.own, "INSERT INTO schema_migration (version) VALUES (999)"),
                     ERR_OK);
    backend->close(&target);
}

static void test_by_hand(void **state)
{
    (void)state;
    assert_says(database_plan, ERR_OK, "CREATE TABLE schema_migration");
    assert_says(database_check, ERR_INVALID, "PROBLEM: version");
    assert_start(true, ERR_INVALID, "db migrate");
    assert_says(database_migrate, ERR_OK, "version ");
    assert_says(database_migrate, ERR_OK, "nothing to do");
    assert_says(database_plan, ERR_OK, "nothing to do");
    assert_says(database_check, ERR_OK, "ok: ");
    assert_start(true, ERR_OK, "");
    make_newer();
    assert_says(database_plan, ERR_UNSUPPORTED, "999");
    assert_says(database_migrate, ERR_UNSUPPORTED, "start the newer");
    assert_says(database_check, ERR_UNSUPPORTED, "999");
    assert_start(true, ERR_UNSUPPORTED, "999");
    assert_start(false, ERR_UNSUPPORTED, "999");
}

int main(void)
{
    char dir[] = "/tmp/ringtail-database-XXXXXX", path[64];
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_by_hand)};
    log_threshold = LOG_ERROR;
    if (!mkdtemp(dir))
        return 1;
    config.backend = STORE_SQLITE;
    config.data_dir = dir;
    int failed = cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
    snprintf(path, sizeof path, "%s/ringtail.sqlite", dir);
    unlink(path);
    failed += rmdir(dir) != 0;
    int pg = pg_test_setup();
    if (pg)
        return failed + (pg != 1);
    pg_fresh_schema();
    config.backend = STORE_POSTGRESQL;
    config.conninfo = pg_conninfo;
    failed += cmocka_run_group_tests_name("postgresql", tests, NULL, NULL);
    pg_test_teardown();
    return failed;
}
