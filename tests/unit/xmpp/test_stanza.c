#include "parser.h"
#include "stanza.h"
#include "xmpp_test.h"

static struct parser *parser;

static struct element *parse(const char *xml)
{
    struct element *element;
    assert_int_equal(parser_element(parser, &arena, str_of(xml), &element), ERR_OK);
    return element;
}

static void assert_written(const struct element *element, const char *expected)
{
    struct buf out = {0};
    element_write(&out, element, NS_CLIENT);
    assert_str(buf_str(&out), expected);
    buf_fini(&out);
}

static void kinds(void **state)
{
    (void)state;
    assert_int_equal(stanza_kind(parse("<message/>")), STANZA_MESSAGE);
    assert_int_equal(stanza_kind(parse("<presence/>")), STANZA_PRESENCE);
    assert_int_equal(stanza_kind(parse("<iq/>")), STANZA_IQ);
    assert_int_equal(stanza_kind(parse("<body/>")), STANZA_NONE);
    assert_int_equal(stanza_kind(parse("<message xmlns='urn:x'/>")), STANZA_NONE);
    assert_int_equal(stanza_kind(parse("<message xmlns='jabber:server'/>")), STANZA_NONE);
}

static void types(void **state)
{
    (void)state;
    static const struct {
        const char *xml;
        enum stanza_type type;
    } cases[] = {
        {"<message/>", TYPE_NORMAL},
        {"<message type='normal'/>", TYPE_NORMAL},
        {"<message type='chat'/>", TYPE_CHAT},
        {"<message type='groupchat'/>", TYPE_GROUPCHAT},
        {"<message type='headline'/>", TYPE_HEADLINE},
        {"<message type='error'/>", TYPE_ERROR},
        {"<message type='get'/>", TYPE_NORMAL},
        {"<message type=''/>", TYPE_NORMAL},
        {"<presence/>", TYPE_AVAILABLE},
        {"<presence type='available'/>", TYPE_UNKNOWN},
        {"<presence type=''/>", TYPE_UNKNOWN},
        {"<presence type='unavailable'/>", TYPE_UNAVAILABLE},
        {"<presence type='subscribe'/>", TYPE_SUBSCRIBE},
        {"<presence type='subscribed'/>", TYPE_SUBSCRIBED},
        {"<presence type='unsubscribe'/>", TYPE_UNSUBSCRIBE},
        {"<presence type='unsubscribed'/>", TYPE_UNSUBSCRIBED},
        {"<presence type='probe'/>", TYPE_PROBE},
        {"<presence type='error'/>", TYPE_ERROR},
        {"<iq type='get'/>", TYPE_GET},
        {"<iq type='set'/>", TYPE_SET},
        {"<iq type='result'/>", TYPE_RESULT},
        {"<iq type='error'/>", TYPE_ERROR},
        {"<iq/>", TYPE_UNKNOWN},
        {"<iq type='chat'/>", TYPE_UNKNOWN},
        {"<iq type='GET'/>", TYPE_UNKNOWN},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct element *stanza = parse(cases[i].xml);
        assert_int_equal(stanza_type(stanza, stanza_kind(stanza)), cases[i].type);
    }
}

static void results(void **state)
{
    (void)state;
    assert_written(stanza_result(&arena, parse("<iq type='get' id='1' from='a@b/c' to='b' "
                                               "xml:lang='en'><query xmlns='urn:x'/></iq>")),
                   "<iq from='b' to='a@b/c' id='1' type='result'/>");
    assert_written(stanza_result(&arena, parse("<iq type='get' id='1'/>")),
                   "<iq id='1' type='result'/>");
}

static void errors(void **state)
{
    (void)state;
    struct element *iq = parse("<iq type='set' id='1' from='a' to='b'><query xmlns='urn:x'>text"
                               "</query></iq>");
    assert_written(stanza_error(&arena, iq, STANZA_FORBIDDEN, NULL),
                   "<iq from='b' to='a' id='1' type='error'><query xmlns='urn:x'>text</query>"
                   "<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                   "</error></iq>");
    struct element *message = parse("<message><body>x</body><error/></message>"), *error;
    struct element *back =
        stanza_error_with(&arena, message, STANZA_NOT_ACCEPTABLE, "why & how", &error);
    element_add(&arena, error, NS_BLOCKING, "blocked");
    assert_written(back, "<message type='error'><body>x</body><error type='modify'>"
                         "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                         "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>why &amp; how</text>"
                         "<blocked xmlns='urn:xmpp:blocking'/></error></message>");
    assert_written(message, "<message><body>x</body><error/></message>");
}

static void answers_stand_alone(void **state)
{
    (void)state;
    struct arena own;
    struct element *iq, *back;
    arena_init(&own);
    assert_int_equal(
        parser_element(parser, &own, STR("<iq id='1' from='a'><b c='d'>e</b></iq>"), &iq), ERR_OK);
    back = stanza_error(&arena, iq, STANZA_BAD_REQUEST, NULL);
    arena_fini(&own);
    assert_written(back, "<iq to='a' id='1' type='error'><b c='d'>e</b><error type='modify'>"
                         "<bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
}

static void stream_errors(void **state)
{
    (void)state;
    assert_written(stream_error_element(&arena, STREAM_CONFLICT, NULL),
                   "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                   "</stream:error>");
    assert_written(stream_error_element(&arena, STREAM_POLICY_VIOLATION, "too big"),
                   "<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                   "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>too big</text>"
                   "</stream:error>");
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
        TEST(kinds),         TEST(types), TEST(results), TEST(errors), TEST(answers_stand_alone),
        TEST(stream_errors),
    };
    return cmocka_run_group_tests(tests, up, down);
}
