#include "form.h"
#include "parser.h"
#include "xmpp_test.h"

static void makes_a_form(void **state)
{
    (void)state;
    struct buf out = {0};
    struct element *form = form_new(&arena, "form", "urn:xmpp:mam:2");
    form_field(&arena, form, "with", "jid-single", "With", (struct str){NULL, 0});
    struct element *many = form_field(&arena, form, "many", NULL, NULL, STR("1"));
    form_value(&arena, many, STR(""));
    element_write(&out, form, NS_CLIENT);
    assert_str(buf_str(&out),
               "<x xmlns='jabber:x:data' type='form'>"
               "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field>"
               "<field var='with' type='jid-single' label='With'/>"
               "<field var='many'><value>1</value><value/></field></x>");
    buf_fini(&out);
}

static void reads_a_submitted_one(void **state)
{
    (void)state;
    struct parser *parser = parser_new();
    struct element *query;
    const char *xml =
        "<query xmlns='urn:xmpp:mam:2'>"
        "<x xmlns='jabber:x:data' type='form'><field "
        "var='FORM_TYPE'><value>urn:a</value></field></x>"
        "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:b</value></field>"
        "</x>"
        "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:a</value></field>"
        "<field var='one'><value>1 &amp; <![CDATA[more]]></value><value>2</value></field>"
        "<field var='none'/><field var='empty'><value/></field><other var='x'/></x></query>";
    assert_int_equal(parser_element(parser, &arena, str_of(xml), &query), ERR_OK);
    struct element *form = form_find(&arena, query, "urn:a");
    assert_non_null(form);
    assert_str(element_attr(form, "type"), "submit");
    assert_str(form_get(&arena, form, "one"), "1 & more");
    assert_str(form_get(&arena, form, "none"), "");
    assert_non_null(form_get(&arena, form, "none").at);
    assert_non_null(form_get(&arena, form, "empty").at);
    assert_null(form_get(&arena, form, "x").at);
    assert_null(form_find(&arena, query, "urn:c"));
    assert_null(form_find(&arena, form, "urn:a"));
    parser_free(parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(makes_a_form),
        TEST(reads_a_submitted_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
