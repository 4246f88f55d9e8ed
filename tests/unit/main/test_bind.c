#include "bind.h"
#include "main_test.h"

static const char *const colours[] = {"red", "green", "blue", NULL};
static const char *const automatic[] = {"auto", NULL};

struct member {
    const char *name;
    uint64_t size;
};

struct group {
    bool on;
    uint64_t pause_ms;
};

struct all {
    bool yes;
    uint64_t number, shards, size, wait_ms, bound;
    const char *text;
    int colour;
    struct key_texts words, paints;
    struct group group;
    struct key_list members;
};

static const struct key member_keys[] = {
    {.name = "name", .type = KEY_TEXT, .offset = offsetof(struct member, name), .required = true},
    {.name = "size", .type = KEY_SIZE, .offset = offsetof(struct member, size), .preset = "1k"},
    {0},
};

static const struct key group_keys[] = {
    {.name = "on", .type = KEY_BOOL, .offset = offsetof(struct group, on), .preset = "true"},
    {.name = "pause",
     .type = KEY_DURATION,
     .offset = offsetof(struct group, pause_ms),
     .preset = "2s"},
    {0},
};

#define PLACE(field) .offset = offsetof(struct all, field)

static const struct key keys[] = {
    {.name = "yes", .type = KEY_BOOL, PLACE(yes)},
    {.name = "number", .type = KEY_NUMBER, PLACE(number), .preset = "7", .min = 1, .max = 10},
    {.name = "shards",
     .type = KEY_NUMBER,
     PLACE(shards),
     .preset = "auto",
     .choices = automatic,
     .min = 1,
     .max = 256},
    {.name = "size", .type = KEY_SIZE, PLACE(size), .preset = "64k", .min = 10, .max = 1 << 20},
    {.name = "wait", .type = KEY_DURATION, PLACE(wait_ms), .min = 100, .max = KEY_INFINITY},
    {.name = "bound", .type = KEY_NUMBER, PLACE(bound), .preset = "infinity"},
    {.name = "text", .type = KEY_TEXT, PLACE(text)},
    {.name = "colour", .type = KEY_CHOICE, PLACE(colour), .preset = "green", .choices = colours},
    {.name = "words", .type = KEY_TEXTS, PLACE(words), .preset = "a, b"},
    {.name = "paints", .type = KEY_TEXTS, PLACE(paints), .choices = colours},
    {.name = "group", .type = KEY_GROUP, PLACE(group), .keys = group_keys},
    {.name = "members",
     .type = KEY_LIST,
     PLACE(members),
     .keys = member_keys,
     .group_size = sizeof(struct member)},
    {0},
};

static struct all bind(const char *text)
{
    struct all all = {0};
    const struct conf_node *root = yaml_parse(&arena, str_of(text), &problems);
    assert_non_null(root);
    bind_map(&arena, &problems, keys, root, "", &all);
    return all;
}

static void says(const char *text, const char *expected)
{
    bind(text);
    assert_string_equal(said(), expected);
}

static void presets_apply_to_what_is_absent(void **state)
{
    (void)state;
    struct all all = bind("number: null\ngroup:\nmembers: ~\n");
    assert_int_equal(problems.count, 0);
    assert_false(all.yes);
    assert_int_equal(all.number, 7);
    assert_int_equal(all.shards, 0);
    assert_int_equal(all.size, 65536);
    assert_int_equal(all.wait_ms, 0);
    assert_true(all.bound == KEY_INFINITY);
    assert_null(all.text);
    assert_int_equal(all.colour, 1);
    assert_int_equal(all.words.count, 2);
    assert_string_equal(all.words.items[1], "b");
    assert_int_equal(all.paints.count, 0);
    assert_true(all.group.on);
    assert_int_equal(all.group.pause_ms, 2000);
    assert_int_equal(all.members.count, 0);
}

static void binds_all_types(void **state)
{
    (void)state;
    struct all all = bind("yes: on\nnumber: 10\nshards: 4\nsize: 1M\nwait: 1500ms\nbound: 0\n"
                          "text: \"x: y\"\ncolour: blue\nwords: [one, \"two, three\"]\n"
                          "paints: red\ngroup: {pause: 3}\n"
                          "members:\n- {name: m, size: 2k}\n- {name: n}\n");
    assert_string_equal(said(), "");
    assert_true(all.yes);
    assert_int_equal(all.number, 10);
    assert_int_equal(all.shards, 4);
    assert_int_equal(all.size, 1 << 20);
    assert_int_equal(all.wait_ms, 1500);
    assert_int_equal(all.bound, 0);
    assert_string_equal(all.text, "x: y");
    assert_int_equal(all.colour, 2);
    assert_int_equal(all.words.count, 2);
    assert_string_equal(all.words.items[1], "two, three");
    assert_int_equal(all.paints.count, 1);
    assert_true(all.group.on);
    assert_int_equal(all.group.pause_ms, 3000);
    const struct member *members = all.members.items;
    assert_int_equal(all.members.count, 2);
    assert_string_equal(members[0].name, "m");
    assert_int_equal(members[0].size, 2048);
    assert_int_equal(members[1].size, 1024);
}

static void infinity_needs_an_open_range(void **state)
{
    (void)state;
    assert_true(bind("wait: infinity").wait_ms == KEY_INFINITY);
    assert_string_equal(said(), "");
    says("number: infinity", "t.yaml:1: number: expects a number from 1 to 10, got `infinity`\n");
}

static void unknown_keys_name_the_nearest(void **state)
{
    (void)state;
    says("\nnumbr: 1\n", "t.yaml:2: numbr: unknown key (did you mean `number`?)\n");
    says("xyzzy_plugh: 1\n", "t.yaml:1: xyzzy_plugh: unknown key\n");
    says("group:\n  paus: 1\n", "t.yaml:2: group.paus: unknown key (did you mean `pause`?)\n");
    says("members:\n - name: a\n - name: b\n   siz: 1\n",
         "t.yaml:4: members[1].siz: unknown key (did you mean `size`?)\n");
}

static void wrong_values_say_what_is_expected(void **state)
{
    (void)state;
    says("yes: 7", "t.yaml:1: yes: expects true or false, got `7`\n");
    says("number: x", "t.yaml:1: number: expects a number from 1 to 10, got `x`\n");
    says("number: 0", "t.yaml:1: number: expects a number from 1 to 10, got `0`\n");
    says("number: -1", "t.yaml:1: number: expects a number from 1 to 10, got `-1`\n");
    says("number: [1]", "t.yaml:1: number: expects a number from 1 to 10, got `[…]`\n");
    says("number: 18446744073709551617",
         "t.yaml:1: number: expects a number from 1 to 10, got `18446744073709551617`\n");
    says("shards: 0", "t.yaml:1: shards: expects a number from 1 to 256, or auto, got `0`\n");
    says("size: 2M", "t.yaml:1: size: expects a size from 10 to 1M, got `2M`\n");
    says("size: 1X", "t.yaml:1: size: expects a size from 10 to 1M, got `1X`\n");
    says("wait: 5ms", "t.yaml:1: wait: expects a duration from 100ms to infinity, got `5ms`\n");
    says("text: {a: 1}", "t.yaml:1: text: expects a text, got `{…}`\n");
    says("colour: pink", "t.yaml:1: colour: expects red, green or blue, got `pink`\n");
    says("words: {a: 1}", "t.yaml:1: words: expects a list of texts, got `{…}`\n");
    says("words: [[a]]", "t.yaml:1: words: expects a list of texts, got `[…]`\n");
    says("words: [a, a]", "t.yaml:1: words: `a` is there twice\n");
    says("paints: [red, pink]",
         "t.yaml:1: paints: expects a list of red, green and blue, got `pink`\n");
    says("group: 1", "t.yaml:1: group: expects keys and values, got `1`\n");
    says("group: [1]", "t.yaml:1: group: expects keys and values, got `[…]`\n");
    says("members: {a: 1}",
         "t.yaml:1: members: expects a list of groups of keys and values, got `{…}`\n");
    says("members: [7]", "t.yaml:1: members[0]: expects keys and values\n");
    says("members: [{size: 1}]", "t.yaml:1: members[0].name: is missing\n");
    says("members: [{name: ''}]", "t.yaml:1: members[0].name: expects a text, got ``\n");
}

static void reports_all_but_not_without_end(void **state)
{
    (void)state;
    says("a_a_a: 1\nnumber: 99\nyes: maybe\n", "t.yaml:1: a_a_a: unknown key\n"
                                               "t.yaml:3: yes: expects true or false, got `maybe`\n"
                                               "t.yaml:2: number: expects a number from 1 to 10, "
                                               "got `99`\n");
    struct buf text = {0};
    for (int i = 0; i < 50; i++)
        buf_format(&text, "unknown_word_%d: 1\n", i);
    bind(text_of(&text));
    assert_int_equal(problems.count, 50);
    size_t lines = 0;
    for (const char *at = said(); *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, PROBLEMS_MAX);
}

static const char *formatted(enum key_type type, uint64_t number)
{
    struct buf out = {0};
    key_format_number(&out, &(struct key){.type = type}, number);
    return text_of(&out);
}

static void numbers_come_back_as_they_went(void **state)
{
    (void)state;
    assert_string_equal(formatted(KEY_NUMBER, 65536), "65536");
    assert_string_equal(formatted(KEY_SIZE, 65536), "64k");
    assert_string_equal(formatted(KEY_SIZE, 10000), "10000");
    assert_string_equal(formatted(KEY_SIZE, 3ull << 30), "3G");
    assert_string_equal(formatted(KEY_SIZE, 0), "0");
    assert_string_equal(formatted(KEY_DURATION, 0), "0s");
    assert_string_equal(formatted(KEY_DURATION, 1), "1ms");
    assert_string_equal(formatted(KEY_DURATION, 5000), "5s");
    assert_string_equal(formatted(KEY_DURATION, 90000), "90s");
    assert_string_equal(formatted(KEY_DURATION, 86400000), "1d");
    assert_string_equal(formatted(KEY_SIZE, KEY_INFINITY), "infinity");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(presets_apply_to_what_is_absent),   TEST(binds_all_types),
        TEST(infinity_needs_an_open_range),      TEST(unknown_keys_name_the_nearest),
        TEST(wrong_values_say_what_is_expected), TEST(reports_all_but_not_without_end),
        TEST(numbers_come_back_as_they_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
