/* Module last: how long the server is up, and when a user was last there (XEP-0012). */
#include "stage.h"

#include <stdlib.h>

static const char get[] =
    "<iq type='get' id='l' to='localhost'><query xmlns='jabber:iq:last'/></iq>";

static uint64_t seconds_of(const char *answer)
{
    const char *at = strstr(answer, "seconds='");
    assert_non_null(at);
    return strtoull(at + strlen("seconds='"), NULL, 10);
}

static void tells_how_long_the_server_is_up(void **state)
{
    (void)state;
    stage_open("{last: {}}", "");
    struct actor me = stage_login("me", "r");
    assert_has(stage_ask(&me, get), "<iq from='localhost' to='me@localhost/r' id='l' "
                                    "type='result'><query xmlns='jabber:iq:last' seconds='");
    uint64_t before = seconds_of(stage_answers(&me, get));
    stage_pass(500);
    assert_in_range(seconds_of(stage_answers(&me, get)) - before, 0, 1);
    stage_pass(90000);
    assert_in_range(seconds_of(stage_answers(&me, get)) - before, 90, 91);
    shard_at(0)->unix_us -= 3600000000; /* the wall clock has no say */
    assert_in_range(seconds_of(stage_answers(&me, get)) - before, 90, 91);
    stage_close();
}

static void what_is_asked_wrongly_is_refused(void **state)
{
    (void)state;
    stage_open("{last: {}}", "");
    struct actor me = stage_login("me", "r");
    assert_has(stage_ask(&me, "<iq type='set' id='l' to='localhost'>"
                              "<query xmlns='jabber:iq:last'/></iq>"),
               "<service-unavailable " STANZAS "/>");
    assert_has(stage_ask(&me, "<iq type='set' id='l'><query xmlns='jabber:iq:last'/></iq>"),
               "<service-unavailable " STANZAS "/>");
    /* nobody has told who may know */
    assert_has(stage_ask(&me, "<iq type='get' id='l' to='you@localhost'>"
                              "<query xmlns='jabber:iq:last'/></iq>"),
               "<forbidden ");
    stage_close();
}

/* --- Of users --- */

static struct actor me, you;

#define OF_YOU "<iq type='get' id='l' to='you@localhost'><query xmlns='jabber:iq:last'/></iq>"

static int up(void **state)
{
    (void)state;
    stage_open("{last: {}, presence: {}, roster: {}, blocking: {}}", "");
    stage_account("me");
    stage_account("you");
    me = stage_login("me", "r");
    you = stage_login("you", "r");
    stage_ask(&me, "<presence/>");
    stage_ask(&you, "<presence/>");
    stage_ask(&me, "<presence type='subscribe' to='you@localhost'/>");
    stage_ask(&you, "<presence type='subscribed' to='me@localhost'/>");
    stage_written(&me);
    stage_written(&you);
    return 0;
}

static int down(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

static void a_user_who_is_there(void **state)
{
    (void)state;
    assert_has(stage_ask(&me, OF_YOU), "<iq from='you@localhost' to='me@localhost/r' id='l' "
                                       "type='result'><query xmlns='jabber:iq:last' seconds='0'/>");
    assert_has(stage_ask(&you, "<iq type='get' id='l'><query xmlns='jabber:iq:last'/></iq>"),
               "seconds='0'");
}

static void a_user_who_has_gone(void **state)
{
    (void)state;
    struct actor other = stage_login("you", "other");
    stage_ask(&other, "<presence/>");
    stage_ask(&you, "<presence type='unavailable'><status>gone</status></presence>");
    stage_pass(5000);
    stage_written(&me);
    assert_has(stage_ask(&me, OF_YOU), "seconds='0'/>");
    stage_ask(&other, "<presence type='unavailable'><status>to bed &lt;</status></presence>");
    stage_written(&me);
    stage_pass(7000);
    assert_has(stage_ask(&me, OF_YOU), "seconds='7'>to bed &lt;</query>");
    /* the end of a session that is not available changes nothing */
    stage_leave(&you);
    stage_leave(&other);
    stage_pass(3000);
    assert_has(stage_ask(&me, OF_YOU), "seconds='10'>to bed &lt;</query>");
    /* gone without a word */
    you = stage_login("you", "r");
    stage_ask(&you, "<presence/>");
    stage_leave(&you);
    stage_pass(2000);
    stage_written(&me);
    assert_has(stage_ask(&me, OF_YOU), "seconds='2'/>");
}

static void only_those_who_may_see_presence(void **state)
{
    (void)state;
    static const char of_me[] =
        "<iq type='get' id='l' to='me@localhost'><query xmlns='jabber:iq:last'/></iq>";
    static const char of_nobody[] =
        "<iq type='get' id='l' to='no@localhost'><query xmlns='jabber:iq:last'/></iq>";
    static const char of_client[] =
        "<iq type='get' id='l' to='me@localhost/r'><query xmlns='jabber:iq:last'/></iq>";
    assert_has(stage_ask(&you, of_me), "<error type='auth'><forbidden ");
    assert_has(stage_ask(&you, of_nobody), "<error type='auth'><forbidden ");
    assert_has(stage_ask(&you, of_client), "<error type='auth'><forbidden ");
    assert_string_equal(stage_written(&me), "");
    /* a client answers for itself */
    stage_ask(&me, "<iq type='get' id='l' to='you@localhost/r'>"
                   "<query xmlns='jabber:iq:last'/></iq>");
    assert_has(stage_written(&you), "<query xmlns='jabber:iq:last'/>");
    assert_string_equal(stage_written(&me), "");
    /* who is blocked is told what all are told */
    stage_ask(&you, "<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'>"
                    "<item jid='me@localhost'/></block></iq>");
    stage_written(&me);
    assert_has(stage_ask(&me, OF_YOU), "<service-unavailable ");
}

static void a_user_who_was_never_there(void **state)
{
    (void)state;
    struct actor third = stage_login("third", "r");
    stage_leave(&third);
    stage_account("new");
    stage_ask(&me, "<presence type='subscribe' to='new@localhost'/>");
    struct actor fresh = stage_login("new", "r");
    stage_feed(&fresh, "<presence type='subscribed' to='me@localhost'/>");
    stage_written(&fresh);
    stage_leave(&fresh);
    stage_written(&me);
    assert_has(stage_ask(&me, "<iq type='get' id='l' to='new@localhost'>"
                              "<query xmlns='jabber:iq:last'/></iq>"),
               "<service-unavailable ");
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_how_long_the_server_is_up),
        cmocka_unit_test(what_is_asked_wrongly_is_refused),
        STAGE_TEST(a_user_who_is_there),
        STAGE_TEST(a_user_who_has_gone),
        STAGE_TEST(only_those_who_may_see_presence),
        STAGE_TEST(a_user_who_was_never_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
