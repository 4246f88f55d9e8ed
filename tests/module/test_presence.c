/* Presence without a roster: availability, priorities, directed presence and its end. */
#include "stage.h"

static struct actor me, you;

static void open_with(const char *conf)
{
    char modules[128];
    snprintf(modules, sizeof modules, "{presence: {%s}}", conf);
    stage_open(modules, "");
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

static const char *asked(const char *xml)
{
    return stage_effects(&me, HOOK_user_send_presence, xml);
}

static const char *presence_of(const char *priority)
{
    static char xml[128];
    snprintf(xml, sizeof xml, "<presence><priority>%s</priority></presence>", priority);
    return xml;
}

/* --- Priorities --- */

static void priorities_have_edges(void **state)
{
    (void)state;
    static const struct {
        const char *text, *effect;
    } good[] = {{"0", "available yes 0\n"},       {"127", "available yes 127\n"},
                {"-128", "available yes -128\n"}, {"-1", "available yes -1\n"},
                {" 5 ", "available yes 5\n"},     {"+5", "available yes 5\n"}};
    static const char *const bad[] = {"128", "-129", "x",   "",    " ",
                                      "1.0", "1 2",  "--1", "0x1", "99999999999999999999"};
    assert_string_equal(asked("<presence/>"), "available yes 0\n");
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_string_equal(asked(presence_of(good[i].text)), good[i].effect);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const char *effects = asked(presence_of(bad[i]));
        assert_has(effects, "route <presence to='me@localhost/r' type='error'>");
        assert_has(effects, "<bad-request " STANZAS "/>");
        assert_lacks(effects, "available");
    }
    assert_string_equal(asked("<presence><priority xmlns='x'>500</priority></presence>"),
                        "available yes 0\n");
}

static void a_bad_priority_changes_nothing(void **state)
{
    (void)state;
    uint64_t changes = stage_counted("presence_changes_total");
    stage_ask(&me, presence_of("7"));
    assert_true(me.session->available);
    assert_int_equal(me.session->priority, 7);
    assert_has(stage_ask(&me, presence_of("128")), "<bad-request ");
    assert_true(me.session->available);
    assert_int_equal(me.session->priority, 7);
    assert_int_equal(stage_counted("presence_changes_total") - changes, 1);
}

/* --- Who gets what is sent to the bare JID --- */

static const char *message_to_me(void)
{
    stage_feed(&you, "<message to='me@localhost' id='m'><body>x</body></message>");
    const char *back = stage_written(&you);
    const char *got = stage_written(&me);
    if (got[0]) {
        assert_string_equal(back, "");
        return "got";
    }
    assert_has(back, "<service-unavailable ");
    return "back";
}

static void only_who_is_available_gets_messages(void **state)
{
    (void)state;
    assert_string_equal(message_to_me(), "back"); /* it has sent no presence yet */
    stage_ask(&me, "<presence/>");
    assert_string_equal(message_to_me(), "got");
    stage_ask(&me, presence_of("-1"));
    assert_string_equal(message_to_me(), "back");
    stage_ask(&me, presence_of("1"));
    assert_string_equal(message_to_me(), "got");
    stage_ask(&me, "<presence type='unavailable'/>");
    assert_string_equal(message_to_me(), "back");
}

static void without_the_module_all_are_available(void **state)
{
    (void)state;
    stage_open("{}", "");
    me = stage_login("me", "r");
    you = stage_login("you", "r");
    assert_string_equal(message_to_me(), "got");
    assert_string_equal(stage_ask(&me, "<presence type='unavailable'/>"), "");
    assert_string_equal(message_to_me(), "got");
    stage_close();
}

/* --- Directed presence --- */

static const char to_you[] = "<presence to='you@localhost/r'/>",
                  no_more_to_you[] = "<presence to='you@localhost/r' type='unavailable'/>",
                  unavailable[] = "<presence type='unavailable' from='me@localhost/r' "
                                  "to='you@localhost/r'/>";

static void it_is_routed_as_it_is(void **state)
{
    (void)state;
    uint64_t directed = stage_counted("presence_directed_total");
    assert_string_equal(asked("<presence to='you@localhost/r'><show>chat</show></presence>"),
                        "route <presence to='you@localhost/r' from='me@localhost/r'>"
                        "<show>chat</show></presence>\n");
    stage_feed(&me, to_you);
    assert_string_equal(stage_written(&you),
                        "<presence to='you@localhost/r' from='me@localhost/r'/>");
    assert_int_equal(stage_counted("presence_directed_total") - directed, 2);
    assert_false(me.session->available); /* that is another matter */
}

/* Whoever was told hears of the end, once, however it comes. */
static void the_end_is_told(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        stage_feed(&me, to_you);
        stage_feed(&me, to_you);
        stage_feed(&me, "<presence to='nobody@localhost/r'/>");
        stage_written(&you);
        if (way == 0)
            stage_feed(&me, "<presence type='unavailable'/>");
        else if (way == 1)
            session_end(me.session, STREAM_CONFLICT, NULL);
        else if (way == 2)
            sim_send(me.peer, STR("</stream:stream>"));
        else
            stage_leave(&me);
        assert_string_equal(stage_written(&you), unavailable);
        if (way > 0)
            me = stage_login("me", "r");
    }
}

static void who_was_told_so_is_not_told_again(void **state)
{
    (void)state;
    stage_feed(&me, to_you);
    stage_feed(&me, no_more_to_you);
    stage_written(&you);
    assert_string_equal(asked("<presence type='unavailable'/>"), "available no 0\n");
    stage_leave(&me);
    assert_string_equal(stage_written(&you), "");
    me = stage_login("me", "r");
    assert_string_equal(asked(no_more_to_you), /* never told: it is routed all the same */
                        "route <presence to='you@localhost/r' type='unavailable' "
                        "from='me@localhost/r'/>\n");
}

static void there_is_a_cap(void **state)
{
    (void)state;
    static const char third[] = "<presence to='c@localhost'/>";
    open_with("max_directed: 2");
    stage_ask(&me, "<presence to='a@localhost'/>");
    stage_ask(&me, "<presence to='b@localhost'/>");
    assert_string_equal(stage_ask(&me, "<presence to='a@localhost'/>"), ""); /* it is there */
    const char *effects = asked(third);
    assert_has(effects, "route <presence from='c@localhost' to='me@localhost/r' type='error'>");
    assert_has(effects, "<resource-constraint " STANZAS "/>");
    assert_lacks(effects, "to='c@localhost'");
    assert_has(stage_ask(&me, third), "<resource-constraint ");
    stage_ask(&me, "<presence to='b@localhost' type='unavailable'/>");
    assert_string_equal(stage_ask(&me, third), "");
    assert_has(stage_ask(&me, "<presence to='d@localhost'/>"), "<resource-constraint ");
    stage_ask(&me, "<presence type='unavailable'/>"); /* all are forgotten */
    assert_string_equal(stage_ask(&me, "<presence to='d@localhost'/>"), "");
    stage_close();
}

/* --- Other types --- */

static void what_needs_an_address_is_refused_without(void **state)
{
    (void)state;
    static const char *const types[] = {"subscribe",    "subscribed", "unsubscribe",
                                        "unsubscribed", "probe",      "nonsense"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        char xml[96];
        snprintf(xml, sizeof xml, "<presence type='%s'/>", types[i]);
        assert_has(asked(xml), "this presence needs a `to`");
        snprintf(xml, sizeof xml, "<presence type='%s' to='you@localhost'/>", types[i]);
        assert_string_equal(asked(xml), ""); /* until there is a roster */
    }
    assert_string_equal(asked("<presence type='error'/>"), "");
    assert_string_equal(asked("<presence type='error' to='you@localhost/r'/>"),
                        "route <presence type='error' to='you@localhost/r' "
                        "from='me@localhost/r'/>\n");
}

/* --- From outside --- */

static const char *foreign(const char *call, const char *argument)
{
    static char text[512];
    struct buf answer = {0};
    const struct foreign_event event = {call, str_of(argument), &answer};
    bool known = foreign_ask(me.session, &event);
    snprintf(text, sizeof text, "%s%.*s", known ? "" : "unknown", STR_ARG(buf_str(&answer)));
    buf_fini(&answer);
    return text;
}

static void it_is_told_and_set_from_outside(void **state)
{
    (void)state;
    assert_string_equal(foreign("get_presence", ""), "<presence type='unavailable'/>");
    assert_string_equal(foreign("set_presence", "<presence><show>xa</show><priority>7</priority>"
                                                "</presence>"),
                        "");
    assert_int_equal(me.session->priority, 7);
    assert_string_equal(foreign("get_presence", ""),
                        "<presence from='me@localhost/r'><show>xa</show><priority>7</priority>"
                        "</presence>");
    assert_string_equal(foreign("set_presence", "<presence type='unavailable'/>"), "");
    assert_false(me.session->available);
}

static void who_is_subscribed_is_told_outside(void **state)
{
    (void)state;
    stage_open("{presence: {}, roster: {}}", "");
    stage_account("me");
    stage_account("you");
    me = stage_login("me", "r");
    you = stage_login("you", "r");
    stage_ask(&me, "<presence/>");
    assert_string_equal(foreign("get_subscribed", ""), "");
    stage_ask(&you, "<presence to='me@localhost' type='subscribe'/>");
    assert_string_equal(foreign("get_subscribed", ""), "");
    stage_ask(&me, "<presence to='you@localhost' type='subscribed'/>");
    assert_string_equal(foreign("get_subscribed", ""), "you@localhost\n");
    stage_close();
}

static void what_is_set_from_outside_is_looked_at(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "x",
                                        "<message/>",
                                        "<presence",
                                        "<presence to='a@b'/>",
                                        "<presence type='subscribe'/>",
                                        "<presence><priority>x</priority></presence>"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_string_not_equal(foreign("set_presence", wrong[i]), "");
    assert_string_equal(foreign("dance", ""), "unknown");
    assert_string_equal(stage_written(&me), "");
    assert_false(me.session->available);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    assert_has(stage_refusal("{presence: {max_directed: 0}}", ""),
               "modules.presence.max_directed: expects a number from 1 to 1000000, got `0`");
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(priorities_have_edges),
        cmocka_unit_test(who_is_subscribed_is_told_outside),
        STAGE_TEST(a_bad_priority_changes_nothing),
        STAGE_TEST(only_who_is_available_gets_messages),
        cmocka_unit_test(without_the_module_all_are_available),
        STAGE_TEST(it_is_routed_as_it_is),
        STAGE_TEST(the_end_is_told),
        STAGE_TEST(who_was_told_so_is_not_told_again),
        cmocka_unit_test(there_is_a_cap),
        STAGE_TEST(what_needs_an_address_is_refused_without),
        STAGE_TEST(it_is_told_and_set_from_outside),
        STAGE_TEST(what_is_set_from_outside_is_looked_at),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
