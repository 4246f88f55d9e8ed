/*
 * Runs one group of tests on each back end: memory, SQLite in a scratch folder, and PostgreSQL with
 * one connection a shard and with three.
 */
#ifndef RT_STORE_CONTRACT_H
#define RT_STORE_CONTRACT_H

#include "store_pg.h"
#include "store_stage.h"

#include "log.h"

static struct store_config config;

static inline struct store_account account(const char *user, const char *domain,
                                           const char *credentials)
{
    return (struct store_account){
        .user = str_of(user), .domain = str_of(domain), .credentials = str_of(credentials)};
}

static inline int open_group(void **state)
{
    (void)state;
    const char *why = "";
    if (stage_open(&config, &why)) {
        fprintf(stderr, "%s\n", why);
        return -1;
    }
    stage_until_ready(true);
    return 0;
}

/* Ends the group; looks that what is under way is answered. */
static int close_group(void **state);

static inline int contract_on(enum store_backend_id backend, const struct CMUnitTest *tests,
                              size_t count)
{
    config.backend = (int)backend;
    fprintf(stderr, "--- %s\n", store_backend_names[backend]);
    return _cmocka_run_group_tests(store_backend_names[backend], tests, count, open_group,
                                   close_group);
}

static inline int contract_on_sqlite(const struct CMUnitTest *tests, size_t count)
{
    char dir[] = "/tmp/ringtail-contract-XXXXXX", path[64];
    if (!mkdtemp(dir))
        return 1;
    config.data_dir = dir;
    int failed = contract_on(STORE_SQLITE, tests, count);
    snprintf(path, sizeof path, "%s/ringtail.sqlite", dir);
    unlink(path);
    return failed + (rmdir(dir) != 0); /* a clean end leaves no WAL behind */
}

static inline int contract_on_pg(unsigned connections, const struct CMUnitTest *tests, size_t count)
{
    pg_fresh_schema();
    config.data_dir = NULL; /* it was SQLite's */
    config.conninfo = pg_conninfo;
    config.connections_per_shard = connections;
    return contract_on(STORE_POSTGRESQL, tests, count);
}

/* How many tests failed. */
static inline int contract_run(const struct CMUnitTest *tests, size_t count)
{
    log_threshold = LOG_ERROR;
    int failed = contract_on(STORE_MEMORY, tests, count) + contract_on_sqlite(tests, count);
    int pg = pg_test_setup();
    if (pg)
        return failed + (pg != 1);
    failed += contract_on_pg(1, tests, count) + contract_on_pg(3, tests, count);
    pg_test_teardown();
    return failed;
}

#endif
