/* IQ handlers: who answers which question, and what is said when nobody does. */
#include "core_test.h"

static struct place me;
static char ran[32];
static enum verdict says;
static struct acc *parked;
static const struct session *seen_session;

static void note(char what)
{
    size_t len = strlen(ran);
    ran[len] = what;
    ran[len + 1] = '\0';
}

static enum verdict answer_host(struct acc *acc, struct session *session)
{
    note('h');
    seen_session = session;
    if (says == HOOK_STOP)
        effect_answer(acc, NULL);
    return says;
}

static enum verdict answer_account(struct acc *acc, struct session *session)
{
    note('a');
    seen_session = session;
    effect_answer(acc, NULL);
    return HOOK_STOP;
}

static enum verdict answer_next(struct acc *acc, struct session *session)
{
    (void)session;
    note('n');
    effect_error(acc, STANZA_FORBIDDEN, NULL);
    return HOOK_STOP;
}

static enum verdict answer_late(struct acc *acc, struct session *session)
{
    (void)session;
    note('l');
    if (says == HOOK_STOP)
        effect_answer(acc, NULL);
    return says;
}

static void on_revoke(void *waits_for)
{
    (void)waits_for;
    note('r');
}

static enum verdict answer_parked(struct acc *acc, struct session *session)
{
    note('p');
    parked = acc;
    acc_park(acc, session, answer_late, &parked, on_revoke);
    return HOOK_PARK;
}

static enum verdict not_this_one(struct acc *acc, struct session *session)
{
    (void)acc;
    (void)session;
    note('!'); /* a hook of the chain: it is not run by an answer */
    return HOOK_OK;
}

static const struct iq_handler first_iqs[] = {
    {NS_PING, "ping", IQ_HOST, TYPE_GET, answer_host},
    {NS_PING, "ping", IQ_ACCOUNT, TYPE_UNKNOWN, answer_account},
    {NS_TIME, "time", IQ_HOST | IQ_ACCOUNT, TYPE_UNKNOWN, answer_parked},
    {0},
};
static const struct iq_handler second_iqs[] = {
    {NS_PING, "ping", IQ_HOST, TYPE_UNKNOWN, answer_next},
    {0},
};
static const struct hook hooks[] = {{.at = HOOK_user_send_iq, .run = not_this_one}, {0}};
static const struct module first = {.name = "first", .iqs = first_iqs, .hooks = hooks},
                           second = {.name = "second", .iqs = second_iqs};

static int up(void **state)
{
    (void)state;
    ran[0] = '\0';
    says = HOOK_STOP;
    seen_session = NULL;
    STAGE_OPEN(&second, &first);
    me = log_in("me", "r");
    return 0;
}

static int down(void **state)
{
    (void)state;
    close(me.peer);
    turns();
    stage_close();
    return 0;
}

/* What comes back: its type, and its condition. */
static void expect(const char *type_and_payload, const char *to, enum iq_target target,
                   const char *handlers, const char *answer)
{
    char xml[512];
    ran[0] = '\0';
    snprintf(xml, sizeof xml, "<iq id='q' from='me@here/r' to='%s' type=%s</iq>", to,
             type_and_payload);
    iq_answer(acc_of(xml, "me@here/r"), target, me.session);
    const char *got = heard(&me);
    assert_string_equal(ran, handlers);
    if (!strstr(got, answer))
        fail_msg("%s: got %s", xml, got);
    assert_non_null(strstr(got, "id='q'"));
    snprintf(xml, sizeof xml, "from='%s' to='me@here/r'", to);
    assert_non_null(strstr(got, xml));
}

static const char ping[] = "'get'><ping xmlns='urn:xmpp:ping'/>",
                  ping_set[] = "'set'><ping xmlns='urn:xmpp:ping'/>";

static void the_right_handler_answers(void **state)
{
    (void)state;
    expect(ping, "here", IQ_HOST, "h", "type='result'/>");
    assert_ptr_equal(seen_session, me.session);
    expect(ping, "me@here", IQ_ACCOUNT, "a", "type='result'/>");
    expect(ping_set, "me@here", IQ_ACCOUNT, "a", "type='result'/>");
    expect(ping_set, "here", IQ_HOST, "n", "<forbidden "); /* the first takes get alone */
    says = HOOK_OK;
    expect(ping, "here", IQ_HOST, "hn", "<forbidden "); /* the first has passed it on */
}

static void what_nobody_answers_is_unavailable(void **state)
{
    (void)state;
    expect("'get'><ping xmlns='other'/>", "here", IQ_HOST, "", "<service-unavailable ");
    expect("'get'><pong xmlns='urn:xmpp:ping'/>", "here", IQ_HOST, "", "<service-unavailable ");
    expect("'set'><query xmlns='jabber:iq:version'/>", "me@here", IQ_ACCOUNT, "",
           "<service-unavailable ");
}

static void a_request_has_one_payload(void **state)
{
    (void)state;
    expect("'get'>", "here", IQ_HOST, "", "<bad-request ");
    expect("'get'>text", "here", IQ_HOST, "", "<bad-request ");
    expect("'get'><ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/>", "here", IQ_HOST, "",
           "<bad-request ");
    expect("'get'> <ping xmlns='urn:xmpp:ping'/> ", "here", IQ_HOST, "h", "type='result'/>");
}

static void ask_late(const char *to, enum iq_target target, struct session *session)
{
    char xml[256];
    ran[0] = '\0';
    snprintf(xml, sizeof xml,
             "<iq id='q' from='me@here/r' to='%s' type='get'><time xmlns='urn:xmpp:time'/></iq>",
             to);
    iq_answer(acc_of(xml, "me@here/r"), target, session);
    assert_string_equal(heard(&me), "");
}

static void a_handler_may_answer_late(void **state)
{
    (void)state;
    ask_late("here", IQ_HOST, me.session);
    assert_int_equal(me.session->conn->paused, CONN_PAUSE_OWNER);
    acc_unpark(parked);
    assert_string_equal(ran, "pl");
    assert_non_null(strstr(heard(&me), "type='result'/>"));
    assert_int_equal(me.session->conn->paused, 0);
    ask_late("me@here", IQ_ACCOUNT, NULL); /* the sender is on another shard */
    assert_int_equal(me.session->conn->paused, 0);
    acc_unpark(parked);
    assert_non_null(strstr(heard(&me), "type='result'/>"));
    says = HOOK_OK; /* it knows nothing after all */
    ask_late("here", IQ_HOST, me.session);
    acc_unpark(parked);
    assert_non_null(strstr(heard(&me), "<service-unavailable "));
}

static void who_asked_may_be_gone(void **state)
{
    (void)state;
    ask_late("here", IQ_HOST, me.session);
    session_end(me.session, STREAM_NO_ERROR, NULL);
    assert_string_equal(ran, "pr");
    turns();
}

#define IQ_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IQ_TEST(the_right_handler_answers), IQ_TEST(what_nobody_answers_is_unavailable),
        IQ_TEST(a_request_has_one_payload), IQ_TEST(a_handler_may_answer_late),
        IQ_TEST(who_asked_may_be_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
