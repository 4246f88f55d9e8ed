/* States: who answers for a state, who may follow it, its timer, and the graph of all. */
#include "core_test.h"
#include "fork_test.h"

static const struct module m = {.name = "m"};
static struct place me;

static int up(void **state)
{
    (void)state;
    STAGE_OPEN(&m);
    listener.state_timeout_ms = 4000;
    me = log_in("me", "r");
    return 0;
}

static int down(void **state)
{
    (void)state;
    close(me.peer);
    turns();
    stage_close();
    return 0;
}

/* --- Who answers --- */

static unsigned stepped[EV_COUNT];

static const struct state *step_top(struct session *session, struct acc *acc)
{
    (void)session;
    acc_free(acc);
    stepped[0]++;
    return NULL;
}

static const struct state *step_own(struct session *session, struct acc *acc)
{
    (void)session;
    acc_free(acc);
    stepped[1]++;
    return NULL;
}

static const struct state top = {.name = "top",
                                 .on = {[EV_CLOSE] = step_top, [EV_ELEMENT] = step_top}};
static const struct state middle = {.name = "middle", .parent = &top};
static const struct state low = {.name = "low", .parent = &middle, .on = {[EV_ELEMENT] = step_own}};

static void parents_answer_for_their_children(void **state)
{
    (void)state;
    assert_ptr_equal(state_step(&low, EV_ELEMENT), step_own);
    assert_ptr_equal(state_step(&low, EV_CLOSE), step_top);
    assert_ptr_equal(state_step(&middle, EV_ELEMENT), step_top);
    assert_null(state_step(&low, EV_ROUTE));
    assert_null(state_step(NULL, EV_ROUTE));
    memset(stepped, 0, sizeof stepped);
    state_enter(me.session, &low);
    session_event(me.session, EV_ELEMENT, NULL);
    session_event(me.session, EV_CLOSE, acc_new());
    session_event(me.session, EV_ROUTE, NULL); /* nobody's: it is dropped */
    assert_int_equal(stepped[1], 1);
    assert_int_equal(stepped[0], 1);
    assert_ptr_equal(me.session->state, &low);
}

/* --- Who may follow --- */

static const struct state *const from_low[] = {&low, &middle, NULL};
static const struct state *const from_nobody[] = {NULL};
static const struct state strict = {.name = "strict", .from = from_low};
static const struct state shut = {.name = "shut", .from = from_nobody};

static const struct state *go_strict(struct session *session, struct acc *acc)
{
    (void)session;
    acc_free(acc);
    return &strict;
}

static const struct state before_strict = {
    .name = "before_strict", .from = from_low, .on = {[EV_ELEMENT] = go_strict}};

static void enter_from_elsewhere(void)
{
    state_enter(me.session, &strict); /* from session_established */
}

static void enter_shut(void)
{
    state_enter(me.session, &shut);
}

static void step_to_where_it_must_not(void)
{
    state_enter(me.session, &low);
    state_enter(me.session, &before_strict);
    session_event(me.session, EV_ELEMENT, NULL);
}

static void only_legal_predecessors(void **state)
{
    (void)state;
    assert_true(panics(enter_from_elsewhere));
    assert_true(panics(enter_shut));
    assert_true(panics(step_to_where_it_must_not));
    state_enter(me.session, &low); /* which takes all */
    state_enter(me.session, &strict);
    state_enter(me.session, &strict); /* again is fine */
    state_enter(me.session, &middle);
    state_enter(me.session, &strict);
    assert_ptr_equal(me.session->state, &strict);
}

/* The core's own: each is entered from where its table says, and from nowhere else. */
static void the_cores_own_tables(void **state)
{
    (void)state;
    for (const struct state *const *one = c2s_states; *one; one++) {
        assert_non_null((*one)->name);
        for (const struct state *const *other = one + 1; *other; other++)
            assert_string_not_equal((*one)->name, (*other)->name);
        for (int event = 0; event < EV_COUNT; event++)
            if (event != EV_ELEMENT && event != EV_SECURED)
                assert_non_null(state_step(*one, (enum c2s_event)event));
    }
    assert_null(state_step(&state_connect, EV_ELEMENT));
    assert_null(state_connect.from);
    assert_ptr_equal(state_wait_for_feature_after_auth.from[0],
                     &state_wait_for_stream_authenticated);
    assert_null(state_wait_for_feature_after_auth.from[1]);
    assert_false(state_session_established.timed);
    assert_true(state_wait_for_session_establishment.timed); /* in contrast to MongooseIM 6.1 */
}

/* --- The timer --- */

static unsigned timeouts;

static const struct state *on_timeout(struct session *session, struct acc *acc)
{
    (void)session;
    acc_free(acc);
    timeouts++;
    return NULL;
}

static const struct state timed = {
    .name = "timed", .timed = true, .on = {[EV_STATE_TIMEOUT] = on_timeout}};
static const struct state untimed = {.name = "untimed"};

static void jump(uint64_t ms)
{
    wheel_turn(&shard->wheel, shard->wheel.now_ms + ms);
}

static void a_timed_state_has_its_time(void **state)
{
    (void)state;
    timeouts = 0;
    state_enter(me.session, &timed);
    assert_int_equal(shard->wheel.count, 1);
    jump(3990);
    assert_int_equal(timeouts, 0);
    jump(20);
    assert_int_equal(timeouts, 1);
    assert_int_equal(shard->wheel.count, 0);
}

static void a_timer_dies_with_its_state(void **state)
{
    (void)state;
    timeouts = 0;
    state_enter(me.session, &timed);
    state_enter(me.session, &untimed);
    assert_int_equal(shard->wheel.count, 0);
    state_enter(me.session, &timed);
    session_end(me.session, STREAM_NO_ERROR, NULL);
    jump(4500);
    assert_int_equal(timeouts, 0);
}

static void entering_again_starts_anew(void **state)
{
    (void)state;
    timeouts = 0;
    state_enter(me.session, &timed);
    usleep(300000);
    shard_turn(shard, 0);
    state_enter(me.session, &timed);
    jump(4100); /* since the first: the wheel has not turned meanwhile */
    assert_int_equal(timeouts, 0);
    jump(60000);
    assert_int_equal(timeouts, 1);
}

static void no_time_is_for_ever(void **state)
{
    (void)state;
    listener.state_timeout_ms = UINT64_MAX;
    state_enter(me.session, &timed);
    assert_int_equal(shard->wheel.count, 0);
}

/* The core's answer to it. */
static void the_core_ends_the_stream(void **state)
{
    (void)state;
    struct place fresh = place_new();
    assert_ptr_equal(fresh.session->state, &state_connect);
    fresh.session->host = here;
    jump(4010);
    assert_non_null(strstr(heard(&fresh), "<stream:error><connection-timeout "));
    close(fresh.peer);
    turns();
}

/* --- Texts --- */

static void events_have_names(void **state)
{
    (void)state;
    assert_string_equal(c2s_event_name(EV_OPEN), "open");
    assert_string_equal(c2s_event_name(EV_STATE_TIMEOUT), "state_timeout");
    for (int event = 0; event < EV_COUNT; event++)
        assert_non_null(c2s_event_name((enum c2s_event)event));
}

static void the_graph_is_that_of_the_tables(void **state)
{
    (void)state;
    static const struct state *const few[] = {&top, &low, &strict, &timed, NULL};
    struct buf out = {0};
    states_graph(&out, few);
    buf_push(&out, "", 1);
    assert_string_equal((char *)buf_at(&out), "  \"top\" [label=\"top\\nelement\\nclose\"];\n"
                                              "  \"low\" [label=\"low\\nelement\"];\n"
                                              "  \"low\" -> \"middle\" [style=dotted];\n"
                                              "  \"strict\" [label=\"strict\"];\n"
                                              "  \"low\" -> \"strict\";\n"
                                              "  \"middle\" -> \"strict\";\n"
                                              "  \"timed\" [label=\"timed (timed)"
                                              "\\nstate_timeout\"];\n");
    buf_fini(&out);
    states_graph(&out, c2s_states);
    buf_push(&out, "", 1);
    const char *all = (char *)buf_at(&out);
    assert_non_null(strstr(all, "\"connect\" [label=\"connect (timed)\\nopen\"];"));
    assert_non_null(strstr(all, "\"wait_for_feature_after_auth\" -> "
                                "\"wait_for_session_establishment\";"));
    assert_null(strstr(all, "-> \"connect\""));
    buf_fini(&out);
}

#define STATE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STATE_TEST(parents_answer_for_their_children),
        STATE_TEST(only_legal_predecessors),
        STATE_TEST(the_cores_own_tables),
        STATE_TEST(a_timed_state_has_its_time),
        STATE_TEST(a_timer_dies_with_its_state),
        STATE_TEST(entering_again_starts_anew),
        STATE_TEST(no_time_is_for_ever),
        STATE_TEST(the_core_ends_the_stream),
        cmocka_unit_test(events_have_names),
        cmocka_unit_test(the_graph_is_that_of_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
