/* Migrations: the embedded ones are the files, and they are applied in order or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "log.h"
#include "mem.h"
#include "schema.h"
#include "text.h"

#include <stdio.h>

static const char here[] = __FILE__;

static FILE *open_file(const char *database, const char *name)
{
    char path[1024];
    struct str root = {here, strlen(here) - strlen("tests/unit/storage/test_schema.c")};
    snprintf(path, sizeof path, "%.*sstorage/schema/%s/%s.sql", STR_ARG(root), database, name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s cannot be read", path);
    return file;
}

/* A line that embed.sh leaves out. */
static bool is_left_out(const char *line)
{
    struct str text = str_trim(str_of(line));
    return text.len == 0 || strncmp(text.at, "--", 2) == 0;
}

static void compare(const char *database, const struct schema_step *step)
{
    FILE *file = open_file(database, step->name);
    char line[512];
    const char *at = step->sql;
    while (fgets(line, sizeof line, file)) {
        if (is_left_out(line))
            continue;
        if (strncmp(at, line, strlen(line)) != 0)
            fail_msg("%s/%s: run storage/schema/embed.sh; the file has: %s", database, step->name,
                     line);
        at += strlen(line);
    }
    assert_int_equal(*at, '\0');
    fclose(file);
}

static void test_embedded(void **state)
{
    (void)state;
    const struct schema *const schemas[] = {&schema_sqlite, &schema_pg};
    for (size_t k = 0; k < COUNT_OF(schemas); k++)
        for (size_t i = 0; i < schemas[k]->count; i++) {
            assert_true(i == 0 || schemas[k]->steps[i].version > schemas[k]->steps[i - 1].version);
            compare(schemas[k]->database, &schemas[k]->steps[i]);
        }
}

/* A database that only writes down what it is told. */
static struct {
    unsigned version;
    const char *failing;
    char told[512];
} fake;

static enum err fake_exec(void *own, const char *sql)
{
    (void)own;
    size_t len = strlen(fake.told);
    snprintf(fake.told + len, sizeof fake.told - len, "%s;", sql);
    return fake.failing && strstr(sql, fake.failing) ? ERR_DOWN : ERR_OK;
}

static enum err fake_version(void *own, unsigned *version)
{
    (void)own;
    *version = fake.version;
    return ERR_OK;
}

static const char *fake_error(void *own)
{
    (void)own;
    return "no such luck";
}

static const struct schema_step steps[] = {
    {1, "001_one", "ONE"}, {2, "002_two", "TWO"}, {3, "003_three", "THREE"}};
static const struct schema schema = {"fake", steps, COUNT_OF(steps)};
static const struct schema_target target = {.where = "the fake",
                                            .begin = "BEGIN",
                                            .exec = fake_exec,
                                            .version = fake_version,
                                            .error = fake_error};

static enum err migrate(unsigned version, const char *failing, char *why, size_t room)
{
    fake.version = version;
    fake.failing = failing;
    fake.told[0] = '\0';
    return schema_migrate(&schema, &target, why, room);
}

static void test_migrate(void **state)
{
    (void)state;
    char why[256] = "";
    assert_int_equal(migrate(1, NULL, why, sizeof why), ERR_OK);
    assert_string_equal(fake.told, "BEGIN;TWO;INSERT INTO schema_migration (version) VALUES (2);"
                                   "THREE;INSERT INTO schema_migration (version) VALUES (3);"
                                   "COMMIT;");
    assert_int_equal(migrate(3, NULL, why, sizeof why), ERR_OK);
    assert_string_equal(fake.told, "BEGIN;COMMIT;");
}

static void test_failure(void **state)
{
    (void)state;
    char why[256] = "";
    assert_int_equal(migrate(1, "THREE", why, sizeof why), ERR_DOWN);
    assert_string_equal(why, "the fake: migrating the schema failed: no such luck");
    assert_non_null(strstr(fake.told, "THREE;ROLLBACK;"));
    assert_null(strstr(fake.told, "COMMIT"));
}

static void test_newer(void **state)
{
    (void)state;
    char why[256] = "";
    assert_int_equal(migrate(7, NULL, why, sizeof why), ERR_UNSUPPORTED);
    assert_non_null(strstr(why, "schema version 7"));
    assert_non_null(strstr(why, "up to 3"));
    assert_string_equal(fake.told, "BEGIN;ROLLBACK;");
}

int main(void)
{
    log_threshold = LOG_NONE;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_embedded),
        cmocka_unit_test(test_migrate),
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_newer),
    };
    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
