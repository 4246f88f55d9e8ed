/* Which of a client's stanzas count as on disk. */
#include "core_test.h"

#include "stanza_id.h"
#include "store_backend.h"

static enum verdict on_message(struct acc *acc, struct session *session)
{
    (void)session;
    acc->promised = element_child(acc->element, NS_CLIENT, "await") != NULL;
    if (acc->promised)
        return HOOK_OK;
    if (!element_child(acc->element, NS_CLIENT, "body"))
        return HOOK_STOP;
    struct store_op *op = store_op_new(STORE_MAM_STORE, NULL, NULL);
    op->message = (struct store_message){.id = acc_identify(acc),
                                         .sender = arena_str(&op->arena, acc->from.bare),
                                         .recipient = arena_str(&op->arena, acc->to.bare),
                                         .body = STR("<message/>")};
    effect_store(acc, op);
    return HOOK_OK;
}

static enum verdict on_iq(struct acc *acc, struct session *session)
{
    (void)acc;
    (void)session;
    return HOOK_STOP;
}

static const struct hook hooks[] = {{.at = HOOK_user_send_message, .run = on_message},
                                    {.at = HOOK_user_send_packet, .element = "iq", .run = on_iq},
                                    {0}};
static const struct module writer = {.name = "writer", .hooks = hooks};

static bool down;

static enum err may_be_down(const struct store_op *op, uint64_t *delay_ms)
{
    (void)op;
    (void)delay_ms;
    return down ? ERR_DOWN : ERR_OK;
}

static void send_xml(struct place *place, const char *xml)
{
    session_event(place->session, EV_ELEMENT, acc_of(xml, NULL));
}

static const char plain[] = "<message to='b@here'/>";
static const char awaited[] = "<message to='b@here'><await/></message>";
static const char written[] = "<message to='b@here'><body>x</body></message>";

static void until_durable(const struct place *place, uint64_t count)
{
    for (int i = 0; i < 500 && place->session->durable_count < count; i++)
        shard_turn(shard, 2000);
    assert_int_equal(place->session->durable_count, count);
}

static int up(void **state)
{
    (void)state;
    STAGE_OPEN(&writer);
    store_mem_hook = may_be_down;
    return 0;
}

static int end(void **state)
{
    (void)state;
    down = false;
    stage_close();
    store_mem_hook = NULL;
    return 0;
}

static void what_writes_nothing_is_durable(void **state)
{
    (void)state;
    struct place a = log_in("a", "r");
    send_xml(&a, plain);
    send_xml(&a, plain);
    send_xml(&a, "<iq type='get' id='1' to='here'><q xmlns='x'/></iq>"); /* stopped early */
    assert_int_equal(a.session->handled_count, 3);
    assert_int_equal(a.session->durable_count, 3);
    close(a.peer);
}

static void counts_up_to_the_first_that_is_not_committed(void **state)
{
    (void)state;
    struct place a = log_in("a", "r");
    down = true;
    send_xml(&a, plain);
    send_xml(&a, written);
    send_xml(&a, plain);
    send_xml(&a, written);
    assert_int_equal(a.session->handled_count, 4);
    assert_int_equal(a.session->durable_count, 1);
    turns();
    assert_int_equal(a.session->durable_count, 1);
    down = false;
    until_durable(&a, 4);
    assert_true(list_empty(&a.session->writes));
    close(a.peer);
}

static void an_awaited_one_when_its_journey_has_ended(void **state)
{
    (void)state;
    struct place a = log_in("a", "r"), b = log_in("a", "s");
    send_xml(&a, plain);
    send_xml(&a, awaited);
    send_xml(&a, awaited);
    send_xml(&a, plain);
    send_xml(&b, awaited);
    assert_int_equal(a.session->durable_count, 1);
    session_end(b.session, STREAM_NO_ERROR, NULL); /* before its stanza's journey has ended */
    turns();
    assert_int_equal(a.session->durable_count, 4);
    assert_true(list_empty(&a.session->writes));
    close(a.peer);
    close(b.peer);
}

static void a_session_may_end_before(void **state)
{
    (void)state;
    struct place a = log_in("a", "r");
    down = true;
    send_xml(&a, written);
    session_end(a.session, STREAM_NO_ERROR, NULL);
    close(a.peer);
    turns();
    down = false;
    for (int i = 0; i < 500 && store_pending(shard); i++)
        shard_turn(shard, 2000);
    assert_int_equal(store_pending(shard), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_writes_nothing_is_durable, up, end),
        cmocka_unit_test_setup_teardown(counts_up_to_the_first_that_is_not_committed, up, end),
        cmocka_unit_test_setup_teardown(an_awaited_one_when_its_journey_has_ended, up, end),
        cmocka_unit_test_setup_teardown(a_session_may_end_before, up, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
