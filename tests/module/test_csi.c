/* Module csi: what is held for an inactive client, and when it is let out; with sm, and carbons. */
#include "stage.h"

static struct actor me, you;

#define INACTIVE "<inactive xmlns='urn:xmpp:csi:0'/>"
#define ACTIVE   "<active xmlns='urn:xmpp:csi:0'/>"
#define STATE    "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
#define EVENT    "<event xmlns='http://jabber.org/protocol/pubsub#event'/>"

static void open_with(const char *modules)
{
    stage_open(modules, "");
    me = stage_login("me", "r");
    you = stage_login("you", "r");
    me.session->available = you.session->available = true;
}

static int up(void **state)
{
    (void)state;
    open_with("{csi: {buffer_max: 4}, presence: {}, ping: {}}");
    assert_string_equal(stage_ask(&me, INACTIVE), "");
    return 0;
}

static int down(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

static void message(const char *number, const char *type, const char *inside)
{
    char xml[256];
    snprintf(xml, sizeof xml, "<message to='me@localhost/r' type='%s' id='%s'>%s</message>", type,
             number, inside);
    stage_feed(&you, xml);
}

static void presence(const char *number)
{
    char xml[128];
    snprintf(xml, sizeof xml, "<presence to='me@localhost/r' id='%s'/>", number);
    stage_feed(&you, xml);
}

/* The ids in what was written, in their order. */
static const char *ids(const struct actor *actor)
{
    static char out[256];
    size_t len = 0;
    out[0] = '\0';
    for (const char *at = stage_written(actor); (at = strstr(at, " id='")); at += 5)
        len += (size_t)snprintf(out + len, sizeof out - len, "%c", at[5]);
    return out;
}

static void what_can_wait_waits(void **state)
{
    (void)state;
    presence("1");
    message("2", "chat", STATE);
    message("3", "headline", EVENT);
    assert_string_equal(ids(&me), "");
    message("4", "chat", "<body>x</body>");
    assert_string_equal(ids(&me), "1234");
}

static void what_matters_goes_at_once(void **state)
{
    (void)state;
    static const char *const inside[] = {"<body>x</body>" STATE,
                                         "<received xmlns='urn:xmpp:receipts'/>" STATE,
                                         "<body>x</body>" EVENT, "<subject/>", ""};
    for (size_t i = 0; i < COUNT_OF(inside); i++) {
        message("1", "chat", inside[i]);
        assert_string_equal(ids(&me), "1");
    }
    message("2", "error", STATE);
    assert_string_equal(ids(&me), "2");
    stage_feed(&you, "<iq to='me@localhost/r' type='get' id='3'><query xmlns='x'/></iq>");
    assert_string_equal(ids(&me), "3");
}

static void the_last_of_each_is_enough(void **state)
{
    (void)state;
    struct actor other = stage_login("you", "s");
    presence("1");
    stage_feed(&other, "<presence to='me@localhost/r' id='2'/>");
    message("3", "chat", STATE);
    presence("4");
    message("5", "chat", STATE);
    presence("6");
    message("7", "headline", EVENT);
    assert_string_equal(ids(&me), "");
    assert_string_equal((stage_feed(&me, ACTIVE), ids(&me)), "2567");
}

static void a_full_buffer_lets_all_out(void **state)
{
    (void)state;
    for (int i = 1; i <= 4; i++)
        message((char[]){(char)('0' + i), 0}, "headline", EVENT);
    assert_string_equal(ids(&me), "");
    message("5", "headline", EVENT);
    assert_string_equal(ids(&me), "12345");
    presence("6"); /* it is inactive all the same */
    assert_string_equal(ids(&me), "");
}

static void active_comes_before_answers(void **state)
{
    (void)state;
    presence("1");
    stage_feed(&me, ACTIVE);
    stage_feed(&me, "<iq type='get' id='2' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
    assert_string_equal(ids(&me), "12");
    presence("3");
    assert_string_equal(ids(&me), "3");
}

static void it_needs_a_session(void **state)
{
    (void)state;
    struct actor fresh = stage_authenticate("me");
    stage_written(&fresh);
    assert_has(stage_ask(&fresh, INACTIVE), "<unsupported-stanza-type ");
}

static void held_ones_end_with_the_session(void **state)
{
    (void)state;
    presence("1");
    message("2", "chat", STATE);
    stage_leave(&me);
    assert_has(stage_written(&you), "");
}

/* --- With sm and carbons --- */

static const char *enable_sm(const struct actor *actor)
{
    static char id[64];
    const char *at =
        strstr(stage_ask(actor, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"), "id='");
    assert_non_null(at);
    text_copy(id, sizeof id, str_cut(str_of(at + 4), '\'', &(struct str){0}));
    return id;
}

static const char *resumed(const char *id, const char *h, struct actor *fresh)
{
    char xml[192];
    *fresh = stage_authenticate("me");
    stage_written(fresh);
    snprintf(xml, sizeof xml, "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%s'/>", id, h);
    stage_feed(fresh, xml);
    return ids(fresh);
}

static void sm_sees_what_is_written_as_it_is_written(void **state)
{
    (void)state;
    struct actor fresh;
    open_with("{csi: {}, sm: {}, presence: {}}");
    const char *id = enable_sm(&me);
    stage_feed(&me, INACTIVE);
    presence("1");
    message("2", "chat", STATE);
    message("3", "chat", "<body>x</body>");
    assert_string_equal(ids(&me), "123");
    presence("4"); /* held, and not counted yet */
    assert_has(stage_ask(&me, "<a xmlns='urn:xmpp:sm:3' h='4'/>"), "<handled-count-too-high ");
    stage_close();
    open_with("{csi: {}, sm: {}, presence: {}}");
    id = enable_sm(&me);
    stage_feed(&me, INACTIVE);
    presence("1");
    message("2", "chat", STATE);
    message("3", "chat", "<body>x</body>");
    assert_string_equal(ids(&me), "123");
    presence("4");
    assert_string_equal(resumed(id, "2", &fresh), "34"); /* the old socket is still there */
    presence("5");
    assert_string_equal(ids(&fresh), "5"); /* active again */
    stage_close();
}

static void what_is_held_survives_a_cut(void **state)
{
    (void)state;
    struct actor fresh;
    open_with("{csi: {}, sm: {}, presence: {}}");
    const char *id = enable_sm(&me);
    stage_feed(&me, INACTIVE);
    presence("1");
    sim_reset(me.peer);
    sim_settle(1000);
    shard_enter(shard_at(0));
    message("2", "chat", "<body>x</body>");
    assert_string_equal(resumed(id, "0", &fresh), "12");
    stage_close();
}

static void copies_matter_too(void **state)
{
    (void)state;
    struct actor fresh;
    open_with("{csi: {}, sm: {}, carbons: {}}");
    struct actor desk = stage_login("me", "desk");
    stage_ask(&me, "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
    const char *id = enable_sm(&me);
    stage_feed(&me, INACTIVE);
    message("1", "headline", EVENT);
    stage_feed(&desk, "<message to='you@localhost' type='chat' id='2'><body>x</body></message>");
    assert_string_equal(ids(&me), "12");
    sim_reset(me.peer);
    sim_settle(1000);
    shard_enter(shard_at(0));
    stage_feed(&desk, "<message to='you@localhost' type='chat' id='3'><body>x</body></message>");
    assert_string_equal(resumed(id, "1", &fresh), "23"); /* copies are still wanted */
    stage_feed(&desk, "<message to='you@localhost' type='chat' id='4'><body>x</body></message>");
    assert_string_equal(ids(&fresh), "4");
    stage_close();
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(what_can_wait_waits),
        STAGE_TEST(what_matters_goes_at_once),
        STAGE_TEST(the_last_of_each_is_enough),
        STAGE_TEST(a_full_buffer_lets_all_out),
        STAGE_TEST(active_comes_before_answers),
        STAGE_TEST(it_needs_a_session),
        STAGE_TEST(held_ones_end_with_the_session),
        cmocka_unit_test(sm_sees_what_is_written_as_it_is_written),
        cmocka_unit_test(what_is_held_survives_a_cut),
        cmocka_unit_test(copies_matter_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
