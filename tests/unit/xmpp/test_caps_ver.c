/* The verification string: the examples of XEP-0115 5.2 and 5.3, and what is ill-formed. */
#include "xmpp_test.h"

#include "caps_ver.h"
#include "parser.h"

#define INFO "http://jabber.org/protocol/disco#info"

#define FEATURES                                                                                   \
    "<feature var='http://jabber.org/protocol/disco#info'/>"                                       \
    "<feature var='http://jabber.org/protocol/disco#items'/>"                                      \
    "<feature var='http://jabber.org/protocol/muc'/>"                                              \
    "<feature var='http://jabber.org/protocol/caps'/>"

#define FORM(type, fields)                                                                         \
    "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"                 \
    "<value>" type "</value></field>" fields "</x>"

static enum err make(const char *inside, char ver[CAPS_VER_ROOM])
{
    char xml[4096];
    struct element *query;
    snprintf(xml, sizeof xml, "<query xmlns='" INFO "'>%s</query>", inside);
    struct parser *parser = parser_new();
    assert_int_equal(parser_element(parser, &arena, str_of(xml), &query), ERR_OK);
    enum err err = caps_ver(query, DIGEST_SHA1, ver);
    parser_free(parser);
    return err;
}

static void must_be(const char *inside, const char *wanted)
{
    char ver[CAPS_VER_ROOM];
    assert_int_equal(make(inside, ver), ERR_OK);
    assert_string_equal(ver, wanted);
}

static void must_fail(const char *inside)
{
    char ver[CAPS_VER_ROOM];
    assert_int_equal(make(inside, ver), ERR_INVALID);
}

static void the_examples_come_out(void **state)
{
    (void)state;
    must_be("<identity category='client' type='pc' name='Exodus 0.9.1'/>" FEATURES,
            "QgayPKawpkPSDYmwT/WM94uAlu0=");
    must_be(
        "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"
        "<identity xml:lang='el' category='client' name='&#x3a8; 0.11' type='pc'/>" FEATURES FORM(
            "urn:xmpp:dataforms:softwareinfo",
            "<field var='ip_version'><value>ipv4</value><value>ipv6</value></field>"
            "<field var='os'><value>Mac</value></field>"
            "<field var='os_version'><value>10.5.1</value></field>"
            "<field var='software'><value>Psi</value></field>"
            "<field var='software_version'><value>0.11</value></field>"),
        "q07IKJEyjvHSyhy//CH0CxmKi8w=");
}

static void the_order_does_not_matter(void **state)
{
    (void)state;
    char one[CAPS_VER_ROOM];
    assert_int_equal(make("<feature var='b'/><feature var='aa'/><feature var='a'/>" FORM("t", "")
                              FORM("s", "<field var='y'><value>2</value><value>1</value></field>"
                                        "<field var='x'/>"),
                          one),
                     ERR_OK);
    must_be(FORM("s", "<field var='x'/><field var='y'><value>1</value><value>2</value></field>")
                FORM("t", "") "<feature var='a'/><feature var='aa'/><feature var='b'/>",
            one);
}

static void forms_without_a_hidden_type_say_nothing(void **state)
{
    (void)state;
    char one[CAPS_VER_ROOM];
    assert_int_equal(make("<feature var='a'/>", one), ERR_OK);
    must_be("<feature var='a'/><x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>t</value>"
            "</field></x>",
            one);
}

static void what_is_ill_formed_is_refused(void **state)
{
    (void)state;
    must_fail("<feature var='a'/><feature var='b'/><feature var='a'/>");
    must_fail("<identity category='c' type='t' name='n'/><identity category='c' type='t' "
              "name='n'/>");
    must_fail(FORM("t", "") FORM("t", "<field var='a'/>"));
    must_fail(FORM("t</value><value>u", ""));
    must_fail("<feature var='a&lt;b'/>");
    must_fail("<identity category='c' type='t' name='a&lt;b'/>");
    must_fail(FORM("t&lt;", ""));
    must_fail(FORM("t", "<field var='a&lt;'/>"));
    must_fail(FORM("t", "<field var='a'><value>x&lt;</value></field>"));
}

static void hashes_have_names(void **state)
{
    (void)state;
    enum digest digest;
    assert_true(caps_digest(STR("sha-1"), &digest));
    assert_int_equal(digest, DIGEST_SHA1);
    assert_true(caps_digest(STR("sha-512"), &digest));
    assert_int_equal(digest, DIGEST_SHA512);
    assert_false(caps_digest(STR("md5"), &digest));
    assert_false(caps_digest(STR(""), &digest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_examples_come_out),
        TEST(the_order_does_not_matter),
        TEST(forms_without_a_hidden_type_say_nothing),
        TEST(what_is_ill_formed_is_refused),
        TEST(hashes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
