/* Module offline on the stage: what is kept, for whom, in which order it is given, and only once.
 */
#include "offline_stage.h"

static int up(void **state)
{
    (void)state;
    open_with("{offline: {max_user_messages: 30}, presence: {}, roster: {}, sm: {}, carbons: {},"
              " blocking: {}, amp: {}, disco: {}}");
    return 0;
}

/* --- What is kept --- */

static void keeps_what_says_something(void **state)
{
    (void)state;
    static const struct {
        const char *attributes, *children;
        bool kept, told;
    } kinds[] = {
        {"type='chat'", BODY("x"), true, false},
        {"", BODY("x"), true, false},
        {"type='normal'", "<subject>x</subject>", true, false},
        {"type='chat'", BODY("x") STATE, true, false},
        {"type='chat'", STATE "<thread>t</thread>", false, true},
        {"type='chat'", "", false, true},
        {"type='chat'", "<x xmlns='jabber:x:conference' jid='r@c'/>", true, false},
        {"", "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b'/></x>", true,
         false},
        {"type='chat'", "<received xmlns='urn:xmpp:receipts' id='1'/>", true, false},
        {"type='chat'", BODY("x") HINT("no-store"), false, true},
        {"type='chat'", BODY("x") HINT("no-permanent-store"), true, false},
        {"type='chat'", STATE HINT("store"), true, false},
        {"type='headline'", BODY("x"), false, false},
        {"type='groupchat'", BODY("x"), false, true},
        {"type='error'", BODY("x") "<error type='cancel'/>", false, false},
    };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const char *told = say_xml(kinds[i].attributes, kinds[i].children);
        if (kinds[i].told)
            assert_has(told, UNAVAILABLE);
        else
            assert_string_equal(told, "");
        struct actor you = come();
        const char *got = stage_written(&you);
        assert_int_equal(strstr(got, "<delay ") != NULL, kinds[i].kept);
        assert_int_equal(strstr(got, "<message") != NULL, kinds[i].kept);
        stage_leave(&you);
    }
}

static void gives_it_as_it_was_with_its_time(void **state)
{
    (void)state;
    say_xml("type='chat' id='m1'", BODY("a &lt;") "<thread>t</thread>");
    stage_feed(&me, "<message to='you@localhost/elsewhere' id='m2'><body>b</body></message>");
    stage_pass(7000);
    struct actor you = come();
    const char *got = stage_written(&you);
    assert_has(got, "<message to='you@localhost' type='chat' id='m1' from='me@localhost/r'>"
                    "<body>a &lt;</body><thread>t</thread>"
                    "<delay xmlns='urn:xmpp:delay' from='localhost' stamp='");
    assert_has(got, "<message to='you@localhost/elsewhere' id='m2' from='me@localhost/r'>");
    assert_int_equal(counted("offline_given_total"), 2);
}

static void nobody_is_no_one_to_wait_for(void **state)
{
    (void)state;
    assert_has(stage_ask(&me, "<message to='nobody@localhost'><body>x</body></message>"),
               UNAVAILABLE);
}

static void a_full_queue_tells_the_sender(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++)
        say("x");
    const char *told = say_xml("type='chat' id='over'", BODY("over"));
    assert_has(told, "id='over'");
    assert_has(told, "<error type='wait'><resource-constraint " STANZAS "/>");
    assert_has(told, "Your contact offline message queue is full.");
    struct actor you = come();
    assert_lacks(bodies(&you), "over");
    stage_leave(&you);
    say("again");
}

static enum err fail_adds(const struct store_op *op, uint64_t *delay_ms)
{
    (void)delay_ms;
    return op->kind == STORE_OFFLINE_ADD ? ERR_DOWN : ERR_OK;
}

static void what_is_not_kept_is_told(void **state)
{
    (void)state;
    store_mem_hook = fail_adds;
    assert_has(say_xml("type='chat'", BODY("x")), "<resource-constraint ");
}

static void expires(void **state)
{
    (void)state;
    say_xml("type='chat'", BODY("short") "<x xmlns='jabber:x:expire' seconds='5'/>");
    say_xml("type='chat'", BODY("long") "<x xmlns='jabber:x:expire' seconds='500'/>");
    say_xml("type='chat'", BODY("odd") "<x xmlns='jabber:x:expire' seconds='-'/>");
    stage_pass(6000);
    struct actor you = come();
    assert_string_equal(bodies(&you), "long odd");
    stage_leave(&you);
    stage_pass(3600000);
    assert_int_equal(counted("offline_expired_total"), 1);
}

static void is_told_in_disco(void **state)
{
    (void)state;
    assert_has(stage_ask(&me, "<iq type='get' id='d' to='localhost'>"
                              "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>"),
               "<feature var='msgoffline'/>");
}

/* --- When it is given --- */

static void waits_for_a_priority_that_takes_it(void **state)
{
    (void)state;
    say("one");
    struct actor you = come_as("r", AWAY);
    assert_string_equal(bodies(&you), "");
    say("two");
    assert_string_equal(bodies(&you), "");
    stage_feed(&you, "<presence/>");
    stage_pass(50);
    assert_string_equal(bodies(&you), "one two");
    stage_feed(&you, "<presence><show>away</show></presence>");
    stage_pass(50);
    assert_string_equal(bodies(&you), "");
    stage_feed(&you, AWAY);
    say("three");
    stage_feed(&you, "<presence/>");
    stage_pass(50);
    assert_string_equal(bodies(&you), "three");
}

static void without_presence_binding_is_enough(void **state)
{
    (void)state;
    open_with("{offline: {}}");
    say("one");
    struct actor you = stage_authenticate("you");
    stage_written(&you);
    stage_feed(&you, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
    stage_pass(50);
    const char *got = stage_written(&you);
    assert_true(strstr(got, "<jid>") && strstr(got, "<jid>") < strstr(got, "<body>one</body>"));
}

static void many_come_in_order_and_once(void **state)
{
    (void)state;
    char number[8], wanted[256] = "";
    for (int i = 0; i < 30; i++) {
        snprintf(number, sizeof number, "%d", i);
        say(number);
        size_t len = strlen(wanted);
        snprintf(wanted + len, sizeof wanted - len, "%s%d", i ? " " : "", i);
    }
    struct actor you = come();
    assert_string_equal(bodies(&you), wanted);
    stage_leave(&you);
    you = come();
    assert_string_equal(bodies(&you), "");
}

static enum err slow_pages(const struct store_op *op, uint64_t *delay_ms)
{
    *delay_ms = op->kind == STORE_OFFLINE_PAGE ? 200 : 0;
    return ERR_OK;
}

/* What comes while pages are read is held behind them; iq and presence are not. */
static void new_ones_do_not_overtake(void **state)
{
    (void)state;
    say("old");
    store_mem_hook = slow_pages;
    struct actor you = come();
    say("new");
    stage_feed(&me, "<message to='you@localhost/r' type='chat'><body>newer</body></message>");
    stage_feed(&me, "<iq to='you@localhost/r' type='get' id='q'><query xmlns='x'/></iq>");
    stage_pass(20);
    const char *got = stage_written(&you);
    assert_has(got, "id='q'");
    assert_lacks(got, "<body>");
    stage_pass(190);
    say("newest");
    stage_pass(500);
    assert_string_equal(bodies(&you), "old new newer newest");
    assert_int_equal(counted("offline_held_total"), 3);
    say("live");
    assert_string_equal(bodies(&you), "live");
}

static void of_two_only_one_is_given_it(void **state)
{
    (void)state;
    say("one");
    store_mem_hook = slow_pages;
    struct actor first = come_as("a", "<presence/>"), second = come_as("b", "<presence/>");
    stage_pass(1000);
    assert_string_equal(bodies(&first), "one");
    assert_string_equal(bodies(&second), "");
}

/* The first ends before its page comes: the second is given it, and what the first held. */
static void another_takes_over(void **state)
{
    (void)state;
    say("one");
    store_mem_hook = slow_pages;
    struct actor first = come_as("a", "<presence/>"), second = come_as("b", "<presence/>");
    stage_feed(&me, "<message to='you@localhost/a' type='chat'><body>held</body></message>");
    stage_pass(20);
    stage_leave(&first);
    stage_pass(1000);
    assert_string_equal(bodies(&second), "one held");
}

static void who_leaves_meanwhile_finds_it_later(void **state)
{
    (void)state;
    say("one");
    store_mem_hook = slow_pages;
    struct actor you = come();
    stage_feed(&me, "<message to='you@localhost/r' type='chat'><body>held</body></message>");
    stage_pass(20);
    stage_leave(&you);
    stage_pass(1000);
    store_mem_hook = NULL;
    you = come();
    assert_string_equal(bodies(&you), "one held");
}

static enum err fail_pages(const struct store_op *op, uint64_t *delay_ms)
{
    (void)delay_ms;
    return op->kind == STORE_OFFLINE_PAGE ? ERR_DOWN : ERR_OK;
}

static void a_failed_read_is_tried_again(void **state)
{
    (void)state;
    say("old");
    store_mem_hook = fail_pages;
    struct actor you = come();
    say("live");
    assert_string_equal(bodies(&you), "live");
    store_mem_hook = NULL;
    stage_pass(6000);
    assert_string_equal(bodies(&you), "old");
}

static enum err fail_drops(const struct store_op *op, uint64_t *delay_ms)
{
    (void)delay_ms;
    return op->kind == STORE_OFFLINE_DROP ? ERR_DOWN : ERR_OK;
}

/* Twice is better than never, but not twice to the same user without a break. */
static void a_failed_drop_gives_it_again_next_time(void **state)
{
    (void)state;
    say("one");
    store_mem_hook = fail_drops;
    struct actor you = come();
    assert_string_equal(bodies(&you), "one");
    stage_feed(&you, AWAY);
    stage_feed(&you, "<presence/>");
    stage_pass(50);
    assert_string_equal(bodies(&you), "");
    stage_leave(&you);
    store_mem_hook = NULL;
    you = come();
    assert_string_equal(bodies(&you), "one");
    stage_leave(&you);
    you = come();
    assert_string_equal(bodies(&you), "");
}

/* --- With other modules --- */

static void unacknowledged_ones_wait_with_their_time(void **state)
{
    (void)state;
    struct actor you = stage_login("you", "r");
    stage_ask(&you, "<enable xmlns='urn:xmpp:sm:3'/>");
    stage_ask(&you, "<presence/>");
    say("one");
    assert_string_equal(bodies(&you), "one");
    stage_pass(1000);
    stage_leave(&you);
    stage_pass(100);
    you = come();
    const char *got = stage_written(&you);
    assert_has(got, "<body>one</body><delay xmlns='urn:xmpp:delay' from='localhost' stamp='");
    assert_null(strstr(strstr(got, "<delay") + 1, "<delay"));
}

/* What was given and not acknowledged is not lost, and not given twice when it was. */
static void given_ones_are_the_sessions(void **state)
{
    (void)state;
    say("one");
    struct actor you = stage_login("you", "r");
    stage_ask(&you, "<enable xmlns='urn:xmpp:sm:3'/>");
    stage_feed(&you, "<presence/>");
    stage_pass(50);
    assert_has(bodies(&you), "one");
    stage_leave(&you);
    stage_pass(100);
    you = stage_login("you", "r");
    stage_ask(&you, "<enable xmlns='urn:xmpp:sm:3'/>");
    stage_feed(&you, "<presence/>");
    stage_pass(50);
    assert_has(bodies(&you), "one");
    stage_feed(&you, "<a xmlns='urn:xmpp:sm:3' h='2'/>");
    stage_leave(&you);
    stage_pass(100);
    you = come();
    assert_string_equal(bodies(&you), "");
}

static enum err slow_adds(const struct store_op *op, uint64_t *delay_ms)
{
    *delay_ms = op->kind == STORE_OFFLINE_ADD ? 300 : 0;
    return ERR_OK;
}

static void is_acknowledged_when_it_is_kept(void **state)
{
    (void)state;
    stage_ask(&me, "<enable xmlns='urn:xmpp:sm:3'/>");
    store_mem_hook = slow_adds;
    me.session->sent_count++; /* the stage feeds behind the counter */
    say("one");
    assert_has(stage_ask(&me, "<r xmlns='urn:xmpp:sm:3'/>"), "h='0'");
    stage_pass(400);
    assert_has(stage_written(&me), "h='1'");
    store_mem_hook = NULL;
    struct actor you = come();
    me.session->sent_count++;
    say("two");
    assert_has(stage_ask(&me, "<r xmlns='urn:xmpp:sm:3'/>"), "h='2'");
    assert_string_equal(bodies(&you), "one two");
}

static void who_was_blocked_meanwhile_is_not_heard(void **state)
{
    (void)state;
    say("one");
    struct actor you = come_as("r", AWAY);
    stage_ask(&you, "<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'>"
                    "<item jid='me@localhost'/></block></iq>");
    stage_feed(&you, "<presence/>");
    stage_pass(50);
    assert_string_equal(bodies(&you), "");
}

#define RULE(condition, action, value)                                                             \
    "<amp xmlns='http://jabber.org/protocol/amp'><rule condition='" condition "' action='" action  \
    "' value='" value "'/></amp>"

static void subscribe(void)
{
    struct actor you = come();
    stage_ask(&me, "<presence type='subscribe' to='you@localhost'/>");
    stage_ask(&you, "<presence type='subscribed' to='me@localhost'/>");
    stage_leave(&you);
    stage_written(&me);
}

static void rules_about_storing(void **state)
{
    (void)state;
    subscribe();
    assert_has(say_xml("type='chat'", BODY("n") RULE("deliver", "notify", "stored")),
               "status='notify'");
    const char *told = say_xml("type='chat'", BODY("e") RULE("deliver", "error", "stored"));
    assert_has(told, "status='error'");
    say_xml("type='chat'", BODY("d") RULE("deliver", "drop", "stored"));
    assert_string_equal(say_xml("type='chat'", BODY("k") RULE("deliver", "error", "none")), "");
    struct actor you = come();
    assert_string_equal(bodies(&you), "n k");
    assert_lacks(stage_written(&me), "<message");
}

static void say_with_times(void)
{
    char rule[256], stamp[TEXT_TIME_ROOM];
    stamp[text_time(stamp, shard_at(0)->unix_us + 10000000)] = '\0';
    static const char *const actions[] = {"drop", "error", "notify", "alert"};
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        snprintf(rule, sizeof rule,
                 "<body>%s</body><amp xmlns='http://jabber.org/protocol/amp'>"
                 "<rule condition='expire-at' action='%s' value='%s'/></amp>",
                 actions[i], actions[i], stamp);
        assert_string_equal(say_xml("type='chat'", rule), "");
    }
}

static void rules_about_time(void **state)
{
    (void)state;
    subscribe();
    say_with_times();
    stage_pass(11000);
    struct actor you = come();
    assert_string_equal(bodies(&you), "notify");
    const char *told = stage_written(&me);
    assert_has(told, "<amp xmlns='http://jabber.org/protocol/amp' status='error' "
                     "from='me@localhost/r' to='you@localhost'>");
    assert_has(told, "status='alert'");
    assert_has(told, "status='notify'");
    assert_lacks(told, " to='you@localhost/r'");
}

/* It is at the time when the user comes that it turns out to be too late. */
static void strangers_are_not_told_when_their_time_is_over(void **state)
{
    (void)state;
    say_with_times();
    stage_pass(11000);
    struct actor you = come();
    assert_string_equal(bodies(&you), "notify");
    assert_string_equal(stage_written(&me), "");
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(keeps_what_says_something),
        STAGE_TEST(gives_it_as_it_was_with_its_time),
        STAGE_TEST(nobody_is_no_one_to_wait_for),
        STAGE_TEST(a_full_queue_tells_the_sender),
        STAGE_TEST(what_is_not_kept_is_told),
        STAGE_TEST(expires),
        STAGE_TEST(is_told_in_disco),
        STAGE_TEST(waits_for_a_priority_that_takes_it),
        cmocka_unit_test_teardown(without_presence_binding_is_enough, down),
        STAGE_TEST(many_come_in_order_and_once),
        STAGE_TEST(new_ones_do_not_overtake),
        STAGE_TEST(of_two_only_one_is_given_it),
        STAGE_TEST(another_takes_over),
        STAGE_TEST(who_leaves_meanwhile_finds_it_later),
        STAGE_TEST(a_failed_read_is_tried_again),
        STAGE_TEST(a_failed_drop_gives_it_again_next_time),
        STAGE_TEST(unacknowledged_ones_wait_with_their_time),
        STAGE_TEST(given_ones_are_the_sessions),
        STAGE_TEST(is_acknowledged_when_it_is_kept),
        STAGE_TEST(who_was_blocked_meanwhile_is_not_heard),
        STAGE_TEST(rules_about_storing),
        STAGE_TEST(rules_about_time),
        STAGE_TEST(strangers_are_not_told_when_their_time_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
