/*
 * A PostgreSQL for tests: RINGTAIL_TEST_PG is its conninfo (key=value form). Each program works in
 * a schema of its own, which it drops at the end.
 */
#ifndef RT_STORE_PG_H
#define RT_STORE_PG_H

#include "store_stage.h"

#include "pg/pq.h"

#include <time.h>

static struct pq *pg_admin; /* a second connection, for looking and breaking */
static char pg_name[64];    /* of the schema and of the tested connections */
static char pg_conninfo[1024];

static inline void pg_do(const char *sql)
{
    if (pq_exec(pg_admin, sql, NULL))
        fail_msg("%s: %s", sql, pq_error(pg_admin));
}

static inline int64_t pg_number(const char *sql)
{
    int64_t number = -1;
    if (pq_exec(pg_admin, sql, &number))
        fail_msg("%s: %s", sql, pq_error(pg_admin));
    return number;
}

/* What the last group had under way may still have its locks. */
static inline void pg_drop_schema(void)
{
    char end[192], drop[128];
    int64_t left = 1;
    snprintf(end, sizeof end,
             "ROLLBACK; SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
             " WHERE starts_with(application_name, '%s')",
             pg_name);
    while (left) {
        left = pg_number(end);
        nanosleep(&(struct timespec){.tv_nsec = left ? 10000000 : 0}, NULL);
    }
    snprintf(drop, sizeof drop, "DROP SCHEMA IF EXISTS %s CASCADE", pg_name);
    pg_do(drop);
}

static inline void pg_fresh_schema(void)
{
    char sql[96];
    snprintf(sql, sizeof sql, "CREATE SCHEMA %s", pg_name);
    pg_drop_schema();
    pg_do(sql);
}

/* 0: go on; 1: told to skip; else the program must fail: a test that does not run is no test. */
static inline int pg_test_setup(void)
{
    const char *base = getenv("RINGTAIL_TEST_PG");
    const char *skip = getenv("RINGTAIL_TEST_PG_SKIP");
    if (!base && skip && strcmp(skip, "1") == 0) {
        fprintf(stderr, "PostgreSQL is skipped: RINGTAIL_TEST_PG_SKIP=1\n");
        return 1;
    }
    if (!base) {
        fprintf(stderr, "RINGTAIL_TEST_PG is not set (a conninfo), nor RINGTAIL_TEST_PG_SKIP=1\n");
        return 2;
    }
    char why[256];
    struct pq_target *target;
    if (pq_target_new(base, &target, why, sizeof why) ||
        pq_open(target, &pg_admin, why, sizeof why)) {
        fprintf(stderr, "RINGTAIL_TEST_PG: %s\n", why);
        return 2;
    }
    pq_target_free(target);
    snprintf(pg_name, sizeof pg_name, "rt_test_%d", (int)getpid());
    snprintf(pg_conninfo, sizeof pg_conninfo,
             "%s application_name=%s options='-c search_path=%s -c client_min_messages=warning'",
             base, pg_name, pg_name);
    char sql[128];
    snprintf(sql, sizeof sql, "SET client_min_messages = warning; SET search_path = %s", pg_name);
    pg_do(sql);
    pg_fresh_schema();
    return 0;
}

static inline void pg_test_teardown(void)
{
    pg_drop_schema();
    pq_close(pg_admin);
}

#endif
