/* Module pep: nodes of accounts, who may read them, and who is told (XEP-0163, XEP-0060). */
#include "stage.h"

#include "caps_ver.h"
#include "store_backend.h"

#define NS_PS          "http://jabber.org/protocol/pubsub"
#define PUBSUB(body)   "<pubsub xmlns='" NS_PS "'>" body "</pubsub>"
#define OWNER(body)    "<pubsub xmlns='" NS_PS "#owner'>" body "</pubsub>"
#define SET(body)      "<iq type='set' id='s'>" body "</iq>"
#define GET(body)      "<iq type='get' id='g'>" body "</iq>"
#define OF_ME(body)    "<iq type='get' id='g' to='me@localhost'>" body "</iq>"
#define ITEM(id, body) "<item id='" id "'><n xmlns='urn:n'>" body "</n></item>"

#define PUBLISH(node, id, body) SET(PUBSUB("<publish node='" node "'>" ITEM(id, body) "</publish>"))

static const char modules_format[] =
    "{presence: {}, roster: {}, caps: {}, disco: {}, blocking: {}, csi: {}, register: {}, pep: {"
    "max_nodes: 3, max_items_per_node: 2, max_item_size: 6k, max_bytes: 10k%s}}";

static struct actor me, you;

static void open_stage(const char *more)
{
    char modules[400];
    snprintf(modules, sizeof modules, modules_format, more);
    stage_open(modules, "");
    stage_account("me");
    stage_account("you");
    me = stage_login("me", "r");
    you = stage_login("you", "r");
    stage_ask(&me, "<presence/>");
    stage_ask(&you, "<presence/>");
}

static int up(void **state)
{
    (void)state;
    open_stage("");
    return 0;
}

static int down(void **state)
{
    (void)state;
    store_mem_hook = NULL;
    stage_close();
    return 0;
}

/* You see my presence from now on. */
static void let_in(void)
{
    stage_ask(&you, "<presence type='subscribe' to='me@localhost'/>");
    stage_ask(&me, "<presence type='subscribed' to='you@localhost'/>");
    stage_written(&me);
    stage_written(&you);
}

/* The actor's client says by verified capabilities that it wants news of that node. What it was
 * sent is given back. */
static const char *want(const struct actor *actor, const char *node, const char *id)
{
    struct arena arena;
    char ver[CAPS_VER_ROOM], xml[800], var[80];
    snprintf(var, sizeof var, "%s+notify", node);
    arena_init(&arena);
    struct element *query = element_new(&arena, NS_DISCO_INFO, "query");
    struct element *identity = element_add(&arena, query, NS_DISCO_INFO, "identity");
    element_set(&arena, identity, "category", STR("client"));
    element_set(&arena, identity, "type", STR("pc"));
    element_set(&arena, element_add(&arena, query, NS_DISCO_INFO, "feature"), "var", str_of(var));
    assert_int_equal(caps_ver(query, DIGEST_SHA1, ver), ERR_OK);
    arena_fini(&arena);
    snprintf(xml, sizeof xml,
             "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' "
             "ver='%s'/></presence>",
             ver);
    const char *asked = stage_ask(actor, xml);
    if (!strstr(asked, "node='n#"))
        return asked; /* known already */
    snprintf(xml, sizeof xml,
             "<iq type='result' to='localhost' id='%s'>"
             "<query xmlns='http://jabber.org/protocol/disco#info'>"
             "<identity category='client' type='pc'/><feature var='%s'/></query></iq>",
             id, var);
    return stage_ask(actor, xml);
}

static void what_it_needs_is_said_at_start(void **state)
{
    (void)state;
    assert_has(stage_refusal("{roster: {}, caps: {}, disco: {}, pep: {}}", ""),
               "modules.pep: needs the module presence, which is off");
    assert_has(stage_refusal("{presence: {}, caps: {}, disco: {}, pep: {}}", ""),
               "modules.pep: needs the module roster, which is off");
    assert_has(stage_refusal("{presence: {}, roster: {}, disco: {}, pep: {}}", ""),
               "modules.pep: needs the module caps, which is off");
}

static void limits_of_a_user(void **state)
{
    (void)state;
    char big[6800];
    assert_has(stage_ask(&me, PUBLISH("urn:a", "1", "")), "type='result'");
    assert_has(stage_ask(&me, PUBLISH("urn:b", "1", "")), "type='result'");
    assert_has(stage_ask(&me, SET(PUBSUB("<create node='urn:c'/>"))), "type='result'");
    assert_has(stage_ask(&me, PUBLISH("urn:d", "1", "")), "<max-nodes-exceeded ");
    assert_has(stage_ask(&me, SET(PUBSUB("<create node='urn:d'/>"))), "<max-nodes-exceeded ");
    snprintf(big, sizeof big, PUBLISH("urn:a", "2", "%06200d"), 0);
    assert_has(stage_ask(&me, big), "<payload-too-big ");
    snprintf(big, sizeof big, PUBLISH("urn:a", "2", "%06000d"), 0);
    assert_has(stage_ask(&me, big), "type='result'");
    snprintf(big, sizeof big, PUBLISH("urn:b", "2", "%06000d"), 0);
    assert_has(stage_ask(&me, big), "<error type='wait'><resource-constraint ");
    /* what is gone gives room again */
    assert_has(stage_ask(&me, SET(OWNER("<purge node='urn:a'/>"))), "type='result'");
    assert_has(stage_ask(&me, big), "type='result'");
    assert_has(stage_ask(&me, SET(OWNER("<delete node='urn:c'/>"))), "type='result'");
    assert_has(stage_ask(&me, PUBLISH("urn:d", "1", "")), "type='result'");
}

static void a_node_without_persistence_only_tells(void **state)
{
    (void)state;
    want(&me, "urn:a", "caps-1");
    assert_has(
        stage_ask(&me, SET(PUBSUB("<publish node='urn:a'>" ITEM(
                           "1", "x") "</publish>"
                                     "<publish-options><x xmlns='jabber:x:data' type='submit'>"
                                     "<field var='FORM_TYPE'><value>"
                                     "http://jabber.org/protocol/pubsub#publish-options</value>"
                                     "</field><field var='pubsub#persist_items'><value>0</value>"
                                     "</field></x></publish-options>"))),
        "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:a'>"
        "<item id='1'><n xmlns='urn:n'>x</n></item></items></event>");
    assert_has(stage_ask(&me, PUBLISH("urn:a", "2", "y")), "<n xmlns='urn:n'>y</n>");
    assert_has(stage_ask(&me, GET(PUBSUB("<items node='urn:a'/>"))),
               "<items node='urn:a'/></pubsub>");
}

static void news_go_to_clients_that_want_them(void **state)
{
    (void)state;
    let_in();
    stage_ask(&me, PUBLISH("urn:a", "1", "first"));
    assert_string_equal(stage_written(&you), "");
    const char *last = want(&you, "urn:a", "caps-1");
    assert_has(last, "<message from='me@localhost' to='you@localhost/r' type='headline'>");
    assert_has(last, "<n xmlns='urn:n'>first</n></item></items></event><delay ");
    uint64_t before = stage_counted("pep_notifications_total");
    stage_ask(&me, PUBLISH("urn:a", "2", "second"));
    assert_has(stage_written(&you), "<n xmlns='urn:n'>second</n>");
    assert_int_equal(stage_counted("pep_notifications_total") - before, 2);
    /* a node that nobody wants */
    stage_ask(&me, PUBLISH("urn:b", "1", "other"));
    assert_string_equal(stage_written(&you), "");
    /* whose client has gone, or does not look */
    stage_ask(&you, "<inactive xmlns='urn:xmpp:csi:0'/>");
    stage_ask(&me, PUBLISH("urn:a", "3", "third"));
    assert_string_equal(stage_written(&you), "");
    assert_has(stage_ask(&you, "<active xmlns='urn:xmpp:csi:0'/>"), "<n xmlns='urn:n'>third</n>");
    stage_ask(&you, "<presence type='unavailable'/>");
    stage_ask(&me, PUBLISH("urn:a", "4", "fourth"));
    assert_string_equal(stage_written(&you), "");
    /* and comes again */
    assert_has(want(&you, "urn:a", "caps-2"), "<n xmlns='urn:n'>fourth</n>");
}

static void the_roster_decides_each_time(void **state)
{
    (void)state;
    want(&you, "urn:a", "caps-1");
    stage_ask(&me, PUBLISH("urn:a", "1", "first"));
    assert_string_equal(stage_written(&you), "");
    stage_ask(&you, "<presence type='subscribe' to='me@localhost'/>");
    stage_ask(&me, "<presence type='subscribed' to='you@localhost'/>");
    assert_has(stage_written(&you), "<n xmlns='urn:n'>first</n></item></items></event><delay ");
    stage_ask(&me, PUBLISH("urn:a", "2", "second"));
    assert_has(stage_written(&you), "<n xmlns='urn:n'>second</n>");
    stage_ask(&me, "<presence type='unsubscribed' to='you@localhost'/>");
    stage_written(&you);
    stage_ask(&me, PUBLISH("urn:a", "3", "third"));
    assert_string_equal(stage_written(&you), "");
    assert_has(stage_ask(&you, OF_ME(PUBSUB("<items node='urn:a'/>"))),
               "<presence-subscription-required ");
}

static void who_is_blocked_is_told_nothing(void **state)
{
    (void)state;
    let_in();
    want(&you, "urn:a", "caps-1");
    stage_ask(&me, "<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'>"
                   "<item jid='you@localhost'/></block></iq>");
    stage_written(&you);
    stage_ask(&me, PUBLISH("urn:a", "1", "first"));
    assert_string_equal(stage_written(&you), "");
    stage_ask(&you, "<presence type='unavailable'/>");
    assert_lacks(want(&you, "urn:a", "caps-2"), "urn:n");
    stage_ask(&me, "<iq type='set' id='b'><unblock xmlns='urn:xmpp:blocking'/></iq>");
    stage_written(&you);
    /* who blocks hears nothing either */
    stage_ask(&you, "<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'>"
                    "<item jid='me@localhost'/></block></iq>");
    stage_ask(&me, PUBLISH("urn:a", "2", "second"));
    assert_lacks(stage_written(&you), "urn:n");
    assert_lacks(stage_written(&me), "error");
}

static void last_items_of_who_is_offline(void **state)
{
    (void)state;
    let_in();
    stage_ask(&me, PUBLISH("urn:a", "1", "first"));
    stage_leave(&me);
    assert_has(want(&you, "urn:a", "caps-1"), "<n xmlns='urn:n'>first</n>");
    stage_close();
    open_stage(", ignore_pep_from_offline: true");
    let_in();
    stage_ask(&me, PUBLISH("urn:a", "1", "first"));
    stage_leave(&me);
    assert_lacks(want(&you, "urn:a", "caps-1"), "urn:n");
}

/* A body that is not kept in memory is read for each one who comes. */
static void a_long_last_item(void **state)
{
    (void)state;
    char big[6800];
    let_in();
    snprintf(big, sizeof big, PUBLISH("urn:a", "1", "%05000d"), 7);
    assert_has(stage_ask(&me, big), "type='result'");
    assert_has(want(&you, "urn:a", "caps-1"), "0000007</n></item></items></event><delay ");
}

static enum err is_down(const struct store_op *op, uint64_t *delay_ms)
{
    (void)op;
    (void)delay_ms;
    return ERR_DOWN;
}

static void a_storage_that_is_away_is_told(void **state)
{
    (void)state;
    stage_ask(&me, PUBLISH("urn:a", "1", "first"));
    store_mem_hook = is_down;
    assert_has(stage_ask(&me, PUBLISH("urn:a", "2", "second")), "<internal-server-error ");
    assert_has(stage_ask(&me, GET(PUBSUB("<items node='urn:a'/>"))), "<internal-server-error ");
    assert_has(stage_ask(&me, SET(OWNER("<delete node='urn:a'/>"))), "<internal-server-error ");
    store_mem_hook = NULL;
    assert_has(stage_ask(&me, GET(PUBSUB("<items node='urn:a'/>"))), "<n xmlns='urn:n'>first</n>");
}

static enum err is_slow(const struct store_op *op, uint64_t *delay_ms)
{
    *delay_ms = op->kind == STORE_PEP_PUBLISH ? 500 : 0;
    return ERR_OK;
}

/* Who asked goes before it is on disk: those who want to know are told all the same. */
static void a_publisher_that_goes_at_once(void **state)
{
    (void)state;
    let_in();
    want(&you, "urn:a", "caps-1");
    store_mem_hook = is_slow;
    stage_feed(&me, PUBLISH("urn:a", "1", "parting"));
    stage_leave(&me);
    assert_lacks(stage_written(&you), "urn:n");
    stage_pass(600);
    assert_has(stage_written(&you), "<n xmlns='urn:n'>parting</n>");
}

static void a_removed_account_has_no_nodes(void **state)
{
    (void)state;
    stage_ask(&me, PUBLISH("urn:xmpp:vcard4", "1", "first"));
    assert_has(stage_ask(&you, OF_ME(PUBSUB("<items node='urn:xmpp:vcard4'/>"))), "first");
    assert_has(stage_ask(&me, SET("<query xmlns='jabber:iq:register'><remove/></query>")),
               "result");
    const char *refused = stage_ask(&you, OF_ME(PUBSUB("<items node='urn:xmpp:vcard4'/>")));
    assert_has(refused, "<item-not-found ");
    stage_account("me");
    assert_has(stage_ask(&you, OF_ME(PUBSUB("<items node='urn:xmpp:vcard4'/>"))),
               "<item-not-found ");
}

static void publish_big(const struct actor *actor, unsigned node)
{
    char xml[5000];
    snprintf(xml, sizeof xml,
             SET(PUBSUB("<publish node='urn:%u'>" ITEM("1", "%04000d") "</publish>")), node, 0);
    assert_has(stage_ask(actor, xml), "type='result'");
}

/* More than a shard keeps: those that nobody asked for longest leave memory, and are read again. */
static void memory_is_bounded(void **state)
{
    (void)state;
    stage_close();
    stage_open("{presence: {}, roster: {}, caps: {}, disco: {}, pep: {max_nodes: 3000, "
               "max_bytes: 20M}}",
               "");
    stage_account("me");
    stage_account("you");
    me = stage_login("me", "r");
    you = stage_login("you", "r");
    for (unsigned node = 0; node < 2300; node++)
        publish_big(&me, node);
    assert_true(stage_counted("pep_cached_bytes") > LIMIT_PEP_CACHE / 2);
    for (unsigned node = 0; node < 2300; node++)
        publish_big(&you, node);
    assert_true(stage_counted("pep_cached_bytes") <= LIMIT_PEP_CACHE);
    assert_has(stage_ask(&me, GET(PUBSUB("<items node='urn:7'/>"))), "<item id='1'>");
    assert_true(stage_counted("pep_cached_bytes") <= LIMIT_PEP_CACHE);
}

/* The end of an answer that is longer than what is written at once. */
static const char *end_of_answer(const struct actor *actor, const char *xml)
{
    const char *part = stage_ask(actor, xml);
    for (int i = 0; i < 1000 && !strstr(part, "</iq>"); i++)
        part = stage_written(actor);
    return part;
}

static void an_answer_has_an_end(void **state)
{
    (void)state;
    static char big[310000];
    stage_close();
    stage_open("{presence: {}, roster: {}, caps: {}, disco: {}, pep: {max_item_size: 1M}}",
               ", max_stanza_size: 1M");
    stage_account("me");
    me = stage_login("me", "r");
    for (unsigned item = 0; item < 5; item++) {
        snprintf(big, sizeof big,
                 SET(PUBSUB("<publish node='urn:xmpp:bookmarks:1'><item id='%u'>"
                            "<n xmlns='urn:n'>%0300000d</n></item></publish>")),
                 item, 0);
        assert_has(stage_ask(&me, big), "type='result'");
    }
    /* three of them are less than 1 MiB */
    assert_has(end_of_answer(&me, GET(PUBSUB("<items node='urn:xmpp:bookmarks:1'/>"))),
               "<first>4</first><last>2</last><count>5</count>");
    const char *last = end_of_answer(
        &me, GET(PUBSUB("<items node='urn:xmpp:bookmarks:1'/>"
                        "<set xmlns='http://jabber.org/protocol/rsm'><before/></set>")));
    assert_has(last, "<first>2</first><last>0</last><count>5</count>");
}

static void nobody_fills_the_list_of_subscriptions(void **state)
{
    (void)state;
    stage_ask(&me, PUBLISH("urn:xmpp:vcard4", "1", ""));
    for (int i = 0; i <= LIMIT_PEP_OWN_SUBSCRIPTIONS; i++) {
        char resource[16], xml[300];
        snprintf(resource, sizeof resource, "r%d", i);
        struct actor one = stage_login("you", resource);
        snprintf(xml, sizeof xml,
                 "<iq type='set' id='s' to='me@localhost'>" PUBSUB(
                     "<subscribe node='urn:xmpp:vcard4' jid='you@localhost/%s'/>") "</iq>",
                 resource);
        const char *wanted = i < LIMIT_PEP_OWN_SUBSCRIPTIONS ? "subscription='subscribed'"
                                                             : "<too-many-subscriptions ";
        assert_has(stage_ask(&one, xml), wanted);
        stage_leave(&one);
    }
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_needs_is_said_at_start),
        STAGE_TEST(limits_of_a_user),
        STAGE_TEST(a_node_without_persistence_only_tells),
        STAGE_TEST(news_go_to_clients_that_want_them),
        STAGE_TEST(the_roster_decides_each_time),
        STAGE_TEST(who_is_blocked_is_told_nothing),
        STAGE_TEST(last_items_of_who_is_offline),
        STAGE_TEST(a_long_last_item),
        STAGE_TEST(a_storage_that_is_away_is_told),
        STAGE_TEST(a_publisher_that_goes_at_once),
        STAGE_TEST(a_removed_account_has_no_nodes),
        STAGE_TEST(memory_is_bounded),
        STAGE_TEST(an_answer_has_an_end),
        STAGE_TEST(nobody_fills_the_list_of_subscriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
