/* The archive on the stage: what is kept, ids, queries, preferences. */
#include "stage.h"

#include "store_backend.h"

#include <stdlib.h>

static struct actor me, you;

#define MAM "xmlns='urn:xmpp:mam:2'"
#define RSM "xmlns='http://jabber.org/protocol/rsm'"
#define SID "xmlns='urn:xmpp:sid:0'"
#define FORM                                                                                       \
    "<x xmlns='jabber:x:data' type='submit'><field "                                               \
    "var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>"

/* As stage_ask, with time for a batch to be written: a page waits for it. */
static const char *ask(const struct actor *actor, const char *xml)
{
    stage_feed(actor, xml);
    stage_pass(20);
    return stage_written(actor);
}

static void open_with(const char *conf)
{
    char modules[128];
    snprintf(modules, sizeof modules, "{mam: {%s}}", conf);
    stage_open(modules, "");
    stage_account("me");
    stage_account("you");
    me = stage_login("me", "r");
    you = stage_login("you", "r");
}

static int up(void **state)
{
    (void)state;
    open_with("");
    return 0;
}

static int down(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

/* How many messages the archive of `actor` has. */
static unsigned count_of(const struct actor *actor)
{
    const char *answer = ask(actor, "<iq type='set' id='c'><query " MAM "><set " RSM
                                    "><max>0</max></set></query></iq>");
    const char *at = strstr(answer, "<count>");
    assert_non_null(at);
    return (unsigned)strtoul(at + strlen("<count>"), NULL, 10);
}

static bool is_stored(const char *attributes, const char *children)
{
    char xml[512];
    snprintf(xml, sizeof xml, "<message to='you@localhost' %s>%s</message>", attributes, children);
    return strstr(stage_effects(&me, HOOK_user_send_message, xml), "store ") != NULL;
}

static void keeps_what_is_worth_it(void **state)
{
    (void)state;
#define BODY       "<body>x</body>"
#define HINT(name) "<" name " xmlns='urn:xmpp:hints'/>"
    assert_true(is_stored("type='chat'", BODY));
    assert_true(is_stored("", BODY));
    assert_true(is_stored("type='unheard-of'", BODY));
    assert_true(is_stored("type='chat'", HINT("store")));
    assert_true(is_stored("type='chat'", "<reactions xmlns='urn:xmpp:reactions:0' id='1'/>"));
    assert_true(is_stored("", "<x xmlns='jabber:x:conference' jid='r@c'/>"));
    assert_false(is_stored("type='chat'", ""));
    assert_false(is_stored("type='headline'", BODY));
    assert_false(is_stored("type='groupchat'", BODY));
    assert_false(is_stored("type='error'", BODY));
    assert_false(is_stored("type='chat'", BODY HINT("no-store")));
    assert_false(is_stored("type='chat'", BODY HINT("no-permanent-store")));
    assert_false(is_stored("type='chat'", HINT("store") HINT("no-store")));
    assert_false(
        is_stored("type='chat'", "<active xmlns='http://jabber.org/protocol/chatstates'/>"));
    assert_false(is_stored("type='chat'", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>"));
    assert_lacks(
        stage_effects(&me, HOOK_user_send_message, "<message to='localhost'>" BODY "</message>"),
        "store ");
}

static void keeps_markers_when_told(void **state)
{
    (void)state;
    open_with("archive_chat_markers: true");
    assert_true(is_stored("type='chat'", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>"));
    assert_true(is_stored("type='chat'", "<received xmlns='urn:xmpp:receipts' id='1'/>"));
    assert_false(is_stored("type='chat'", "<markable xmlns='urn:xmpp:chat-markers:0'/>"));
    stage_close();
}

static void gives_ids_of_its_own_alone(void **state)
{
    (void)state;
    stage_feed(&me, "<message to='you@localhost/r' type='chat' id='1'><body>x</body>"
                    "<stanza-id " SID " by='you@localhost' id='forged'/>"
                    "<stanza-id " SID " by='me@localhost' id='forged'/>"
                    "<stanza-id " SID " by='other.example' id='theirs'/></message>");
    const char *got = stage_written(&you);
    assert_lacks(got, "forged");
    assert_has(got, "id='theirs'");
    assert_has(got, "by='you@localhost'");
    assert_lacks(got, "by='me@localhost'");
    stage_feed(&me, "<message to='you@localhost/r' type='headline'><body>x</body>"
                    "<stanza-id " SID " by='you@localhost' id='forged'/></message>");
    assert_lacks(stage_written(&you), "stanza-id");
    /* what cannot be delivered comes back without the recipient's id */
    const char *bounce =
        ask(&me, "<message to='nobody@localhost' type='chat'><body>x</body></message>");
    assert_has(bounce, "<service-unavailable ");
    assert_lacks(bounce, "stanza-id");
}

static void a_page_is_at_most_so_long(void **state)
{
    (void)state;
    open_with("default_result_limit: 2, max_result_limit: 3");
    for (int i = 0; i < 5; i++)
        stage_feed(&me, "<message to='you@localhost/r' type='chat'><body>x</body></message>");
    const char *page = ask(&me, "<iq type='set' id='q'><query " MAM "/></iq>");
    assert_int_equal(stage_counted("mam_forwarded_total"), 2);
    assert_lacks(page, "complete=");
    ask(&me, "<iq type='set' id='q'><query " MAM "><set " RSM "><max>100</max></set></query></iq>");
    assert_int_equal(stage_counted("mam_forwarded_total"), 5);
    assert_int_equal(count_of(&me), 5);
    stage_close();
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {FORM "<field var='start'><value>x</value></field></x>", "bad-request"},
        {FORM "<field var='end'><value>2026-01-01</value></field></x>", "bad-request"},
        {FORM "<field var='with'><value>@@</value></field></x>", "bad-request"},
        {FORM "<field var='colour'><value>x</value></field></x>", "feature-not-implemented"},
        {FORM "<field var='ids'><value>x</value></field></x>", "item-not-found"},
        {FORM "<field var='after-id'><value>0123456789abcdef</value></field></x>",
         "item-not-found"},
        {"<x xmlns='jabber:x:data' type='submit'/>", "bad-request"},
        {"<set " RSM "><max>x</max></set>", "bad-request"},
        {"<set " RSM "><max>-1</max></set>", "bad-request"},
        {"<set " RSM "><index>3</index></set>", "feature-not-implemented"},
        {"<set " RSM "><before>x</before></set>", "item-not-found"},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char xml[600];
        snprintf(xml, sizeof xml, "<iq type='set' id='q'><query " MAM ">%s</query></iq>",
                 wrong[i][0]);
        assert_has(ask(&me, xml), wrong[i][1]);
    }
    assert_has(ask(&me, "<iq type='set' id='q' to='you@localhost'><query " MAM "/></iq>"),
               "<forbidden ");
    assert_has(ask(&me, "<iq type='get' id='q' to='you@localhost'><metadata " MAM "/></iq>"),
               "<forbidden ");
    assert_has(ask(&me, "<iq type='get' id='q' to='you@localhost'><prefs " MAM "/></iq>"),
               "<forbidden ");
    assert_has(ask(&me, "<iq type='get' id='q'><metadata " MAM "/></iq>"), "<metadata " MAM "/>");
}

static void preferences_hold_for_both(void **state)
{
    (void)state;
    static const char message[] =
        "<message to='you@localhost/r' type='chat'><body>x</body></message>";
    assert_has(ask(&you, "<iq type='set' id='p'><prefs " MAM
                         " default='never'><always><jid>friend@x</jid>"
                         "<jid>me@localhost/other</jid></always></prefs></iq>"),
               "default='never'><always><jid>friend@x</jid><jid>me@localhost/other</jid></"
               "always><never/>");
    stage_feed(&me, message);
    assert_lacks(stage_written(&you), "stanza-id");
    assert_int_equal(count_of(&you), 0);
    assert_int_equal(count_of(&me), 1);
    ask(&you, "<iq type='set' id='p'><prefs " MAM
              " default='never'><always><jid>me@localhost</jid></always></prefs></iq>");
    stage_feed(&me, message);
    assert_has(stage_written(&you), "stanza-id");
    assert_int_equal(count_of(&you), 1);
    /* they are there when the user comes back */
    ask(&you, "<iq type='set' id='p'><prefs " MAM " default='never'/></iq>");
    stage_leave(&you);
    you = stage_login("you", "r");
    stage_feed(&me, message);
    assert_lacks(stage_written(&you), "stanza-id");
    /* without the module nobody has contacts */
    assert_has(ask(&you, "<iq type='set' id='p'><prefs " MAM " default='roster'/></iq>"),
               "default='roster'");
    stage_feed(&me, message);
    assert_lacks(stage_written(&you), "stanza-id");
    assert_has(ask(&you, "<iq type='set' id='p'><prefs " MAM "/></iq>"), "<bad-request ");
    assert_has(ask(&you, "<iq type='set' id='p'><prefs " MAM
                         " default='never'><never><jid>@</jid></never></prefs></iq>"),
               "<bad-request ");
}

static void keeps_what_rooms_send_when_told(void **state)
{
    static const char from_room[] = "<message from='room@rooms.example/nick' to='you@localhost/r' "
                                    "type='groupchat' id='1'><body>x</body></message>";
    (void)state;
    open_with("");
    stage_arrive(from_room);
    assert_lacks(stage_written(&you), "stanza-id");
    assert_int_equal(count_of(&you), 0);
    stage_close();
    open_with("archive_groupchats: true");
    stage_arrive(from_room);
    assert_has(stage_written(&you), "by='you@localhost'");
    assert_int_equal(count_of(&you), 1);
    stage_close();
}

static const char *after_retraction(void)
{
    ask(&me, "<message to='you@localhost/r' type='chat' id='1'><body>regretted</body></message>");
    ask(&me, "<message to='you@localhost/r' type='chat' id='2'>"
             "<retract xmlns='urn:xmpp:message-retract:1' id='1'/></message>");
    assert_has(stage_written(&you), "<retract ");
    assert_int_equal(count_of(&you), 2);
    return ask(&you, "<iq type='set' id='q'><query " MAM "/></iq>");
}

static void a_tombstone_stands_for_what_was_retracted(void **state)
{
    (void)state;
    open_with("");
    const char *page = after_retraction();
    assert_has(page, "<retracted ");
    assert_lacks(page, "regretted");
    stage_close();
    open_with("message_retraction: false");
    page = after_retraction();
    assert_lacks(page, "<retracted ");
    assert_has(page, "regretted");
    stage_close();
}

static enum err refuse_batches(const struct store_op *op, uint64_t *delay_ms)
{
    *delay_ms = 1;
    return op->kind == STORE_MAM_BATCH ? ERR_INVALID : ERR_OK;
}

static void who_sends_what_no_database_takes_hears_so(void **state)
{
    (void)state;
    store_mem_hook = refuse_batches;
    stage_feed(&me,
               "<message to='you@localhost/r' type='chat' id='p'><body>poison</body></message>");
    assert_has(stage_written(&you), "poison");
    stage_pass(100);
    assert_has(stage_written(&me), "type='error'");
    store_mem_hook = NULL;
    assert_int_equal(count_of(&you), 0);
}

static void so_many_queries_a_minute(void **state)
{
    (void)state;
    open_with("lookups_per_minute: 2");
    for (int i = 0; i < 4; i++)
        count_of(&me);
    assert_has(ask(&me, "<iq type='set' id='q'><query " MAM "/></iq>"), "<resource-constraint ");
    count_of(&you);
    stage_pass(31000);
    count_of(&me);
    assert_has(ask(&me, "<iq type='set' id='q'><query " MAM "/></iq>"), "<resource-constraint ");
    stage_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_what_is_worth_it, up, down),
        cmocka_unit_test(keeps_markers_when_told),
        cmocka_unit_test_setup_teardown(gives_ids_of_its_own_alone, up, down),
        cmocka_unit_test(a_page_is_at_most_so_long),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, up, down),
        cmocka_unit_test_setup_teardown(preferences_hold_for_both, up, down),
        cmocka_unit_test(keeps_what_rooms_send_when_told),
        cmocka_unit_test_setup_teardown(who_sends_what_no_database_takes_hears_so, up, down),
        cmocka_unit_test(so_many_queries_a_minute),
        cmocka_unit_test(a_tombstone_stands_for_what_was_retracted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
