#include "scope.h"
#include "xmpp_test.h"

static void splits_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *prefix, *local;
    } right[] = {
        {"a", "", "a"}, {"a:b", "a", "b"}, {"long:name", "long", "name"}, {"a-1", "", "a-1"}};
    struct str prefix, local;
    for (size_t i = 0; i < COUNT_OF(right); i++) {
        assert_true(scope_split(str_of(right[i].name), &prefix, &local));
        assert_str(prefix, right[i].prefix);
        assert_str(local, right[i].local);
    }
    const char *const wrong[] = {"", ":", "a:", ":a", "a:b:c", "a::b", "a:1", "a:-", "a:."};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(scope_split(str_of(wrong[i]), &prefix, &local));
}

static void tells_declarations(void **state)
{
    (void)state;
    struct str prefix;
    assert_true(scope_declares(STR("xmlns"), &prefix));
    assert_int_equal(prefix.len, 0);
    assert_true(scope_declares(STR("xmlns:a"), &prefix));
    assert_str(prefix, "a");
    assert_true(scope_declares(STR("xmlns:"), &prefix));
    assert_str(prefix, ":");
    assert_false(scope_declares(STR("xmlnsa"), &prefix));
    assert_false(scope_declares(STR("xmln"), &prefix));
    assert_false(scope_declares(STR("a:xmlns"), &prefix));
}

static void binds_and_finds(void **state)
{
    (void)state;
    struct scope scope;
    scope_init_usual(&scope);
    assert_int_equal(scope_find(&scope, STR(""))->ns, NS_CLIENT);
    assert_int_equal(scope_find(&scope, STR("stream"))->ns, NS_STREAM);
    assert_int_equal(scope_find(&scope, STR("xml"))->ns, NS_XML);
    assert_null(scope_find(&scope, STR("p")));
    assert_int_equal(scope_bind(&scope, &arena, STR("p"), STR("urn:x")), ERR_OK);
    assert_str(scope_find(&scope, STR("p"))->uri, "urn:x");
    assert_int_equal(scope_find(&scope, STR("p"))->ns, NS_OTHER);
    assert_int_equal(scope_bind(&scope, &arena, STR("p"), STR("urn:xmpp:ping")), ERR_OK);
    assert_int_equal(scope_find(&scope, STR("p"))->ns, NS_PING);
    scope.count--;
    assert_str(scope_find(&scope, STR("p"))->uri, "urn:x");
    assert_int_equal(scope_bind(&scope, &arena, STR(""), STR("")), ERR_OK);
    assert_int_equal(scope_find(&scope, STR(""))->ns, NS_NONE);
    scope.count = 0;
    assert_int_equal(scope_find(&scope, STR(""))->ns, NS_NONE);
}

static void is_full_at_its_limit(void **state)
{
    (void)state;
    struct scope scope = {.count = 0};
    for (size_t i = 0; i < LIMIT_XML_ATTRIBUTES; i++)
        assert_int_equal(scope_bind(&scope, &arena, STR("p"), STR("urn:x")), ERR_OK);
    assert_int_equal(scope_bind(&scope, &arena, STR("p"), STR("urn:x")), ERR_FULL);
}

static void goes_through_text(void **state)
{
    (void)state;
    struct scope scope = {.count = 0}, back;
    struct buf out = {0};
    assert_true(scope_bind(&scope, &arena, STR("db"), STR("urn:a=b")) == ERR_OK);
    assert_true(scope_bind(&scope, &arena, STR(""), STR("jabber:server")) == ERR_OK);
    assert_false(scope_is_usual(&scope));
    scope_write(&scope, STR("s:stream"), &out);
    assert_string_equal((const char *)buf_at(&out), "s:stream");
    scope_init_written(&back, (const char *)buf_at(&out));
    assert_int_equal(back.count, 2);
    assert_str(scope_find(&back, STR("db"))->uri, "urn:a=b");
    assert_int_equal(scope_find(&back, STR(""))->ns, NS_SERVER);
    buf_fini(&out);
    scope.count = 0;
    scope_write(&scope, STR("s"), &out);
    scope_init_written(&back, (const char *)buf_at(&out));
    assert_int_equal(back.count, 0);
    buf_fini(&out);
    scope_init_usual(&scope);
    assert_true(scope_is_usual(&scope));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(splits_names),         TEST(tells_declarations), TEST(binds_and_finds),
        TEST(is_full_at_its_limit), TEST(goes_through_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
