/* Modules sm and presence: what waits for a session without a socket. */
#include "stage.h"

static struct actor me, you;
static char id[64];

static void enable(void)
{
    const char *at =
        strstr(stage_ask(&me, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"), "id='");
    assert_non_null(at);
    text_copy(id, sizeof id, str_cut(str_of(at + 4), '\'', &(struct str){0}));
}

static void cut(void)
{
    sim_reset(me.peer);
    me.peer = NULL;
    sim_settle(1000);
    shard_enter(shard_at(0));
}

static const char *resume(struct actor *fresh)
{
    char xml[128];
    *fresh = stage_authenticate("me");
    stage_written(fresh);
    snprintf(xml, sizeof xml, "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='0'/>", id);
    return stage_ask(fresh, xml);
}

/* What went to the old socket may have been handled, and stays. */
static void presence_waits_as_the_newest(void **state)
{
    (void)state;
    struct actor fresh;
    stage_open("{sm: {}, presence: {}}", "");
    me = stage_login("me", "r");
    you = stage_login("you", "r");
    uint64_t before = stage_counted("sm_merged_total");
    enable();
    stage_feed(&you, "<presence to='me@localhost/r'><status>1</status></presence>");
    cut();
    stage_feed(&you, "<presence to='me@localhost/r'><status>2</status></presence>");
    stage_feed(&you, "<message to='me@localhost/r'><body>x</body></message>");
    stage_feed(&you, "<presence to='me@localhost/r' type='unavailable'/>");
    const char *got = resume(&fresh);
    assert_has(got, "<status>1</status></presence><message ");
    assert_lacks(got, "<status>2</status>");
    assert_has(got, "</message><presence to='me@localhost/r' type='unavailable' ");
    assert_int_equal(stage_counted("sm_merged_total"), before + 1);
    stage_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(presence_waits_as_the_newest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
