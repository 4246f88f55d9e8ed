/* That it agrees with expat on what it takes is shown by tests/fuzz/fuzz_stream.c; here: what it
 * takes, and what it leaves to expat. */
#include "element_read.h"
#include "limits.h"
#include "parser.h"
#include "xmpp_test.h"

/* The bytes at the end of a block of the heap, so that the sanitizer sees a byte read too far. */
static struct element *read_text(const char *xml)
{
    size_t len = strlen(xml);
    char *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, xml, len);
    struct element *element = element_read(&arena, (struct str){copy, len});
    free(copy); /* nothing of the tree points there */
    return element;
}

static void assert_reads(const char *xml, const char *written)
{
    struct element *element = read_text(xml);
    if (!element)
        print_error("not plain: %s\n", xml);
    assert_non_null(element);
    assert_str(element_xml(&arena, element, NS_CLIENT), written);
}

static void what_is_plain(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"<a/>", "<a/>"},
        {"<a />", "<a/>"},
        {"<a></a>", "<a/>"},
        {"<a\n b='c'\t\r\nd=\"e'f\" />", "<a b='c' d='e&apos;f'/>"},
        {"<a b=''>c</a>", "<a b=''>c</a>"},
        {"<a b='&lt;&gt;&amp;&quot;&apos;x'/>", "<a b='&lt;&gt;&amp;&quot;&apos;x'/>"},
        {"<a>&amp;&amp;x&lt;y&gt;&quot;&apos;</a>", "<a>&amp;&amp;x&lt;y&gt;\"'</a>"},
        {"<a>\n\tb ]] > ]>\n</a>", "<a>\n\tb ]] &gt; ]&gt;\n</a>"},
        {"<a b=']]>'/>", "<a b=']]&gt;'/>"},
        {"<a><b>1</b>2<c/>3</a>", "<a><b>1</b>2<c/>3</a>"},
        {"<a xml:lang='de' lang='x'/>", "<a xml:lang='de' lang='x'/>"},
        {"<a xmlns='urn:x'><b/><c xmlns=''><d/></c><e xmlns='jabber:client'/><f/></a>",
         "<a xmlns='urn:x'><b/><c xmlns=''><d/></c><e xmlns='jabber:client'/><f/></a>"},
        {"<a xmlns='urn:&amp;'/>", "<a xmlns='urn:&amp;'/>"},
        {"<a>\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xf0\x9f\x98\x80</a>",
         "<a>\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xf0\x9f\x98\x80</a>"},
        {"<_a-1.B xmlnsx='1'/>", "<_a-1.B xmlnsx='1'/>"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        assert_reads(pairs[i][0], pairs[i][1]);
}

static void what_is_not(void **state)
{
    (void)state;
    static const char *const others[] = {
        /* well-formed, but rare */
        "<stream:a/>", "<a xmlns:p='urn:p'/>", "<a p:b='c'/>", "<a xml:id='b'/>", "<a>&#38;</a>",
        "<a><![CDATA[b]]></a>", "<a>b\r\nc</a>", "<a b='c\td'/>", "<a b='c\nd'/>", "<a b ='c'/>",
        "<a b= 'c'/>", "<a></a >", "<\xc3\xa4/>", "<a \xc3\xa4='b'/>", "<a\xc3\xa4/>",
        /* not well-formed */
        "", "a", "<", "<a", "<a/", "<a>", "<a><b></a></b>", "<a></b>", "<a></ab>", "<a></a", "</a>",
        "<a/><b/>", "<a/>x", "x<a/>", "<1/>", "<a b/>", "<a b=c/>", "<a b='c/>", "<a b='<'/>",
        "<a b='c'd='e'/>", "<a b='c' b='d'/>", "<a xml:lang='c' xml:lang='d'/>", "<a>]]></a>",
        "<a>0123456789abcdef]]></a>", "<a>&nbsp;</a>", "<a>&amp</a>", "<a>&</a>", "<a>\x01</a>",
        "<a b='\x01'/>", "<a>\xff</a>", "<a>\xc3</a>", "<a>\xed\xa0\x80</a>", "<a>\xef\xbf\xbf</a>",
        "<a b='\xc0\xaf'/>", "<a xmlns='urn:x' xmlns='urn:y'/>", "< a/>", "<a / >", "<a//>",
        "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns='http://www.w3.org/2000/xmlns/'/>", "<a><!-- b --></a>", "<a><?b?></a>"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (read_text(others[i]))
            print_error("taken: %s\n", others[i]);
        assert_null(read_text(others[i]));
    }
    assert_null(element_read(&arena, STR("<a\0/>")));
    assert_null(element_read(&arena, STR("<a>b\0</a>")));
    assert_null(element_read(&arena, STR("<a/>\0")));
}

static struct str nested(unsigned depth)
{
    struct buf xml = {0};
    for (unsigned i = 0; i < depth; i++)
        buf_push_str(&xml, STR("<a xmlns='urn:x'>"));
    for (unsigned i = 0; i < depth; i++)
        buf_push_str(&xml, STR("</a>"));
    struct str text = arena_str(&arena, buf_str(&xml));
    buf_fini(&xml);
    return text;
}

static struct str many_attrs(unsigned count)
{
    struct buf xml = {0};
    buf_push_str(&xml, STR("<a"));
    for (unsigned i = 0; i < count; i++)
        buf_format(&xml, " b%u='c'", i);
    buf_push_str(&xml, STR("/>"));
    struct str text = arena_str(&arena, buf_str(&xml));
    buf_fini(&xml);
    return text;
}

static void up_to_the_limits(void **state)
{
    (void)state;
    assert_non_null(element_read(&arena, nested(LIMIT_XML_DEPTH)));
    assert_null(element_read(&arena, nested(LIMIT_XML_DEPTH + 1)));
    assert_non_null(element_read(&arena, many_attrs(LIMIT_XML_ATTRIBUTES)));
    assert_null(element_read(&arena, many_attrs(LIMIT_XML_ATTRIBUTES + 1)));
}

/* Each byte that needs care at each place of blocks of sixteen, in text and in a value. */
static void care_at_each_place(void **state)
{
    (void)state;
    static const char *const cares[] = {"&amp;", "&lt;&gt;", "\xc3\xa4", "]]", "'", ">", "\n"};
    struct parser *parser = parser_new();
    for (size_t i = 0; i < COUNT_OF(cares); i++)
        for (int before = 0; before < 40; before++) {
            bool in_value = i < 4;
            struct str xml =
                arena_format(&arena, "<a b=\"%.*s%s.\">%.*s%s.</a>", before,
                             "1234567890123456789012345678901234567890", in_value ? cares[i] : "",
                             before, "1234567890123456789012345678901234567890", cares[i]);
            struct str same = arena_format(&arena, "<a c:d='' xmlns:c='urn:c'%s", xml.at + 2);
            struct element *plain = element_read(&arena, xml), *other;
            assert_non_null(plain);
            assert_int_equal(parser_element(parser, &arena, same, &other), ERR_OK);
            assert_true(str_eq(element_attr(plain, "b"), element_attr(other, "b")));
            assert_true(str_eq(element_text(&arena, plain), element_text(&arena, other)));
        }
    parser_free(parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_plain),
        TEST(what_is_not),
        TEST(up_to_the_limits),
        TEST(care_at_each_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
