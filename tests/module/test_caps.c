/* Module caps: clients are asked once, and believed when the string fits (XEP-0115). */
#include "stage.h"

static struct actor me, you;
static unsigned recognised;

static enum verdict on_recognised(struct acc *acc, struct session *session)
{
    (void)acc;
    assert_non_null(session->caps);
    recognised++;
    return HOOK_OK;
}

static const struct hook listener_hooks[] = {{.at = HOOK_caps_recognised, .run = on_recognised},
                                             {0}};
static const struct module listener = {.name = "listener", .hooks = listener_hooks};

#define INFO "http://jabber.org/protocol/disco#info"
#define FEATURES                                                                                   \
    "<identity category='client' type='pc' name='Test'/><feature var='" INFO "'/>"                 \
    "<feature var='urn:a'/><feature var='urn:a+notify'/><feature var='urn:b+notify'/>"

static char ver[CAPS_VER_ROOM];

static int up(void **state)
{
    (void)state;
    stage_add(&listener);
    stage_open("{caps: {}, presence: {}, roster: {}, blocking: {}}", "");
    me = stage_login("me", "r");
    you = stage_login("you", "r");
    recognised = 0;
    struct acc *acc = acc_new();
    struct element *query = acc_parse(acc, STR("<query xmlns='" INFO "'>" FEATURES "</query>"));
    assert_int_equal(caps_ver(query, DIGEST_SHA256, ver), ERR_OK);
    acc_free(acc);
    return 0;
}

static int down(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

static const char *presence(const char *hash, const char *string)
{
    static char xml[512];
    snprintf(xml, sizeof xml,
             "<presence><c xmlns='http://jabber.org/protocol/caps' node='urn:n' hash='%s' "
             "ver='%s'/></presence>",
             hash, string);
    return xml;
}

static const char *answer(const char *id, const char *inside)
{
    static char xml[1024];
    snprintf(xml, sizeof xml,
             "<iq type='result' id='%s' to='localhost'><query xmlns='" INFO "'>%s</query></iq>", id,
             inside);
    return xml;
}

static void a_client_is_asked_and_believed(void **state)
{
    (void)state;
    char wanted[256];
    snprintf(wanted, sizeof wanted,
             "<iq type='get' from='localhost' to='me@localhost/r' id='caps-1'><query xmlns='" INFO
             "' node='urn:n#%s'/></iq>",
             ver);
    assert_has(stage_ask(&me, presence("sha-256", ver)), wanted);
    assert_false(caps_wants(me.session, STR("urn:a")));
    assert_string_equal(stage_ask(&me, answer("caps-1", FEATURES)), "");
    assert_true(caps_wants(me.session, STR("urn:a")));
    assert_true(caps_wants(me.session, STR("urn:b")));
    assert_false(caps_wants(me.session, STR(INFO)));
    assert_int_equal(recognised, 1);
    /* the same again, by the same or by others: nobody is asked */
    assert_lacks(stage_ask(&me, presence("sha-256", ver)), "<iq");
    assert_lacks(stage_ask(&you, presence("sha-256", ver)), "<iq");
    assert_true(caps_wants(you.session, STR("urn:b")));
    assert_ptr_equal(me.session->caps, you.session->caps);
    assert_int_equal(recognised, 2);
    assert_lacks(stage_ask(&me, "<presence><show>away</show></presence>"), "<iq");
    assert_true(caps_wants(me.session, STR("urn:a")));
    stage_ask(&me, "<presence type='unavailable'/>");
    assert_false(caps_wants(me.session, STR("urn:a")));
}

static void who_lies_is_not_believed(void **state)
{
    (void)state;
    uint64_t refused = stage_counted("caps_refused_total");
    stage_ask(&me, presence("sha-256", ver));
    stage_ask(&me, answer("caps-1", FEATURES "<feature var='urn:c+notify'/>"));
    assert_null(me.session->caps);
    assert_lacks(stage_ask(&me, presence("sha-256", ver)), "<iq");
    assert_has(stage_ask(&you, presence("sha-256", ver)), "id='caps-1'");
    stage_ask(&you, "<iq type='error' id='caps-1' to='localhost'/>");
    assert_null(you.session->caps);
    /* too late, and another's id */
    stage_ask(&me, answer("caps-1", FEATURES));
    assert_null(me.session->caps);
    stage_ask(&me, presence("sha-1", "QgayPKawpkPSDYmwT/WM94uAlu0="));
    stage_ask(&me, answer("caps-1", FEATURES));
    assert_null(me.session->caps);
    assert_int_equal(stage_counted("caps_refused_total"), refused + 2);
    assert_int_equal(recognised, 0);
}

static void what_cannot_be_verified_is_not_asked(void **state)
{
    (void)state;
    assert_lacks(stage_ask(&me, presence("md5", "x")), "<iq");
    assert_lacks(stage_ask(&me, presence("sha-1", "short")), "<iq");
    assert_lacks(stage_ask(&me, presence("", "")), "<iq");
    assert_lacks(stage_ask(&me, "<presence><c xmlns='http://jabber.org/protocol/caps' node='n' "
                                "ver='0.9'/></presence>"),
                 "<iq");
    assert_null(me.session->caps);
}

static void the_newest_string_counts(void **state)
{
    (void)state;
    stage_ask(&me, presence("sha-1", "QgayPKawpkPSDYmwT/WM94uAlu0="));
    assert_has(stage_ask(&me, presence("sha-256", ver)), "id='caps-2'");
    stage_ask(&me, answer("caps-2", FEATURES));
    assert_true(caps_wants(me.session, STR("urn:a")));
    stage_ask(&me, presence("sha-1", "QgayPKawpkPSDYmwT/WM94uAlu0="));
    assert_false(caps_wants(me.session, STR("urn:a")));
}

/* Those that sessions have stay; of the others, the oldest go. */
static void what_is_known_is_bounded(void **state)
{
    (void)state;
    stage_ask(&me, presence("sha-256", ver));
    stage_ask(&me, answer("caps-1", FEATURES));
    for (unsigned i = 0; i < 3 * LIMIT_CAPS_KNOWN; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        assert_non_null(caps_learn(STR("sha-1"), str_of(name), STR("urn:x\n")));
        assert_true(core_self()->caps.all.count <= LIMIT_CAPS_KNOWN);
    }
    assert_null(caps_find(STR("sha-1"), STR("5")));
    assert_non_null(caps_find(STR("sha-1"), STR("2999")));
    assert_ptr_equal(caps_find(STR("sha-256"), str_of(ver)), me.session->caps);
    char longer[200];
    memset(longer, 'x', sizeof longer);
    assert_null(caps_learn(STR("sha-1"), (struct str){longer, sizeof longer}, STR("")));
}

static void too_many_nodes_are_cut(void **state)
{
    (void)state;
    struct buf features = {0};
    char own[CAPS_VER_ROOM], xml[16384];
    for (int i = 0; i < 300; i++)
        buf_format(&features, "<feature var='urn:node:of:a:long:name:%d+notify'/>", i);
    snprintf(xml, sizeof xml, "<query xmlns='" INFO "'>%.*s</query>", STR_ARG(buf_str(&features)));
    struct acc *acc = acc_new();
    assert_int_equal(caps_ver(acc_parse(acc, str_of(xml)), DIGEST_SHA1, own), ERR_OK);
    acc_free(acc);
    stage_ask(&me, presence("sha-1", own));
    snprintf(xml, sizeof xml,
             "<iq type='result' id='caps-1' to='localhost'><query xmlns='" INFO
             "'>%.*s</query></iq>",
             STR_ARG(buf_str(&features)));
    buf_fini(&features);
    stage_ask(&me, xml);
    assert_true(caps_wants(me.session, STR("urn:node:of:a:long:name:0")));
    assert_false(caps_wants(me.session, STR("urn:node:of:a:long:name:299")));
    assert_true(me.session->caps->notify.len <= LIMIT_CAPS_NOTIFY);
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(a_client_is_asked_and_believed),
        STAGE_TEST(who_lies_is_not_believed),
        STAGE_TEST(what_cannot_be_verified_is_not_asked),
        STAGE_TEST(the_newest_string_counts),
        STAGE_TEST(what_is_known_is_bounded),
        STAGE_TEST(too_many_nodes_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
