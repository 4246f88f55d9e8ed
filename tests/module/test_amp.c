/* Module amp: which rules are met, what is done, and who may know (XEP-0079). */
#include "stage.h"

#include "store.h"

static struct actor me, you;

static int up_with(const char *modules)
{
    stage_open(modules, "");
    stage_account("me");
    stage_account("you");
    me = stage_login("me", "r");
    you = stage_login("you", "r");
    return 0;
}

static void befriend(void)
{
    stage_ask(&me, "<presence/>");
    stage_ask(&you, "<presence/>");
    stage_ask(&me, "<presence type='subscribe' to='you@localhost'/>");
    stage_ask(&you, "<presence type='subscribed' to='me@localhost'/>");
    stage_written(&me);
    stage_written(&you);
}

static int up(void **state)
{
    (void)state;
    up_with("{amp: {}, disco: {}, presence: {}, roster: {}, blocking: {}}");
    befriend();
    return 0;
}

static int up_with_archive(void **state)
{
    (void)state;
    up_with("{amp: {}, mam: {}, presence: {}, roster: {}}");
    befriend();
    return 0;
}

static int up_alone(void **state)
{
    (void)state;
    return up_with("{amp: {}}");
}

static int down(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

static const char *message(const char *to, const char *rules)
{
    static char xml[1024];
    snprintf(xml, sizeof xml,
             "<message to='%s' type='chat' id='m'><body>x</body>"
             "<amp xmlns='http://jabber.org/protocol/amp'>%s</amp></message>",
             to, rules);
    return xml;
}

static const char *rule(const char *condition, const char *value, const char *action)
{
    static char xml[2][256];
    static int turn;
    char *out = xml[turn++ % 2];
    snprintf(out, sizeof xml[0], "<rule condition='%s' value='%s' action='%s'/>", condition, value,
             action);
    return out;
}

static void actions_are_done(void **state)
{
    (void)state;
    static const struct {
        const char *action, *answer;
        bool passes;
    } rows[] = {
        {"drop", "", false},
        {"alert",
         "<message from='localhost' to='me@localhost/r' id='m'>"
         "<amp xmlns='http://jabber.org/protocol/amp' status='alert' from='me@localhost/r' "
         "to='you@localhost/r'><rule condition='deliver' value='direct' action='alert'/></amp>"
         "</message>",
         false},
        {"error",
         "<message from='localhost' to='me@localhost/r' id='m' type='error'>"
         "<amp xmlns='http://jabber.org/protocol/amp' status='error' from='me@localhost/r' "
         "to='you@localhost/r'><rule condition='deliver' value='direct' action='error'/></amp>"
         "<error type='modify'><undefined-condition " STANZAS "/><failed-rules "
         "xmlns='http://jabber.org/protocol/amp#errors'><rule "
         "xmlns='http://jabber.org/protocol/amp' condition='deliver' value='direct' "
         "action='error'/></failed-rules></error></message>",
         false},
        {"notify",
         "<message from='localhost' to='me@localhost/r' id='m'>"
         "<amp xmlns='http://jabber.org/protocol/amp' status='notify' from='me@localhost/r' "
         "to='you@localhost/r'><rule condition='deliver' value='direct' action='notify'/></amp>"
         "</message>",
         true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *xml = message("you@localhost/r", rule("deliver", "direct", rows[i].action));
        assert_string_equal(stage_ask(&me, xml), rows[i].answer);
        assert_int_equal(strstr(stage_written(&you), "<body>x</body>") != NULL, rows[i].passes);
    }
}

/* True when a rule with this condition is met. */
static bool is_met(const char *to, const char *condition, const char *value)
{
    const char *answer = stage_ask(&me, message(to, rule(condition, value, "alert")));
    stage_written(&you);
    return strstr(answer, "status='alert'") != NULL;
}

static void conditions_are_met(void **state)
{
    (void)state;
    static const struct {
        const char *to, *condition, *value;
        bool met;
    } rows[] = {
        {"you@localhost/r", "deliver", "direct", true},
        {"you@localhost", "deliver", "direct", true},
        {"you@localhost/gone", "deliver", "direct", true},
        {"you@localhost/r", "deliver", "none", false},
        {"you@localhost/r", "deliver", "stored", false},
        {"you@localhost/r", "deliver", "forward", false},
        {"you@localhost/r", "deliver", "gateway", false},
        {"you@localhost/r", "match-resource", "exact", true},
        {"you@localhost/r", "match-resource", "any", true},
        {"you@localhost/r", "match-resource", "other", false},
        {"you@localhost/gone", "match-resource", "other", true},
        {"you@localhost/gone", "match-resource", "any", true},
        {"you@localhost/gone", "match-resource", "exact", false},
        {"you@localhost", "match-resource", "exact", false},
        {"you@localhost/r", "expire-at", "2001-01-01T00:00:00Z", true},
        {"you@localhost/r", "expire-at", "2999-01-01T00:00:00Z", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (is_met(rows[i].to, rows[i].condition, rows[i].value) != rows[i].met)
            fail_msg("row %zu", i);
    stage_leave(&you);
    stage_written(&me);
    assert_has(stage_ask(&me, message("you@localhost", rule("deliver", "none", "alert"))),
               "status='alert'");
    assert_has(stage_ask(&me, message("you@localhost", rule("match-resource", "any", "alert"))),
               "<service-unavailable ");
}

static void the_first_rule_that_is_met_is_done(void **state)
{
    (void)state;
    char rules[512];
    snprintf(rules, sizeof rules, "%s%s%s", rule("deliver", "none", "error"),
             "<rule condition='deliver' value='direct' action='notify'/>",
             rule("match-resource", "any", "drop"));
    const char *answer = stage_ask(&me, message("you@localhost/r", rules));
    assert_has(answer, "status='notify'");
    assert_lacks(answer, "type='error'");
    assert_has(stage_written(&you), "<body>x</body>");
}

static void what_cannot_be_done_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *condition, *value, *action, *error, *detail;
    } rows[] = {
        {"deliver", "direct", "dance", "<bad-request ", "<unsupported-actions "},
        {"mood", "direct", "drop", "<bad-request ", "<unsupported-conditions "},
        {"deliver", "maybe", "drop", "<not-acceptable ", "<invalid-rules "},
        {"match-resource", "", "drop", "<not-acceptable ", "<invalid-rules "},
        {"expire-at", "tomorrow", "drop", "<not-acceptable ", "<invalid-rules "},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *answer =
            stage_ask(&me, message("you@localhost/r",
                                   rule(rows[i].condition, rows[i].value, rows[i].action)));
        assert_has(answer, "<error type='modify'>");
        assert_has(answer, rows[i].error);
        assert_has(strstr(answer, rows[i].detail), "<rule condition='");
        assert_string_equal(stage_written(&you), "");
    }
    assert_has(stage_ask(&me, message("you@localhost/r", "")), "<bad-request ");
    /* what came of rules has none of its own */
    stage_feed(&me, "<message to='you@localhost/r' id='n'><amp status='notify' "
                    "xmlns='http://jabber.org/protocol/amp'><rule action='x'/></amp></message>");
    assert_has(stage_written(&you), "id='n'");
}

static void presence_does_not_leak(void **state)
{
    (void)state;
    const char *answer =
        stage_ask(&you, message("me@localhost/r", rule("deliver", "direct", "notify")));
    assert_has(answer, "<not-acceptable ");
    assert_string_equal(stage_written(&me), "");
    const char *nobody =
        stage_ask(&you, message("nobody@localhost/r", rule("deliver", "direct", "notify")));
    assert_has(nobody, "<not-acceptable ");
    assert_int_equal(strlen(answer) + strlen("nobody") - strlen("me"), strlen(nobody));
    assert_has(stage_ask(&you, message("me@localhost/r", rule("match-resource", "any", "error"))),
               "<not-acceptable ");
    /* what only drops tells nothing, nor does the time */
    assert_string_equal(
        stage_ask(&you, message("me@localhost/r", rule("deliver", "direct", "drop"))), "");
    assert_string_equal(stage_written(&me), "");
    assert_has(stage_ask(&you, message("me@localhost/r",
                                       rule("expire-at", "2001-01-01T00:00:00Z", "alert"))),
               "status='alert'");
    /* oneself may know */
    assert_has(stage_ask(&me, message("me@localhost/r", rule("deliver", "direct", "alert"))),
               "status='alert'");
    /* who is blocked is told what all are told */
    stage_ask(&you, "<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'>"
                    "<item jid='me@localhost'/></block></iq>");
    stage_written(&me);
    assert_has(stage_ask(&me, message("you@localhost/r", rule("deliver", "direct", "notify"))),
               "<service-unavailable ");
}

static void without_rosters_nobody_may_know(void **state)
{
    (void)state;
    assert_has(stage_ask(&me, message("you@localhost/r", rule("deliver", "direct", "notify"))),
               "<not-acceptable ");
    assert_string_equal(stage_ask(&me, message("you@localhost/r", rule("deliver", "none", "drop"))),
                        "");
    assert_has(stage_written(&you), "<body>x</body>");
}

/* What a rule stops is in nobody's archive; what it lets go on is. */
static void what_is_dropped_is_not_archived(void **state)
{
    (void)state;
    uint64_t archived = stage_counted("mam_archived_total");
    stage_ask(&me, message("you@localhost/r", rule("deliver", "direct", "drop")));
    assert_int_equal(stage_counted("mam_archived_total"), archived);
    stage_ask(&me, message("you@localhost/r", rule("deliver", "none", "drop")));
    assert_int_equal(stage_counted("mam_archived_total"), archived + 1);
    assert_has(stage_written(&you), "<stanza-id ");
    stage_ask(&me, message("you@localhost/r", rule("deliver", "direct", "notify")));
    assert_int_equal(stage_counted("mam_archived_total"), archived + 2);
    stage_leave(&you);
    stage_written(&me);
    assert_has(stage_ask(&me, message("you@localhost", rule("deliver", "stored", "alert"))),
               "status='alert'");
    assert_int_equal(stage_counted("mam_archived_total"), archived + 2);
    assert_lacks(stage_ask(&me, message("you@localhost", rule("deliver", "none", "alert"))),
                 "status=");
}

/* --- Too late: `you` was away while time passed --- */

static char id[64];

static int up_with_sm(void **state)
{
    (void)state;
    up_with("{amp: {}, presence: {}, roster: {}, sm: {resume_timeout: 60s}, csi: {}}");
    return 0;
}

static void enable(void)
{
    const char *answer = stage_ask(&you, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    const char *at = strstr(answer, "id='");
    assert_non_null(at);
    text_copy(id, sizeof id, str_cut(str_of(at + 4), '\'', &(struct str){0}));
}

static void cut(void)
{
    sim_reset(you.peer);
    you.peer = NULL;
    sim_settle(1000);
    shard_enter(shard_at(0));
}

static const char *resume(void)
{
    static struct actor fresh;
    char xml[160];
    fresh = stage_authenticate("you");
    stage_written(&fresh);
    snprintf(xml, sizeof xml, "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='0'/>", id);
    return stage_ask(&fresh, xml);
}

/* A message for each action, and one that has time; all wait. */
static void say_all(const char *to)
{
    static const char *const actions[] = {"drop", "alert", "notify", "error"};
    char xml[512], stamp[TEXT_TIME_ROOM];
    stamp[text_time(stamp, shard_at(0)->unix_us + 10000000)] = '\0';
    for (size_t i = 0; i <= COUNT_OF(actions); i++) {
        bool late = i < COUNT_OF(actions);
        snprintf(xml, sizeof xml,
                 "<message to='%s' type='chat'><body>%s</body>"
                 "<amp xmlns='http://jabber.org/protocol/amp'>"
                 "<rule condition='expire-at' action='%s' value='%s'/></amp></message>",
                 to, late ? actions[i] : "in time", late ? actions[i] : "drop",
                 late ? stamp : "2999-01-01T00:00:00Z");
        assert_string_equal(stage_ask(&me, xml), "");
    }
}

static void assert_only_in_time(const char *got)
{
    assert_has(got, "<body>notify</body>");
    assert_has(got, "<body>in time</body>");
    assert_lacks(got, "<body>drop</body>");
    assert_lacks(got, "<body>alert</body>");
    assert_lacks(got, "<body>error</body>");
}

static void assert_all_told(const char *told)
{
    assert_has(told, "<amp xmlns='http://jabber.org/protocol/amp' status='alert' "
                     "from='me@localhost/r' to='you@localhost'>");
    assert_has(told, "status='notify'");
    assert_has(told, "status='error'");
    assert_lacks(told, "action='drop'");
}

static void what_waits_for_a_socket_may_be_too_late(void **state)
{
    (void)state;
    befriend();
    enable();
    cut();
    say_all("you@localhost/r");
    stage_pass(11000);
    const char *got = resume();
    assert_only_in_time(got);
    assert_all_told(stage_written(&me));
    assert_has(got, "</message><r xmlns='urn:xmpp:sm:3'/>");
}

/* They may have been read before the cable was cut, so they are sent again whatever the time. */
static void what_was_written_is_not_too_late(void **state)
{
    (void)state;
    befriend();
    enable();
    say_all("you@localhost/r");
    cut();
    stage_pass(11000);
    assert_has(resume(), "<body>drop</body>");
    assert_string_equal(stage_written(&me), "");
}

static void what_another_got_in_time_is_not_too_late(void **state)
{
    (void)state;
    befriend();
    struct actor other = stage_login("you", "other");
    stage_ask(&other, "<presence/>");
    enable();
    cut();
    stage_written(&me);
    say_all("you@localhost");
    assert_has(stage_written(&other), "<body>drop</body>");
    stage_pass(11000);
    assert_has(resume(), "<body>drop</body>");
    assert_string_equal(stage_written(&me), "");
}

/* Nobody comes back: it would go to another resource. */
static void what_is_rerouted_may_be_too_late(void **state)
{
    (void)state;
    befriend();
    enable();
    cut();
    say_all("you@localhost/r");
    struct actor other = stage_login("you", "other");
    stage_ask(&other, "<presence/>");
    stage_written(&me);
    stage_pass(61000);
    assert_only_in_time(stage_written(&other));
    assert_all_told(stage_written(&me));
}

/* When its client comes back is nobody's business who may not see it. */
static void who_may_not_know_is_not_told_when(void **state)
{
    (void)state;
    enable();
    cut();
    say_all("you@localhost/r");
    stage_pass(11000);
    assert_only_in_time(resume());
    assert_string_equal(stage_written(&me), "");
}

static void features_are_told(void **state)
{
    (void)state;
    const char *info =
        stage_ask(&me, "<iq type='get' id='i' to='localhost'>"
                       "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    assert_has(info, "<feature var='http://jabber.org/protocol/amp?condition=expire-at'/>");
    info = stage_ask(&me, "<iq type='get' id='i' to='localhost'><query node='"
                          "http://jabber.org/protocol/amp' "
                          "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    assert_has(info, "node='http://jabber.org/protocol/amp'><identity ");
    assert_has(info, "<feature var='http://jabber.org/protocol/amp?action=alert'/>");
    assert_lacks(info, "disco#items");
    info = stage_ask(&me, "<iq type='get' id='i'><query node='http://jabber.org/protocol/amp' "
                          "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    assert_has(info, "<item-not-found ");
}

#define STAGE_TEST(name, with) cmocka_unit_test_setup_teardown(name, with, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(actions_are_done, up),
        STAGE_TEST(conditions_are_met, up),
        STAGE_TEST(the_first_rule_that_is_met_is_done, up),
        STAGE_TEST(what_cannot_be_done_is_refused, up),
        STAGE_TEST(presence_does_not_leak, up),
        STAGE_TEST(without_rosters_nobody_may_know, up_alone),
        STAGE_TEST(what_is_dropped_is_not_archived, up_with_archive),
        STAGE_TEST(what_waits_for_a_socket_may_be_too_late, up_with_sm),
        STAGE_TEST(what_was_written_is_not_too_late, up_with_sm),
        STAGE_TEST(what_another_got_in_time_is_not_too_late, up_with_sm),
        STAGE_TEST(what_is_rerouted_may_be_too_late, up_with_sm),
        STAGE_TEST(who_may_not_know_is_not_told_when, up_with_sm),
        STAGE_TEST(features_are_told, up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
