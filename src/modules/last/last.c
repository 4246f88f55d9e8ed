/*
 * Last Activity (XEP-0012): how long the server has been up, and when a user was last there, for
 * those who may see his presence.
 */
#include "module.h"
#include "store.h"

enum { STATUS_MAX = 1023 };

static uint64_t started_us;

static struct metric answered = {"last_answered_total", "Questions for a user's last activity.",
                                 METRIC_COUNTER, 0};
static struct metric refused = {"last_refused_total", "Those by somebody who may not know.",
                                METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&answered, &refused, NULL};

static enum verdict give(struct acc *acc, uint64_t us, struct str status)
{
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *query = element_add(&acc->arena, result, NS_LAST, "query");
    unsigned long long seconds = us / 1000000;
    element_set(&acc->arena, query, "seconds", arena_format(&acc->arena, "%llu", seconds));
    if (status.len)
        element_add_text(&acc->arena, query, status);
    effect_answer(acc, result);
    return HOOK_STOP;
}

/* --- Of the server (5) --- */

static enum verdict answer_host(struct acc *acc, struct session *session)
{
    (void)session;
    return give(acc, clock_monotonic_us() - started_us, STR(""));
}

/* --- Of a user (4): 0 while he is available --- */

static bool is_available(const struct jid *user, const struct session *but)
{
    struct session *session = NULL;
    while ((session = users_next_session(user, session)))
        if (session != but && session->available)
            return true;
    return false;
}

static enum verdict after_get(struct acc *acc, struct session *session)
{
    const struct store_op *op = acc->answer;
    (void)session;
    if (op->outcome == ERR_OK) {
        uint64_t now_us = shard_self->unix_us, then_us = op->last.stamp_us;
        return give(acc, now_us > then_us ? now_us - then_us : 0, op->last.status);
    }
    bool never = op->outcome == ERR_NOT_FOUND;
    effect_error(acc, never ? STANZA_SERVICE_UNAVAILABLE : STANZA_INTERNAL_SERVER_ERROR, NULL);
    return HOOK_STOP;
}

static enum verdict look(struct acc *acc, struct session *session)
{
    metric_count(&answered);
    if (is_available(&acc->to, NULL) || str_eq(acc->to.bare, acc->from.bare))
        return give(acc, 0, STR(""));
    struct store_op *op = store_op_new(STORE_LAST_GET, NULL, NULL);
    op->last.user = arena_str(&op->arena, acc->to.user);
    op->last.domain = arena_str(&op->arena, acc->to.domain);
    return acc_park_store(acc, session, after_get, op);
}

/* --- Who may know (8): as with presence --- */

static bool may_know(const struct acc *acc, const struct jid *user)
{
    const struct subscription *contact = acc->event_data;
    struct privacy_view view = privacy_view_of(user);
    return (contact->flags & ROSTER_FROM) && !privacy_hides(&view, &acc->from, contact);
}

static enum verdict forbid(struct acc *acc)
{
    metric_count(&refused);
    effect_error(acc, STANZA_FORBIDDEN, NULL);
    return HOOK_STOP;
}

static enum verdict look_if_allowed(struct acc *acc, struct session *session)
{
    return may_know(acc, &acc->to) ? look(acc, session) : forbid(acc);
}

static enum verdict answer_account(struct acc *acc, struct session *session)
{
    if (str_eq(acc->to.bare, acc->from.bare))
        return look(acc, session);
    return subscription_ask(acc, session, &acc->to, &acc->from, look_if_allowed);
}

static enum verdict pass_if_allowed(struct acc *acc, struct session *session)
{
    return may_know(acc, &session->jid) ? HOOK_OK : forbid(acc);
}

/* A question to a resource is the client's to answer, when the asker may know. */
static enum verdict on_receive(struct acc *acc, struct session *session)
{
    if (acc->type != TYPE_GET || privacy_is_exempt(&session->jid, &acc->from))
        return HOOK_OK;
    return subscription_ask(acc, session, &session->jid, &acc->from, pass_if_allowed);
}

/* --- Keeping it: when the last available session goes --- */

static void on_kept(struct store_op *op)
{
    if (op->outcome && op->outcome != ERR_NOT_FOUND)
        LOG(LOG_WARNING, "last_not_written", LF("why", err_name(op->outcome)));
}

static void keep(struct acc *acc, const struct session *session, struct str status)
{
    if (!session->available || is_available(&session->jid, session))
        return;
    struct store_op *op = store_op_new(STORE_LAST_SET, on_kept, NULL);
    op->last.user = arena_str(&op->arena, session->jid.user);
    op->last.domain = arena_str(&op->arena, session->jid.domain);
    op->last.stamp_us = shard_self->unix_us;
    op->last.status = arena_str(&op->arena, status);
    effect_store(acc, op);
}

static enum verdict on_presence(struct acc *acc, struct session *session)
{
    if (acc->to.full.len || acc->type != TYPE_UNAVAILABLE)
        return HOOK_OK;
    const struct element *status = element_child(acc->element, NS_CLIENT, "status");
    struct str text = status ? element_text(&acc->arena, status) : STR("");
    keep(acc, session, text.len <= STATUS_MAX ? text : STR(""));
    return HOOK_OK;
}

static enum verdict on_terminate(struct acc *acc, struct session *session)
{
    keep(acc, session, STR(""));
    return HOOK_OK;
}

static enum err start(struct host_type *type, const void *conf, const char **why)
{
    (void)type;
    (void)conf;
    (void)why;
    if (!started_us)
        started_us = clock_monotonic_us();
    return ERR_OK;
}

static const struct hook hooks[] = {
    {.at = HOOK_user_send_presence, .run = on_presence, .before = "presence, roster"},
    {.at = HOOK_user_receive_iq, .ns = NS_LAST, .element = "query", .run = on_receive},
    {.at = HOOK_user_terminate, .run = on_terminate, .before = "presence"},
    {0},
};

static const struct iq_handler iqs[] = {
    {NS_LAST, "query", IQ_HOST, TYPE_GET, answer_host},
    {NS_LAST, "query", IQ_ACCOUNT, TYPE_GET, answer_account},
    {0},
};

static const struct feature features[] = {{IQ_HOST, "jabber:iq:last"}, {0}};

const struct module module_last = {
    .name = "last",
    .xep = "XEP-0012",
    .hooks = hooks,
    .iqs = iqs,
    .features = features,
    .metrics = metrics,
    .start = start,
};
