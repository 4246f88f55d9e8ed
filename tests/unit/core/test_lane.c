/* A client's lane: what waits behind a parked stanza, what a crowded mailbox holds up, and the end.
 */
#include "core_test.h"
#include "limits.h"

static struct acc *parked;
static bool parks;
static unsigned revoked;

static enum verdict go_on(struct acc *acc, struct session *session)
{
    (void)acc;
    (void)session;
    return HOOK_OK;
}

static void on_revoke(void *waits_for)
{
    (void)waits_for;
    revoked++;
}

/* The first one to a session waits for something. */
static enum verdict on_receive(struct acc *acc, struct session *session)
{
    if (!parks)
        return HOOK_OK;
    parks = false;
    parked = acc;
    acc_park(acc, session, go_on, &parked, on_revoke);
    return HOOK_PARK;
}

static const struct hook hooks[] = {{.at = HOOK_user_receive_message, .run = on_receive}, {0}};
static const struct module m = {.name = "m", .hooks = hooks};
static struct place me, you;

static int up(void **state)
{
    (void)state;
    STAGE_OPEN(&m);
    me = log_in("me", "r");
    you = log_in("you", "r");
    parks = true;
    revoked = 0;
    return 0;
}

static int down(void **state)
{
    (void)state;
    close(me.peer);
    close(you.peer);
    turns();
    stage_close();
    return 0;
}

static void send_to(const char *to, unsigned number)
{
    char xml[128];
    snprintf(xml, sizeof xml, "<message id='%u' from='you@here/r' to='%s'/>", number, to);
    router_route(acc_of(xml, "you@here/r"), NULL);
}

/* The ids in what was heard, in their order. */
static const char *ids(const char *text)
{
    char out[256] = "";
    for (size_t len = 0; (text = strstr(text, " id='")); text += 5)
        len += (size_t)snprintf(out + len, sizeof out - len, "%u ", (unsigned)text[5] - '0');
    return arena_str(&arena, str_of(out)).at;
}

static void later_ones_wait_and_keep_their_order(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 4; i++)
        send_to("me@here/r", i);
    send_to("you@here/r", 5); /* another lane goes on */
    assert_string_equal(heard(&me), "");
    assert_string_equal(ids(heard(&you)), "5 ");
    assert_int_equal(me.session->waiting_count, 3);
    assert_int_equal(me.session->conn->paused, 0); /* what it sends is not held up */
    acc_unpark(parked);
    send_to("me@here/r", 6);
    assert_string_equal(ids(heard(&me)), "1 2 3 4 6 ");
    assert_int_equal(me.session->waiting_count, 0);
}

static void one_of_those_that_waited_parks_again(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 4; i++)
        send_to("me@here/r", i);
    turns();
    parks = true; /* the second will, when its turn comes */
    acc_unpark(parked);
    assert_string_equal(ids(heard(&me)), "1 ");
    assert_int_equal(me.session->waiting_count, 2);
    acc_unpark(parked);
    assert_string_equal(ids(heard(&me)), "2 3 4 ");
}

static void no_more_than_the_limit_wait(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LIMIT_LANE_WAITING + 1; i++)
        send_to("me@here/r", 1);
    assert_string_equal(heard(&you), "");
    assert_int_equal(me.session->waiting_count, LIMIT_LANE_WAITING);
    send_to("me@here/r", 7);
    const char *got = heard(&you);
    assert_string_equal(ids(got), "7 ");
    assert_non_null(strstr(got, "<resource-constraint "));
    assert_int_equal(me.session->waiting_count, LIMIT_LANE_WAITING);
    acc_unpark(parked);
    turns();
    assert_int_equal(me.session->received_count, LIMIT_LANE_WAITING + 1);
}

/* What was on its way to a session that ends goes to another one, or back. */
static void the_end_sends_them_on(void **state)
{
    (void)state;
    struct place other = log_in("me", "s");
    for (unsigned i = 1; i <= 3; i++)
        send_to("me@here/r", i);
    turns();
    session_end(me.session, STREAM_NO_ERROR, NULL);
    assert_int_equal(revoked, 1);
    assert_string_equal(ids(heard(&other)), "1 2 3 ");
    assert_string_equal(heard(&you), "");
    parks = true;
    for (unsigned i = 4; i <= 5; i++)
        send_to("me@here/s", i);
    turns();
    session_end(other.session, STREAM_NO_ERROR, NULL);
    assert_int_equal(revoked, 2);
    const char *got = heard(&you);
    assert_string_equal(ids(got), "4 5 ");
    assert_non_null(strstr(got, "<service-unavailable "));
    close(other.peer);
}

/* --- A crowded mailbox --- */

static void a_crowded_mailbox_pauses_who_feeds_it(void **state)
{
    (void)state;
    parks = false;
    session_mind_lane(you.session, 0);
    assert_int_equal(you.session->conn->paused, 0);
    for (unsigned i = 0; i <= LIMIT_MAIL_STAGED; i++)
        send_to("me@here/r", 1);
    session_mind_lane(you.session, 0);
    session_mind_lane(you.session, 0);
    assert_int_equal(you.session->conn->paused, CONN_PAUSE_LANE);
    turns();
    assert_int_equal(you.session->conn->paused, 0);
    assert_int_equal(me.session->received_count, LIMIT_MAIL_STAGED + 1);
    for (unsigned i = 0; i <= LIMIT_MAIL_STAGED; i++)
        send_to("me@here/r", 1);
    session_mind_lane(you.session, 0);
    session_end(you.session, STREAM_NO_ERROR, NULL); /* it waits for nothing any more */
    turns();
    assert_true(list_empty(&shard->crowded));
}

#define LANE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LANE_TEST(later_ones_wait_and_keep_their_order),
        LANE_TEST(one_of_those_that_waited_parks_again),
        LANE_TEST(no_more_than_the_limit_wait),
        LANE_TEST(the_end_sends_them_on),
        LANE_TEST(a_crowded_mailbox_pauses_who_feeds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
