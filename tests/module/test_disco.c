/* Service Discovery: what the host and an account say of themselves, capabilities, contacts. */
#include "stage.h"

#define INFO  "http://jabber.org/protocol/disco#info"
#define ITEMS "http://jabber.org/protocol/disco#items"
#define CAPS  "https://ringtail.im/caps"

static struct actor me;

static void open_with(const char *modules)
{
    stage_open(modules, "");
    me = stage_login("me", "r");
}

static const char *ask(const char *ns, const char *to, const char *node)
{
    char xml[512];
    snprintf(xml, sizeof xml, "<iq type='get' id='d'%s%s%s><query xmlns='%s'%s%s%s/></iq>",
             to ? " to='" : "", to ? to : "", to ? "'" : "", ns, node ? " node='" : "",
             node ? node : "", node ? "'" : "");
    return stage_ask(&me, xml);
}

/* --- The host --- */

static void the_host_tells_what_is_on(void **state)
{
    (void)state;
    open_with("{disco: {}, ping: {}, register: {}}");
    assert_string_equal(ask(INFO, "localhost", NULL),
                        "<iq from='localhost' to='me@localhost/r' id='d' type='result'>"
                        "<query xmlns='" INFO "'>"
                        "<identity category='server' type='im' name='Ringtail'/>"
                        "<feature var='" INFO "'/><feature var='" ITEMS "'/>"
                        "<feature var='http://jabber.org/protocol/caps'/>"
                        "<feature var='urn:xmpp:ping'/><feature var='jabber:iq:register'/>"
                        "</query></iq>");
    stage_close();
    open_with("{disco: {}, version: {}, time: {}, last: {}}");
    const char *got = ask(INFO, "localhost", NULL);
    assert_has(got, "<feature var='jabber:iq:version'/>");
    assert_has(got, "<feature var='urn:xmpp:time'/>");
    assert_has(got, "<feature var='jabber:iq:last'/>");
    assert_lacks(got, "urn:xmpp:ping");
    stage_close();
}

static void the_host_has_no_items(void **state)
{
    (void)state;
    open_with("{disco: {}}");
    assert_string_equal(ask(ITEMS, "localhost", NULL),
                        "<iq from='localhost' to='me@localhost/r' id='d' type='result'>"
                        "<query xmlns='" ITEMS "'/></iq>");
    stage_close();
}

static void nodes_are_not_made_up(void **state)
{
    (void)state;
    open_with("{disco: {}}");
    assert_has(ask(INFO, "localhost", "nothing"), "<item-not-found " STANZAS "/>");
    assert_has(ask(ITEMS, "localhost", "nothing"), "<item-not-found ");
    assert_has(ask(INFO, "me@localhost", "nothing"), "<item-not-found ");
    assert_has(ask(ITEMS, NULL, "nothing"), "<item-not-found ");
    assert_has(ask(INFO, "localhost", CAPS "#wrong"), "<item-not-found ");
    assert_has(ask(INFO, "localhost", CAPS), "<item-not-found ");
    assert_lacks(ask(INFO, "localhost", ""), "<item-not-found "); /* an empty one is none */
    stage_close();
}

static void nobody_sets_anything(void **state)
{
    (void)state;
    open_with("{disco: {}}");
    assert_has(
        stage_ask(&me, "<iq type='set' id='d' to='localhost'><query xmlns='" INFO "'/></iq>"),
        "<service-unavailable ");
    assert_string_equal(
        stage_answers(&me, "<iq type='set' id='d' to='localhost'><query xmlns='" INFO "'/></iq>"),
        "");
    stage_close();
}

/* --- Accounts --- */

static void an_account_tells_its_owner(void **state)
{
    (void)state;
    static const char *const own[] = {NULL, "me@localhost", "ME@LocalHost"};
    open_with("{disco: {}, ping: {}}");
    for (size_t i = 0; i < COUNT_OF(own); i++) {
        const char *got = ask(INFO, own[i], NULL);
        assert_has(got, "<identity category='account' type='registered'/>"
                        "<feature var='" INFO "'/><feature var='" ITEMS "'/></query>");
        assert_has(ask(ITEMS, own[i], NULL), "<query xmlns='" ITEMS "'/></iq>");
    }
    stage_close();
}

static void others_are_as_if_they_were_not_there(void **state)
{
    (void)state;
    open_with("{disco: {}}");
    stage_login("you", "r");
    const char *there = ask(INFO, "you@localhost", NULL);
    assert_has(there, "<service-unavailable " STANZAS "/>");
    assert_lacks(there, "identity");
    assert_has(ask(INFO, "nobody@localhost", NULL), "<service-unavailable ");
    assert_has(ask(ITEMS, "you@localhost", NULL), "<service-unavailable ");
    assert_has(ask(INFO, "you@localhost", CAPS), "<service-unavailable "); /* not item-not-found */
    stage_close();
}

static void a_client_is_asked_itself(void **state)
{
    (void)state;
    open_with("{disco: {}}");
    struct actor you = stage_login("you", "r");
    assert_string_equal(ask(INFO, "you@localhost/r", NULL), "");
    assert_has(stage_written(&you), "<query xmlns='" INFO "'/>");
    stage_close();
}

/* --- Contacts (XEP-0157) and capabilities (XEP-0115) --- */

static const char contacts[] =
    "{disco: {server_info: ["
    "{name: support-addresses, urls: ['xmpp:help@localhost', 'https://localhost/help']}, "
    "{name: abuse-addresses, urls: ['mailto:abuse@localhost']}]}, ping: {}}";

static void contacts_stand_in_a_form(void **state)
{
    (void)state;
    open_with(contacts);
    assert_has(ask(INFO, "localhost", NULL),
               "<x xmlns='jabber:x:data' type='result'>"
               "<field var='FORM_TYPE' type='hidden'>"
               "<value>http://jabber.org/network/serverinfo</value></field>"
               "<field var='support-addresses' type='list-multi'>"
               "<value>xmpp:help@localhost</value><value>https://localhost/help</value></field>"
               "<field var='abuse-addresses' type='list-multi'>"
               "<value>mailto:abuse@localhost</value></field></x></query>");
    assert_lacks(ask(INFO, "me@localhost", NULL), "jabber:x:data");
    stage_close();
}

/* What XEP-0115 5.1 makes of this text. */
static const char *ver_of(const char *text)
{
    static char ver[BASE64_LEN(20) + 1];
    uint8_t hash[DIGEST_MAX_LEN];
    digest_hash(DIGEST_SHA1, str_of(text), hash);
    ver[base64_encode(hash, 20, ver)] = '\0';
    return ver;
}

static void expect_ver(const char *modules, const char *text)
{
    char want[256];
    open_with(modules);
    struct actor guest = stage_connect();
    snprintf(want, sizeof want,
             "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='" CAPS "' ver='%s'/>",
             ver_of(text));
    assert_has(stage_written(&guest), want); /* before the login … */
    assert_has(stage_effects(&me, HOOK_stream_features, "<x xmlns='x'/>"), "");
    snprintf(want, sizeof want, CAPS "#%s", ver_of(text));
    const char *plain = ask(INFO, "localhost", NULL), *with_node = ask(INFO, "localhost", want);
    assert_has(with_node, want);
    assert_has(with_node, strstr(plain, "<identity ")); /* the same answer */
    assert_has(ask(ITEMS, "localhost", want), "<item-not-found ");
    stage_close();
}

static void capabilities_are_hashed(void **state)
{
    (void)state;
    expect_ver("{disco: {}}",
               "server/im//Ringtail<http://jabber.org/protocol/caps<" INFO "<" ITEMS "<");
    expect_ver("{disco: {}, ping: {}, version: {}}",
               "server/im//Ringtail<http://jabber.org/protocol/caps<" INFO "<" ITEMS
               "<jabber:iq:version<urn:xmpp:ping<");
    expect_ver(contacts, "server/im//Ringtail<http://jabber.org/protocol/caps<" INFO "<" ITEMS
                         "<urn:xmpp:ping<http://jabber.org/network/serverinfo<"
                         "abuse-addresses<mailto:abuse@localhost<"
                         "support-addresses<https://localhost/help<xmpp:help@localhost<");
}

/* --- What other modules add --- */

static enum verdict add_feature(struct acc *acc, struct session *session)
{
    (void)session;
    struct element *feature = element_add(&acc->arena, acc->element, NS_DISCO_INFO, "feature");
    element_set(&acc->arena, feature, "var", acc->to.user.len ? STR("of:account") : STR("of:host"));
    return HOOK_OK;
}

static enum verdict add_item(struct acc *acc, struct session *session)
{
    (void)session;
    struct element *item = element_add(&acc->arena, acc->element, NS_DISCO_ITEMS, "item");
    element_set(&acc->arena, item, "jid", acc->from.bare);
    return HOOK_STOP;
}

static enum verdict never(struct acc *acc, struct session *session)
{
    (void)session;
    element_add(&acc->arena, acc->element, NS_DISCO_ITEMS, "never");
    return HOOK_OK;
}

static const struct hook adder_hooks[] = {
    {.at = HOOK_disco_info, .run = add_feature}, {.at = HOOK_disco_items, .run = add_item}, {0}};
static const struct hook later_hooks[] = {{.at = HOOK_disco_items, .run = never, .after = "adder"},
                                          {0}};
static const struct feature adder_features[] = {{IQ_ACCOUNT, "table:account"}, {0}};
static const struct module adder = {.name = "adder",
                                    .hooks = adder_hooks,
                                    .features = adder_features},
                           later = {.name = "later", .hooks = later_hooks};

static void other_modules_add_to_it(void **state)
{
    (void)state;
    stage_add(&adder);
    stage_add(&later);
    open_with("{disco: {}}");
    assert_has(ask(INFO, "localhost", NULL), "<feature var='of:host'/></query>");
    assert_lacks(ask(INFO, "localhost", NULL), "table:account");
    assert_has(ask(INFO, "me@localhost", NULL), "<feature var='table:account'/>");
    assert_has(ask(INFO, "me@localhost", NULL), "<feature var='of:account'/></query>");
    assert_has(ask(ITEMS, "localhost", NULL),
               "<query xmlns='" ITEMS "'><item jid='me@localhost'/></query>");
    stage_close();
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    assert_has(stage_refusal("{disco: {server_info: [{urls: [a]}]}}", ""),
               "modules.disco.server_info[0].name: is missing");
    assert_has(stage_refusal("{disco: {server_info: [{name: abuse-addresses}]}}", ""),
               "modules.disco.server_info[0].urls: is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_host_tells_what_is_on),
        cmocka_unit_test(the_host_has_no_items),
        cmocka_unit_test(nodes_are_not_made_up),
        cmocka_unit_test(nobody_sets_anything),
        cmocka_unit_test(an_account_tells_its_owner),
        cmocka_unit_test(others_are_as_if_they_were_not_there),
        cmocka_unit_test(a_client_is_asked_itself),
        cmocka_unit_test(contacts_stand_in_a_form),
        cmocka_unit_test(capabilities_are_hashed),
        cmocka_unit_test(other_modules_add_to_it),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
