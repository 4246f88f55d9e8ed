#include "limits.h"
#include "stream_play.h"

static void a_session(void **state)
{
    (void)state;
    assert_plays("<?xml version='1.0' encoding='UTF-8'?>" HEADER
                 "\n<message to='a@b'><body>hi &amp; "
                 "&#x263A; <![CDATA[<b>]]></body></message> <presence/>\n"
                 "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq></stream:stream>",
                 OPEN "<message to='a@b'><body>hi &amp; \xe2\x98\xba &lt;b&gt;</body></message>\n"
                      "<presence/>\n<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>\n"
                      "close\n");
}

static void declarations(void **state)
{
    (void)state;
    assert_plays("<?xml version='1.0'?>" HEADER, OPEN);
    assert_plays("<?xml version = \"1.0\" encoding='utf-8' standalone='yes' ?>" HEADER, OPEN);
    assert_plays("\xef\xbb\xbf<?xml version='1.0'?>\n" HEADER, OPEN);
    assert_plays("<?xml version='1.1'?>" HEADER, "bad not-well-formed\n");
    assert_plays("<?xml?>" HEADER, "bad not-well-formed\n");
    assert_plays("<?xmlversion='1.0'?>", "bad not-well-formed\n");
    assert_plays("<?xml version='1.0'encoding='UTF-8'?>", "bad not-well-formed\n");
    assert_plays("<?xml encoding='UTF-8' version='1.0'?>", "bad not-well-formed\n");
    assert_plays("<?xml version='1.0' standalone='maybe'?>", "bad not-well-formed\n");
    assert_plays("<?xml version='1.0' x='y'?>", "bad not-well-formed\n");
    assert_plays("<?xml version='1.0\"?>", "bad not-well-formed\n");
    assert_plays("<?xml version='1.0' encoding='UTF-8?>", "bad not-well-formed\n");
    assert_plays("<?xml version='1.0' encoding='UTF-16'?>", "bad unsupported-encoding\n");
    assert_plays("<?xml version='1.0' encoding='ISO-8859-1'?>", "bad unsupported-encoding\n");
}

static void headers(void **state)
{
    (void)state;
    assert_plays("<foo>", "bad bad-format\n");
    assert_plays("<message xmlns='jabber:client'><body/></message>", "bad bad-format\n");
    assert_plays("GET / HTTP/1.0\r\n\r\n", "bad not-well-formed\n");
    assert_plays("<stream:stream xmlns='jabber:client'>", "bad not-well-formed\n");
    assert_plays("<stream:stream xmlns='jabber:client' xmlns:stream='urn:x'>",
                 "bad invalid-namespace\n");
    assert_plays("<stream:x xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
                 "bad bad-format\n");
    assert_plays("<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>",
                 "bad invalid-namespace\n");
    assert_plays("<stream:stream xmlns='urn:x' xmlns:stream='http://etherx.jabber.org/streams'>",
                 "bad invalid-namespace\n");
    assert_plays("<stream xmlns='http://etherx.jabber.org/streams'>", "bad invalid-namespace\n");
    assert_plays("<stream xmlns='jabber:client'>", "bad invalid-namespace\n");
    assert_plays("<stream:stream xmlns='jabber:client' xmlns='jabber:client'>",
                 "bad not-well-formed\n");
    assert_plays("<stream:stream xmlns='jabber:client' "
                 "xmlns:stream='http://etherx.jabber.org/streams'/>",
                 "bad bad-format\n");
    assert_plays("</stream:stream>", "bad not-well-formed\n");
}

static void the_namespace_of_the_content(void **state)
{
    (void)state;
    struct stream_in in = {0};
    struct stream_item item;
    struct str client = STR(HEADER);
    assert_int_equal(stream_in_next(&in, parser, &arena, &client, &item), STREAM_OPEN);
    assert_int_equal(item.content_ns, NS_CLIENT);
    assert_null(in.declarations);
    assert_str(item.raw, HEADER);
    stream_in_restart(&in);
    struct str server = STR("<s:stream xmlns='jabber:server' "
                            "xmlns:s='http://etherx.jabber.org/streams'><message/></s:stream>");
    assert_int_equal(stream_in_next(&in, parser, &arena, &server, &item), STREAM_OPEN);
    assert_int_equal(item.content_ns, NS_SERVER);
    assert_int_equal(stream_in_next(&in, parser, &arena, &server, &item), STREAM_ELEMENT);
    assert_int_equal(item.element->ns, NS_SERVER);
    assert_int_equal(stream_in_next(&in, parser, &arena, &server, &item), STREAM_CLOSE);
    stream_in_fini(&in);
}

#define OTHER_HEADER                                                                               \
    "<x:stream xmlns='jabber:client' xmlns:x='http://etherx.jabber.org/streams' "                  \
    "xmlns:db='urn:db' xmlns:p='urn:xmpp:ping'>"
#define OTHER_OPEN "<stream xmlns='http://etherx.jabber.org/streams'/>\n"

static void prefixes_of_the_header(void **state)
{
    (void)state;
    assert_plays(OTHER_HEADER "<db:result from='a'>key</db:result><iq><p:ping/></iq>"
                              "<message db:x='y'/><x:error/></x:stream >",
                 OTHER_OPEN "<result xmlns='urn:db' from='a'>key</result>\n"
                            "<iq><ping xmlns='urn:xmpp:ping'/></iq>\n"
                            "<message xmlns:ns1='urn:db' ns1:x='y'/>\n"
                            "<stream:error/>\nclose\n");
    /* "stream" is not bound there, and the end tag is another's */
    assert_plays(OTHER_HEADER "<stream:error/>", OTHER_OPEN "bad not-well-formed\n");
    assert_plays(OTHER_HEADER "</stream:stream>", OTHER_OPEN "bad not-well-formed\n");
    /* nothing of it reaches another stream */
    assert_inside("<db:result/>", "bad not-well-formed");
}

/* Trees do not point into a stream that ends before they do. */
static void trees_outlive_the_stream(void **state)
{
    (void)state;
    struct stream_in in = {0};
    struct stream_item item;
    struct str input = arena_str(&arena, STR(OTHER_HEADER "<db:a db:b='c'><db:d/></db:a>"));
    struct buf out = {0};
    assert_int_equal(stream_in_next(&in, parser, &arena, &input, &item), STREAM_OPEN);
    assert_int_equal(stream_in_next(&in, parser, &arena, &input, &item), STREAM_ELEMENT);
    stream_in_fini(&in);
    element_write(&out, item.element, NS_CLIENT);
    assert_str(buf_str(&out), "<a xmlns='urn:db' xmlns:ns1='urn:db' ns1:b='c'><d/></a>");
    buf_fini(&out);
}

/* Plays an attack in pieces; the stream must end with `error` and hold little meanwhile. */
static void assert_refused(struct str attack, size_t piece, const char *error)
{
    struct play play = {0};
    play_piece(&play, STR(HEADER));
    buf_fini(&play.lines);
    size_t used = 0;
    while (used < attack.len && !play.in.over) {
        size_t len = attack.len - used < piece ? attack.len - used : piece;
        play_piece(&play, (struct str){attack.at + used, len});
        used += len;
    }
    assert_true(play.in.over);
    assert_true(used <= LIMIT_PREAUTH_STANZA + piece);
    assert_true(play.max_room <= LIMIT_PREAUTH_STANZA);
    assert_str(buf_str(&play.lines), arena_format(&arena, "bad %s\n", error).at);
    buf_fini(&play.lines);
    stream_in_fini(&play.in);
}

/* X2: too much of everything. */
static void floods(void **state)
{
    (void)state;
    size_t million = 1000000;
    size_t pieces[] = {1, 100, 4096};
    struct str attacks[] = {
        repeated("", "<a>", million, ""),
        repeated("<a", " b='c'", million, ""),
        repeated("<a>", "<b/>", million, ""),
        repeated("<a b='", "x", million, ""),
        repeated("<", "x", million, ""),
        repeated("<a ", "x", million, ""),
        repeated("<a", " ", million, ""),
        repeated("<a>", "x", million, ""),
        repeated("<a>", "<![CDATA[x]]>", million, ""),
        repeated("<a><![CDATA[", "]", million, ""),
        repeated("</", "x", million, ""),
        repeated("</stream:stream", " ", million, ""),
    };
    for (size_t i = 0; i < COUNT_OF(attacks); i++)
        for (size_t k = 0; k < COUNT_OF(pieces); k++)
            assert_refused(attacks[i], pieces[k], "policy-violation");
}

static void headers_without_end(void **state)
{
    (void)state;
    struct str attacks[] = {
        repeated("<stream:stream a='", "x", 100000, ""),
        repeated("<?xml version='1.0'", " ", 100000, ""),
    };
    for (size_t i = 0; i < COUNT_OF(attacks); i++) {
        assert_str(play(attacks[i], 1, 1), "bad policy-violation\n");
        assert_str(play(attacks[i], 4096, 4096), "bad policy-violation\n");
    }
}

/* White space between stanzas is no stanza. */
static void spaces_cost_nothing(void **state)
{
    (void)state;
    struct play play = {0};
    struct str spaces = repeated("", " \r\n\t", 100000, "");
    play_piece(&play, STR(HEADER));
    play_piece(&play, spaces);
    assert_int_equal(play.in.partial.room, 0);
    play_piece(&play, STR("<a/>"));
    assert_int_equal(play.in.partial.room, 0);
    assert_str(buf_str(&play.lines), OPEN "<a/>\n");
    buf_fini(&play.lines);
    stream_in_fini(&play.in);
}

static void the_longest_stanza(void **state)
{
    (void)state;
    for (uint32_t limit = 0; limit < 3; limit++) {
        size_t most = limit ? limit * 1000 : LIMIT_PREAUTH_STANZA, extra = strlen("<a></a>");
        struct str right = repeated("<a>", "x", most - extra, "</a>");
        struct str wrong = repeated("<a>", "x", most - extra + 1, "</a>");
        for (size_t piece = 1; piece <= wrong.len; piece += 97) {
            struct stream_in in = {.limit_len = limit * 1000};
            struct stream_item item;
            struct str header = STR(HEADER);
            assert_int_equal(stream_in_next(&in, parser, &arena, &header, &item), STREAM_OPEN);
            struct str head = {right.at, piece < right.len ? piece : right.len};
            struct str tail = {right.at + head.len, right.len - head.len};
            enum stream_event event = stream_in_next(&in, parser, &arena, &head, &item);
            if (event == STREAM_MORE)
                event = stream_in_next(&in, parser, &arena, &tail, &item);
            assert_int_equal(event, STREAM_ELEMENT);
            assert_int_equal(item.raw.len, most);
            head = (struct str){wrong.at, piece};
            tail = (struct str){wrong.at + piece, wrong.len - piece};
            event = stream_in_next(&in, parser, &arena, &head, &item);
            if (event == STREAM_MORE)
                event = stream_in_next(&in, parser, &arena, &tail, &item);
            assert_int_equal(event, STREAM_BAD);
            assert_int_equal(item.error, STREAM_POLICY_VIOLATION);
            assert_string_equal(item.text, "stanza too big");
            stream_in_fini(&in);
            arena_fini(&arena);
            arena_init(&arena);
            right = repeated("<a>", "x", most - extra, "</a>");
            wrong = repeated("<a>", "x", most - extra + 1, "</a>");
        }
    }
}

/* Byte by byte, a megabyte takes a million steps: were it scanned again at each, this would not end
 * within the test's time. */
static void drops_of_a_big_stanza(void **state)
{
    (void)state;
    struct stream_in in = {.limit_len = 2000000};
    struct stream_item item;
    struct str xml = repeated(HEADER "<a b='", "x", 500000, "'>");
    struct str tail = repeated("", "y", 500000, "</a>");
    xml = arena_format(&arena, "%.*s%.*s", STR_ARG(xml), STR_ARG(tail));
    enum stream_event event = STREAM_MORE;
    for (size_t i = 0; i < xml.len; i++) {
        struct str byte = {xml.at + i, 1};
        event = stream_in_next(&in, parser, &arena, &byte, &item);
    }
    assert_int_equal(event, STREAM_ELEMENT);
    assert_int_equal(element_text(&arena, item.element).len, 500000);
    stream_in_fini(&in);
}

static void restarts(void **state)
{
    (void)state;
    struct stream_in in = {.limit_len = 5000};
    struct stream_item item;
    struct str input = STR(HEADER "<a/><b");
    assert_int_equal(stream_in_next(&in, parser, &arena, &input, &item), STREAM_OPEN);
    assert_int_equal(stream_in_next(&in, parser, &arena, &input, &item), STREAM_ELEMENT);
    assert_false(stream_in_partial(&in));
    assert_int_equal(stream_in_next(&in, parser, &arena, &input, &item), STREAM_MORE);
    assert_true(stream_in_partial(&in));
    stream_in_restart(&in);
    assert_false(stream_in_partial(&in));
    assert_int_equal(in.limit_len, 5000);
    input = STR("<?xml version='1.0'?>" HEADER "<a/></stream:stream><never/>");
    assert_int_equal(stream_in_next(&in, parser, &arena, &input, &item), STREAM_OPEN);
    assert_int_equal(stream_in_next(&in, parser, &arena, &input, &item), STREAM_ELEMENT);
    assert_int_equal(stream_in_next(&in, parser, &arena, &input, &item), STREAM_CLOSE);
    assert_int_equal(stream_in_next(&in, parser, &arena, &input, &item), STREAM_MORE);
    assert_int_equal(input.len, 0);
    stream_in_fini(&in);
}

static void what_is_bad_stays_bad(void **state)
{
    (void)state;
    struct stream_in in = {0};
    struct stream_item item;
    struct str input = STR("<foo>" HEADER "<a/>");
    assert_int_equal(stream_in_next(&in, parser, &arena, &input, &item), STREAM_BAD);
    assert_int_equal(stream_in_next(&in, parser, &arena, &input, &item), STREAM_MORE);
    assert_int_equal(input.len, 0);
    input = STR(HEADER);
    assert_int_equal(stream_in_next(&in, parser, &arena, &input, &item), STREAM_MORE);
    stream_in_fini(&in);
}

static void raw_bytes(void **state)
{
    (void)state;
    struct stream_in in = {0};
    struct stream_item item;
    struct str whole = STR(HEADER "<a  b = 'c' /><d>"), tail = STR("</d> <e/>");
    assert_int_equal(stream_in_next(&in, parser, &arena, &whole, &item), STREAM_OPEN);
    assert_int_equal(stream_in_next(&in, parser, &arena, &whole, &item), STREAM_ELEMENT);
    assert_str(item.raw, "<a  b = 'c' />");
    assert_int_equal(stream_in_next(&in, parser, &arena, &whole, &item), STREAM_MORE);
    assert_int_equal(stream_in_next(&in, parser, &arena, &tail, &item), STREAM_ELEMENT);
    assert_str(item.raw, "<d></d>");
    assert_false(stream_in_partial(&in));
    assert_int_equal(stream_in_next(&in, parser, &arena, &tail, &item), STREAM_ELEMENT);
    assert_str(item.raw, "<e/>");
    assert_int_equal(stream_in_next(&in, parser, &arena, &tail, &item), STREAM_MORE);
    assert_int_equal(in.partial.room, 0); /* an idle stream holds nothing */
    stream_in_fini(&in);
}

static void one_parser_for_many_streams(void **state)
{
    (void)state;
    struct play streams[10] = {0};
    struct str bytes = STR(HEADER "<a><b x='&lt;'>text</b></a><c/>");
    for (size_t at = 0; at < bytes.len; at++)
        for (size_t i = 0; i < COUNT_OF(streams); i++)
            play_piece(&streams[i], (struct str){bytes.at + at, 1});
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        assert_str(buf_str(&streams[i].lines), OPEN "<a><b x='&lt;'>text</b></a>\n<c/>\n");
        buf_fini(&streams[i].lines);
        stream_in_fini(&streams[i].in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session),
        TEST(declarations),
        TEST(headers),
        TEST(the_namespace_of_the_content),
        TEST(prefixes_of_the_header),
        TEST(trees_outlive_the_stream),
        TEST(floods),
        TEST(headers_without_end),
        TEST(spaces_cost_nothing),
        TEST(the_longest_stanza),
        TEST(drops_of_a_big_stanza),
        TEST(restarts),
        TEST(what_is_bad_stays_bad),
        TEST(raw_bytes),
        TEST(one_parser_for_many_streams),
    };
    return cmocka_run_group_tests(tests, up, down);
}
