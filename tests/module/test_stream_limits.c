/* Module stream_limits: what is told is what is kept (XEP-0478). */
#include "stage.h"

#include "c2s.h"

#define LIMITS "<limits xmlns='urn:xmpp:stream-limits:0'>"

static int down(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

static struct actor authenticated(void)
{
    struct actor actor = stage_authenticate("me");
    stage_written(&actor);
    actor.session->in.limit_len = (uint32_t)stage_listener->max_stanza_size; /* as login does */
    features_write(actor.session);
    return actor;
}

static void the_length_is_told_before_and_after(void **state)
{
    (void)state;
    stage_open("{stream_limits: {}}", ", max_stanza_size: 20k");
    struct actor early = stage_connect();
    assert_has(stage_written(&early), LIMITS "<max-bytes>16384</max-bytes></limits>");
    struct actor me = authenticated();
    assert_has(stage_written(&me), LIMITS "<max-bytes>20480</max-bytes></limits>");
}

static void silence_is_told_when_it_is_minded(void **state)
{
    (void)state;
    stage_open("{stream_limits: {}, ping: {send_pings: true, ping_interval: 90s}}", "");
    struct actor early = stage_connect();
    assert_lacks(stage_written(&early), "idle-seconds");
    struct actor me = authenticated();
    assert_has(stage_written(&me), "</max-bytes><idle-seconds>90</idle-seconds></limits>");
    stage_close();
    stage_open("{stream_limits: {}, ping: {}}", "");
    me = authenticated();
    assert_has(stage_written(&me), "</max-bytes></limits>");
    stage_close();
    stage_open("{ping: {send_pings: true}}", "");
    me = authenticated();
    assert_lacks(stage_written(&me), "limits");
}

/* An element of just that length passes, a longer one ends the stream. */
static void what_is_told_is_kept(void **state)
{
    (void)state;
    stage_open("{stream_limits: {}}", ", max_stanza_size: 20k");
    struct actor me = stage_login("me", "r");
    me.session->in.limit_len = (uint32_t)stage_listener->max_stanza_size;
    for (size_t len = 20480; len <= 20481; len++) {
        static char xml[32768], body[20482];
        const size_t frame = strlen("<message to='me@localhost/r'><body></body></message>");
        memset(body, 'x', len - frame);
        body[len - frame] = '\0';
        snprintf(xml, sizeof xml, "<message to='me@localhost/r'><body>%s</body></message>", body);
        sim_send(me.peer, (struct str){xml, len});
        if (len == 20480)
            assert_has(stage_written(&me), "x</body></message>");
        else
            assert_has(stage_written(&me), "<policy-violation ");
    }
}

#define STAGE_TEST(name) cmocka_unit_test_teardown(name, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(the_length_is_told_before_and_after),
        STAGE_TEST(silence_is_told_when_it_is_minded),
        STAGE_TEST(what_is_told_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
