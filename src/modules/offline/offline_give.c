/*
 * Giving what waited: page by page, each dropped from storage once it is on its way to the session,
 * whose it is from then on. Messages that come meanwhile are held behind it. All sessions of a user
 * are on this shard, and so is the order.
 */
#include "offline.h"

enum { PAGE = 20, NEXT_MS = 100, RETRY_MS = 1000 };

struct metric offline_given = {"offline_given_total", "Messages given to users who came.",
                               METRIC_COUNTER, 0};
struct metric offline_gone = {"offline_gone_total",
                              "Marks whose message the archive did not have any more.",
                              METRIC_COUNTER, 0};
struct metric offline_held = {"offline_held_total",
                              "Messages that came while older ones were read, and waited for them.",
                              METRIC_COUNTER, 0};

static struct offline_user *user_of(struct session *session)
{
    return user_slot(session->user, &module_offline);
}

static struct offline_session *own_of(struct session *session)
{
    return session_slot(session, &module_offline);
}

/* One without a socket (XEP-0198) does: it keeps what it is given, as what comes anew. */
static bool may_get(const struct session *session)
{
    return session_takes_bare(session) && !session->ended;
}

/* --- What came meanwhile --- */

static enum verdict hold(struct acc *acc, struct offline_session *own)
{
    if (own->held.count >= LIMIT_LANE_WAITING) {
        effect_error(acc, STANZA_RESOURCE_CONSTRAINT, "too many messages wait for this client");
        return HOOK_STOP;
    }
    kept_push(&own->held, kept_new(acc));
    metric_count(&offline_held);
    return HOOK_STOP;
}

enum verdict offline_on_receive(struct acc *acc, struct session *session)
{
    bool is_in_order =
        acc->type == TYPE_CHAT || acc->type == TYPE_NORMAL || offline_is_of_room(acc);
    if (!is_in_order || acc->waited || user_of(session)->reader != session)
        return HOOK_OK;
    return hold(acc, own_of(session));
}

/* One by one: the session may end over one of them, and then the others are rerouted. */
static void let_go(struct session *session)
{
    struct offline_session *own = own_of(session);
    while (own->held.first && !session->ended) {
        struct kept *kept = kept_pop(&own->held);
        struct acc *acc = acc_new();
        acc->host = session->host;
        effect_flush_held(acc, kept_acc(&kept, session->host));
        effects_apply(acc, session);
        acc_free(acc);
    }
}

/* What was held goes elsewhere: `go` says how. */
static void give_back(struct acc *acc, struct session *session,
                      void (*go)(struct acc *acc, struct acc *held))
{
    struct offline_session *own = own_of(session);
    while (own->held.first) {
        struct kept *kept = kept_pop(&own->held);
        struct acc *held = kept_acc(&kept, session->host);
        if (!held->to.full.len || !held->from.full.len) {
            acc_free(held);
            continue;
        }
        kept_delay(&held->arena, held->element, session->host->jid.domain, held->stamp_us);
        go(acc, held);
    }
}

static void to_others(struct acc *acc, struct acc *held)
{
    held->to = jid_bare(&held->to);
    effect_reroute(acc, held);
}

/* --- Whose turn it is --- */

static void read_page(struct offline_user *user);

/* Another session that takes it, or nobody, who comes later. */
static void hand_on(struct offline_user *user, struct session *from)
{
    struct session *session = NULL;
    while ((session = users_next_session(&from->jid, session)))
        if (session != from && may_get(session))
            break;
    user->reader = session;
    user->again = true;
    if (session && !user->op)
        read_page(user);
}

static void start(struct session *session)
{
    struct offline_user *user = user_of(session);
    bool busy = user->op || user->reader;
    user->again = busy;
    if (!user->reader)
        user->reader = session;
    if (!busy)
        read_page(user);
}

/* --- Pages --- */

static void next(struct offline_user *user)
{
    struct session *session = user->reader;
    if (!session)
        return;
    if (conn_unsent(session->conn) > LIMIT_OUTPUT_HIGH)
        session_alarm(session, &offline_alarms[OFFLINE_NEXT], NEXT_MS);
    else
        read_page(user);
}

static void on_dropped(struct store_op *op)
{
    struct offline_user *user = op->owner;
    user->op = NULL;
    if (op->outcome)
        LOG(LOG_WARNING, "offline_not_dropped", LF("why", err_name(op->outcome)));
    next(user);
}

static void drop_page(struct offline_user *user, const struct store_offline *page)
{
    struct store_op *op = offline_op(STORE_OFFLINE_DROP, &user->reader->jid, on_dropped, user);
    uint64_t *numbers = arena_take(&op->arena, page->count * sizeof *numbers);
    for (size_t i = 0; i < page->count; i++)
        numbers[i] = page->items[i].number;
    op->offline.numbers = numbers;
    op->offline.number_count = page->count;
    user->after = numbers[page->count - 1];
    user->op = op;
    store_ask(op, 0);
}

/* As the room sent it: what its archive has is for nobody in particular. */
static void make_copy(struct acc *acc, const struct store_offline_item *item)
{
    acc->room_copy = true;
    element_set(&acc->arena, acc->element, "to", acc->to.bare);
    if (!item->room.len)
        return;
    acc->room_id = item->message;
    acc->stanza_id = 0;
    acc_tell_id(acc, item->room, item->message);
}

/* To this session, whatever its `to` says; by the router, as lists may have changed meanwhile. */
static struct acc *journey_of(const struct store_offline_item *item, const struct session *session)
{
    struct acc *acc = acc_new();
    struct element *stanza = acc_parse(acc, item->body);
    struct str from = stanza ? element_attr(stanza, "from") : STR("");
    if (!stanza || (from.len && jid_parse(&acc->arena, from, &acc->from))) {
        LOG(LOG_ERROR, "offline_unreadable", LF_STR("owner", session->jid.bare));
        acc_free(acc);
        return NULL;
    }
    const struct jid *to = &session->jid;
    acc_set(acc, stanza);
    jid_make(&acc->arena, to->user, to->domain, to->resource, &acc->to);
    kept_delay(&acc->arena, stanza, session->host->jid.domain, item->stamp_us);
    acc->host = session->host;
    acc->stamp_us = item->stamp_us;
    acc->stanza_id = item->message;
    acc->waited = true;
    if (acc->type == TYPE_GROUPCHAT)
        make_copy(acc, item);
    return acc;
}

static void give(const struct store_offline *page, struct session *session)
{
    struct acc *acc = acc_new(), *one;
    acc->host = session->host;
    for (size_t i = 0; i < page->count; i++) {
        const struct store_offline_item *item = &page->items[i];
        metric_count(item->body.at ? &offline_given : &offline_gone);
        if (item->body.at && (one = journey_of(item, session)))
            effect_reroute(acc, one);
    }
    effects_apply(acc, session);
    acc_free(acc);
}

/* The last page is one without messages: by then those of the page before have arrived. */
static void at_the_end(struct offline_user *user)
{
    struct session *session = user->reader;
    if (user->again) {
        user->again = false;
        read_page(user);
        return;
    }
    user->reader = NULL;
    let_go(session);
}

static void on_page(struct store_op *op)
{
    struct offline_user *user = op->owner;
    struct session *session = user->reader;
    user->op = NULL;
    if (!session)
        return;
    if (op->outcome) {
        LOG(LOG_WARNING, "offline_not_read", LF("why", err_name(op->outcome)));
        user->again = true;
        user->reader = NULL;
        session_alarm(session, &offline_alarms[OFFLINE_RETRY], RETRY_MS);
        let_go(session);
    } else if (op->offline.count == 0) {
        at_the_end(user);
    } else {
        give(&op->offline, session);
        drop_page(user, &op->offline);
    }
}

static bool keeps_rooms(const struct session *session)
{
    const struct offline_conf *conf = module_conf(session->host, &module_offline);
    return conf->store_groupchat_messages;
}

static void read_page(struct offline_user *user)
{
    struct store_op *op = offline_op(STORE_OFFLINE_PAGE, &user->reader->jid, on_page, user);
    op->offline.after = user->after;
    op->offline.of_rooms = keeps_rooms(user->reader);
    op->offline.limit = PAGE;
    user->op = op;
    store_ask(op, 0);
}

static void on_next(struct acc *acc, struct session *session)
{
    struct offline_user *user = user_of(session);
    (void)acc;
    if (user->reader == session && !user->op)
        next(user);
}

static void on_retry(struct acc *acc, struct session *session)
{
    (void)acc;
    if (user_of(session)->again && may_get(session))
        start(session);
}

const struct alarm offline_alarms[] = {[OFFLINE_NEXT] = {"offline_next", on_next},
                                       [OFFLINE_RETRY] = {"offline_retry", on_retry},
                                       {NULL, NULL}};

/* --- Sessions come and go --- */

enum verdict offline_on_available(struct acc *acc, struct session *session)
{
    (void)acc;
    start(session);
    return HOOK_OK;
}

/* Without module presence. */
enum verdict offline_on_opened(struct acc *acc, struct session *session)
{
    (void)acc;
    if (session_takes_bare(session))
        start(session);
    return HOOK_OK;
}

/* What it held is behind what it was not given, and waits with that if nobody takes it. */
enum verdict offline_on_unavailable(struct acc *acc, struct session *session)
{
    struct offline_user *user = user_of(session);
    if (user->reader != session)
        return HOOK_OK;
    hand_on(user, session);
    give_back(acc, session, user->reader ? to_others : effect_offline);
    return HOOK_OK;
}

enum verdict offline_on_terminate(struct acc *acc, struct session *session)
{
    struct offline_user *user = user_of(session);
    (void)acc;
    if (user->reader == session || (user->again && !user->reader))
        hand_on(user, session);
    return HOOK_OK;
}

/* Behind what its client has not acknowledged. */
enum verdict offline_on_reroute(struct acc *acc, struct session *session)
{
    give_back(acc, session, effect_reroute);
    return HOOK_OK;
}

void offline_session_end(struct session *session, void *own)
{
    struct offline_session *mine = own;
    (void)session;
    kept_clear(&mine->held);
}

void offline_user_end(void *own)
{
    struct offline_user *user = own;
    if (user->op)
        store_revoke(user->op);
}
