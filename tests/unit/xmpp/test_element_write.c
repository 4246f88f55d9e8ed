#include "element.h"
#include "limits.h"
#include "parser.h"
#include "xmpp_test.h"

static struct parser *parser;

static struct element *parse(const char *xml)
{
    struct element *element;
    assert_int_equal(parser_element(parser, &arena, str_of(xml), &element), ERR_OK);
    return element;
}

static struct str written(const struct element *element, enum ns scope)
{
    struct buf out = {0};
    element_write(&out, element, scope);
    struct str text = arena_str(&arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

static void namespaces_where_they_change(void **state)
{
    (void)state;
    struct element *iq = element_new(&arena, NS_CLIENT, "iq");
    struct element *query = element_add(&arena, iq, NS_DISCO_INFO, "query");
    element_add(&arena, query, NS_DISCO_INFO, "feature");
    struct element *back = element_add(&arena, query, NS_CLIENT, "back");
    element_add(&arena, back, NS_NONE, "none");
    assert_str(written(iq, NS_CLIENT),
               "<iq><query xmlns='http://jabber.org/protocol/disco#info'><feature/>"
               "<back xmlns='jabber:client'><none xmlns=''/></back></query></iq>");
    assert_str(written(back, NS_NONE), "<back xmlns='jabber:client'><none xmlns=''/></back>");
}

static void unknown_namespaces(void **state)
{
    (void)state;
    struct element *a = element_new_uri(&arena, STR("urn:a&b"), STR("a"));
    element_push(a, element_new_uri(&arena, STR("urn:a&b"), STR("same")));
    element_push(a, element_new_uri(&arena, STR("urn:c"), STR("other")));
    assert_str(written(a, NS_CLIENT), "<a xmlns='urn:a&amp;b'><same/><other xmlns='urn:c'/></a>");
}

static void the_stream_prefix(void **state)
{
    (void)state;
    struct element *features = element_new(&arena, NS_STREAM, "features");
    element_add(&arena, features, NS_TLS, "starttls");
    element_add(&arena, features, NS_CLIENT, "c");
    assert_str(written(features, NS_CLIENT),
               "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><c/>"
               "</stream:features>");
    assert_str(written(features, NS_NONE), "<features xmlns='http://etherx.jabber.org/streams'>"
                                           "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
                                           "<c xmlns='jabber:client'/></features>");
}

static void prefixed_attributes(void **state)
{
    (void)state;
    const char *xml = "<a xmlns:p='urn:p' xmlns:q='urn:q' plain='0' p:x='1' q:x='2' p:y='3' "
                      "xml:lang='en'/>";
    assert_str(written(parse(xml), NS_CLIENT),
               "<a plain='0' xmlns:ns2='urn:p' ns2:x='1' xmlns:ns3='urn:q' ns3:x='2' ns2:y='3' "
               "xml:lang='en'/>");
    assert_str(written(parse("<xml:a/>"), NS_CLIENT), "<xml:a/>");
}

static void escapes(void **state)
{
    (void)state;
    struct element *e = element_new(&arena, NS_CLIENT, "e");
    element_set(&arena, e, "a", STR("&<>'\" \t\n\r."));
    element_add_text(&arena, e, STR("&<>'\" \t\n\r."));
    assert_str(written(e, NS_CLIENT), "<e a='&amp;&lt;&gt;&apos;&quot; &#9;&#10;&#13;.'>"
                                      "&amp;&lt;&gt;'\" \t\n&#13;.</e>");
}

/* Every byte at every place of a word, alone and in front of what could follow. */
static void each_byte_at_each_place(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++)
        for (size_t place = 0; place < 20; place++) {
            char text[24];
            struct element *back;
            struct element *e = element_new(&arena, NS_CLIENT, "e");
            memset(text, 'x', sizeof text);
            text[place] = (char)byte;
            struct str whole = {text, place + 1 + (place % 3)};
            element_add_text(&arena, e, whole);
            element_set(&arena, e, "a", whole);
            struct str xml = written(e, NS_CLIENT);
            assert_int_equal(parser_element(parser, &arena, xml, &back), ERR_OK);
            struct str value = element_attr(back, "a"), inside = element_text(&arena, back);
            bool allowed = byte < 0x80 && (byte >= 0x20 || byte == 9 || byte == 10 || byte == 13);
            assert_int_equal(value.len, allowed ? whole.len : whole.len - 1);
            assert_true(str_eq(value, inside));
            if (allowed)
                assert_true(str_eq(value, whole));
        }
}

static void wide_characters(void **state)
{
    (void)state;
    struct element *e = element_new(&arena, NS_CLIENT, "e");
    element_add_text(&arena, e, STR("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 ok"));
    element_add_text(&arena, e, STR("\xc0\x80|\xed\xa0\x80|\xef\xbf\xbf|\xf4\x90\x80\x80|\xc3"));
    assert_str(written(e, NS_CLIENT), "<e>\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 ok||||</e>");
}

static void the_address_of_each_copy(void **state)
{
    (void)state;
    struct buf out = {0};
    struct element *m = parse("<message to='room' from='a'><body to='kept'/></message>");
    element_write_to(&out, m, NS_CLIENT, STR("one'two"));
    assert_str(buf_str(&out), "<message to='one&apos;two' from='a'><body to='kept'/></message>");
    buf_fini(&out);
    element_write_to(&out, m, NS_CLIENT, (struct str){NULL, 0});
    assert_str(buf_str(&out), "<message from='a'><body to='kept'/></message>");
    buf_fini(&out);
}

/* Room runs out at each point of the writing. */
static void appends_behind_any_length(void **state)
{
    (void)state;
    struct element *e = parse("<message from='a' id='b'><body>text &amp; more of it</body>"
                              "<x xmlns='urn:x' xmlns:y='urn:y' y:z='1'/></message>");
    struct str expected = written(e, NS_CLIENT);
    for (size_t len = 0; len < 1200; len++) {
        struct buf out = {0};
        for (size_t i = 0; i < len; i++)
            buf_push(&out, "-", 1);
        element_write(&out, e, NS_CLIENT);
        assert_int_equal(buf_len(&out), len + expected.len);
        assert_memory_equal(buf_at(&out) + len, expected.at, expected.len);
        buf_fini(&out);
    }
}

static void long_text(void **state)
{
    (void)state;
    struct element *back, *e = element_new(&arena, NS_CLIENT, "e");
    size_t len = 100000;
    char *text = arena_take(&arena, len);
    for (size_t i = 0; i < len; i++)
        text[i] = "ab&c<d\n\r>"[i % 9];
    element_add_text(&arena, e, (struct str){text, len});
    assert_int_equal(parser_element(parser, &arena, written(e, NS_CLIENT), &back), ERR_OK);
    assert_true(str_eq(element_text(&arena, back), (struct str){text, len}));
}

static void what_is_xml_already(void **state)
{
    (void)state;
    struct str xml = STR("<x xmlns='urn:x'/><y xmlns='urn:y'>&lt;</y>");
    struct element *message = element_new(&arena, NS_CLIENT, "message");
    struct element *event = element_add(&arena, message, NS_PING, "event");
    element_add_xml(&arena, event, xml);
    static const char wanted[] = "<message><event xmlns='urn:xmpp:ping'><x xmlns='urn:x'/>"
                                 "<y xmlns='urn:y'>&lt;</y></event></message>";
    assert_str(element_xml(&arena, message, NS_CLIENT), wanted);
    assert_null(element_first(event));
    assert_str(element_text(&arena, event), "");
    struct element *copy = element_copy(&arena, message);
    struct element *shared = element_copy_sharing(&arena, message, xml);
    const struct text_node *in_copy = (struct text_node *)element_first(copy)->first;
    const struct text_node *in_shared = (struct text_node *)element_first(shared)->first;
    assert_str(element_xml(&arena, copy, NS_CLIENT), wanted);
    assert_str(element_xml(&arena, shared, NS_CLIENT), wanted);
    assert_ptr_not_equal(in_copy->text.at, xml.at);
    assert_ptr_equal(in_shared->text.at, xml.at);
}

static int up(void **state)
{
    (void)state;
    parser = parser_new();
    return 0;
}

static int down(void **state)
{
    (void)state;
    parser_free(parser);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(namespaces_where_they_change),
        TEST(unknown_namespaces),
        TEST(the_stream_prefix),
        TEST(prefixed_attributes),
        TEST(escapes),
        TEST(each_byte_at_each_place),
        TEST(wide_characters),
        TEST(the_address_of_each_copy),
        TEST(appends_behind_any_length),
        TEST(long_text),
        TEST(what_is_xml_already),
    };
    return cmocka_run_group_tests(tests, up, down);
}
