/* Entity Time: the server's clock in UTC. */
#include "stage.h"

static struct actor me;

static const char get[] = "<iq type='get' id='t' to='localhost'><time xmlns='urn:xmpp:time'/></iq>";

static int up(void **state)
{
    (void)state;
    stage_open("{time: {}}", "");
    me = stage_login("me", "r");
    return 0;
}

static int down(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

static void expect_at(uint64_t unix_us, const char *utc)
{
    char want[256];
    shard_at(0)->unix_us = unix_us;
    snprintf(want, sizeof want,
             "route <iq from='localhost' to='me@localhost/r' id='t' type='result'>"
             "<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>%s</utc></time></iq>\n",
             utc);
    assert_string_equal(stage_answers(&me, get), want);
}

static void tells_the_time_of_the_turn(void **state)
{
    (void)state;
    expect_at(0, "1970-01-01T00:00:00Z");
    expect_at(1709210096789000, "2024-02-29T12:34:56.789Z");
    expect_at(1709210096000999, "2024-02-29T12:34:56Z"); /* less than a millisecond is not told */
    expect_at(4102444799999999, "2099-12-31T23:59:59.999Z");
}

static void answers_over_the_wire(void **state)
{
    (void)state;
    const char *first = stage_ask(&me, get);
    assert_has(first, "<utc>2023-11-14T22:13:2"); /* where the simulator's clock begins */
    stage_pass(3600000);
    assert_has(stage_ask(&me, get), "<utc>2023-11-14T23:13:2");
}

static void answers_for_the_host_alone(void **state)
{
    (void)state;
    assert_has(stage_ask(&me, "<iq type='get' id='t'><time xmlns='urn:xmpp:time'/></iq>"),
               "<service-unavailable ");
    assert_has(
        stage_ask(&me,
                  "<iq type='get' id='t' to='you@localhost'><time xmlns='urn:xmpp:time'/></iq>"),
        "<service-unavailable ");
    assert_has(
        stage_ask(&me, "<iq type='set' id='t' to='localhost'><time xmlns='urn:xmpp:time'/></iq>"),
        "<service-unavailable ");
    assert_has(
        stage_ask(&me, "<iq type='get' id='t' to='localhost'><query xmlns='jabber:iq:time'/></iq>"),
        "<service-unavailable "); /* the deprecated ancestor */
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(tells_the_time_of_the_turn),
        STAGE_TEST(answers_over_the_wire),
        STAGE_TEST(answers_for_the_host_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
