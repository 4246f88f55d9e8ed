/* In-Band Registration: new accounts before the login, passwords and removal after it. */
#include "stage.h"

#include "store_backend.h"

static struct actor guest, me;

static void open_with(const char *conf)
{
    char modules[160];
    snprintf(modules, sizeof modules, "{register: {%s}}", conf);
    store_mem_hook = NULL;
    stage_open(modules, ", state_timeout: infinity");
}

static int up(void **state)
{
    (void)state;
    open_with("registration_timeout: 0s");
    guest = stage_connect();
    return 0;
}

static int down(void **state)
{
    (void)state;
    store_mem_hook = NULL;
    stage_close();
    return 0;
}

/* What a set with these children leads to. */
static const char *register_as(const struct actor *actor, const char *children)
{
    char xml[1400];
    snprintf(xml, sizeof xml,
             "<iq type='set' id='s' to='localhost'><query xmlns='jabber:iq:register'>%s</query>"
             "</iq>",
             children);
    return stage_ask(actor, xml);
}

static const char *new_account(const struct actor *actor, const char *user)
{
    char children[128];
    snprintf(children, sizeof children, "<username>%s</username><password>secret</password>", user);
    return register_as(actor, children);
}

static const char result[] = "<iq from='localhost' id='s' type='result'/>";

/* --- What the store has --- */

static enum err found;
static char credentials[512];

static void on_found(struct store_op *op)
{
    found = op->outcome;
    if (!found)
        text_copy(credentials, sizeof credentials, op->account.credentials);
}

static enum err look_up(const char *user)
{
    struct store_op *op = store_op_new(STORE_ACCOUNT_GET, on_found, NULL);
    op->account.user = arena_str(&op->arena, str_of(user));
    op->account.domain = STR("localhost");
    found = ERR_COUNT;
    store_ask(op, 0);
    stage_pass(20);
    return found;
}

/* --- Before the login --- */

static void it_is_offered(void **state)
{
    (void)state;
    assert_has(stage_written(&guest), "<register xmlns='http://jabber.org/features/iq-register'/>");
}

static void a_form_tells_what_is_wanted(void **state)
{
    (void)state;
    static const char get[] = "<iq type='get' id='g'><query xmlns='jabber:iq:register'/></iq>";
    stage_written(&guest);
    assert_string_equal(stage_ask(&guest, get),
                        "<iq id='g' type='result'><query xmlns='jabber:iq:register'>"
                        "<instructions>Choose a user name and a password.</instructions>"
                        "<username/><password/></query></iq>");
    assert_string_equal(stage_effects(&guest, HOOK_user_send_xmlel,
                                      "<iq type='result' id='g'>"
                                      "<query xmlns='jabber:iq:register'/></iq>"),
                        "");
}

static void a_new_account_is_kept(void **state)
{
    (void)state;
    uint64_t added = stage_counted("register_added_total");
    stage_written(&guest);
    assert_int_equal(look_up("dora"), ERR_NOT_FOUND);
    assert_string_equal(new_account(&guest, "Dora"), result);
    assert_int_equal(look_up("dora"), ERR_OK);
    assert_null(strstr(credentials, "secret")); /* keys alone */
    assert_int_equal(stage_counted("register_added_total") - added, 1);
    assert_has(new_account(&guest, "dora"), "<conflict " STANZAS "/>");
    assert_has(new_account(&guest, "DORA"), "this user name is taken");
    assert_string_equal(new_account(&guest, "eva"), result);
    assert_int_equal(stage_counted("register_added_total") - added, 2);
    assert_false(guest.session->ended);
}

static void what_cannot_be_one_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "<username>dora</username>",
        "<username>dora</username><password/>",
        "<username/><password>secret</password>",
        "<password>secret</password>",
        "<username>do@ra</username><password>secret</password>",
        "<username>do ra</username><password>secret</password>",
        "<username>dora</username><password>a&#x200b;&#xe000;</password>",
        "<username xmlns='x'>dora</username><password>secret</password>",
        "<remove/>",
    };
    stage_written(&guest);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_has(register_as(&guest, bad[i]), "<not-acceptable " STANZAS "/>");
    char children[1300];
    int len = snprintf(children, sizeof children, "<username>dora</username><password>");
    memset(children + len, 'x', 1024);
    snprintf(children + len + 1024, sizeof children - (size_t)len - 1024, "</password>");
    assert_has(register_as(&guest, children), "this password is not acceptable");
    assert_int_equal(look_up("dora"), ERR_NOT_FOUND);
    assert_string_equal(new_account(&guest, "dora"), result);
}

static void not_when_it_is_off(void **state)
{
    (void)state;
    open_with("allow_new: false");
    guest = stage_connect();
    assert_lacks(stage_written(&guest), "<register ");
    assert_has(new_account(&guest, "dora"), "<not-allowed " STANZAS "/>");
    assert_int_equal(look_up("dora"), ERR_NOT_FOUND);
    stage_close();
}

/* A password must not go over the line in the clear, unless the listener says so. */
static void not_in_the_clear(void **state)
{
    (void)state;
    open_with("");
    stage_listener->plaintext_auth = false;
    guest = stage_connect();
    assert_lacks(stage_written(&guest), "<register ");
    assert_has(new_account(&guest, "dora"), "<stream:error><not-authorized ");
    assert_int_equal(look_up("dora"), ERR_NOT_FOUND);
    me = stage_login("me", "r");
    assert_has(register_as(&me, "<username>me</username><password>new</password>"),
               "a password is changed over TLS only");
    stage_close();
}

/* --- The limit by address --- */

static const char *from_address(const char *address, const char *user)
{
    text_copy(guest.session->peer, sizeof guest.session->peer, str_of(address));
    return new_account(&guest, user);
}

static void an_address_waits_between_two(void **state)
{
    (void)state;
    open_with("registration_timeout: 60s");
    guest = stage_connect();
    stage_written(&guest);
    uint64_t limited = stage_counted("register_limited_total");
    assert_string_equal(from_address("198.51.100.1", "a"), result);
    assert_has(from_address("198.51.100.1", "b"), "<resource-constraint " STANZAS "/>");
    assert_string_equal(from_address("198.51.100.2", "b"), result);
    assert_int_equal(stage_counted("register_limited_total") - limited, 1);
    stage_pass(59000);
    assert_has(from_address("198.51.100.1", "c"), "too many registrations from this address");
    stage_pass(1100);
    assert_string_equal(from_address("198.51.100.1", "c"), result);
    assert_has(from_address("198.51.100.3", "a"), "<conflict "); /* which uses the turn up */
    assert_has(from_address("198.51.100.3", "d"), "<resource-constraint ");
    assert_has(register_as(&guest, "<username>e</username>"), "<not-acceptable ");
    stage_close();
}

/* An IPv6 host has a whole /64, however its addresses are written. */
static void addresses_of_a_64_are_one(void **state)
{
    (void)state;
    static const char *const nets[][3] = {
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:2::1"},
        {"2001:db8::1", "2001:db8::2", "2001:db8:0:0:1:2:3:4"},
        {"2001:db8:5::1", "2001:db8:5::ffff:1", "2001:db8:5:0:1:2:3:4"},
        {"fe80::1", "fe80::2", "fe80::1:2:3:4"},
        {"2001:db8:0:7::1", "2001:db8:0:7:1:1:1:1", "2001:db8:0:7::"},
        {"2001:db8:1:3:3:4:5:6", "2001:db8:1:3::9", "2001:db8:1:3:8::"},
    };
    char user[8];
    open_with("registration_timeout: 60s");
    guest = stage_connect();
    stage_written(&guest);
    for (size_t net = 0; net < COUNT_OF(nets); net++)
        for (size_t i = 0; i < 3; i++) {
            snprintf(user, sizeof user, "u%zu%zu", net, i);
            const char *answer = from_address(nets[net][i], user);
            if ((i == 0) != (strcmp(answer, result) == 0))
                fail_msg("%s: %s", nets[net][i], answer);
        }
    stage_close();
}

/* --- Storage --- */

static enum err outcome;
static uint64_t delay;

static enum err on_store(const struct store_op *op, uint64_t *delay_ms)
{
    (void)op;
    *delay_ms = delay;
    return outcome;
}

static void storage_that_does_not_answer(void **state)
{
    (void)state;
    static const enum err bad[] = {ERR_DOWN, ERR_FULL};
    stage_written(&guest);
    store_mem_hook = on_store;
    delay = 0;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        outcome = bad[i];
        assert_has(new_account(&guest, "dora"), "<resource-constraint " STANZAS "/>");
    }
    outcome = ERR_TIMEOUT; /* the question is lost */
    delay = 100000;
    assert_string_equal(new_account(&guest, "dora"), "");
    assert_true(guest.session->conn->paused & CONN_PAUSE_OWNER);
    stage_pass(4000);
    assert_string_equal(stage_written(&guest), "");
    stage_pass(1100);
    assert_has(stage_written(&guest), "the account storage does not answer");
    assert_int_equal(guest.session->conn->paused, 0);
}

static void who_leaves_meanwhile_is_not_missed(void **state)
{
    (void)state;
    stage_written(&guest);
    store_mem_hook = on_store;
    outcome = ERR_OK;
    delay = 500;
    assert_string_equal(new_account(&guest, "dora"), ""); /* storage works on it */
    stage_leave(&guest);
    session_end(guest.session, STREAM_NO_ERROR, NULL); /* its end was not looked at: paused */
    stage_pass(6000);
    assert_true(list_empty(session_list()));
    guest = stage_connect();
    stage_feed(&guest, "<iq type='set' id='s'><query xmlns='jabber:iq:register'>"
                       "<username>eva</username><password>x</password></query></iq>");
    session_end(guest.session, STREAM_NO_ERROR, NULL); /* a helper works on it */
    stage_leave(&guest);
    stage_pass(6000);
    assert_true(list_empty(session_list()));
}

/* --- After the login --- */

static int up_with_me(void **state)
{
    up(state);
    stage_written(&guest);
    assert_string_equal(new_account(&guest, "me"), result);
    me = stage_login("me", "r");
    return 0;
}

static void who_has_one_is_told_so(void **state)
{
    (void)state;
    assert_has(
        stage_ask(&me, "<iq type='get' id='g'><query xmlns='jabber:iq:register'/></iq>"),
        "<query "
        "xmlns='jabber:iq:register'><registered/><username>me</username><password/></query>");
    assert_has(stage_ask(&me, "<iq type='get' id='g' to='you@localhost'>"
                              "<query xmlns='jabber:iq:register'/></iq>"),
               "<service-unavailable ");
}

static void a_new_password_takes_the_place(void **state)
{
    (void)state;
    char before[sizeof credentials];
    look_up("me");
    memcpy(before, credentials, sizeof before);
    assert_has(register_as(&me, "<username>ME</username><password>other</password>"),
               "id='s' type='result'/>");
    assert_int_equal(look_up("me"), ERR_OK);
    assert_string_not_equal(before, credentials);
    assert_has(register_as(&me, "<username>you</username><password>other</password>"),
               "this is not your user name");
    assert_has(register_as(&me, "<username>me</username>"), "<bad-request ");
    assert_has(register_as(&me, "<password>x</password>"), "<bad-request ");
    assert_has(register_as(&me, "<username>me</username><password>&#xe000;</password>"),
               "<not-acceptable ");
    struct actor nobody = stage_login("nobody", "r"); /* whose account was removed elsewhere */
    assert_has(register_as(&nobody, "<username>nobody</username><password>x</password>"),
               "<item-not-found ");
}

static void a_removal_ends_all_sessions(void **state)
{
    (void)state;
    struct actor second = stage_login("me", "s"), other = stage_login("other", "r");
    uint64_t removed = stage_counted("register_removed_total");
    const char *got = register_as(&me, "<remove/>");
    assert_has(got, "type='result'/><stream:error><not-authorized ");
    assert_has(stage_written(&second), "<stream:error><not-authorized ");
    assert_string_equal(stage_written(&other), "");
    assert_true(me.session->ended && second.session->ended);
    assert_int_equal(look_up("me"), ERR_NOT_FOUND);
    assert_int_equal(stage_counted("register_removed_total") - removed, 1);
    assert_has(register_as(&other, "<remove/>"), "<item-not-found "); /* it never had one */
    assert_false(other.session->ended);
}

static void a_removal_that_fails_ends_nothing(void **state)
{
    (void)state;
    store_mem_hook = on_store;
    outcome = ERR_DOWN;
    delay = 0;
    assert_has(register_as(&me, "<remove/>"), "<resource-constraint ");
    assert_false(me.session->ended);
    store_mem_hook = NULL;
    assert_int_equal(look_up("me"), ERR_OK);
}

static void no_removal_when_it_is_off(void **state)
{
    (void)state;
    open_with("allow_remove: false");
    me = stage_login("me", "r");
    assert_has(register_as(&me, "<remove/>"), "<not-allowed ");
    stage_close();
}

#define GUEST_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
#define LOGIN_TEST(name) cmocka_unit_test_setup_teardown(name, up_with_me, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUEST_TEST(it_is_offered),
        GUEST_TEST(a_form_tells_what_is_wanted),
        GUEST_TEST(a_new_account_is_kept),
        GUEST_TEST(what_cannot_be_one_is_refused),
        cmocka_unit_test(not_when_it_is_off),
        cmocka_unit_test(not_in_the_clear),
        cmocka_unit_test(an_address_waits_between_two),
        cmocka_unit_test(addresses_of_a_64_are_one),
        GUEST_TEST(storage_that_does_not_answer),
        GUEST_TEST(who_leaves_meanwhile_is_not_missed),
        LOGIN_TEST(who_has_one_is_told_so),
        LOGIN_TEST(a_new_password_takes_the_place),
        LOGIN_TEST(a_removal_ends_all_sessions),
        LOGIN_TEST(a_removal_that_fails_ends_nothing),
        cmocka_unit_test(no_removal_when_it_is_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
