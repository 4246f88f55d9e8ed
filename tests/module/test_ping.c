/* XMPP Ping: who is answered, who is asked and when, and what silence leads to. */
#include "stage.h"

static struct actor me;

static const char ask_host[] =
    "<iq type='get' id='1' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>",
                  server_ping[] = "<iq type='get' from='localhost' to='me@localhost/r' "
                                  "id='ping-%u'><ping xmlns='urn:xmpp:ping'/></iq>";

static void open_with(const char *conf)
{
    char modules[128];
    snprintf(modules, sizeof modules, "{ping: {%s}}", conf);
    stage_open(modules, "");
    me = stage_login("me", "r");
}

static void expect_ping(unsigned number)
{
    char want[160];
    snprintf(want, sizeof want, server_ping, number);
    assert_string_equal(stage_written(&me), want);
}

static const struct session_alarm *alarm_at(size_t index)
{
    return &me.session->alarms[index];
}

/* --- Answers --- */

static void the_server_answers(void **state)
{
    (void)state;
    open_with("");
    assert_string_equal(stage_answers(&me, ask_host),
                        "route <iq from='localhost' to='me@localhost/r' id='1' type='result'/>\n");
    assert_string_equal(stage_ask(&me, ask_host),
                        "<iq from='localhost' to='me@localhost/r' id='1' type='result'/>");
    assert_string_equal(stage_ask(&me, "<iq type='get' id='2'><ping xmlns='urn:xmpp:ping'/></iq>"),
                        "<iq to='me@localhost/r' id='2' type='result'/>");
    assert_string_equal(
        stage_ask(&me,
                  "<iq type='get' id='3' to='me@localhost'><ping xmlns='urn:xmpp:ping'/></iq>"),
        "<iq from='me@localhost' to='me@localhost/r' id='3' type='result'/>");
    stage_close();
}

static void not_for_others_and_not_to_a_set(void **state)
{
    (void)state;
    open_with("");
    assert_has(stage_ask(&me, "<iq type='get' id='4' to='you@localhost'>"
                              "<ping xmlns='urn:xmpp:ping'/></iq>"),
               "<service-unavailable ");
    assert_has(
        stage_ask(&me, "<iq type='set' id='5' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"),
        "<service-unavailable ");
    stage_close();
}

static void a_ping_to_a_client_is_routed(void **state)
{
    (void)state;
    open_with("");
    struct actor you = stage_login("you", "r");
    stage_feed(&me,
               "<iq type='get' id='6' to='you@localhost/r'><ping xmlns='urn:xmpp:ping'/></iq>");
    assert_has(stage_written(&you), "<ping xmlns='urn:xmpp:ping'/>");
    assert_string_equal(stage_written(&me), "");
    stage_close();
}

/* --- Questions --- */

static void nobody_is_asked_unless_it_is_wanted(void **state)
{
    (void)state;
    open_with("");
    assert_string_equal(stage_effects(&me, HOOK_session_opened, "<x xmlns='x'/>"), "");
    stage_pass(200000);
    assert_string_equal(stage_written(&me), "");
    stage_close();
}

static void who_is_silent_is_asked(void **state)
{
    (void)state;
    open_with("send_pings: true");
    uint64_t sent = stage_counted("ping_sent_total");
    assert_string_equal(stage_effects(&me, HOOK_session_opened, "<x xmlns='x'/>"),
                        "timer send_ping 60000\n");
    stage_pass(59900);
    assert_string_equal(stage_written(&me), "");
    stage_pass(200);
    expect_ping(1);
    assert_int_equal(stage_counted("ping_sent_total") - sent, 1);
    stage_close();
}

/* A busy client costs no timer work: the alarm looks for itself when it rings. */
static void the_alarm_is_not_moved_by_stanzas(void **state)
{
    (void)state;
    open_with("send_pings: true, ping_interval: 10s");
    uint64_t due = alarm_at(0)->timer.due_ms;
    for (int second = 0; second < 9; second++) {
        stage_pass(1000);
        assert_string_equal(stage_effects(&me, HOOK_user_send_packet, "<presence/>"), "");
        stage_feed(&me, "<presence/>");
        assert_true(alarm_at(0)->timer.due_ms == due);
    }
    stage_pass(1100); /* it has rung, and waits for the rest */
    assert_true(alarm_at(0)->timer.due_ms - due >= 8900);
    assert_true(alarm_at(0)->timer.due_ms - due <= 9100);
    assert_string_equal(stage_written(&me), "");
    stage_pass(8800);
    assert_string_equal(stage_written(&me), "");
    stage_pass(300);
    expect_ping(1);
    stage_close();
}

static void an_answer_keeps_the_session(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "<iq type='result' id='ping-1' to='localhost'/>",
        "<iq type='error' id='ping-1' to='localhost'><error type='cancel'/></iq>"};
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        open_with("send_pings: true, ping_interval: 10s, ping_req_timeout: 5s, "
                  "timeout_action: kill");
        uint64_t answered = stage_counted("ping_answered_total");
        stage_pass(10100);
        expect_ping(1);
        assert_true(timer_is_set(&alarm_at(1)->timer));
        assert_string_equal(stage_ask(&me, answers[i]), "");
        assert_false(timer_is_set(&alarm_at(1)->timer));
        assert_int_equal(stage_counted("ping_answered_total") - answered, 1);
        assert_string_equal(stage_ask(&me, answers[i]), ""); /* twice does no harm */
        assert_int_equal(stage_counted("ping_answered_total") - answered, 1);
        stage_pass(9900);
        assert_string_equal(stage_written(&me), "");
        stage_pass(300);
        expect_ping(2);
        stage_close();
    }
}

/* It is the ping's answer alone that is taken: in its id, and to the server. */
static void other_answers_do_not_count(void **state)
{
    (void)state;
    static const char *const others[] = {"<iq type='result' id='ping-2' to='localhost'/>",
                                         "<iq type='result' id='ping-1' to='you@localhost'/>",
                                         "<iq type='result' id='ping-1'/>",
                                         "<iq type='get' id='ping-1' to='localhost'>"
                                         "<ping xmlns='urn:xmpp:ping'/></iq>"};
    open_with("send_pings: true, ping_interval: 10s, ping_req_timeout: 5s, timeout_action: kill");
    uint64_t timeouts = stage_counted("ping_timeouts_total");
    stage_pass(10100);
    expect_ping(1);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_string_equal(stage_effects(&me, HOOK_user_send_iq, others[i]), "");
    assert_has(
        stage_effects(&me, HOOK_user_send_iq, "<iq type='result' id='ping-1' to='localhost'/>"),
        "timer ping_timeout off\n"); /* not applied */
    stage_close();
    open_with("send_pings: true, ping_interval: 10s, ping_req_timeout: 5s, timeout_action: kill");
    stage_pass(10100);
    expect_ping(1);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(stage_ask(&me, others[i]), "");
    stage_pass(5100);
    assert_has(stage_written(&me), "<connection-timeout ");
    assert_int_equal(stage_counted("ping_timeouts_total") - timeouts, 1);
    stage_close();
}

static void silence_may_end_the_session(void **state)
{
    (void)state;
    open_with("send_pings: true, timeout_action: kill");
    stage_pass(60100);
    expect_ping(1);
    stage_pass(31800);
    assert_string_equal(stage_written(&me), "");
    stage_pass(300);
    assert_string_equal(stage_written(&me),
                        "<stream:error><connection-timeout "
                        "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text "
                        "xmlns='urn:ietf:params:xml:ns:xmpp-streams'>ping timeout</text>"
                        "</stream:error></stream:stream>");
    stage_close();
}

static void silence_may_be_just_counted(void **state)
{
    (void)state;
    open_with("send_pings: true, timeout_action: none");
    uint64_t timeouts = stage_counted("ping_timeouts_total");
    for (unsigned number = 1; number <= 3; number++) {
        stage_pass(60100 - (number > 1 ? 100 : 0));
        expect_ping(number);
    }
    assert_int_equal(stage_counted("ping_timeouts_total") - timeouts, 2);
    stage_pass(33000);
    assert_int_equal(stage_counted("ping_timeouts_total") - timeouts, 3);
    assert_false(me.session->ended);
    stage_close();
}

/* A long time for the answer is not made longer by the next interval: one ping is under way. */
static void the_interval_does_not_move_the_timeout(void **state)
{
    (void)state;
    open_with("send_pings: true, ping_interval: 2s, ping_req_timeout: 9s, timeout_action: kill");
    stage_pass(2100);
    expect_ping(1);
    stage_pass(8800);
    assert_string_equal(stage_written(&me), "");
    stage_pass(300);
    assert_has(stage_written(&me), "<connection-timeout ");
    stage_close();
}

static void alarms_end_with_the_session(void **state)
{
    (void)state;
    open_with("send_pings: true, ping_interval: 10s");
    stage_pass(10100);
    expect_ping(1);
    stage_leave(&me);
    stage_pass(6000);
    assert_true(list_empty(session_list()));
    assert_int_equal(shard_at(0)->wheel.count, 0);
    stage_close();
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    assert_string_equal(stage_refusal("{ping: {}}", ""), "");
    assert_has(stage_refusal("{ping: {timeout_action: maybe}}", ""),
               "modules.ping.timeout_action: expects none or kill, got `maybe`");
    assert_has(stage_refusal("{ping: {ping_interval: 1ms}}", ""), "modules.ping.ping_interval: ");
    assert_has(stage_refusal("{ping: {ping_req_timeout: 2d}}", ""),
               "modules.ping.ping_req_timeout: ");
    assert_has(stage_refusal("{ping: {send_ping: true}}", ""), "did you mean `send_pings`");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_answers),
        cmocka_unit_test(not_for_others_and_not_to_a_set),
        cmocka_unit_test(a_ping_to_a_client_is_routed),
        cmocka_unit_test(nobody_is_asked_unless_it_is_wanted),
        cmocka_unit_test(who_is_silent_is_asked),
        cmocka_unit_test(the_alarm_is_not_moved_by_stanzas),
        cmocka_unit_test(an_answer_keeps_the_session),
        cmocka_unit_test(other_answers_do_not_count),
        cmocka_unit_test(silence_may_end_the_session),
        cmocka_unit_test(silence_may_be_just_counted),
        cmocka_unit_test(the_interval_does_not_move_the_timeout),
        cmocka_unit_test(alarms_end_with_the_session),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
