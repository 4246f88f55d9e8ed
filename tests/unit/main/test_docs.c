/* The files that the tables print are as the tables are; the version. */
#include "config.h"
#include "main_test.h"
#include "version.h"

#include <libgen.h>

/* The repository's top, seen from this file. */
static const char *root(void)
{
    char *path = (char *)arena_str(&arena, str_of(__FILE__)).at;
    for (int i = 0; i < 4; i++)
        path = dirname(path);
    return path;
}

static const char *contents(const char *path)
{
    struct buf text = {0};
    FILE *file = fopen(path, "re");
    size_t got = 1;
    while (file && got) {
        got = fread(buf_reserve(&text, 4096), 1, 4096, file);
        buf_grow(&text, got);
    }
    if (file)
        fclose(file);
    return text_of(&text);
}

static void is_fresh(const char *name, const char *option, void (*print)(struct buf *))
{
    struct buf out = {0};
    const char *path = arena_format(&arena, "%s/%s", root(), name).at;
    print(&out);
    if (strcmp(text_of(&out), contents(path)) != 0)
        fail_msg("%s is stale: ringtaild %s > %s", name, option, name);
}

static void reference(void **state)
{
    (void)state;
    is_fresh("docs/configuration.md", "--reference", config_reference);
}

static void example(void **state)
{
    (void)state;
    is_fresh("configs/ringtail.yaml", "--example", config_example);
}

static void man_page(void **state)
{
    (void)state;
    is_fresh("configs/ringtail.yaml.5", "--man", config_man);
}

static void is_accepted(const char *name)
{
    struct config config;
    const char *path = arena_format(&arena, "%s/%s", root(), name).at;
    config_load(path, &config, &problems);
    config_free(&config);
    assert_string_equal(said(), "");
}

static void files_in_configs_are_good(void **state)
{
    (void)state;
    is_accepted("configs/ringtail.yaml");
    is_accepted("configs/minimal.yaml");
}

static void the_version_names_all_libraries(void **state)
{
    (void)state;
    static const char *const names[] = {"ringtail ", "expat_",    "libidn ",       "wolfCrypt ",
                                        "wolfSSL ",  "liburing ", "kernel ",       "sqlite ",
                                        "libpq ",    "libyaml ",  "libmicrohttpd "};
    struct buf out = {0};
    version_print(&out);
    const char *text = text_of(&out);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_non_null(strstr(text, names[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reference),
        TEST(example),
        TEST(man_page),
        TEST(files_in_configs_are_good),
        TEST(the_version_names_all_libraries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
