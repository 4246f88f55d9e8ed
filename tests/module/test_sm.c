/* Module sm: counts, the buffer and its bounds, resumption and its end (XEP-0198). */
#include "stage.h"

#include "limits.h"
#include "store_backend.h"

#define SM     "xmlns='urn:xmpp:sm:3'"
#define ENABLE "<enable " SM " resume='true'/>"

static struct actor me, you;
static char id[64];

static void open_with(const char *conf)
{
    char modules[192];
    snprintf(modules, sizeof modules, "{sm: {%s}, carbons: {}, ping: {}}", conf);
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

static void enable(const struct actor *actor)
{
    const char *at = strstr(stage_ask(actor, ENABLE), "id='");
    assert_non_null(at);
    text_copy(id, sizeof id, str_cut(str_of(at + 4), '\'', &(struct str){0}));
    assert_int_equal(strlen(id), 28);
}

static void send_to(const char *to, const char *number)
{
    char xml[160];
    snprintf(xml, sizeof xml, "<message to='%s' id='%s' type='chat'><body>x</body></message>", to,
             number);
    stage_feed(&you, xml);
}

static const char *ask_h(const struct actor *actor, const char *name, const char *h)
{
    char xml[128];
    snprintf(xml, sizeof xml, "<%s " SM " h='%s'/>", name, h);
    return stage_ask(actor, xml);
}

/* The cable is cut. */
static void cut(struct actor *actor)
{
    sim_reset(actor->peer);
    actor->peer = NULL;
    sim_settle(1000);
    shard_enter(shard_at(0));
    assert_string_equal(actor->session->state->name, "sm:resume");
}

/* A fresh connection asks for the session of `id`; what it hears. */
static const char *resume(struct actor *fresh, const char *h)
{
    char xml[192];
    *fresh = stage_authenticate("me");
    stage_written(fresh);
    snprintf(xml, sizeof xml, "<resume " SM " previd='%s' h='%s'/>", id, h);
    return stage_ask(fresh, xml);
}

/* --- Counts --- */

static void what_came_is_counted_and_wraps(void **state)
{
    (void)state;
    enable(&me);
    assert_string_equal(stage_ask(&me, "<r " SM "/>"), "<a xmlns='urn:xmpp:sm:3' h='0'/>");
    stage_ask(&me, "<presence/>");
    stage_ask(&me, "<message to='bad@@address'/>"); /* answered with an error, and handled */
    assert_has(stage_ask(&me, "<r " SM "/>"), "<a xmlns='urn:xmpp:sm:3' h='2'/>");
    me.session->handled_count += UINT32_MAX - 2;
    me.session->durable_count = me.session->sent_count = me.session->handled_count;
    assert_has(stage_ask(&me, "<r " SM "/>"), " h='4294967295'/>");
    stage_feed(&me, "<presence/>");
    assert_has(stage_ask(&me, "<r " SM "/>"), " h='0'/>");
    stage_feed(&me, "<presence/>");
    assert_has(stage_ask(&me, "<r " SM "/>"), " h='1'/>");
}

static void what_went_is_counted_and_asked_for(void **state)
{
    (void)state;
    enable(&me);
    send_to("me@localhost/r", "1");
    assert_has(stage_written(&me), "</message><r xmlns='urn:xmpp:sm:3'/>");
    send_to("me@localhost/r", "2"); /* one question at a time */
    assert_lacks(stage_written(&me), "<r ");
    assert_string_equal(ask_h(&me, "a", "1"), "<r xmlns='urn:xmpp:sm:3'/>");
    assert_string_equal(ask_h(&me, "a", "2"), "");
    assert_string_equal(ask_h(&me, "a", "1"), ""); /* behind: it tells nothing */
    send_to("me@localhost/r", "3");
    stage_written(&me);
    assert_has(ask_h(&me, "a", "4"),
               "<handled-count-too-high xmlns='urn:xmpp:sm:3' h='4' send-count='3'/>"
               "</stream:error></stream:stream>");
    assert_has(stage_written(&you), "id='3'");
}

static void a_question_can_wait_for_more(void **state)
{
    (void)state;
    open_with("ack_freq: 3");
    enable(&me);
    for (int i = 0; i < 2; i++)
        send_to("me@localhost/r", "1");
    assert_lacks(stage_written(&me), "<r ");
    send_to("me@localhost/r", "1");
    assert_has(stage_written(&me), "<r ");
    stage_close();
}

static void wrong_elements_are_refused(void **state)
{
    (void)state;
    assert_has(stage_ask(&me, "<r " SM "/>"), "<failed xmlns='urn:xmpp:sm:3'><unexpected-request ");
    assert_has(stage_ask(&me, "<a " SM " h='0'/>"), "<unexpected-request ");
    assert_has(stage_ask(&me, "<resume " SM " previd='x' h='0'/>"), "<unexpected-request ");
    assert_has(stage_ask(&me, "<enable " SM " resume='maybe'/>"), "<bad-request ");
    assert_string_equal(stage_ask(&me, "<enable " SM "/>"), "<enabled xmlns='urn:xmpp:sm:3'/>");
    assert_has(stage_ask(&me, ENABLE), "<unexpected-request ");
    static const char *const bad[] = {"", "x", "-1", "4294967296", "1.0"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct actor actor = stage_login("other", "r");
        enable(&actor);
        assert_has(ask_h(&actor, "a", bad[i]), "<bad-format ");
    }
    struct actor actor = stage_login("other", "r");
    enable(&actor);
    assert_has(ask_h(&actor, "a", "4294967295"), "<handled-count-too-high ");
}

static void a_client_may_want_less_time(void **state)
{
    (void)state;
    assert_has(stage_ask(&me, "<enable " SM " resume='1' max='7'/>"), "resume='true' max='7'/>");
    assert_has(stage_ask(&you, "<enable " SM " resume='1' max='99999'/>"), "max='600'/>");
}

static void without_resume_it_ends_with_the_socket(void **state)
{
    (void)state;
    assert_lacks(stage_ask(&me, "<enable " SM "/>"), "id=");
    send_to("me@localhost/r", "1");
    stage_leave(&me);
    assert_has(stage_written(&you), "id='1'"); /* nobody has handled it */
}

/* --- On disk --- */

static enum err slow_store(const struct store_op *op, uint64_t *delay_ms)
{
    (void)op;
    *delay_ms = 300;
    return ERR_OK;
}

static enum verdict write_it(struct acc *acc, struct session *session)
{
    (void)session;
    struct store_op *op = store_op_new(STORE_ACCOUNT_COUNT, NULL, NULL);
    op->list.domain = STR("localhost");
    effect_store(acc, op);
    return HOOK_OK;
}

static const struct hook archive_hooks[] = {{.at = HOOK_user_send_message, .run = write_it}, {0}};
static const struct module archive = {.name = "archive", .hooks = archive_hooks};

static void say_from_me(void)
{
    sim_send(me.peer, STR("<message to='you@localhost/r'><body>x</body></message><presence/>"));
    stage_written(&you);
}

static void what_is_not_on_disk_is_not_acknowledged(void **state)
{
    (void)state;
    struct actor fresh;
    stage_add(&archive);
    open_with("");
    store_mem_hook = slow_store;
    enable(&me);
    say_from_me();
    assert_string_equal(ask_h(&me, "r", "0"), "<a xmlns='urn:xmpp:sm:3' h='0'/>");
    stage_pass(200);
    assert_string_equal(stage_written(&me), "");
    stage_pass(200);
    assert_string_equal(stage_written(&me), "<a xmlns='urn:xmpp:sm:3' h='2'/>");
    say_from_me();
    cut(&me);
    assert_string_equal(resume(&fresh, "0"), ""); /* our h is not known yet */
    stage_pass(200);
    assert_string_equal(stage_written(&fresh), "");
    stage_pass(200);
    assert_has(stage_written(&fresh), " h='4'/>");
    fresh.session = me.session;
    sim_send(fresh.peer, STR("<message to='you@localhost/r'/>"));
    stage_written(&you);
    session_end(me.session, STREAM_NO_ERROR, NULL); /* with a write under way */
    stage_pass(400);
    store_mem_hook = NULL;
    stage_close();
}

static void unless_that_is_wanted(void **state)
{
    (void)state;
    stage_add(&archive);
    open_with("acknowledge: received");
    store_mem_hook = slow_store;
    enable(&me);
    say_from_me();
    assert_string_equal(ask_h(&me, "r", "0"), "<a xmlns='urn:xmpp:sm:3' h='2'/>");
    stage_pass(400);
    assert_string_equal(stage_written(&me), "");
    store_mem_hook = NULL;
    stage_close();
}

/* --- Resumption --- */

static void a_session_survives_a_cut(void **state)
{
    (void)state;
    struct actor fresh;
    uint64_t before = stage_counted("sm_resent_total");
    enable(&me);
    send_to("me@localhost/r", "1");
    send_to("me@localhost/r", "2");
    stage_written(&me);
    stage_feed(&me, "<presence/>");
    cut(&me);
    send_to("me@localhost", "3");
    assert_string_equal(stage_written(&you), "");
    assert_int_equal(stage_counted("sm_waiting"), 1);
    const char *got = resume(&fresh, "1");
    assert_has(got, "<resumed xmlns='urn:xmpp:sm:3' previd='");
    assert_has(got, " h='1'/><message to='me@localhost/r' id='2' ");
    assert_has(got, "<delay xmlns='urn:xmpp:delay' from='localhost' stamp='");
    assert_has(got, "</message><message to='me@localhost' id='3' ");
    assert_has(got, "</message><r xmlns='urn:xmpp:sm:3'/>");
    assert_lacks(got, "id='1'");
    assert_int_equal(stage_counted("sm_waiting"), 0);
    assert_int_equal(stage_counted("sm_resent_total") - before, 2);
    fresh.session = me.session;
    assert_string_equal(me.session->state->name, "session_established");
    assert_string_equal(ask_h(&fresh, "a", "3"), "");
    send_to("me@localhost/r", "4");
    assert_has(stage_written(&fresh), "id='4'");
    assert_has(ask_h(&fresh, "r", "0"), " h='1'/>");
    stage_pass(700000); /* the old deadline is none any more */
    assert_false(me.session->ended);
}

/* What follows <resume/> in the same bytes belongs to the session that was resumed. */
static void bytes_behind_it_go_on(void **state)
{
    (void)state;
    enable(&me);
    cut(&me);
    struct actor fresh = stage_authenticate("me");
    stage_written(&fresh);
    char text[256];
    snprintf(text, sizeof text,
             "<resume " SM " previd='%s' h='0'/><message to='you@localhost/r' id='9'/><r " SM "/>",
             id);
    sim_send(fresh.peer, str_of(text));
    assert_has(stage_written(&fresh), " h='1'/>");
    assert_has(stage_written(&you), "id='9'");
}

static void the_later_of_two_sockets_has_it(void **state)
{
    (void)state;
    struct actor second, third;
    enable(&me);
    assert_has(resume(&second, "0"), "<resumed ");
    assert_has(stage_written(&me), "<conflict ");
    assert_has(resume(&third, "0"), "<resumed ");
    assert_has(stage_written(&second), "<conflict ");
    send_to("me@localhost/r", "1");
    assert_has(stage_written(&third), "id='1'");
    sim_finish(me.peer);
    sim_finish(second.peer);
    stage_pass(10000);
    send_to("me@localhost/r", "2");
    assert_has(stage_written(&third), "id='2'");
}

static void it_can_be_cut_again_and_again(void **state)
{
    (void)state;
    struct actor fresh;
    enable(&me);
    cut(&me);
    for (int i = 0; i < 5; i++) {
        send_to("me@localhost/r", "1");
        assert_has(resume(&fresh, "0"), "<resumed ");
        fresh.session = me.session;
        stage_pass(500000);
        cut(&fresh);
    }
    assert_int_equal(stage_counted("sessions"), 2);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct actor fresh;
    enable(&me);
    id[5] ^= 1;
    assert_has(resume(&fresh, "0"), "<item-not-found ");
    id[5] ^= 1;
    id[27] = '\0';
    assert_has(resume(&fresh, "0"), "<item-not-found ");
    assert_has(resume(&fresh, "x"), "<bad-request ");
    struct actor other = stage_authenticate("you");
    stage_written(&other);
    char xml[128];
    snprintf(xml, sizeof xml, "<resume " SM " previd='%s' h='0'/>", id);
    assert_has(stage_ask(&other, xml), "<item-not-found ");
    assert_false(me.session->ended);
}

static void a_session_that_has_ended_tells_its_count(void **state)
{
    (void)state;
    struct actor fresh, desk = stage_login("me", "desk");
    enable(&me);
    stage_feed(&me, "<presence/>");
    session_end(me.session, STREAM_NO_ERROR, NULL);
    assert_has(resume(&fresh, "0"), "<failed xmlns='urn:xmpp:sm:3' h='1'><item-not-found ");
    char kept_id[sizeof id];
    memcpy(kept_id, id, sizeof id);
    for (int i = 0; i < 4; i++) { /* more than are kept */
        me = stage_login("me", "r");
        enable(&me);
        session_end(me.session, STREAM_NO_ERROR, NULL);
    }
    assert_has(resume(&fresh, "0"), "<failed xmlns='urn:xmpp:sm:3' h='0'><item-not-found ");
    memcpy(id, kept_id, sizeof id);
    assert_has(resume(&fresh, "0"), "<failed xmlns='urn:xmpp:sm:3'><item-not-found ");
    assert_false(desk.session->ended);
}

static void too_high_a_claim_leaves_the_session_alone(void **state)
{
    (void)state;
    struct actor fresh;
    enable(&me);
    assert_has(resume(&fresh, "1"), "<handled-count-too-high ");
    assert_has(stage_ask(&me, "<r " SM "/>"), " h='0'/>");
}

/* --- The end --- */

static void what_is_left_goes_to_others(void **state)
{
    (void)state;
    uint64_t before = stage_counted("sm_expired_total");
    enable(&me);
    struct actor desk = stage_login("me", "desk");
    cut(&me);
    send_to("me@localhost/r", "1");
    send_to("me@localhost", "2"); /* desk has it already */
    stage_feed(&you, "<iq to='me@localhost/r' type='get' id='3'><query xmlns='x'/></iq>");
    stage_feed(&you, "<iq to='me@localhost/r' type='result' id='4'/>");
    assert_has(stage_written(&desk), "id='2'");
    stage_pass(601000);
    const char *got = stage_written(&desk);
    assert_has(got, "<message to='me@localhost/r' id='1' ");
    assert_has(got, "<delay xmlns='urn:xmpp:delay' from='localhost' stamp='");
    assert_lacks(got, "id='2'");
    got = stage_written(&you);
    assert_has(got, "type='error'");
    assert_has(got, "id='3'");
    assert_lacks(got, "id='4'");
    assert_int_equal(stage_counted("sm_expired_total") - before, 1);
    assert_int_equal(stage_counted("sm_waiting"), 0);
}

/* Several have a message and none has acknowledged it: when the last one ends it goes back. */
static void the_last_one_sends_it_back(void **state)
{
    (void)state;
    struct actor desk = stage_login("me", "desk");
    enable(&me);
    enable(&desk);
    cut(&me);
    cut(&desk);
    send_to("me@localhost", "1");
    session_end(me.session, STREAM_NO_ERROR, NULL);
    assert_string_equal(stage_written(&you), "");
    session_end(desk.session, STREAM_NO_ERROR, NULL);
    const char *got = stage_written(&you);
    assert_has(got, "<service-unavailable ");
    got = strstr(got, "id='1'");
    assert_non_null(got);
    assert_null(strstr(got + 1, "id='1'"));
}

/* A copy that a carbon brought counts as the message, also when the copy is what is left. */
static void carbons_are_part_of_it(void **state)
{
    (void)state;
    struct actor desk = stage_login("me", "desk");
    stage_ask(&desk, "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
    enable(&me);
    cut(&me);
    send_to("me@localhost/r", "1");
    assert_has(stage_written(&desk), "<received ");
    session_end(me.session, STREAM_NO_ERROR, NULL);
    assert_string_equal(stage_written(&desk), "");
    assert_string_equal(stage_written(&you), "");
    me = stage_login("me", "r");
    enable(&me);
    enable(&desk);
    cut(&me);
    cut(&desk);
    send_to("me@localhost/r", "2");
    session_end(me.session, STREAM_NO_ERROR, NULL);
    assert_string_equal(stage_written(&you), "");
    struct actor late = stage_login("me", "late");
    session_end(desk.session, STREAM_NO_ERROR, NULL);
    const char *got = stage_written(&late);
    assert_has(got, "<message to='me@localhost/r' id='2' ");
    assert_lacks(got, "carbons");
}

static void good_bye_is_for_good(void **state)
{
    (void)state;
    struct actor fresh;
    enable(&me);
    send_to("me@localhost/r", "1");
    stage_written(&me);
    sim_send(me.peer, STR("</stream:stream>"));
    assert_has(stage_written(&me), "</stream:stream>");
    assert_has(stage_written(&you), "id='1'");
    assert_has(resume(&fresh, "0"), "<item-not-found ");
}

static void a_new_session_of_that_name_takes_over(void **state)
{
    (void)state;
    uint64_t before = stage_counted("sm_rerouted_total");
    enable(&me);
    cut(&me);
    send_to("me@localhost/r", "1");
    struct actor again = stage_login("me", "r");
    assert_int_equal(stage_counted("sm_rerouted_total") - before, 1);
    assert_int_equal(again.session->received_count, 2); /* the bind result, and it */
}

/* --- Bounds --- */

static void a_full_buffer_ends_it_without_loss(void **state)
{
    (void)state;
    open_with("buffer_max: 3");
    enable(&me);
    cut(&me);
    for (int i = 0; i < 3; i++)
        send_to("me@localhost/r", "1");
    assert_string_equal(stage_written(&you), "");
    uint64_t before = stage_counted("sm_buffer_overflows_total");
    send_to("me@localhost/r", "4");
    const char *got = stage_written(&you);
    int count = 0;
    for (const char *at = got; (at = strstr(at, "<service-unavailable ")); at++)
        count++;
    assert_int_equal(count, 4);
    assert_int_equal(stage_counted("sm_buffer_overflows_total") - before, 1);
    stage_close();
}

static void who_reads_has_a_while(void **state)
{
    (void)state;
    open_with("buffer_max: 3");
    enable(&me);
    for (int i = 0; i < 5; i++)
        send_to("me@localhost/r", "1");
    stage_written(&me);
    stage_pass(4000);
    ask_h(&me, "a", "5");
    stage_pass(4000);
    assert_false(me.session->ended);
    for (int i = 0; i < 5; i++)
        send_to("me@localhost/r", "1");
    stage_pass(6000);
    assert_has(stage_written(&me), "<resource-constraint ");
    assert_has(stage_written(&you), "<service-unavailable ");
    stage_close();
}

static void never_more_than_some_times_the_bound(void **state)
{
    (void)state;
    open_with("buffer_max: 3");
    enable(&me);
    for (int i = 0; i < 12; i++)
        send_to("me@localhost/r", "1");
    assert_lacks(stage_written(&me), "<resource-constraint ");
    send_to("me@localhost/r", "1");
    assert_has(stage_written(&me), "<resource-constraint ");
    stage_close();
}

/* Who never resumes is not locked out by what he leaves behind. */
static void at_the_cap_of_sessions_one_makes_room(void **state)
{
    (void)state;
    char resource[16];
    size_t count = 0;
    for (int i = 0; i < LIMIT_SESSIONS_PER_USER + 3; i++) {
        snprintf(resource, sizeof resource, "r%d", i);
        struct actor actor = stage_login("many", resource);
        enable(&actor);
        cut(&actor);
        count = actor.session->user->session_count;
    }
    assert_int_equal(count, LIMIT_SESSIONS_PER_USER);
}

/* --- With module ping: who is silent may come back --- */

static void a_silent_client_keeps_its_session(void **state)
{
    (void)state;
    struct actor fresh;
    stage_open("{sm: {}, ping: {send_pings: true, timeout_action: kill}}", "");
    me = stage_login("me", "r");
    enable(&me);
    stage_pass(100000);
    assert_string_equal(me.session->state->name, "sm:resume");
    stage_pass(200000); /* nobody is asked without a socket */
    assert_has(resume(&fresh, "0"), "<resumed ");
    stage_close();
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    assert_has(stage_refusal("{sm: {buffer_max: 0}}", ""), "modules.sm.buffer_max: expects");
    assert_has(stage_refusal("{sm: {acknowledge: never}}", ""), "modules.sm.acknowledge: expects");
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(what_came_is_counted_and_wraps),
        STAGE_TEST(what_went_is_counted_and_asked_for),
        cmocka_unit_test(a_question_can_wait_for_more),
        cmocka_unit_test(what_is_not_on_disk_is_not_acknowledged),
        cmocka_unit_test(unless_that_is_wanted),
        STAGE_TEST(wrong_elements_are_refused),
        STAGE_TEST(a_client_may_want_less_time),
        STAGE_TEST(without_resume_it_ends_with_the_socket),
        STAGE_TEST(a_session_survives_a_cut),
        STAGE_TEST(bytes_behind_it_go_on),
        STAGE_TEST(the_later_of_two_sockets_has_it),
        STAGE_TEST(it_can_be_cut_again_and_again),
        STAGE_TEST(what_is_not_there_is_not_found),
        STAGE_TEST(a_session_that_has_ended_tells_its_count),
        STAGE_TEST(too_high_a_claim_leaves_the_session_alone),
        STAGE_TEST(what_is_left_goes_to_others),
        STAGE_TEST(the_last_one_sends_it_back),
        STAGE_TEST(carbons_are_part_of_it),
        STAGE_TEST(good_bye_is_for_good),
        STAGE_TEST(a_new_session_of_that_name_takes_over),
        cmocka_unit_test(a_full_buffer_ends_it_without_loss),
        cmocka_unit_test(who_reads_has_a_while),
        cmocka_unit_test(never_more_than_some_times_the_bound),
        STAGE_TEST(at_the_cap_of_sessions_one_makes_room),
        cmocka_unit_test(a_silent_client_keeps_its_session),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
