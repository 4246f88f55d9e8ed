/* Module private: elements that a client keeps in its account (XEP-0049). */
#include "stage.h"

#include "store_backend.h"

#define GET(child) "<iq type='get' id='g'><query xmlns='jabber:iq:private'>" child "</query></iq>"
#define SET(child) "<iq type='set' id='s'><query xmlns='jabber:iq:private'>" child "</query></iq>"

static struct actor me;

static int up(void **state)
{
    (void)state;
    stage_open("{private: {max_elements: 2, max_bytes: 1k}}", "");
    stage_account("me");
    me = stage_login("me", "r");
    return 0;
}

static int down(void **state)
{
    (void)state;
    store_mem_hook = NULL;
    stage_close();
    return 0;
}

static void what_was_never_set_comes_back_as_it_was_asked_for(void **state)
{
    (void)state;
    assert_string_equal(stage_ask(&me, GET("<a xmlns='urn:a' b='c'><d/></a>")),
                        "<iq to='me@localhost/r' id='g' type='result'>"
                        "<query xmlns='jabber:iq:private'><a xmlns='urn:a' b='c'/></query></iq>");
}

static void the_same_name_in_two_namespaces_is_two(void **state)
{
    (void)state;
    uint64_t before = stage_counted("private_stored_total");
    assert_has(stage_ask(&me, SET("<a xmlns='urn:a'>1</a><a xmlns='urn:b'>2</a>")), "'result'/>");
    assert_has(stage_ask(&me, GET("<a xmlns='urn:b'/>")), "<a xmlns='urn:b'>2</a>");
    assert_has(stage_ask(&me, GET("<a xmlns='urn:a'/>")), "<a xmlns='urn:a'>1</a>");
    assert_int_equal(stage_counted("private_stored_total") - before, 2);
    assert_has(stage_ask(&me, SET("<c xmlns='urn:a'/>")), "<resource-constraint ");
    assert_int_equal(stage_counted("private_full_total"), 1);
}

static void bytes_have_an_end(void **state)
{
    (void)state;
    char big[1600];
    snprintf(big, sizeof big, SET("<a xmlns='urn:a'>%01020d</a>"), 0);
    assert_has(stage_ask(&me, big), "<error type='wait'><resource-constraint ");
}

static void who_has_no_account_keeps_nothing(void **state)
{
    (void)state;
    struct actor ghost = stage_login("ghost", "r");
    assert_has(stage_ask(&ghost, SET("<a xmlns='urn:a'/>")), "<internal-server-error ");
}

static enum err is_down(const struct store_op *op, uint64_t *delay_ms)
{
    (void)op;
    (void)delay_ms;
    return ERR_DOWN;
}

static void a_storage_that_is_away_is_told(void **state)
{
    (void)state;
    store_mem_hook = is_down;
    assert_has(stage_ask(&me, GET("<a xmlns='urn:a'/>")), "<internal-server-error ");
    assert_has(stage_ask(&me, SET("<a xmlns='urn:a'/>")), "<internal-server-error ");
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(what_was_never_set_comes_back_as_it_was_asked_for),
        STAGE_TEST(the_same_name_in_two_namespaces_is_two),
        STAGE_TEST(bytes_have_an_end),
        STAGE_TEST(who_has_no_account_keeps_nothing),
        STAGE_TEST(a_storage_that_is_away_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
