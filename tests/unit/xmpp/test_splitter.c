#include "limits.h"
#include "splitter.h"
#include "xmpp_test.h"

/* What splitting gave: one letter a thing, D H E C or an error's name behind '!'. */
static struct str outcome(const char *bytes, size_t len, size_t piece)
{
    struct splitter splitter = {0};
    struct buf out = {0};
    struct str rest = {bytes, 0};
    const char *end = bytes + len;
    bool within = false;
    while (rest.at < end || rest.len) {
        if (rest.len == 0)
            rest.len = (size_t)(end - rest.at) < piece ? (size_t)(end - rest.at) : piece;
        struct split split = {SPLIT_MORE, 0, STREAM_NO_ERROR, NULL};
        if (!within)
            split = splitter_skip(&splitter, &rest);
        if (split.what != SPLIT_BAD && rest.len) {
            split = splitter_scan(&splitter, rest);
            rest.at += split.used_len;
            rest.len -= split.used_len;
            within = split.what == SPLIT_MORE;
        }
        if (split.what == SPLIT_BAD) {
            buf_format(&out, "!%s", stream_error_name(split.error));
            break;
        }
        if (split.what != SPLIT_MORE)
            buf_push(&out, &"-DHEC"[split.what], 1);
    }
    struct str text = arena_str(&arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

static void assert_splits_len(const char *bytes, size_t len, const char *expected)
{
    size_t pieces[] = {1, 2, 3, 5, 7, 64, len + 1};
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        struct str got = outcome(bytes, len, pieces[i]);
        if (!str_is(got, expected))
            print_error("%.200s in pieces of %zu\n", bytes, pieces[i]);
        assert_str(got, expected);
    }
}

static void assert_splits(const char *bytes, const char *expected)
{
    assert_splits_len(bytes, strlen(bytes), expected);
}

static void whole_streams(void **state)
{
    (void)state;
    assert_splits("", "");
    assert_splits("<?xml version='1.0'?><s:s a='b'><a/><b>c</b> <d e='>'/>\n</s:s>", "DHEEEC");
    assert_splits("<s><a><b/><b></b>x</a></s>", "HEC");
    assert_splits("<s><a x=\"'>\" y='\">'/></s>", "HEC");
    assert_splits("<s ><a/ ><b/>", "H!not-well-formed");
    assert_splits("<s><a></a ></s >", "HEC");
    assert_splits(" \r\n\t<?xml version='1.0'?> <s>", "DH");
    assert_splits("\xef\xbb\xbf<?xml version='1.0'?><s>", "DH");
    assert_splits("\xef\xbb\xbf <s>", "H");
}

static void marked_text(void **state)
{
    (void)state;
    assert_splits("<s><a><![CDATA[</a>]]></a><b/>", "HEE");
    assert_splits("<s><a><![CDATA[]]]]><![CDATA[>]]]></a><b/>", "HEE");
    assert_splits("<s><a><![CDATA[]]></a>", "HE");
    assert_splits("<s><a><![CDATA[ ]x ]]x ]> ]]]></a>", "HE");
    assert_splits("<s><a><![CDAT]]></a>", "H!not-well-formed");
    assert_splits("<s><a>]]&gt; ]] ></a>", "HE");
}

static void forbidden_things(void **state)
{
    (void)state;
    assert_splits("<!DOCTYPE x>", "!restricted-xml");
    assert_splits("<?xml version='1.0'?><!DOCTYPE x>", "D!restricted-xml");
    assert_splits("<s><!ENTITY x 'y'>", "H!restricted-xml");
    assert_splits("<s><a><!-- x --></a>", "H!restricted-xml");
    assert_splits("<!-- x -->", "!restricted-xml");
    assert_splits("<s><?php x?>", "H!restricted-xml");
    assert_splits("<s><a><?xml version='1.0'?></a>", "H!restricted-xml");
    assert_splits("<?xml version='1.0'?><?xml version='1.0'?>", "D!restricted-xml");
    assert_splits("<?xslt?>", "!restricted-xml");
    assert_splits("<s><![CDATA[x]]>", "H!bad-format");
    assert_splits("<![CDATA[x]]>", "!not-well-formed");
}

static void text_between(void **state)
{
    (void)state;
    assert_splits("GET / HTTP/1.1\r\n", "!not-well-formed");
    assert_splits("<s>x", "H!bad-format");
    assert_splits("<s><a/> <b/> &amp;", "HEE!bad-format");
    assert_splits("<s>\xef\xbb\xbf<a/>", "H!bad-format");
    assert_splits("\xff\xfe<\x01", "!unsupported-encoding");
    assert_splits("\xfe\xff", "!unsupported-encoding");
    assert_splits("\xef\xbb", "");
    assert_splits("\xef\xbb<s>", "!not-well-formed");
    assert_splits("\xef\xbb\xbf\xef\xbb\xbf<s>", "!not-well-formed");
    assert_splits_len("<s>\0", 4, "H!bad-format");
    assert_splits_len("\0<s>", 4, "!not-well-formed");
}

static void broken_tags(void **state)
{
    (void)state;
    assert_splits("<s><a<b>", "H!not-well-formed");
    assert_splits("<s></a b/>", "H!not-well-formed");
    assert_splits("<s></a='x'>", "H!not-well-formed");
    assert_splits("<s><a></a<", "H!not-well-formed");
    assert_splits("<s>< a>", "H!not-well-formed");
    assert_splits("<s><='x'>", "H!not-well-formed");
    assert_splits("<s><>", "H!not-well-formed");
    assert_splits("</s>", "!not-well-formed");
    assert_splits("<s/>", "!bad-format");
    assert_splits("<?xml x?y?>", "!not-well-formed");
}

static struct str repeated(const char *before, const char *what, size_t count, const char *after)
{
    struct buf out = {0};
    buf_push_str(&out, str_of(before));
    for (size_t i = 0; i < count; i++)
        buf_push_str(&out, str_of(what));
    buf_push_str(&out, str_of(after));
    struct str text = arena_str(&arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

static void assert_limit(const char *before, const char *what, size_t most, const char *after)
{
    struct str right = repeated(before, what, most, after);
    assert_str(outcome(right.at, right.len, right.len), "HE");
    assert_str(outcome(right.at, right.len, 1), "HE");
    struct str wrong = repeated(before, what, most + 1, after);
    assert_str(outcome(wrong.at, wrong.len, wrong.len), "H!policy-violation");
    assert_str(outcome(wrong.at, wrong.len, 1), "H!policy-violation");
}

static void limits_hold(void **state)
{
    (void)state;
    struct str close = repeated("", "</a>", LIMIT_XML_DEPTH, "");
    struct str deep = repeated("<s>", "<a>", LIMIT_XML_DEPTH, close.at);
    assert_str(outcome(deep.at, deep.len, 3), "HE");
    deep = repeated("<s>", "<a>", LIMIT_XML_DEPTH, "<a/>");
    assert_str(outcome(deep.at, deep.len, 3), "H!policy-violation");
    assert_limit("<s><a", " x=''", LIMIT_XML_ATTRIBUTES, "/>");
    assert_limit("<s><a>", "<b/>", LIMIT_XML_NODES - 1, "</a>");
    assert_limit("<s><a>", "x<b/>", (LIMIT_XML_NODES - 1) / 2, "</a>");
    assert_limit("<s><a>", "<b x=''/>", (LIMIT_XML_NODES - 1) / 2, "</a>");
    assert_limit("<s><", "n", LIMIT_XML_NAME, "/>");
    assert_limit("<s><a ", "n", LIMIT_XML_NAME, "=''/>");
    assert_limit("<s><a></", "n", LIMIT_XML_NAME, " >");
}

/* The counts belong to one element and one tag. */
static void counts_begin_anew(void **state)
{
    (void)state;
    struct str tag = repeated("<a", " x=''", LIMIT_XML_ATTRIBUTES, "/>");
    struct str all = repeated("<s>", tag.at, 100, "");
    struct str got = outcome(all.at, all.len, 7);
    assert_int_equal(got.len, 101);
    assert_null(memchr(got.at, '!', got.len));
    struct str one_text = repeated("<s><a>x", "<![CDATA[]]>y", LIMIT_XML_NODES + 1, "</a>");
    assert_str(outcome(one_text.at, one_text.len, 5), "HE");
    struct str spaces = repeated("<s><a", " ", 100000, "b='c'/>");
    assert_str(outcome(spaces.at, spaces.len, 1), "HE");
}

static void names_of_tags(void **state)
{
    (void)state;
    assert_str(splitter_tag_name(STR("<stream:stream a='b'>")), "stream:stream");
    assert_str(splitter_tag_name(STR("<s>")), "s");
    assert_str(splitter_tag_name(STR("<s/>")), "s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_streams), TEST(marked_text), TEST(forbidden_things),  TEST(text_between),
        TEST(broken_tags),   TEST(limits_hold), TEST(counts_begin_anew), TEST(names_of_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
