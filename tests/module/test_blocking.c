/* Module blocking: who is stopped, who is told, and what is kept (XEP-0191, XEP-0377). */
#include "stage.h"

#include "store_backend.h"

static struct actor me, desk, you;

#define BLOCKING "xmlns='urn:xmpp:blocking'"
#define GET      "<iq type='get' id='g'><blocklist " BLOCKING "/></iq>"

static int up_with(const char *modules)
{
    stage_open(modules, "");
    stage_account("me");
    stage_account("you");
    me = stage_login("me", "r");
    desk = stage_login("me", "desk");
    you = stage_login("you", "r");
    return 0;
}

static int up(void **state)
{
    (void)state;
    return up_with("{blocking: {max_items: 3}, mam: {}, carbons: {}, disco: {}, sm: {}}");
}

static int up_with_presence(void **state)
{
    (void)state;
    return up_with("{blocking: {}, presence: {}, roster: {}, privacy: {}}");
}

static int down(void **state)
{
    (void)state;
    store_mem_hook = NULL;
    stage_close();
    return 0;
}

static const char *change(const char *what, const char *jid)
{
    static char xml[512];
    snprintf(xml, sizeof xml, "<iq type='set' id='s'><%s " BLOCKING "><item jid='%s'/></%s></iq>",
             what, jid, what);
    return xml;
}

static void must_block(const char *jid)
{
    assert_has(stage_ask(&me, change("block", jid)), "type='result'");
}

static const char *message(const char *to)
{
    static char xml[256];
    snprintf(xml, sizeof xml, "<message to='%s' type='chat' id='m'><body>x</body></message>", to);
    return xml;
}

static void nothing_passes_between_the_two(void **state)
{
    (void)state;
    must_block("you@localhost");
    uint64_t archived = stage_counted("mam_archived_total");
    stage_ask(&desk, "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
    const char *answer = stage_ask(&me, message("you@localhost"));
    assert_has(answer, "<error type='cancel'><not-acceptable " STANZAS
                       "/><blocked xmlns='urn:xmpp:blocking:errors'/></error>");
    assert_has(answer, "from='you@localhost'");
    assert_has(stage_ask(&me, "<iq type='get' id='i' to='you@localhost/r'><q xmlns='q'/></iq>"),
               "<not-acceptable ");
    assert_has(stage_ask(&me, "<presence to='you@localhost/r'/>"), "<not-acceptable ");
    assert_string_equal(stage_ask(&me, "<iq type='result' id='i' to='you@localhost/r'/>"), "");
    assert_string_equal(stage_written(&you), "");
    answer = stage_ask(&you, message("me@localhost"));
    assert_has(answer, "<service-unavailable ");
    assert_lacks(answer, "blocked");
    assert_has(stage_ask(&you, "<iq type='get' id='i' to='me@localhost/r'><q xmlns='q'/></iq>"),
               "<service-unavailable ");
    assert_string_equal(stage_ask(&you, "<presence type='subscribe' to='me@localhost'/>"), "");
    assert_string_equal(stage_ask(&you, "<message type='error' to='me@localhost/r'/>"), "");
    assert_string_equal(stage_written(&me), "");
    assert_string_equal(stage_written(&desk), "");
    assert_true(stage_counted("blocking_refused_total") >= 7);
    assert_int_equal(stage_counted("mam_archived_total"), archived);
}

/* Who is offline is asked for in storage, and then known. */
static void who_is_offline_blocks_too(void **state)
{
    (void)state;
    must_block("you@localhost/r");
    stage_leave(&me);
    stage_leave(&desk);
    for (int i = 0; i < 3; i++)
        assert_has(stage_ask(&you, message("me@localhost")), "<service-unavailable ");
    struct actor other = stage_login("you", "other");
    me = stage_login("me", "r");
    stage_feed(&other, message("me@localhost"));
    assert_has(stage_written(&me), "<body>x</body>");
    assert_has(stage_ask(&you, message("me@localhost")), "<service-unavailable ");
}

static enum err slow(const struct store_op *op, uint64_t *delay_ms)
{
    *delay_ms = op->kind == STORE_PRIVACY_GET ? 500 : 0;
    return ERR_OK;
}

static enum err down_now(const struct store_op *op, uint64_t *delay_ms)
{
    (void)delay_ms;
    return op->kind == STORE_PRIVACY_GET || op->kind == STORE_PRIVACY_SET ? ERR_DOWN : ERR_OK;
}

/* What comes while the list is being read waits for it, in order. */
static void nothing_slips_through(void **state)
{
    (void)state;
    must_block("you@localhost");
    stage_leave(&me);
    stage_leave(&desk);
    struct privacy *privacy = privacy_of(&you.session->jid);
    assert_null(privacy);
    me = stage_login("me", "r");
    privacy_forget(&me.session->jid);
    store_mem_hook = slow;
    stage_feed(&you, message("me@localhost"));
    stage_feed(&you, message("me@localhost"));
    assert_string_equal(stage_written(&you), "");
    stage_pass(600); /* what `you` blocks */
    stage_pass(600);
    const char *answers = stage_written(&you);
    assert_has(answers, "<service-unavailable ");
    assert_has(strstr(answers, "</message>"), "<service-unavailable ");
    assert_string_equal(stage_written(&me), "");
}

/* A list that cannot be read lets nothing pass; one that cannot be written is as it was. */
static void storage_that_is_down_stops_what_it_would_decide(void **state)
{
    (void)state;
    store_mem_hook = down_now;
    assert_has(stage_ask(&me, message("you@localhost")), "<resource-constraint ");
    assert_has(stage_ask(&me, GET), "<resource-constraint ");
    assert_has(stage_ask(&me, change("block", "you@localhost")), "<resource-constraint ");
    store_mem_hook = NULL;
    assert_has(stage_ask(&me, GET), "<blocklist xmlns='urn:xmpp:blocking'/>");
    store_mem_hook = down_now;
    assert_has(stage_ask(&me, change("block", "you@localhost")), "<internal-server-error ");
    store_mem_hook = NULL;
    assert_has(stage_ask(&me, GET), "<blocklist xmlns='urn:xmpp:blocking'/>");
}

static void a_session_that_ends_meanwhile_leaves_nothing(void **state)
{
    (void)state;
    store_mem_hook = slow;
    stage_feed(&me, message("you@localhost"));
    session_end(me.session, STREAM_CONFLICT, NULL);
    stage_feed(&you, message("me@localhost"));
    session_end(you.session, STREAM_CONFLICT, NULL);
    store_mem_hook = NULL;
    stage_pass(600);
    assert_has(stage_ask(&desk, change("block", "you@localhost")), "type='result'");
    stage_feed(&desk, change("block", "other@localhost"));
    session_end(desk.session, STREAM_CONFLICT, NULL);
    desk = stage_login("me", "again");
    assert_has(stage_ask(&desk, GET), "other@localhost");
}

static void what_is_asked_wrongly_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *xml, *error;
    } rows[] = {
        {"<iq type='set' id='s'><block " BLOCKING "/></iq>", "<bad-request "},
        {"<iq type='set' id='s'><block " BLOCKING "><item jid='a@@b'/></block></iq>",
         "<jid-malformed "},
        {"<iq type='set' id='s'><block " BLOCKING "><item/></block></iq>", "<jid-malformed "},
        {"<iq type='set' id='s'><block " BLOCKING "><x jid='a@b'/></block></iq>", "<bad-request "},
        {"<iq type='set' id='s'><block " BLOCKING "><item jid='me@localhost'/></block></iq>",
         "<not-allowed "},
        {"<iq type='set' id='s'><block " BLOCKING "><item jid='me@localhost/x'/></block></iq>",
         "<not-allowed "},
        {"<iq type='set' id='s' to='you@localhost'><block " BLOCKING
         "><item jid='a@b'/></block></iq>",
         "<forbidden "},
        {"<iq type='set' id='s' to='you@localhost'><unblock " BLOCKING "/></iq>", "<forbidden "},
        {"<iq type='get' id='s' to='you@localhost'><blocklist " BLOCKING "/></iq>", "<forbidden "},
        {"<iq type='set' id='s'><unblock " BLOCKING "><item jid='@'/></unblock></iq>",
         "<jid-malformed "},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_has(stage_ask(&me, rows[i].xml), rows[i].error);
}

static void the_list_is_bounded(void **state)
{
    (void)state;
    must_block("a@b");
    must_block("b");
    must_block("A@B"); /* there already */
    must_block("c/d");
    assert_has(stage_ask(&me, change("block", "e@f")), "<resource-constraint ");
    assert_true(stage_counted("blocking_full_total") > 0);
    must_block("b");
    const char *list = stage_ask(&me, GET);
    assert_has(list, "<item jid='a@b'/><item jid='b'/><item jid='c/d'/></blocklist>");
    assert_has(stage_ask(&me, change("unblock", "nobody@b")), "type='result'");
    assert_has(stage_ask(&me, change("unblock", "b")), "type='result'");
    must_block("e@f");
}

/* Not the own server or the own resources, whatever the list says. */
static void nobody_shuts_himself_out(void **state)
{
    (void)state;
    must_block("localhost");
    assert_has(stage_ask(&me, message("you@localhost")), "<not-acceptable ");
    stage_feed(&me, message("me@localhost/desk"));
    assert_has(stage_written(&desk), "<body>x</body>");
    assert_has(stage_ask(&me, "<iq type='get' id='d' to='localhost'>"
                              "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>"),
               "<feature var='urn:xmpp:blocking'/>");
}

static void resources_that_asked_are_told(void **state)
{
    (void)state;
    uint64_t told = stage_counted("blocking_pushes_total");
    must_block("a@b");
    assert_string_equal(stage_written(&desk), "");
    stage_ask(&desk, GET);
    stage_feed(&me, "<iq type='set' id='s'><block " BLOCKING
                    "><item jid='a@b'/><item jid='c@d'/></block></iq>");
    assert_string_equal(stage_written(&desk),
                        "<iq type='set' id='block1' from='me@localhost' to='me@localhost/desk'>"
                        "<block xmlns='urn:xmpp:blocking'><item jid='c@d'/></block></iq>");
    assert_lacks(stage_written(&me), "type='set'");
    stage_feed(&me, change("unblock", "a@b"));
    assert_has(stage_written(&desk),
               "<unblock xmlns='urn:xmpp:blocking'><item jid='a@b'/></unblock>");
    stage_feed(&me, "<iq type='set' id='s'><unblock " BLOCKING "/></iq>");
    assert_has(stage_written(&desk),
               "<unblock xmlns='urn:xmpp:blocking'><item jid='c@d'/></unblock>");
    assert_has(stage_ask(&me, GET), "<blocklist xmlns='urn:xmpp:blocking'/>");
    assert_int_equal(stage_counted("blocking_pushes_total"), told + 3);
}

static void reports_are_kept_with_the_item(void **state)
{
    (void)state;
    assert_has(stage_ask(&me, "<iq type='set' id='s'><block " BLOCKING "><item jid='a@b'>"
                              "<report xmlns='urn:xmpp:reporting:1' "
                              "reason='urn:xmpp:reporting:spam'><text>buy\nthis\t!</text>"
                              "</report></item></block></iq>"),
               "type='result'");
    assert_true(stage_counted("blocking_reports_total") > 0);
    const struct privacy_list *list =
        privacy_get(privacy_of(&me.session->jid), STR(PRIVACY_BLOCK_LIST));
    assert_int_equal(list->count, 1);
    assert_true(str_is(list->items[0].report, "urn:xmpp:reporting:spam buy this !"));
    must_block("c@d");
    list = privacy_get(privacy_of(&me.session->jid), STR(PRIVACY_BLOCK_LIST));
    assert_true(str_is(list->items[0].report, "urn:xmpp:reporting:spam buy this !"));
}

static enum err slow_archive(const struct store_op *op, uint64_t *delay_ms)
{
    *delay_ms = op->kind == STORE_MAM_BATCH ? 500 : 0;
    return ERR_OK;
}

/* What the recipient's home writes is not acknowledged before it is written (XEP-0198); what it
 * refuses has been handled. */
static void an_acknowledgement_waits_for_the_recipients_home(void **state)
{
    (void)state;
    must_block("other@localhost");
    assert_true(privacy_may_stop(&me.session->jid));
    stage_ask(&you, "<enable xmlns='urn:xmpp:sm:3'/>");
    store_mem_hook = slow_archive;
    stage_feed(&you, message("me@localhost/r"));
    assert_has(stage_written(&me), "<stanza-id ");
    assert_has(stage_ask(&you, "<r xmlns='urn:xmpp:sm:3'/>"), " h='0'/>");
    stage_pass(1500);
    assert_has(stage_ask(&you, "<r xmlns='urn:xmpp:sm:3'/>"), " h='1'/>");
    must_block("you@localhost");
    stage_feed(&you, message("me@localhost/r"));
    assert_has(stage_written(&you), "<service-unavailable ");
    assert_has(stage_ask(&you, "<r xmlns='urn:xmpp:sm:3'/>"), " h='2'/>");
    /* a sender who goes meanwhile leaves nothing */
    assert_has(stage_ask(&me, "<iq type='set' id='s'><unblock " BLOCKING
                              "><item jid='you@localhost'/></unblock></iq>"),
               "type='result'");
    stage_feed(&you, message("me@localhost/r"));
    session_end(you.session, STREAM_CONFLICT, NULL);
    assert_has(stage_written(&me), "<stanza-id ");
    stage_pass(1500);
}

/* Who has no lists is known to all: what is for him is archived where it comes from. */
static void who_has_no_lists_is_known(void **state)
{
    (void)state;
    stage_feed(&you, message("me@localhost/r"));
    stage_written(&me);
    assert_false(privacy_may_stop(&me.session->jid));
    must_block("a@b");
    assert_true(privacy_may_stop(&me.session->jid));
    assert_has(stage_ask(&me, "<iq type='set' id='s'><unblock " BLOCKING "/></iq>"),
               "type='result'");
    stage_feed(&you, message("me@localhost/r"));
    stage_written(&me);
    assert_false(privacy_may_stop(&me.session->jid));
}

/* --- With presence and privacy lists --- */

static void befriend(void)
{
    stage_ask(&me, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    stage_ask(&you, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    stage_ask(&me, "<presence/>");
    stage_ask(&you, "<presence/>");
    stage_ask(&me, "<presence type='subscribe' to='you@localhost'/>");
    stage_ask(&you, "<presence type='subscribed' to='me@localhost'/>");
    stage_ask(&you, "<presence type='subscribe' to='me@localhost'/>");
    stage_ask(&me, "<presence type='subscribed' to='you@localhost'/>");
    stage_written(&you);
    stage_written(&me);
}

static void who_is_blocked_sees_the_user_go_and_come(void **state)
{
    (void)state;
    befriend();
    must_block("you@localhost");
    const char *seen = stage_written(&you);
    assert_has(seen, "<presence type='unavailable' from='me@localhost/r' to='you@localhost'/>");
    assert_lacks(seen, "desk"); /* which was not available */
    stage_ask(&me, "<presence><show>away</show></presence>");
    assert_string_equal(stage_written(&you), "");
    assert_string_equal(stage_ask(&you, "<presence type='probe' to='me@localhost'/>"), "");
    assert_lacks(stage_ask(&you, "<presence><show>dnd</show></presence>"), "me@localhost");
    assert_lacks(stage_written(&me), "dnd");
    stage_feed(&me, change("unblock", "you@localhost"));
    assert_has(stage_written(&you), "<show>away</show>");
    assert_has(stage_written(&me), "<show>dnd</show>"); /* probed */
}

static void directed_presence_ends(void **state)
{
    (void)state;
    stage_ask(&me, "<presence to='you@localhost/r'/>");
    assert_has(stage_written(&you), "<presence ");
    must_block("you@localhost/r");
    assert_has(stage_written(&you), "<presence type='unavailable' from='me@localhost/r'");
    stage_leave(&me);
    assert_string_equal(stage_written(&you), "");
}

/* Initial presence does not fail with storage: it goes to the own resources. */
static void presence_is_hidden_when_nobody_knows_from_whom(void **state)
{
    (void)state;
    befriend();
    stage_leave(&me);
    stage_written(&you);
    stage_leave(&desk);
    me = stage_login("me", "r");
    struct jid *own = &me.session->jid;
    privacy_forget(own);
    store_mem_hook = down_now;
    assert_has(stage_ask(&me, "<presence/>"), "<presence from='me@localhost/r' to='me@localhost'");
    assert_string_equal(stage_written(&you), "");
    store_mem_hook = NULL;
    stage_feed(&me, "<presence/>");
    assert_has(stage_written(&you), "<presence from='me@localhost/r'");
}

/* One store: what privacy changes in the list is told as blocks, and the other way round. */
static void the_block_list_is_a_privacy_list(void **state)
{
    (void)state;
    stage_ask(&desk, GET);
    must_block("you@localhost");
    assert_has(stage_written(&desk), "<list name='blocking'/>");
    assert_has(stage_ask(&me, "<iq type='get' id='p'><query xmlns='jabber:iq:privacy'>"
                              "<list name='blocking'/></query></iq>"),
               "<list name='blocking'><item type='jid' value='you@localhost' action='deny' "
               "order='1'/></list>");
    stage_feed(&me, "<iq type='set' id='p'><query xmlns='jabber:iq:privacy'><list name='blocking'>"
                    "<item type='jid' value='a@b' action='deny' order='1'/>"
                    "<item type='jid' value='c@d' action='deny' order='2'><message/></item>"
                    "</list></query></iq>");
    const char *told = stage_written(&desk);
    assert_has(told, "<block xmlns='urn:xmpp:blocking'><item jid='a@b'/></block>");
    assert_has(told, "<unblock xmlns='urn:xmpp:blocking'><item jid='you@localhost'/></unblock>");
    stage_written(&me);
    assert_has(stage_ask(&me, GET),
               "<blocklist xmlns='urn:xmpp:blocking'><item jid='a@b'/></blocklist>");
}

#define STAGE_TEST(name)    cmocka_unit_test_setup_teardown(name, up, down)
#define PRESENCE_TEST(name) cmocka_unit_test_setup_teardown(name, up_with_presence, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(nothing_passes_between_the_two),
        STAGE_TEST(who_is_offline_blocks_too),
        STAGE_TEST(nothing_slips_through),
        STAGE_TEST(storage_that_is_down_stops_what_it_would_decide),
        STAGE_TEST(a_session_that_ends_meanwhile_leaves_nothing),
        STAGE_TEST(what_is_asked_wrongly_is_refused),
        STAGE_TEST(the_list_is_bounded),
        STAGE_TEST(nobody_shuts_himself_out),
        STAGE_TEST(resources_that_asked_are_told),
        STAGE_TEST(reports_are_kept_with_the_item),
        STAGE_TEST(an_acknowledgement_waits_for_the_recipients_home),
        STAGE_TEST(who_has_no_lists_is_known),
        PRESENCE_TEST(who_is_blocked_sees_the_user_go_and_come),
        PRESENCE_TEST(directed_presence_ends),
        PRESENCE_TEST(presence_is_hidden_when_nobody_knows_from_whom),
        PRESENCE_TEST(the_block_list_is_a_privacy_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
