/* Hooks: their order by names, what they look at, stopping and parking. */
#include "core_test.h"
#include "fork_test.h"

#define AT HOOK_user_send_packet

static enum verdict nothing(struct acc *acc, struct session *session)
{
    (void)acc;
    (void)session;
    return HOOK_OK;
}

/* --- Order --- */

/* One module with one handler. */
struct one {
    struct module module;
    struct hook hooks[3];
};

static struct one one(const char *name, const char *before, const char *after)
{
    return (struct one){
        .module.name = name,
        .hooks[0] = {.at = AT, .run = nothing, .before = before, .after = after},
    };
}

static struct hook_list lists[HOOK_COUNT];

static enum err compile(struct one *ones, size_t count, const char **why)
{
    const struct module *modules[16];
    memset(lists, 0, sizeof lists);
    for (size_t i = 0; i < count; i++) {
        ones[i].module.hooks = ones[i].hooks;
        modules[i] = &ones[i].module;
    }
    return hooks_compile(lists, modules, count, why);
}

static void expect_order(struct one *ones, size_t count, const char *order)
{
    char got[128] = "";
    const char *why = "";
    assert_int_equal(compile(ones, count, &why), ERR_OK);
    assert_string_equal(why, "");
    assert_int_equal(lists[AT].count, count);
    for (size_t i = 0, len = 0; i < count; i++)
        len +=
            (size_t)snprintf(got + len, sizeof got - len, "%s", lists[AT].entries[i].module->name);
    assert_string_equal(got, order);
    hooks_free(lists);
}

#define EXPECT_ORDER(order, ...)                                                                   \
    expect_order((struct one[]){__VA_ARGS__}, COUNT_OF(((struct one[]){__VA_ARGS__})), order)

static void without_rules_nothing_is_moved(void **state)
{
    (void)state;
    EXPECT_ORDER("a", one("a", NULL, NULL));
    EXPECT_ORDER("cab", one("c", NULL, NULL), one("a", NULL, NULL), one("b", NULL, NULL));
}

static void names_say_what_comes_first(void **state)
{
    (void)state;
    EXPECT_ORDER("ba", one("a", NULL, "b"), one("b", NULL, NULL));
    EXPECT_ORDER("ba", one("a", NULL, NULL), one("b", "a", NULL));
    EXPECT_ORDER("bca", one("a", NULL, NULL), one("b", NULL, NULL), one("c", "a", NULL));
    EXPECT_ORDER("bcda", one("a", NULL, "b,d"), one("b", NULL, NULL), one("c", NULL, NULL),
                 one("d", NULL, NULL));
    EXPECT_ORDER("cdab", one("a", NULL, NULL), one("b", NULL, NULL), one("c", NULL, NULL),
                 one("d", " b , a ", NULL));
    EXPECT_ORDER("edcba", one("a", NULL, "b"), one("b", NULL, "c"), one("c", NULL, "d"),
                 one("d", NULL, "e"), one("e", NULL, NULL));
    EXPECT_ORDER("bcda", one("a", NULL, "d"), one("b", "d", NULL), one("c", NULL, NULL),
                 one("d", NULL, "b"));
}

static void who_is_not_there_does_not_matter(void **state)
{
    (void)state;
    EXPECT_ORDER("abc", one("a", "x", "sm"), one("b", "aa, x", NULL), one("c", NULL, "ab,"));
    EXPECT_ORDER("ab", one("a", NULL, "a"), one("b", "b", ""));
}

/* Two handlers of a module at one point keep the order of its table. */
static void a_table_keeps_its_order(void **state)
{
    (void)state;
    struct one ones[2] = {one("a", NULL, "b"), one("b", NULL, NULL)};
    const char *why = "";
    ones[0].hooks[1] = (struct hook){.at = AT, .run = nothing};
    ones[1].hooks[1] = (struct hook){.at = HOOK_user_send_iq, .run = nothing};
    assert_int_equal(compile(ones, 2, &why), ERR_OK);
    assert_int_equal(lists[HOOK_user_send_iq].count, 1);
    assert_int_equal(lists[HOOK_user_send_message].count, 0);
    assert_int_equal(lists[AT].count, 3);
    assert_ptr_equal(lists[AT].entries[0].hook, &ones[0].hooks[1]); /* it has no rule */
    assert_ptr_equal(lists[AT].entries[1].hook, &ones[1].hooks[0]);
    assert_ptr_equal(lists[AT].entries[2].hook, &ones[0].hooks[0]);
    hooks_free(lists);
}

static void expect_circle(struct one *ones, size_t count, const char *sentence)
{
    const char *why = NULL;
    assert_int_equal(compile(ones, count, &why), ERR_INVALID);
    assert_string_equal(why, sentence);
    mem_free((char *)why);
    hooks_free(lists);
}

#define EXPECT_CIRCLE(sentence, ...)                                                               \
    expect_circle((struct one[]){__VA_ARGS__}, COUNT_OF(((struct one[]){__VA_ARGS__})), sentence)

static void a_circle_is_refused(void **state)
{
    (void)state;
    EXPECT_CIRCLE("hook user_send_packet: before and after form a circle between a b",
                  one("a", "b", NULL), one("b", "a", NULL));
    EXPECT_CIRCLE("hook user_send_packet: before and after form a circle between a b",
                  one("a", "b", "b"), one("b", NULL, NULL), one("c", NULL, NULL));
    EXPECT_CIRCLE("hook user_send_packet: before and after form a circle between b c d",
                  one("a", NULL, NULL), one("b", "c", NULL), one("c", "d", NULL),
                  one("d", "b", NULL));
}

static void every_point_has_a_name_and_a_reason(void **state)
{
    (void)state;
    for (int at = 0; at < HOOK_COUNT; at++) {
        assert_true(strlen(hook_name((enum hook_point)at)) > 5);
        assert_true(strlen(hook_when((enum hook_point)at)) > 5);
    }
    assert_string_equal(hook_name(HOOK_user_send_packet), "user_send_packet");
    assert_false(hook_is_receive(HOOK_user_send_iq));
    assert_true(hook_is_receive(HOOK_user_receive_packet));
    assert_true(hook_is_receive(HOOK_xmpp_presend_element));
    assert_true(hook_is_receive(HOOK_xmpp_send_element));
    assert_false(hook_is_receive(HOOK_user_stop_request));
    assert_false(hook_is_receive(HOOK_filter_local_packet));
}

/* --- Running: three modules whose handlers write down that they ran --- */

static char ran[64];
static enum verdict second_says;
static hook_fn *second_does;

static void note(const char *what)
{
    size_t len = strlen(ran);
    snprintf(ran + len, sizeof ran - len, "%s", what);
}

static enum verdict first(struct acc *acc, struct session *session)
{
    (void)acc;
    (void)session;
    note("1");
    return HOOK_OK;
}

static enum verdict second(struct acc *acc, struct session *session)
{
    note("2");
    return second_does ? second_does(acc, session) : second_says;
}

static enum verdict third(struct acc *acc, struct session *session)
{
    (void)acc;
    (void)session;
    note("3");
    return HOOK_OK;
}

static enum verdict filtered(struct acc *acc, struct session *session)
{
    (void)acc;
    (void)session;
    note("+");
    return HOOK_OK;
}

static struct hook filter[2] = {{.at = HOOK_user_send_message, .run = filtered}};
static const struct hook first_hooks[] = {
    {.at = AT, .run = first}, {.at = HOOK_user_receive_packet, .run = first}, {0}};
static const struct hook second_hooks[] = {
    {.at = AT, .run = second}, {.at = HOOK_user_receive_packet, .run = second}, {0}};
static const struct hook third_hooks[] = {
    {.at = AT, .run = third}, {.at = HOOK_user_receive_packet, .run = third}, {0}};
static const struct module a = {.name = "a", .hooks = first_hooks},
                           b = {.name = "b", .hooks = second_hooks},
                           c = {.name = "c", .hooks = third_hooks},
                           f = {.name = "f", .hooks = filter};

static unsigned ended;
static enum verdict ended_with;

static void on_end(struct acc *acc, struct session *session, enum verdict verdict)
{
    (void)session;
    ended++;
    ended_with = verdict;
    acc_free(acc);
}

static int up(void **state)
{
    (void)state;
    ran[0] = '\0';
    ended = 0;
    second_says = HOOK_OK;
    second_does = NULL;
    STAGE_OPEN(&c, &f, &a, &b); /* by name: a b c f */
    return 0;
}

static int down(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

static void expect_filter(enum ns ns, const char *element, const char *xml, bool runs)
{
    struct acc *acc = xml ? acc_of(xml, NULL) : acc_new();
    acc->host = here;
    filter[0].ns = ns;
    filter[0].element = element;
    ran[0] = '\0';
    assert_int_equal(hook_run(HOOK_user_send_message, acc, NULL), HOOK_OK);
    if (strcmp(ran, runs ? "+" : "") != 0)
        fail_msg("namespace %d, element %s: %s", (int)ns, element ? element : "any", xml);
    acc_free(acc);
}

static void handlers_say_what_they_look_at(void **state)
{
    (void)state;
    static const char plain[] = "<message><body>x</body></message>",
                      ping[] = "<iq><ping xmlns='urn:xmpp:ping'/></iq>",
                      deep[] = "<iq><x xmlns='a:b'><ping xmlns='urn:xmpp:ping'/></x></iq>",
                      itself[] = "<ping xmlns='urn:xmpp:ping'/>",
                      second_child[] = "<iq><a/><ping xmlns='urn:xmpp:ping'/></iq>",
                      no_ns[] = "<iq><ping xmlns=''/></iq>";
    expect_filter(NS_NONE, NULL, plain, true);
    expect_filter(NS_NONE, NULL, NULL, true);
    expect_filter(NS_PING, NULL, NULL, false);
    expect_filter(NS_NONE, "ping", NULL, false);
    expect_filter(NS_PING, "ping", ping, true);
    expect_filter(NS_PING, NULL, ping, true);
    expect_filter(NS_PING, "pong", ping, false);
    expect_filter(NS_TIME, "ping", ping, false);
    expect_filter(NS_PING, "ping", itself, true);
    expect_filter(NS_PING, "ping", second_child, true);
    expect_filter(NS_PING, "ping", deep, false);
    expect_filter(NS_CLIENT, "message", plain, true);
    expect_filter(NS_CLIENT, "body", plain, true);
    /* Without a namespace: all of them, on the element and on its children. */
    expect_filter(NS_NONE, "message", plain, true);
    expect_filter(NS_NONE, "body", plain, true);
    expect_filter(NS_NONE, "ping", ping, true);
    expect_filter(NS_NONE, "ping", no_ns, true);
    expect_filter(NS_NONE, "subject", plain, false);
    expect_filter(NS_NONE, "ping", deep, false);
}

static void a_stop_ends_the_chain(void **state)
{
    (void)state;
    struct acc *acc = acc_of("<message/>", NULL);
    assert_int_equal(hook_run(AT, acc, NULL), HOOK_OK);
    assert_string_equal(ran, "123");
    second_says = HOOK_STOP;
    assert_int_equal(hook_run(AT, acc, NULL), HOOK_STOP);
    assert_string_equal(ran, "12312");
    hook_chain(AT, acc, NULL, on_end);
    assert_string_equal(ran, "1231212");
    assert_int_equal(ended, 1);
    assert_int_equal(ended_with, HOOK_STOP);
}

/* --- Parking --- */

static struct acc *parked;
static unsigned revoked;
static enum verdict then_says;

static void on_revoke(void *waits_for)
{
    assert_ptr_equal(waits_for, &parked);
    revoked++;
}

static enum verdict go_on(struct acc *acc, struct session *session)
{
    (void)session;
    assert_ptr_equal(acc, parked);
    note("*");
    return then_says;
}

static enum verdict park(struct acc *acc, struct session *session)
{
    parked = acc;
    acc_park(acc, session, go_on, &parked, on_revoke);
    return HOOK_PARK;
}

static enum verdict park_again(struct acc *acc, struct session *session)
{
    note("!");
    return park(acc, session);
}

static enum verdict park_twice(struct acc *acc, struct session *session)
{
    parked = acc;
    acc_park(acc, session, park_again, &parked, on_revoke);
    return HOOK_PARK;
}

static void a_continuation_goes_on(void **state)
{
    (void)state;
    static const struct {
        hook_fn *does;
        enum verdict then;
        unsigned unparks;
        const char *ran;
    } rows[] = {{park, HOOK_OK, 1, "12*3"},
                {park, HOOK_STOP, 1, "12*"},
                {park_twice, HOOK_OK, 2, "12!*3"},
                {park_twice, HOOK_STOP, 2, "12!*"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ran[0] = '\0';
        ended = 0;
        second_does = rows[i].does;
        then_says = rows[i].then;
        hook_chain(AT, acc_of("<message/>", NULL), NULL, on_end);
        assert_string_equal(ran, "12");
        for (unsigned k = 0; k < rows[i].unparks; k++) {
            assert_int_equal(ended, 0);
            acc_unpark(parked);
        }
        assert_string_equal(ran, rows[i].ran);
        assert_int_equal(ended, 1);
        assert_int_equal(ended_with, rows[i].then);
    }
    assert_int_equal(revoked, 0);
}

static void a_parked_stanza_holds_up_its_own_lane(void **state)
{
    (void)state;
    struct place place = log_in("u", "r");
    second_does = park;
    then_says = HOOK_OK;
    hook_chain(AT, acc_of("<message/>", NULL), place.session, on_end);
    assert_int_equal(place.session->conn->paused, CONN_PAUSE_OWNER);
    assert_false(session_must_wait(place.session));
    acc_unpark(parked);
    assert_int_equal(place.session->conn->paused, 0);
    hook_chain(HOOK_user_receive_packet, acc_of("<message/>", NULL), place.session, on_end);
    assert_int_equal(place.session->conn->paused, 0);
    assert_true(session_must_wait(place.session));
    acc_unpark(parked);
    assert_false(session_must_wait(place.session));
    assert_int_equal(ended, 2);
    close(place.peer);
    turns();
}

static void the_end_of_a_session_revokes(void **state)
{
    (void)state;
    struct place place = log_in("u", "r");
    second_does = park;
    revoked = 0;
    hook_chain(AT, acc_of("<message/>", NULL), place.session, on_end);
    session_end(place.session, STREAM_NO_ERROR, NULL);
    assert_int_equal(revoked, 1);
    assert_int_equal(ended, 0); /* it goes no further */
    close(place.peer);
    turns();
}

/* A handler may have ended the session: then the chain has stopped, whatever it said. */
static enum verdict end_hard(struct acc *acc, struct session *session)
{
    (void)session;
    effect_hard_stop(acc, STREAM_RESET, NULL);
    return HOOK_OK;
}

static void an_ended_session_stops_the_chain(void **state)
{
    (void)state;
    struct place place = log_in("u", "r");
    second_does = end_hard;
    hook_chain(AT, acc_of("<message/>", NULL), place.session, on_end);
    assert_true(place.session->ended);
    assert_string_equal(ran, "123"); /* effects are applied at the end */
    assert_int_equal(ended_with, HOOK_STOP);
    close(place.peer);
    turns();
}

static void park_where_nobody_may(void)
{
    second_does = park;
    hook_run(AT, acc_of("<message/>", NULL), NULL);
}

static void forget_to_park(void)
{
    second_says = HOOK_PARK;
    hook_chain(AT, acc_of("<message/>", NULL), NULL, on_end);
}

static void park_two_at_once(void)
{
    second_does = park;
    hook_chain(AT, acc_of("<message/>", NULL), NULL, on_end);
    park(parked, NULL);
}

static void mistakes_panic(void **state)
{
    (void)state;
    assert_true(panics(park_where_nobody_may));
    assert_true(panics(forget_to_park));
    assert_true(panics(park_two_at_once));
}

#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rules_nothing_is_moved),
        cmocka_unit_test(names_say_what_comes_first),
        cmocka_unit_test(who_is_not_there_does_not_matter),
        cmocka_unit_test(a_table_keeps_its_order),
        cmocka_unit_test(a_circle_is_refused),
        cmocka_unit_test(every_point_has_a_name_and_a_reason),
        RUN_TEST(handlers_say_what_they_look_at),
        RUN_TEST(a_stop_ends_the_chain),
        RUN_TEST(a_continuation_goes_on),
        RUN_TEST(a_parked_stanza_holds_up_its_own_lane),
        RUN_TEST(the_end_of_a_session_revokes),
        RUN_TEST(an_ended_session_stops_the_chain),
        RUN_TEST(mistakes_panic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
