/* Bytes per second: the bucket, the pause for an overdraft, and the names of rates. */
#include "stage.h"

static const char slow[] = "{shaper: {rates: [{name: fast, max_rate: 1M}, "
                           "{name: slow, max_rate: 1000}]}}";
static struct actor me;

static int up(void **state)
{
    (void)state;
    stage_open(slow, ", shaper: slow");
    me = stage_login("me", "r");
    return 0;
}

static int down(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

/* So many bytes have come, and a stanza is handled. */
static const char *bytes_come(uint64_t len)
{
    me.session->conn->received_len += len;
    return stage_effects(&me, HOOK_user_send_packet, "<presence/>");
}

static void come_for_good(uint64_t len)
{
    me.session->conn->received_len += len;
    stage_ask(&me, "<presence/>");
}

static bool paused(void)
{
    return me.session->conn->paused & CONN_PAUSE_SHAPER;
}

static void a_second_is_free_and_more_costs_time(void **state)
{
    (void)state;
    uint64_t pauses = stage_counted("shaper_pauses_total");
    assert_string_equal(bytes_come(0), "");
    assert_string_equal(bytes_come(600), "");
    assert_string_equal(bytes_come(400), ""); /* the bucket is empty now */
    assert_string_equal(bytes_come(0), "");
    assert_int_equal(stage_counted("shaper_pauses_total") - pauses, 0);
    assert_string_equal(bytes_come(1), "input off\ntimer activate_socket 2\n");
    assert_string_equal(bytes_come(499), "input off\ntimer activate_socket 501\n");
    assert_int_equal(stage_counted("shaper_pauses_total") - pauses, 2);
}

static void the_pause_ends(void **state)
{
    (void)state;
    come_for_good(1000);
    assert_false(paused());
    come_for_good(300);
    assert_true(paused());
    stage_pass(290);
    assert_true(paused());
    stage_pass(30);
    assert_false(paused());
}

static void the_bucket_refills_to_a_second_and_no_more(void **state)
{
    (void)state;
    assert_string_equal(bytes_come(1000), "");
    stage_pass(500);
    assert_string_equal(bytes_come(500), "");
    assert_has(bytes_come(100), "input off\n");
    stage_pass(60000);
    assert_string_equal(bytes_come(1000), "");
    assert_has(bytes_come(20), "input off\n");
}

/* Many little pieces of time add up: no fraction of a byte is lost. */
static void small_steps_add_up(void **state)
{
    (void)state;
    assert_string_equal(bytes_come(1000), "");
    for (int i = 0; i < 1500; i++) {
        shard_at(0)->unix_us += 1500; /* a byte and a half */
        assert_string_equal(bytes_come(1), "");
    }
    assert_string_equal(bytes_come(750), ""); /* 2250 were earned, 1500 were taken */
    assert_string_equal(bytes_come(1), "input off\ntimer activate_socket 2\n");
}

/* The wall clock is set back by an hour: the bucket goes on filling from there. */
static void a_clock_that_jumps_back(void **state)
{
    (void)state;
    assert_string_equal(bytes_come(1000), "");
    shard_at(0)->unix_us -= 3600000000;
    assert_has(bytes_come(10), "input off\n");
    shard_at(0)->unix_us += 1100000;
    assert_string_equal(bytes_come(900), "");
    shard_at(0)->unix_us += 3600000000; /* and back again */
    assert_string_equal(bytes_come(900), "");
}

/* Over the wire: what comes during the pause is held, and handled after it. */
static void held_stanzas_follow(void **state)
{
    (void)state;
    char stanza[600];
    struct actor you = stage_login("you", "r");
    memset(stanza, 'x', sizeof stanza);
    int head = snprintf(stanza, sizeof stanza, "<message to='you@localhost/r'><body>");
    stanza[head] = 'x';
    memcpy(stanza + sizeof stanza - 17, "</body></message>", 17);
    for (int i = 0; i < 4; i++)
        sim_send(me.peer, (struct str){stanza, sizeof stanza});
    stage_written(&me);
    assert_true(paused());
    unsigned got = 0;
    for (const char *at = stage_written(&you); (at = strstr(at, "<message ")); at++)
        got++;
    assert_true(got >= 1 && got < 4);
    stage_pass(3000);
    for (const char *at = stage_written(&you); (at = strstr(at, "<message ")); at++)
        got++;
    assert_int_equal(got, 4);
    assert_false(paused());
}

static void who_is_not_shaped_is_never_paused(void **state)
{
    (void)state;
    static const char *const listeners[] = {"", ", shaper: none"};
    for (size_t i = 0; i < COUNT_OF(listeners); i++) {
        stage_open(slow, listeners[i]);
        me = stage_login("me", "r");
        assert_string_equal(bytes_come(1 << 30), "");
        stage_close();
    }
    stage_open(slow, ", shaper: fast");
    me = stage_login("me", "r");
    assert_string_equal(bytes_come(1 << 20), "");
    assert_has(bytes_come(1 << 20), "timer activate_socket 1001\n");
    stage_close();
}

static void the_largest_rate_does_not_overflow(void **state)
{
    (void)state;
    stage_open("{shaper: {rates: [{name: huge, max_rate: 4294967295}]}}", ", shaper: huge");
    me = stage_login("me", "r");
    for (int i = 0; i < 5; i++) {
        assert_string_equal(bytes_come(4000000000), "");
        stage_pass(1000);
    }
    stage_pass(2000000); /* longer than a thousand seconds */
    assert_string_equal(bytes_come(4294967295), "");
    assert_has(bytes_come(4294967295), "timer activate_socket 1001\n");
    stage_close();
}

static void a_name_must_be_one_of_the_rates(void **state)
{
    (void)state;
    assert_string_equal(stage_refusal(slow, ", shaper: slow"), "");
    assert_string_equal(stage_refusal(slow, ", shaper: slwo"),
                        "a listener names shaper slwo, which modules.shaper.rates has not");
    assert_string_equal(stage_refusal("{shaper: {}}", ", shaper: slow"),
                        "a listener names shaper slow, which modules.shaper.rates has not");
    assert_has(stage_refusal("{shaper: {rates: [{name: a, max_rate: 99}]}}", ""),
               "modules.shaper.rates[0].max_rate: ");
    assert_has(stage_refusal("{shaper: {rates: [{max_rate: 1k}]}}", ""),
               "modules.shaper.rates[0].name: is missing");
}

/* Without the module nobody looks at the name: it must not be given. */
static void a_name_without_the_module(void **state)
{
    (void)state;
    assert_has(stage_refusal("{}", ", shaper: slow"), "shaper");
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(a_second_is_free_and_more_costs_time),
        STAGE_TEST(the_pause_ends),
        STAGE_TEST(the_bucket_refills_to_a_second_and_no_more),
        STAGE_TEST(small_steps_add_up),
        STAGE_TEST(a_clock_that_jumps_back),
        STAGE_TEST(held_stanzas_follow),
        cmocka_unit_test(who_is_not_shaped_is_never_paused),
        cmocka_unit_test(the_largest_rate_does_not_overflow),
        cmocka_unit_test(a_name_must_be_one_of_the_rates),
        cmocka_unit_test(a_name_without_the_module),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
