/* Module offline beside the archive: marks, ids, and preferences. */
#include "offline_stage.h"

static int up(void **state)
{
    (void)state;
    open_with("{offline: {}, presence: {}, roster: {}, sm: {}, mam: {}, amp: {}}");
    return 0;
}

static uint64_t added_with_body;

static enum err look_at_adds(const struct store_op *op, uint64_t *delay_ms)
{
    (void)delay_ms;
    if (op->kind == STORE_OFFLINE_ADD)
        added_with_body += !op->offline.add.archived;
    return ERR_OK;
}

static void the_archive_has_the_stanza(void **state)
{
    (void)state;
    added_with_body = 0;
    store_mem_hook = look_at_adds;
    say("one");
    say_xml("type='chat'", BODY("two") HINT("no-permanent-store"));
    say("three");
    assert_int_equal(added_with_body, 1);
    struct actor you = come();
    const char *got = stage_written(&you);
    const char *one = strstr(got, "<body>one</body>"), *two = strstr(got, "<body>two</body>");
    assert_true(one && two && strstr(got, "<body>three</body>") > two && two > one);
    assert_has(got, " by='you@localhost' id='");
    stage_feed(&you, "<iq type='set' id='m'><query xmlns='urn:xmpp:mam:2'/></iq>");
    stage_pass(20);
    const char *found = stage_written(&you);
    assert_has(found, "<body>one</body>");
    assert_null(strstr(strstr(found, "<body>one") + 1, "<body>one")); /* once in the archive */
}

/* A message that was delivered live and came back is a mark again, with its id. */
static void rerouted_ones_are_marks(void **state)
{
    (void)state;
    struct actor you = stage_login("you", "r");
    stage_ask(&you, "<enable xmlns='urn:xmpp:sm:3'/>");
    stage_ask(&you, "<presence/>");
    say("one");
    const char *id = strstr(stage_written(&you), "by='you@localhost' id='");
    assert_non_null(id);
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%.39s", id);
    uint64_t archived = stage_counted("mam_archived_total");
    added_with_body = 0;
    store_mem_hook = look_at_adds;
    stage_leave(&you);
    stage_pass(100);
    assert_int_equal(added_with_body, 0);
    assert_int_equal(stage_counted("mam_archived_total"), archived);
    you = come();
    const char *got = stage_written(&you);
    assert_has(got, wanted);
    assert_has(got, "<delay ");
}

/* Who keeps no archive is given what was kept for him all the same. */
static void without_a_copy_of_his_own(void **state)
{
    (void)state;
    struct actor you = come_as("r", AWAY);
    stage_feed(&you, "<iq type='set' id='p'><prefs xmlns='urn:xmpp:mam:2' default='never'>"
                     "<always/><never/></prefs></iq>");
    stage_pass(50);
    stage_leave(&you);
    say("one");
    you = come();
    const char *got = stage_written(&you);
    assert_has(got, "<body>one</body>");
    assert_lacks(got, "stanza-id");
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(the_archive_has_the_stanza),
        STAGE_TEST(rerouted_ones_are_marks),
        STAGE_TEST(without_a_copy_of_his_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
