/* The plan of each statement, made while the tables are empty, as on a server's first day: it is
 * used until there are statistics, so it must not look at whole tables. */
#include "store_pg.h"
#include "store_stage.h"

#include "pg/pg_conn.h"
#include "pg/pg_statement.h"

#include "log.h"

static struct store_config config = {
    .backend = STORE_POSTGRESQL, .conninfo = pg_conninfo, .connections_per_shard = 1};

/* Keeps each line of a plan that reads a table, or all of an index, from its start; but for an
 * index that has only what is to be done. */
static const char look_sql[] =
    "CREATE TEMP TABLE whole (told text);"
    "CREATE FUNCTION pg_temp.look(statement text, nulls text) RETURNS void LANGUAGE plpgsql AS $$"
    " DECLARE line text; before text := ''; BEGIN"
    " FOR line IN EXECUTE format('EXPLAIN (COSTS OFF) EXECUTE %I%s', statement, nulls) LOOP"
    "  IF line ~ 'Seq Scan on'"
    "   OR before ~ 'Index (Only )?Scan' AND line !~ 'Index Cond'"
    "    AND before !~ 'room_occupant_gone' THEN"
    "   INSERT INTO pg_temp.whole VALUES (statement || ': ' || trim(before) || ', ' || trim(line));"
    "  END IF;"
    "  before := line;"
    " END LOOP; END $$";

static const char each_sql[] =
    "SELECT pg_temp.look(s.name, CASE cardinality(s.parameter_types) WHEN 0 THEN ''"
    "  ELSE '(' || repeat('NULL,', cardinality(s.parameter_types) - 1) || 'NULL)' END)"
    " FROM pg_prepared_statements s";

static const char tell_sql[] =
    "DO $$ BEGIN IF EXISTS (SELECT FROM pg_temp.whole) THEN RAISE EXCEPTION 'whole tables: %',"
    " (SELECT string_agg(told, E'\\n') FROM pg_temp.whole); END IF; END $$";

static void prepare(const struct pg_statement *statement)
{
    char sql[8192];
    int len = snprintf(sql, sizeof sql, "PREPARE %s AS %s", statement->name, statement->sql);
    assert_true(len > 0 && (size_t)len < sizeof sql);
    pg_do(sql);
}

static void test_plans(void **state)
{
    (void)state;
    unsigned count = 0;
    assert_true(pg_number(pg_conn_settings) > 0);
    pg_do("SET enable_partition_pruning = off"); /* no parameter is given, so none would be left */
    for (; pg_statement_at(count)->name; count++)
        prepare(pg_statement_at(count));
    assert_int_equal(pg_number("SELECT count(*) FROM pg_prepared_statements"), count);
    pg_do(look_sql);
    pg_do(each_sql);
    pg_do(tell_sql);
}

int main(void)
{
    const char *why = "";
    log_threshold = LOG_NONE;
    int setup = pg_test_setup();
    if (setup)
        return setup == 1 ? 0 : 1;
    if (stage_open(&config, &why))
        return 1;
    stage_until_ready(true);
    stage_close();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plans)};
    int failed = cmocka_run_group_tests_name("pg_plans", tests, NULL, NULL);
    pg_test_teardown();
    return failed;
}
