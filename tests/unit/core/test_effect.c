/* Effects: what applies, in which order, with and without a session. */
#include "core_test.h"
#include "fork_test.h"

static const struct module m;

static unsigned rings, presends, receives, stored, removals;
static enum verdict presend_says, stop_says;

static void on_ring(struct acc *acc, struct session *session)
{
    (void)session;
    rings++;
    assert_ptr_equal(acc->host, here);
}

static const struct alarm alarms[] = {{"one", on_ring}, {"two", on_ring}, {NULL, NULL}};

static enum verdict on_presend(struct acc *acc, struct session *session)
{
    (void)acc;
    (void)session;
    presends++;
    return presend_says;
}

static enum verdict on_receive(struct acc *acc, struct session *session)
{
    (void)acc;
    (void)session;
    receives++;
    return HOOK_OK;
}

static enum verdict on_remove(struct acc *removal, struct session *session)
{
    assert_null(session);
    assert_string_equal(removal->from.full.at, "me@here");
    assert_null(users_find(&removal->from)); /* the sessions have ended */
    removals++;
    return HOOK_OK;
}

static enum verdict on_stop(struct acc *acc, struct session *session)
{
    (void)acc;
    (void)session;
    return stop_says;
}

static const struct hook hooks[] = {{.at = HOOK_xmpp_presend_element, .run = on_presend},
                                    {.at = HOOK_user_receive_packet, .run = on_receive},
                                    {.at = HOOK_user_stop_request, .run = on_stop},
                                    {.at = HOOK_remove_user, .run = on_remove},
                                    {0}};
static const struct module m = {.name = "m", .alarms = alarms, .hooks = hooks};

static struct place me, you;
static struct acc *acc; /* what the effects are asked of */

static void on_stored(struct store_op *op)
{
    (void)op;
    stored++;
}

static struct store_op *count_accounts(void)
{
    struct store_op *op = store_op_new(STORE_ACCOUNT_COUNT, on_stored, NULL);
    op->list.domain = STR("here");
    return op;
}

static struct element *stanza(const char *to, const char *id)
{
    struct element *message = element_new(&acc->arena, NS_CLIENT, "message");
    element_set(&acc->arena, message, "from", me.session->jid.full);
    element_set(&acc->arena, message, "to", str_of(to));
    element_set(&acc->arena, message, "id", str_of(id));
    return message;
}

static int up(void **state)
{
    (void)state;
    rings = presends = receives = stored = removals = 0;
    presend_says = stop_says = HOOK_OK;
    STAGE_OPEN(&m);
    me = log_in("me", "r");
    you = log_in("you", "r");
    acc =
        acc_of("<iq type='get' id='q' from='me@here/r' to='here'><x xmlns='x'/></iq>", "me@here/r");
    return 0;
}

static int down(void **state)
{
    (void)state;
    acc_free(acc);
    close(me.peer);
    close(you.peer);
    turns();
    stage_close();
    return 0;
}

/* --- The order --- */

static void a_hard_stop_is_all_there_is(void **state)
{
    (void)state;
    effect_route(acc, stanza("you@here/r", "a"));
    effect_flush(acc, stanza("me@here/r", "b"));
    effect_socket_send(acc, stanza("me@here/r", "c"));
    effect_store(acc, count_accounts());
    effect_timer(acc, &alarms[0], 0);
    effect_hard_stop(acc, STREAM_POLICY_VIOLATION, "enough");
    effect_route(acc, stanza("you@here/r", "d"));
    effects_apply(acc, me.session);
    assert_true(me.session->ended);
    assert_string_equal(heard(&me),
                        "<stream:error><policy-violation "
                        "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text "
                        "xmlns='urn:ietf:params:xml:ns:xmpp-streams'>enough</text></stream:error>"
                        "</stream:stream>");
    assert_string_equal(heard(&you), "");
    assert_int_equal(stored + presends, 0);
    assert_int_equal(shard->wheel.count, 1); /* the linger of the closed connection alone */
}

static void what_is_not_applied_is_freed_with_the_stanza(void **state)
{
    (void)state;
    effect_route(acc, stanza("you@here/r", "a"));
    effect_flush(acc, stanza("me@here/r", "b"));
    effect_store(acc, count_accounts());
    acc_free(acc);
    acc = acc_new();
    assert_string_equal(heard(&you), "");
    assert_int_equal(stored, 0);
}

static void the_socket_goes_before_the_rest(void **state)
{
    (void)state;
    effect_flush(acc, stanza("me@here/r", "1"));
    effect_flush(acc, stanza("me@here/r", "2"));
    effect_socket_send(acc, stanza("me@here/r", "3"));
    effect_socket_send(acc, stanza("me@here/r", "4"));
    effects_apply(acc, me.session);
    assert_null(acc->effects);
    assert_string_equal(heard(&me), "<message from='me@here/r' to='me@here/r' id='3'/>"
                                    "<message from='me@here/r' to='me@here/r' id='4'/>"
                                    "<message from='me@here/r' to='me@here/r' id='1'/>"
                                    "<message from='me@here/r' to='me@here/r' id='2'/>");
    assert_int_equal(presends, 2);
    effects_apply(acc, me.session); /* nothing is left of them */
    assert_string_equal(heard(&me), "");
}

static const struct state after_none = {.name = "after_none"};
static const struct state *const only_after_none[] = {&after_none, NULL};
static const struct state after_that = {.name = "after_that", .from = only_after_none};

static void on_panic(void)
{
    _exit(conn_unsent(me.session->conn) ? 3 : 42);
}

static void illegal_state_and_socket(void)
{
    panic_hook = on_panic;
    effect_socket_send(acc, stanza("me@here/r", "a"));
    effect_flush(acc, stanza("me@here/r", "b"));
    effect_c2s_state(acc, &after_that); /* not from where we are */
    effects_apply(acc, me.session);
}

static void states_go_before_the_socket(void **state)
{
    (void)state;
    assert_int_equal(end_of(illegal_state_and_socket), 42); /* nothing had been written */
    effect_c2s_state(acc, &after_none);
    effect_c2s_state(acc, &after_that);
    effects_apply(acc, me.session);
    assert_ptr_equal(me.session->state, &after_that);
}

/* --- Without a session, or with one that has ended --- */

static void ask_for_all(void)
{
    effect_c2s_state(acc, &after_none);
    effect_socket_send(acc, stanza("me@here/r", "a"));
    effect_flush(acc, stanza("me@here/r", "b"));
    effect_route(acc, stanza("you@here/r", "c"));
    effect_store(acc, count_accounts());
    effect_timer(acc, &alarms[0], 5);
    effect_input(acc, false);
    effect_available(acc, false, 7);
    effect_stop(acc, STREAM_RESET, NULL);
}

static void without_a_session_it_routes_and_stores(void **state)
{
    (void)state;
    ask_for_all();
    effects_apply(acc, NULL);
    assert_string_equal(heard(&you), "<message from='me@here/r' to='you@here/r' id='c'/>");
    assert_string_equal(heard(&me), "");
    assert_int_equal(stored, 1);
    effect_hard_stop(acc, STREAM_RESET, NULL);
    effect_route(acc, stanza("you@here/r", "d"));
    effects_apply(acc, NULL); /* nobody is there to stop */
    assert_string_equal(heard(&you), "<message from='me@here/r' to='you@here/r' id='d'/>");
}

static void nothing_else_happens_to_one_that_has_ended(void **state)
{
    (void)state;
    session_end(me.session, STREAM_NO_ERROR, NULL);
    const struct state *before = me.session->state;
    ask_for_all();
    effects_apply(acc, me.session);
    assert_ptr_equal(me.session->state, before);
    assert_string_equal(heard(&you), "<message from='me@here/r' to='you@here/r' id='c'/>");
    assert_string_equal(heard(&me), "</stream:stream>");
    assert_int_equal(stored, 1);
    assert_int_equal(rings + removals, 0);
}

/* --- One by one --- */

static void a_flush_meets_presend_alone(void **state)
{
    (void)state;
    effect_flush(acc, stanza("me@here/r", "1"));
    effects_apply(acc, me.session);
    assert_int_equal(presends, 1);
    assert_int_equal(receives, 0);
    presend_says = HOOK_STOP;
    effect_flush(acc, stanza("me@here/r", "2"));
    effects_apply(acc, me.session);
    assert_string_equal(heard(&me), "<message from='me@here/r' to='me@here/r' id='1'/>");
    presend_says = HOOK_OK;
    effect_route(acc, stanza("you@here/r", "3"));
    effects_apply(acc, me.session);
    turns();
    assert_int_equal(receives, 1);
    assert_int_equal(presends, 3);
}

static void answers_go_back_to_the_sender(void **state)
{
    (void)state;
    struct element *result = stanza_result(&acc->arena, acc->element);
    element_add(&acc->arena, result, NS_PING, "ping");
    effect_answer(acc, NULL);
    effect_answer(acc, result);
    effect_error(acc, STANZA_CONFLICT, "taken");
    effects_apply(acc, me.session);
    assert_string_equal(heard(&me),
                        "<iq from='here' to='me@here/r' id='q' type='result'/>"
                        "<iq from='here' to='me@here/r' id='q' type='result'>"
                        "<ping xmlns='urn:xmpp:ping'/></iq>"
                        "<iq from='here' to='me@here/r' id='q' type='error'><x xmlns='x'/>"
                        "<error type='cancel'><conflict "
                        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text "
                        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>taken</text></error></iq>");
}

static void answers_have_no_answer(void **state)
{
    (void)state;
    static const char *const stanzas[] = {"<iq type='result' id='q' from='me@here/r' to='here'/>",
                                          "<iq type='error' id='q' from='me@here/r' to='here'/>",
                                          "<message type='error' from='me@here/r' to='here'/>",
                                          "<presence type='error' from='me@here/r' to='here'/>",
                                          "<x xmlns='x'/>"};
    for (size_t i = 0; i < COUNT_OF(stanzas); i++) {
        acc_free(acc);
        acc = acc_of(stanzas[i], "me@here/r");
        effect_answer(acc, NULL);
        effect_error(acc, STANZA_CONFLICT, NULL);
        assert_null(acc->effects);
    }
    acc_free(acc);
    acc = acc_of("<message from='me@here/r' to='here'/>", "me@here/r");
    effect_error(acc, STANZA_CONFLICT, NULL);
    assert_int_equal(acc->effects->kind, EFFECT_ROUTE);
    assert_string_equal(acc->effects->acc->to.full.at, "me@here/r");
    assert_string_equal(acc->effects->acc->from.full.at, "here");
    assert_ptr_equal(acc->effects->acc->host, here);
}

static void jump(uint64_t ms)
{
    wheel_turn(&shard->wheel, shard->wheel.now_ms + ms);
}

static void alarms_ring(void **state)
{
    (void)state;
    effect_timer(acc, &alarms[0], 1000);
    effect_timer(acc, &alarms[1], 3000);
    effects_apply(acc, me.session);
    assert_int_equal(shard->wheel.count, 2);
    jump(990);
    assert_int_equal(rings, 0);
    effect_timer(acc, &alarms[0], 3000); /* moved */
    effect_timer_drop(acc, &alarms[1]);
    effects_apply(acc, me.session);
    assert_int_equal(shard->wheel.count, 1);
    jump(5000);
    assert_int_equal(rings, 1);
    effect_timer_drop(acc, &alarms[0]);
    effect_timer(acc, &alarms[1], 1);
    effects_apply(acc, me.session);
    session_end(me.session, STREAM_NO_ERROR, NULL); /* alarms end with it */
    jump(100);
    assert_int_equal(rings, 1);
}

static void a_stop_can_be_refused(void **state)
{
    (void)state;
    stop_says = HOOK_STOP;
    effect_stop(acc, STREAM_CONFLICT, "one");
    effects_apply(acc, me.session);
    assert_false(me.session->ended);
    stop_says = HOOK_OK;
    effect_stop(acc, STREAM_CONFLICT, "two");
    effect_flush(acc, stanza("me@here/r", "after the end"));
    effects_apply(acc, me.session);
    assert_true(me.session->ended);
    assert_string_equal(heard(&me), "<stream:error><conflict "
                                    "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text "
                                    "xmlns='urn:ietf:params:xml:ns:xmpp-streams'>two</text>"
                                    "</stream:error></stream:stream>");
}

static void input_and_availability(void **state)
{
    (void)state;
    effect_input(acc, false);
    effect_available(acc, true, -7);
    effects_apply(acc, me.session);
    assert_int_equal(me.session->conn->paused, CONN_PAUSE_SHAPER);
    assert_true(me.session->available);
    assert_int_equal(me.session->priority, -7);
    effect_input(acc, true);
    effect_available(acc, false, 0);
    effects_apply(acc, me.session);
    assert_int_equal(me.session->conn->paused, 0);
    assert_false(me.session->available);
}

static void add_account(const char *user)
{
    struct store_op *op = store_op_new(STORE_ACCOUNT_ADD, on_stored, NULL);
    op->account.user = str_of(user);
    op->account.domain = STR("here");
    op->account.credentials = STR("x");
    store_ask(op, 0);
    turns();
}

static void on_gone(void *owner, enum err outcome)
{
    assert_false(me.session->ended);
    *(enum err *)owner = outcome;
}

static void a_removed_user_has_no_session(void **state)
{
    (void)state;
    enum err outcome = ERR_DOWN;
    struct place second = log_in("me", "s"), third = log_in("me", "t");
    assert_int_equal(users_count(), 2);
    add_account("me");
    users_remove(&second.session->jid, on_gone, &outcome);
    turns();
    assert_int_equal(outcome, ERR_OK);
    assert_true(me.session->ended && second.session->ended && third.session->ended);
    assert_int_equal(users_count(), 1);
    assert_int_equal(removals, 1);
    assert_non_null(strstr(heard(&third), "<not-authorized "));
    assert_false(you.session->ended);
    close(second.peer);
    close(third.peer);
    turns();
}

static void the_stores_answer_comes_later(void **state)
{
    (void)state;
    effect_store(acc, count_accounts());
    effects_apply(acc, me.session);
    assert_int_equal(stored, 0);
    turns();
    assert_int_equal(stored, 1);
}

#define EFFECT_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EFFECT_TEST(a_hard_stop_is_all_there_is),
        EFFECT_TEST(what_is_not_applied_is_freed_with_the_stanza),
        EFFECT_TEST(the_socket_goes_before_the_rest),
        EFFECT_TEST(states_go_before_the_socket),
        EFFECT_TEST(without_a_session_it_routes_and_stores),
        EFFECT_TEST(nothing_else_happens_to_one_that_has_ended),
        EFFECT_TEST(a_flush_meets_presend_alone),
        EFFECT_TEST(answers_go_back_to_the_sender),
        EFFECT_TEST(answers_have_no_answer),
        EFFECT_TEST(alarms_ring),
        EFFECT_TEST(a_stop_can_be_refused),
        EFFECT_TEST(input_and_availability),
        EFFECT_TEST(a_removed_user_has_no_session),
        EFFECT_TEST(the_stores_answer_comes_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
