#include "main_test.h"
#include "yaml.h"

static struct conf_node *parse(const char *text)
{
    return yaml_parse(&arena, str_of(text), &problems);
}

static void refused(const char *text, const char *what)
{
    assert_null(parse(text));
    const char *why = said();
    if (!strstr(why, what))
        print_error("%s does not say: %s\n", why, what);
    assert_non_null(strstr(why, what));
}

static void makes_a_tree(void **state)
{
    (void)state;
    struct conf_node *root = parse("a: 1\nb:\n  - x\n  - {c: 'y z'}\nd:\ne: ~\nf: \"null\"\n");
    assert_non_null(root);
    assert_int_equal(root->type, NODE_MAP);
    assert_int_equal(root->count, 5);
    const struct conf_node *a = conf_find(root, STR("a"));
    assert_string_equal(a->text.at, "1");
    assert_int_equal(a->line, 1);
    assert_int_equal(a->column, 4);
    assert_true(a->plain);
    const struct conf_node *c = conf_at(root, "b[1].c");
    assert_string_equal(c->text.at, "y z");
    assert_int_equal(c->line, 4);
    assert_int_equal(c->name_line, 4);
    assert_false(c->plain);
    assert_true(conf_is_null(conf_find(root, STR("d"))));
    assert_true(conf_is_null(conf_find(root, STR("e"))));
    assert_false(conf_is_null(conf_find(root, STR("f"))));
    assert_null(conf_find(root, STR("g")));
    assert_null(conf_find(a, STR("a")));
}

static void finds_the_deepest_node_of_a_path(void **state)
{
    (void)state;
    const struct conf_node *root = parse("a:\n  b:\n    - c: 1\n    - d: 2\n");
    assert_int_equal(conf_at(root, "a.b[1].d")->line, 4);
    assert_int_equal(conf_at(root, "a.b[1].x")->line, 4);
    assert_int_equal(conf_at(root, "a.b[7].x")->line, 3);
    assert_int_equal(conf_at(root, "a.x.y")->line, 2);
    assert_ptr_equal(conf_at(root, "x"), root);
    assert_ptr_equal(conf_at(root, ""), root);
}

static void an_empty_document_is_an_empty_map(void **state)
{
    (void)state;
    static const char *const empty[] = {"", "\n", "# only a comment\n", "---\n...\n", "{}"};
    for (size_t i = 0; i < COUNT_OF(empty); i++) {
        const struct conf_node *root = parse(empty[i]);
        assert_non_null(root);
        assert_int_equal(root->count, 0);
    }
}

static void aliases_are_resolved(void **state)
{
    (void)state;
    const struct conf_node *root = parse("a: &x {b: 1}\nc: *x\n");
    assert_string_equal(conf_at(root, "c.b")->text.at, "1");
}

static void refuses_with_a_line(void **state)
{
    (void)state;
    refused("a: 1\nb: 2\na: 3\n", "t.yaml:3: a: the key is there twice (line 1)\n");
    refused("a: {b: 1, b: 2}\n", "t.yaml:1: b: the key is there twice (line 1)\n");
    refused("a: [1\nb: 2\n", "t.yaml:2: not YAML: ");
    refused("a: 1\n b: 2\n", "t.yaml:2: not YAML: ");
    refused("? [a, b]\n: 1\n", "t.yaml:1: a key must be a plain word\n");
    refused("a: 1\n---\nb: 2\n", "t.yaml:2: a second document");
    refused("a: \"x\\0y\"\n", "t.yaml:1: a NUL character\n");
    refused("a: \xff\n", "not YAML: ");
    refused("a: *x\n", "t.yaml:1: not YAML: ");
}

/* "Billion laughs" and a node inside itself. */
static void refuses_bombs(void **state)
{
    (void)state;
    struct buf bomb = {0};
    buf_push_str(&bomb, STR("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"));
    for (int i = 1; i < 10; i++)
        buf_format(&bomb, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i,
                   i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    refused(text_of(&bomb), "too many or too deeply nested values\n");
    refused("a: &x [*x]\n", "too many or too deeply nested values\n");
    for (int i = 0; i < 5000; i++)
        buf_push_str(&bomb, STR("["));
    assert_null(parse(text_of(&bomb)));
}

static void loads_files(void **state)
{
    (void)state;
    char path[] = "/tmp/ringtail_yaml_XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fputs("a: 1\n", file);
    fclose(file);
    problems.file = path;
    const struct conf_node *root = yaml_load(&arena, &problems);
    assert_non_null(root);
    assert_int_equal(root->count, 1);
    remove(path);
    assert_null(yaml_load(&arena, &problems));
    assert_non_null(strstr(said(), "cannot be read: No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(makes_a_tree),
        TEST(finds_the_deepest_node_of_a_path),
        TEST(an_empty_document_is_an_empty_map),
        TEST(aliases_are_resolved),
        TEST(refuses_with_a_line),
        TEST(refuses_bombs),
        TEST(loads_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
