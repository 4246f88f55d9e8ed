#include "limits.h"
#include "stream_play.h"

static void namespaces(void **state)
{
    (void)state;
    assert_inside("<a xmlns='urn:x'><b/><c xmlns=''><d/></c><e xmlns='jabber:client'/></a>",
                  "<a xmlns='urn:x'><b/><c xmlns=''><d/></c><e xmlns='jabber:client'/></a>");
    assert_inside("<p:a xmlns:p='urn:x'><p:b/><c/><p:d xmlns:p='urn:y'/><p:e/></p:a>",
                  "<a xmlns='urn:x'><b/><c xmlns='jabber:client'/><d xmlns='urn:y'/><e/></a>");
    assert_inside("<a xml:lang='de' lang='x'/>", "<a xml:lang='de' lang='x'/>");
    assert_inside("<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>", "<a/>");
    assert_inside("<stream:error><a xmlns='urn:x'/></stream:error>",
                  "<stream:error><a xmlns='urn:x'/></stream:error>");
    assert_inside("<stream:a xmlns:stream='urn:x'/>", "<a xmlns='urn:x'/>");
    assert_inside("<a xmlns:p='urn:p' b='1' p:b='2'/>", "<a b='1' xmlns:ns2='urn:p' ns2:b='2'/>");
}

static void namespaces_gone_wrong(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "<p:a/>",
        "<a p:b='c'/>",
        "<a xmlns:p=''/>",
        "<a xmlns:xml='urn:x'/>",
        "<a xmlns:xmlns='urn:x'/>",
        "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>",
        "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
        "<a xmlns:='urn:x'/>",
        "<a xmlns:p='urn:x' xmlns:p='urn:y'/>",
        "<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>",
        "<a xml:b='1' xml:b='2'/>",
        "<xmlns:a/>",
        "<stream:a:b/>",
        "<:a/>",
        "<stream:/>",
        "<stream::a/>",
        "<stream:1/>",
        "<stream:-a/>",
        "<stream:\xcc\x80/>", /* a combining accent begins no name */
        "<a xmlns:\xcc\x80='urn:x'/>",
        "<a xmlns:p='urn:x' p:\xc2\xb7='y'/>",
        "<a><b xmlns:p='urn:x'/><p:c/></a>",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        print_message("%s\n", wrong[i]);
        assert_inside(wrong[i], "bad not-well-formed");
    }
}

static void names_beyond_ascii(void **state)
{
    (void)state;
    assert_inside(
        "<p:\xc3\xa9t\xc3\xa9 xmlns:p='urn:x' xmlns:\xc3\xa9='urn:y' \xc3\xa9:\xc3\xa9='1'/>",
        "<\xc3\xa9t\xc3\xa9 xmlns='urn:x' xmlns:ns1='urn:y' ns1:\xc3\xa9='1'/>");
    assert_inside("<a/>", "<a/>"); /* the parser goes on as ever */
}

static void ill_formed(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "<a></b>",
        "<a>&unknown;</a>",
        "<a>&lt</a>",
        "<a>& </a>",
        "<a b='<'/>",
        "<a b='1' b='2'/>",
        "<a b=c/>",
        "<a b/>",
        "<a b=''c=''/>",
        "<a b='&#0;'/>",
        "<a>&#xD800;</a>",
        "<a>&#xFFFE;</a>",
        "<a>&#x110000;</a>",
        "<a>&#1;</a>",
        "<a>]]></a>",
        "<1/>",
        "<a\x01/>",
        "<a>\x01</a>",
        "<a>\xc0\x80</a>",
        "<a>\xed\xa0\x80</a>",
        "<a>\xef\xbf\xbe</a>",
        "<a>\xef\xbf\xbf</a>",
        "<a>\xf4\x90\x80\x80</a>",
        "<a>\xf8\x88\x80\x80\x80</a>",
        "<a>\xc3</a>",
        "<a>\xe2\x82</a>",
        "<a b='\xff'/>",
        "<a>\xfe</a>",
        "</stream:streams>",
        "</stream>",
        "</ stream:stream>",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        print_message("%s\n", wrong[i]);
        assert_inside(wrong[i], "bad not-well-formed");
        assert_inside("<a/>", "<a/>"); /* the next stream does not suffer */
    }
    struct str nul = STR(HEADER "<a>\0</a>");
    assert_plays_len(nul, OPEN "bad not-well-formed\n");
}

static void characters_that_are_fine(void **state)
{
    (void)state;
    assert_inside("<a>&lt;&gt;&amp;&apos;&quot;&#60;&#x3c;</a>", "<a>&lt;&gt;&amp;'\"&lt;&lt;</a>");
    assert_inside("<a>\xf0\x9f\x98\x80&#x1F600;\xef\xbf\xbd</a>",
                  "<a>\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xef\xbf\xbd</a>");
    assert_inside("<a>one\r\ntwo\rthree&#13;</a>", "<a>one\ntwo\nthree&#13;</a>");
    assert_inside("<a b='one\r\ntwo\tthree&#10;'/>", "<a b='one two three&#10;'/>");
    assert_inside("<a> <b/>\n</a>", "<a> <b/>\n</a>");
    assert_inside("<a b='\"' c=\"'\" d='>'/>", "<a b='&quot;' c='&apos;' d='&gt;'/>");
    assert_inside("<a><![CDATA[]]></a>", "<a/>");
    assert_inside("<a>x<![CDATA[ & ]]>y&amp;<![CDATA[]]]]><![CDATA[>]]></a>",
                  "<a>x &amp; y&amp;]]&gt;</a>");
}

/* X1: nothing of a document type is looked at. */
static void document_types(void **state)
{
    (void)state;
    assert_plays("<!DOCTYPE x [<!ENTITY a 'b'>]>" HEADER, "bad restricted-xml\n");
    assert_plays("<?xml version='1.0'?><!DOCTYPE x SYSTEM 'file:///etc/passwd'>" HEADER,
                 "bad restricted-xml\n");
    assert_inside("<!DOCTYPE x>", "bad restricted-xml");
    assert_inside("<a><!ENTITY b 'c'></a>", "bad restricted-xml");
    assert_inside("<!-- comment -->", "bad restricted-xml");
    assert_inside("<a><!-- comment --></a>", "bad restricted-xml");
    assert_inside("<?target data?>", "bad restricted-xml");
    assert_inside("<a><?xml version='1.0'?></a>", "bad restricted-xml");
    assert_inside("text", "bad bad-format");
    assert_inside("<a/>&amp;", "<a/>\nbad bad-format");
    assert_inside("<![CDATA[x]]>", "bad bad-format");
}

static void too_many_namespaces(void **state)
{
    (void)state;
    struct buf xml = {0};
    for (int i = 0; i < 10; i++) {
        buf_format(&xml, "<a");
        for (int k = 0; k < 10; k++)
            buf_format(&xml, " xmlns:p%d%d='urn:x'", i, k);
        buf_format(&xml, ">");
    }
    struct str text = arena_str(&arena, buf_str(&xml));
    buf_fini(&xml);
    struct element *element;
    struct str inside =
        arena_format(&arena, HEADER "%.*s</a></a></a></a></a></a></a></a></a></a>", STR_ARG(text));
    assert_str(play(inside, inside.len, 1), OPEN "bad policy-violation\n");
    struct str alone =
        arena_format(&arena, "%.*s</a></a></a></a></a></a></a></a></a></a>", STR_ARG(text));
    assert_int_equal(parser_element(parser, &arena, alone, &element), ERR_TOO_BIG);
}

/* Names that nobody needs again do not stay for ever: MEASUREMENTS.md section 3. */
static void names_are_forgotten(void **state)
{
    (void)state;
    size_t most = 0;
    for (int i = 0; i < 20000; i++) {
        struct element *element;
        struct str xml = arena_format(&arena, "<n%d a%d='x' xmlns:p%d='urn:%d'/>", i, i, i, i);
        assert_int_equal(parser_element(parser, &arena, xml, &element), ERR_OK);
        if (parser_heap_len(parser) > most)
            most = parser_heap_len(parser);
        arena_fini(&arena);
        arena_init(&arena);
    }
    assert_true(most < LIMIT_XML_NAMES_BYTES + 65536);
    assert_true(most > LIMIT_XML_NAMES_BYTES / 2);
}

static void memory_of_a_big_element_goes_back(void **state)
{
    (void)state;
    struct element *element;
    struct str big = repeated("<a>", "text &#38; text", 100000, "</a>");
    assert_int_equal(parser_element(parser, &arena, big, &element), ERR_OK);
    assert_int_equal(element_text(&arena, element).len, 1100000);
    assert_true(parser_heap_len(parser) < 65536);
}

static void elements_alone(void **state)
{
    (void)state;
    struct element *element;
    assert_int_equal(parser_element(parser, &arena, STR(" <a b='c'>d</a>\n"), &element), ERR_OK);
    assert_int_equal(element->ns, NS_CLIENT);
    const char *const wrong[] = {"",         " ",       "x",    "<a>",
                                 "<a/><b/>", "<a/>x",   "</a>", "<?xml version='1.0'?><a/>",
                                 "<a>",      "<a></b>", "<a",   "<a/"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(parser_element(parser, &arena, str_of(wrong[i]), &element), ERR_INVALID);
        assert_null(element);
    }
    assert_int_equal(parser_element(parser, &arena, (struct str){NULL, 0}, &element), ERR_INVALID);
    struct str deep = repeated("", "<a>", LIMIT_XML_DEPTH + 1, "");
    assert_int_equal(parser_element(parser, &arena, deep, &element), ERR_TOO_BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(namespaces),
        TEST(namespaces_gone_wrong),
        TEST(names_beyond_ascii),
        TEST(ill_formed),
        TEST(characters_that_are_fine),
        TEST(document_types),
        TEST(too_many_namespaces),
        TEST(names_are_forgotten),
        TEST(memory_of_a_big_element_goes_back),
        TEST(elements_alone),
    };
    return cmocka_run_group_tests(tests, up, down);
}
