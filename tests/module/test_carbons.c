/* Module carbons: who gets copies of which messages (XEP-0280, carbons:rules:0). */
#include "stage.h"

static struct actor me, desk, you;

#define ENABLE "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>"

static int up(void **state)
{
    (void)state;
    stage_open("{carbons: {}, disco: {}}", "");
    me = stage_login("me", "r");
    desk = stage_login("me", "desk");
    you = stage_login("you", "r");
    assert_has(stage_ask(&desk, ENABLE), "<iq to='me@localhost/desk' id='c' type='result'/>");
    return 0;
}

static int down(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

static const char *message(const char *to, const char *type, const char *inside)
{
    static char xml[512];
    snprintf(xml, sizeof xml, "<message to='%s' type='%s' id='m'>%s</message>", to, type, inside);
    return xml;
}

/* What `desk` hears of a message that `me` sends. */
static const char *sent(const char *type, const char *inside)
{
    stage_feed(&me, message("you@localhost/r", type, inside));
    stage_written(&you);
    return stage_written(&desk);
}

/* What `desk` hears of a message that `me` gets. */
static const char *received(const char *type, const char *inside)
{
    stage_feed(&you, message("me@localhost/r", type, inside));
    assert_has(stage_written(&me), "id='m'");
    return stage_written(&desk);
}

static void copies_look_as_they_should(void **state)
{
    (void)state;
    assert_string_equal(
        sent("chat", "<body>x</body>"),
        "<message from='me@localhost' to='me@localhost/desk' type='chat'>"
        "<sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
        "<message xmlns='jabber:client' to='you@localhost/r' type='chat' id='m' "
        "from='me@localhost/r'><body>x</body></message></forwarded></sent></message>");
    assert_string_equal(
        received("chat", "<body>y</body>"),
        "<message from='me@localhost' to='me@localhost/desk' type='chat'>"
        "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
        "<message xmlns='jabber:client' to='me@localhost/r' type='chat' id='m' "
        "from='you@localhost/r'><body>y</body></message></forwarded></received></message>");
    assert_int_equal(stage_counted("carbons_sent_total"), 1);
    assert_int_equal(stage_counted("carbons_received_total"), 1);
}

static void only_what_is_eligible_is_copied(void **state)
{
    (void)state;
    static const char invite[] = "<x xmlns='http://jabber.org/protocol/muc#user'>"
                                 "<invite from='a@b'/></x>",
                      in_room[] = "<body>x</body><x xmlns='http://jabber.org/protocol/muc#user'/>";
    static const struct {
        const char *type, *inside;
        bool sent, received;
    } rows[] = {
        {"chat", "", true, true},
        {"normal", "", false, false},
        {"normal", "<body>x</body>", true, true},
        {"normal", "<x xmlns='urn:example:x'/>", false, false},
        {"normal", "<received xmlns='urn:xmpp:receipts' id='1'/>", true, true},
        {"normal", "<active xmlns='http://jabber.org/protocol/chatstates'/>", true, true},
        {"normal", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", true, true},
        {"normal", invite, true, true},
        {"normal", "<x xmlns='jabber:x:conference' jid='a@b'/>", true, true},
        {"chat", in_room, true, false},
        {"headline", "<body>x</body>", false, false},
        {"groupchat", "<body>x</body>", false, false},
        {"error", "<body>x</body><error type='cancel'/>", true, true},
        {"error", "<error type='cancel'/>", false, false},
        {"chat", "<body>x</body><private xmlns='urn:xmpp:carbons:2'/>", false, false},
        {"chat", "<body>x</body><no-copy xmlns='urn:xmpp:hints'/>", false, false},
        {"chat", "<sent xmlns='urn:xmpp:carbons:2'/>", false, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(sent(rows[i].type, rows[i].inside)[0] != 0, rows[i].sent);
        assert_int_equal(received(rows[i].type, rows[i].inside)[0] != 0, rows[i].received);
    }
}

static void who_gets_the_message_gets_no_copy(void **state)
{
    (void)state;
    struct actor away = stage_login("me", "away");
    stage_ask(&away, ENABLE);
    stage_ask(&me, ENABLE);
    away.session->priority = -1;
    stage_feed(&you, message("me@localhost", "chat", "<body>x</body>"));
    assert_lacks(stage_written(&me), "carbons");
    assert_lacks(stage_written(&desk), "carbons");
    assert_has(stage_written(&away), "<received xmlns='urn:xmpp:carbons:2'>");
    /* to a resource that is not there: as to the bare JID */
    stage_feed(&you, message("me@localhost/gone", "chat", "<body>x</body>"));
    assert_lacks(stage_written(&me), "carbons");
    assert_has(stage_written(&away), "<received xmlns='urn:xmpp:carbons:2'>");
    /* from oneself: never a copy for the sender, never a `sent` */
    stage_feed(&me, message("me@localhost/desk", "chat", "<body>x</body>"));
    assert_string_equal(stage_written(&me), "");
    assert_lacks(stage_written(&desk), "carbons");
    const char *copy = stage_written(&away);
    assert_has(copy, "<received xmlns='urn:xmpp:carbons:2'>");
    assert_lacks(copy, "<sent");
}

static void nobody_gets_it_nobody_gets_a_copy(void **state)
{
    (void)state;
    me.session->available = false;
    desk.session->priority = -1;
    stage_feed(&you, message("me@localhost", "chat", "<body>x</body>"));
    assert_has(stage_written(&you), "<service-unavailable ");
    assert_string_equal(stage_written(&desk), "");
}

static void it_can_be_switched(void **state)
{
    (void)state;
    assert_has(stage_ask(&desk, ENABLE), "type='result'");
    assert_has(stage_ask(&desk, "<iq type='set' id='d'><disable xmlns='urn:xmpp:carbons:2'/></iq>"),
               "type='result'");
    assert_string_equal(sent("chat", "<body>x</body>"), "");
    assert_has(stage_ask(&desk, "<iq type='set' id='e' to='you@localhost'>"
                                "<enable xmlns='urn:xmpp:carbons:2'/></iq>"),
               "<service-unavailable ");
    assert_string_equal(received("chat", "<body>x</body>"), "");
}

/* A copy that finds its resource gone is dropped, not given to others. */
static void a_copy_is_for_one_resource(void **state)
{
    (void)state;
    stage_feed(&me, message("you@localhost/r", "chat", "<body>x</body>"));
    session_end(desk.session, STREAM_CONFLICT, NULL);
    assert_lacks(stage_written(&me), "carbons");
    assert_has(stage_written(&you), "<body>x</body>");
}

static void features_are_told(void **state)
{
    (void)state;
    const char *info =
        stage_ask(&me, "<iq type='get' id='i' to='localhost'>"
                       "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    assert_has(info, "<feature var='urn:xmpp:carbons:2'/>");
    assert_has(info, "<feature var='urn:xmpp:carbons:rules:0'/>");
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(copies_look_as_they_should),
        STAGE_TEST(only_what_is_eligible_is_copied),
        STAGE_TEST(who_gets_the_message_gets_no_copy),
        STAGE_TEST(nobody_gets_it_nobody_gets_a_copy),
        STAGE_TEST(it_can_be_switched),
        STAGE_TEST(a_copy_is_for_one_resource),
        STAGE_TEST(features_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
