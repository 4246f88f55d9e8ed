#include "element.h"
#include "xmpp_test.h"

static void builds_a_tree(void **state)
{
    (void)state;
    struct element *iq = element_new(&arena, NS_CLIENT, "iq");
    struct element *query = element_add(&arena, iq, NS_DISCO_INFO, "query");
    element_add_text(&arena, iq, STR("between"));
    struct element *other = element_new_uri(&arena, STR("urn:x"), STR("other"));
    element_push(iq, other);

    assert_true(element_is(iq, NS_CLIENT, "iq"));
    assert_false(element_is(iq, NS_SERVER, "iq"));
    assert_false(element_is(iq, NS_CLIENT, "message"));
    assert_ptr_equal(element_first(iq), query);
    assert_ptr_equal(element_next(query), other);
    assert_null(element_next(other));
    assert_int_equal(other->ns, NS_OTHER);
    assert_str(other->ns_uri, "urn:x");
    assert_ptr_equal(element_child(iq, NS_DISCO_INFO, "query"), query);
    assert_ptr_equal(element_child(iq, NS_DISCO_INFO, NULL), query);
    assert_null(element_child(iq, NS_DISCO_INFO, "item"));
    assert_null(element_first(query));
}

static void uris_that_are_known(void **state)
{
    (void)state;
    struct element *known = element_new_uri(&arena, STR("urn:xmpp:ping"), STR("ping"));
    assert_int_equal(known->ns, NS_PING);
    assert_str(known->ns_uri, "urn:xmpp:ping");
    struct element *none = element_new_uri(&arena, STR(""), STR("bare"));
    assert_int_equal(none->ns, NS_NONE);
}

static void drops_children(void **state)
{
    (void)state;
    struct element *parent = element_new(&arena, NS_CLIENT, "p");
    struct element *a = element_add(&arena, parent, NS_CLIENT, "a");
    struct element *b = element_add(&arena, parent, NS_CLIENT, "b");
    struct element *c = element_add(&arena, parent, NS_CLIENT, "c");
    element_drop(parent, b);
    assert_ptr_equal(element_next(a), c);
    element_drop(parent, c);
    assert_ptr_equal(parent->last, &a->node);
    element_push(parent, b);
    assert_ptr_equal(element_next(a), b);
    element_drop(parent, a);
    element_drop(parent, b);
    assert_null(parent->first);
    assert_null(parent->last);
    element_push(parent, c);
    assert_ptr_equal(element_first(parent), c);
}

static void joins_text(void **state)
{
    (void)state;
    struct element *body = element_new(&arena, NS_CLIENT, "body");
    assert_str(element_text(&arena, body), "");
    assert_non_null(element_text(&arena, body).at);
    element_add_text(&arena, body, STR("one"));
    struct str piece = element_text(&arena, body);
    assert_ptr_equal(piece.at, ((struct text_node *)body->first)->text.at);
    element_add_text(&arena, element_add(&arena, body, NS_CLIENT, "b"), STR("inside"));
    element_add_text(&arena, body, STR(""));
    element_add_text(&arena, body, STR(" two"));
    assert_str(element_text(&arena, body), "one two");
}

static void attributes(void **state)
{
    (void)state;
    struct element *e = element_new(&arena, NS_CLIENT, "e");
    assert_null(element_attr(e, "a").at);
    element_set(&arena, e, "a", STR("1"));
    element_set(&arena, e, "b", STR("2"));
    element_set(&arena, e, "a", STR("3"));
    assert_str(element_attr(e, "a"), "3");
    assert_str(element_attr(e, "b"), "2");
    element_set(&arena, e, "empty", (struct str){NULL, 0});
    assert_non_null(element_attr(e, "empty").at);
    assert_int_equal(element_attr(e, "empty").len, 0);
    element_unset(e, "a");
    assert_null(element_attr(e, "a").at);
    assert_str(element_attr(e, "b"), "2");
    element_unset(e, "a");
}

static void attributes_of_namespaces(void **state)
{
    (void)state;
    struct element *e = element_new(&arena, NS_CLIENT, "e");
    struct attr lang = {NULL, ns_uri(NS_XML), STR("lang"), STR("de")};
    e->attrs = &lang;
    assert_null(element_attr(e, "lang").at);
    assert_str(element_attr_ns(e, ns_uri(NS_XML), "lang"), "de");
    element_set(&arena, e, "lang", STR("en"));
    assert_str(element_attr(e, "lang"), "en");
    assert_str(element_attr_ns(e, ns_uri(NS_XML), "lang"), "de");
    element_unset(e, "lang");
    assert_str(element_attr_ns(e, ns_uri(NS_XML), "lang"), "de");
}

static void copies_own_everything(void **state)
{
    (void)state;
    struct arena first;
    struct buf before = {0}, after = {0};
    arena_init(&first);
    struct element *e = element_new_uri(&first, STR("urn:x"), STR("e"));
    struct attr twin = {NULL, arena_str(&first, STR("urn:y")), STR("t"), STR("v")};
    e->attrs = &twin;
    element_set(&first, e, "a", arena_str(&first, STR("value")));
    element_add_text(&first, e, STR("text & more"));
    struct element *child = element_add(&first, e, NS_PING, "ping");
    element_add_text(&first, child, STR("deep"));
    element_write(&before, e, NS_NONE);

    struct element *copy = element_copy(&arena, e);
    arena_fini(&first); /* the sanitizer sees what still points there */
    memset(&twin, 0, sizeof twin);
    element_write(&after, copy, NS_NONE);
    assert_str(buf_str(&after), arena_str(&arena, buf_str(&before)).at);
    buf_fini(&before);
    buf_fini(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(builds_a_tree),
        TEST(uris_that_are_known),
        TEST(drops_children),
        TEST(joins_text),
        TEST(attributes),
        TEST(attributes_of_namespaces),
        TEST(copies_own_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
