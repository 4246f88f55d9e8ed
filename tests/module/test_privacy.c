/* Module privacy: what lists deny, whose list it is, and who is told (XEP-0016). */
#include "stage.h"

#include "store_backend.h"

static struct actor me, desk, you;

static int up(void **state)
{
    (void)state;
    stage_open("{privacy: {max_lists: 3, max_items: 4}, presence: {}, roster: {}, mam: {}}", "");
    stage_account("me");
    stage_account("you");
    me = stage_login("me", "r");
    desk = stage_login("me", "desk");
    you = stage_login("you", "r");
    stage_ask(&me, "<presence/>");
    stage_ask(&you, "<presence/>");
    stage_written(&desk);
    return 0;
}

static int down(void **state)
{
    (void)state;
    store_mem_hook = NULL;
    stage_close();
    return 0;
}

static const char *set(const char *inside)
{
    static char xml[1024];
    snprintf(xml, sizeof xml,
             "<iq type='set' id='s'><query xmlns='jabber:iq:privacy'>%s</query></iq>", inside);
    return xml;
}

static const char *get(const char *inside)
{
    static char xml[1024];
    snprintf(xml, sizeof xml,
             "<iq type='get' id='g'><query xmlns='jabber:iq:privacy'>%s</query></iq>", inside);
    return xml;
}

static void must_set(const struct actor *actor, const char *inside)
{
    assert_has(stage_ask(actor, set(inside)), "id='s' type='result'");
}

static const char *message(const char *to)
{
    static char xml[256];
    snprintf(xml, sizeof xml, "<message to='%s' type='chat' id='m'><body>x</body></message>", to);
    return xml;
}

#define NO_MESSAGES                                                                                \
    "<list name='quiet'><item type='jid' value='you@localhost' action='deny' order='3'>"           \
    "<message/></item></list>"

static void lists_are_set_told_and_removed(void **state)
{
    (void)state;
    assert_has(stage_ask(&me, get("")), "<query xmlns='jabber:iq:privacy'/>");
    must_set(&me, "<list name='a'><item action='allow' order='9'/>"
                  "<item type='group' value='Work' action='deny' order='1'><iq/><presence-in/>"
                  "</item></list>");
    assert_has(stage_written(&desk), "<query xmlns='jabber:iq:privacy'><list name='a'/></query>");
    assert_has(stage_ask(&me, get("<list name='a'/>")),
               "<list name='a'><item type='group' value='Work' action='deny' order='1'><iq/>"
               "<presence-in/></item><item action='allow' order='9'/></list>");
    must_set(&me, "<default name='a'/>");
    must_set(&me, "<active name='a'/>");
    assert_has(stage_ask(&me, get("")),
               "<active name='a'/><default name='a'/><list name='a'/></query>");
    assert_has(stage_ask(&desk, get("")), "<default name='a'/><list name='a'/></query>");
    assert_has(stage_ask(&me, set("<list name='a'/>")), "<conflict ");
    must_set(&desk, "<active name='a'/>");
    must_set(&desk, "<active/>");
    session_end(desk.session, STREAM_CONFLICT, NULL);
    must_set(&me, "<list name='a'/>");
    stage_written(&me);
    assert_has(stage_ask(&me, get("")), "<query xmlns='jabber:iq:privacy'/>");
    assert_has(stage_ask(&me, get("<list name='a'/>")), "<item-not-found ");
}

static void what_is_asked_wrongly_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *inside, *error;
    } rows[] = {
        {"", "<bad-request "},
        {"<x/>", "<bad-request "},
        {"<active name='a'/><default name='a'/>", "<bad-request "},
        {"<list><item action='deny' order='1'/></list>", "<bad-request "},
        {"<list name='n'><x/></list>", "<bad-request "},
        {"<list name='n'><item action='deny'/></list>", "<bad-request "},
        {"<list name='n'><item action='deny' order='-1'/></list>", "<bad-request "},
        {"<list name='n'><item action='no' order='1'/></list>", "<bad-request "},
        {"<list name='n'><item order='1'/></list>", "<bad-request "},
        {"<list name='n'><item action='deny' order='1'/><item action='deny' order='1'/></list>",
         "<bad-request "},
        {"<list name='n'><item type='x' value='a' action='deny' order='1'/></list>",
         "<bad-request "},
        {"<list name='n'><item value='a' action='deny' order='1'/></list>", "<bad-request "},
        {"<list name='n'><item type='jid' value='@' action='deny' order='1'/></list>",
         "<bad-request "},
        {"<list name='n'><item type='jid' action='deny' order='1'/></list>", "<bad-request "},
        {"<list name='n'><item type='group' value='' action='deny' order='1'/></list>",
         "<bad-request "},
        {"<list name='n'><item type='subscription' value='x' action='deny' order='1'/></list>",
         "<bad-request "},
        {"<list name='n'><item action='deny' order='1'><x/></item></list>", "<bad-request "},
        {"<list name='n'/>", "<item-not-found "},
        {"<active name='n'/>", "<item-not-found "},
        {"<default name='n'/>", "<item-not-found "},
        {"<list name='n'><item action='deny' order='1'/><item action='deny' order='2'/>"
         "<item action='deny' order='3'/><item action='deny' order='4'/>"
         "<item action='deny' order='5'/></list>",
         "<resource-constraint "},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_has(stage_ask(&me, set(rows[i].inside)), rows[i].error);
    assert_has(stage_ask(&me, get("<list name='a'/><list name='b'/>")), "<bad-request ");
    assert_has(stage_ask(&me, get("<active/>")), "<bad-request ");
    assert_has(stage_ask(&me, get("<list name='a'/>")), "<item-not-found ");
    assert_has(stage_ask(&me, "<iq type='get' id='g' to='you@localhost'>"
                              "<query xmlns='jabber:iq:privacy'/></iq>"),
               "<forbidden ");
    must_set(&me, "<list name='1'><item action='allow' order='1'/></list>");
    must_set(&me, "<list name='2'><item action='allow' order='1'/></list>");
    must_set(&me, "<list name='3'><item action='allow' order='1'/></list>");
    must_set(&me, "<list name='3'><item action='allow' order='2'/></list>");
    assert_has(stage_ask(&me, set("<list name='4'><item action='allow' order='1'/></list>")),
               "<resource-constraint ");
}

/* A list that is neither active nor the default denies nothing. */
static void an_active_list_is_of_one_session(void **state)
{
    (void)state;
    must_set(&me, NO_MESSAGES);
    stage_written(&desk);
    stage_feed(&you, message("me@localhost/r"));
    assert_has(stage_written(&me), "<body>x</body>");
    must_set(&me, "<active name='quiet'/>");
    assert_has(stage_ask(&you, message("me@localhost/r")), "<service-unavailable ");
    assert_string_equal(stage_written(&me), "");
    stage_feed(&you, message("me@localhost/desk"));
    assert_has(stage_written(&desk), "<body>x</body>");
    /* to the bare JID: who allows it gets it */
    stage_ask(&desk, "<presence/>");
    stage_written(&me);
    stage_feed(&you, message("me@localhost"));
    assert_has(stage_written(&desk), "<body>x</body>");
    assert_string_equal(stage_written(&me), "");
    /* other stanzas are not what the item is about */
    stage_feed(&you, "<iq type='get' id='i' to='me@localhost/r'><q xmlns='q'/></iq>");
    assert_has(stage_written(&me), "id='i'");
    stage_feed(&me, message("you@localhost/r"));
    assert_has(stage_written(&you), "<body>x</body>");
    must_set(&me, "<active/>");
    stage_feed(&you, message("me@localhost/r"));
    assert_has(stage_written(&me), "<body>x</body>");
}

static void the_default_list_is_for_all_and_for_nobody(void **state)
{
    (void)state;
    must_set(&me, NO_MESSAGES);
    must_set(&me, "<default name='quiet'/>");
    assert_has(stage_ask(&you, message("me@localhost")), "<service-unavailable ");
    assert_has(stage_ask(&you, message("me@localhost/desk")), "<service-unavailable ");
    stage_leave(&me);
    stage_leave(&desk);
    stage_written(&you);
    assert_has(stage_ask(&you, message("me@localhost")), "<service-unavailable ");
    me = stage_login("me", "r");
    assert_has(stage_ask(&me, get("")), "<default name='quiet'/>");
    must_set(&me, "<default/>");
    stage_feed(&you, message("me@localhost/r"));
    assert_has(stage_written(&me), "<body>x</body>");
}

static void others_use_the_default(void **state)
{
    (void)state;
    must_set(&me, NO_MESSAGES);
    must_set(&me, "<default name='quiet'/>");
    assert_has(stage_ask(&me, set("<default/>")), "<conflict ");
    assert_has(stage_ask(&me, set("<default name='quiet'/>")), "<conflict ");
    must_set(&desk, "<active name='quiet'/>");
    must_set(&me, "<default/>");
}

static void an_item_about_all_stanzas_goes_both_ways(void **state)
{
    (void)state;
    must_set(&me, "<list name='all'><item type='jid' value='you@localhost' action='deny' "
                  "order='1'/></list>");
    must_set(&me, "<active name='all'/>");
    const char *answer = stage_ask(&me, message("you@localhost"));
    assert_has(answer, "<error type='cancel'><not-acceptable ");
    assert_lacks(answer, "blocked");
    assert_has(stage_ask(&me, "<iq type='get' id='i' to='you@localhost/r'><q xmlns='q'/></iq>"),
               "<not-acceptable ");
    assert_has(stage_ask(&you, "<iq type='get' id='i' to='me@localhost/r'><q xmlns='q'/></iq>"),
               "<service-unavailable ");
    assert_string_equal(stage_ask(&you, "<presence to='me@localhost/r'/>"), "");
    assert_string_equal(stage_written(&me), "");
    /* never oneself */
    must_set(&me, "<list name='all'><item action='deny' order='1'/></list>");
    stage_feed(&me, message("me@localhost/desk"));
    assert_has(stage_written(&desk), "<body>x</body>");
}

static void befriend(const char *group)
{
    char xml[256];
    stage_ask(&me, "<presence type='subscribe' to='you@localhost'/>");
    stage_ask(&you, "<presence type='subscribed' to='me@localhost'/>");
    stage_ask(&you, "<presence type='subscribe' to='me@localhost'/>");
    stage_ask(&me, "<presence type='subscribed' to='you@localhost'/>");
    snprintf(xml, sizeof xml,
             "<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='you@localhost'>"
             "<group>%s</group></item></query></iq>",
             group);
    stage_ask(&me, xml);
    stage_written(&you);
    stage_written(&me);
}

static void items_ask_the_roster(void **state)
{
    (void)state;
    must_set(&me, "<list name='l'><item type='group' value='Work' action='deny' order='1'>"
                  "<message/></item><item type='subscription' value='none' action='deny' "
                  "order='2'><message/></item></list>");
    must_set(&me, "<default name='l'/>");
    assert_has(stage_ask(&you, message("me@localhost/r")), "<service-unavailable ");
    befriend("Friends");
    stage_feed(&you, message("me@localhost/r"));
    assert_has(stage_written(&me), "<body>x</body>");
    befriend("Work");
    assert_has(stage_ask(&you, message("me@localhost/r")), "<service-unavailable ");
    assert_has(stage_ask(&you, message("me@localhost")), "<service-unavailable ");
    stage_leave(&me);
    stage_leave(&desk);
    stage_written(&you);
    assert_has(stage_ask(&you, message("me@localhost")), "<service-unavailable ");
}

static enum err slow(const struct store_op *op, uint64_t *delay_ms)
{
    *delay_ms = op->kind == STORE_PRIVACY_GET || op->kind == STORE_ROSTER_GET ? 500 : 0;
    return ERR_OK;
}

/* Lists and roster are read one after the other; who goes meanwhile leaves nothing behind. */
static void reading_takes_its_time(void **state)
{
    (void)state;
    must_set(&me, "<list name='l'><item type='group' value='Work' action='deny' order='1'>"
                  "<message/></item></list>");
    must_set(&me, "<default name='l'/>");
    befriend("Work");
    struct jid own;
    jid_keep(&own, &me.session->jid);
    stage_leave(&me);
    stage_leave(&desk);
    stage_written(&you);
    privacy_forget(&own);
    jid_drop(&own);
    store_mem_hook = slow;
    stage_feed(&you, message("me@localhost"));
    assert_string_equal(stage_written(&you), "");
    stage_pass(1200);
    assert_has(stage_written(&you), "<service-unavailable ");
    me = stage_login("me", "r");
    stage_feed(&me, message("you@localhost"));
    session_end(me.session, STREAM_CONFLICT, NULL);
    stage_pass(1200);
    stage_feed(&you, message("me@localhost"));
}

static void presence_that_is_denied_is_not_seen(void **state)
{
    (void)state;
    befriend("Friends");
    must_set(&me, "<list name='hidden'><item type='group' value='Friends' action='deny' order='1'>"
                  "<presence-out/></item></list>");
    must_set(&me, "<active name='hidden'/>");
    assert_has(stage_written(&you), "<presence type='unavailable' from='me@localhost/r'");
    stage_ask(&me, "<presence><show>away</show></presence>");
    assert_string_equal(stage_ask(&you, "<presence type='probe' to='me@localhost'/>"), "");
    must_set(&me, "<active/>");
    assert_has(stage_written(&you), "<show>away</show>");
    must_set(&me, "<list name='hidden'><item type='jid' value='you@localhost' action='deny' "
                  "order='1'><presence-in/></item></list>");
    must_set(&me, "<active name='hidden'/>");
    assert_string_equal(stage_written(&you), "");
    stage_ask(&you, "<presence><show>dnd</show></presence>");
    assert_lacks(stage_written(&me), "dnd");
}

static void what_is_denied_is_not_archived(void **state)
{
    (void)state;
    must_set(&me, "<list name='all'><item type='jid' value='you@localhost' action='deny' "
                  "order='1'/></list>");
    must_set(&me, "<active name='all'/>");
    uint64_t archived = stage_counted("mam_archived_total");
    stage_ask(&me, message("you@localhost"));
    assert_int_equal(stage_counted("mam_archived_total"), archived);
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(lists_are_set_told_and_removed),
        STAGE_TEST(what_is_asked_wrongly_is_refused),
        STAGE_TEST(an_active_list_is_of_one_session),
        STAGE_TEST(the_default_list_is_for_all_and_for_nobody),
        STAGE_TEST(others_use_the_default),
        STAGE_TEST(an_item_about_all_stanzas_goes_both_ways),
        STAGE_TEST(items_ask_the_roster),
        STAGE_TEST(reading_takes_its_time),
        STAGE_TEST(presence_that_is_denied_is_not_seen),
        STAGE_TEST(what_is_denied_is_not_archived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
