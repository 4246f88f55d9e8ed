/*
 * Privacy Lists (XEP-0016): what a user's default list, or a session's active one, denies goes no
 * further. The lists are the core's (privacy.h); a list about groups or subscriptions asks whoever
 * keeps rosters.
 */
#include "privacy_iq.h"

static struct metric refused = {"privacy_refused_total", "Stanzas that a privacy list denied.",
                                METRIC_COUNTER, 0};
static struct metric pushes = {"privacy_pushes_total",
                               "Changes of privacy lists told to resources.", METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&refused, &pushes, NULL};

/* --- What stands between a user and a peer --- */

static bool asks_roster(const struct privacy *privacy)
{
    for (size_t i = 0; i < privacy->count; i++)
        if (privacy->lists[i]->asks_roster)
            return true;
    return false;
}

static enum verdict answer_failure(struct acc *acc, const struct session *sender)
{
    static const char why[] = "the privacy lists are not available now";
    if (sender)
        effect_refuse(acc, STANZA_RESOURCE_CONSTRAINT, NULL, why, NULL);
    else
        effect_error(acc, STANZA_RESOURCE_CONSTRAINT, why);
    return HOOK_STOP;
}

/* Runs `then` with what the roster says of the peer at acc->event_data, if a list wants to know. */
static enum verdict decide(struct acc *acc, struct session *session, const struct jid *owner,
                           const struct jid *peer, hook_fn *then)
{
    const struct privacy *privacy = privacy_of(owner);
    if (!peer->full.len || !privacy || (!privacy->count && !privacy->err))
        return HOOK_OK;
    if (privacy->err)
        return answer_failure(acc, session);
    if (asks_roster(privacy))
        return subscription_ask(acc, session, owner, peer, then);
    acc->event_data = NULL;
    return then(acc, session);
}

/* --- To the user (2.1): a session's own list if it has one, else the default --- */

static unsigned kind_received(const struct acc *acc)
{
    if (acc->kind == STANZA_MESSAGE)
        return PRIVACY_MESSAGE;
    if (acc->kind == STANZA_IQ)
        return PRIVACY_IQ;
    bool notifies = acc->type == TYPE_AVAILABLE || acc->type == TYPE_UNAVAILABLE;
    return notifies ? PRIVACY_PRESENCE_IN : PRIVACY_REST;
}

/* `session` NULL: the default list. */
static bool denies(const struct acc *acc, const struct session *session)
{
    struct privacy_view view = privacy_view(privacy_of(&acc->to), acc->host->type, session);
    return privacy_list_denies(view.list, kind_received(acc), &acc->from, acc->event_data);
}

/* What goes to several sessions is stopped here when all deny it, so that it leaves no trace; else
 * each looks for itself. */
static bool is_denied_to_all(const struct acc *acc)
{
    struct session *session = NULL;
    bool any = false;
    while ((session = users_next_session(&acc->to, session))) {
        if (!session_takes_bare(session))
            continue;
        if (!denies(acc, session))
            return false;
        any = true;
    }
    return any || denies(acc, NULL);
}

static bool is_denied(const struct acc *acc)
{
    struct session *target = acc->to.resource.len ? users_session(&acc->to) : NULL;
    if (target)
        return denies(acc, target);
    if (acc->kind == STANZA_MESSAGE)
        return is_denied_to_all(acc);
    if (kind_received(acc) == PRIVACY_PRESENCE_IN)
        return false; /* there are sessions, which look, or nobody gets it */
    return denies(acc, NULL);
}

static enum verdict decide_arrival(struct acc *acc, struct session *session)
{
    (void)session;
    if (!is_denied(acc))
        return HOOK_OK;
    metric_count(&refused);
    if (acc->kind != STANZA_PRESENCE)
        effect_error(acc, STANZA_SERVICE_UNAVAILABLE, NULL);
    return HOOK_STOP;
}

static enum verdict know_arrival(struct acc *acc, struct session *session)
{
    return decide(acc, session, &acc->to, &acc->from, decide_arrival);
}

static enum verdict on_arrival(struct acc *acc, struct session *session)
{
    if (privacy_is_exempt(&acc->to, &acc->from))
        return HOOK_OK;
    return privacy_with(acc, session, &acc->to, know_arrival);
}

static enum verdict decide_receipt(struct acc *acc, struct session *session)
{
    struct privacy_view view = privacy_view(session->user->privacy, acc->host->type, session);
    if (!privacy_list_denies(view.list, kind_received(acc), &acc->from, acc->event_data))
        return HOOK_OK;
    metric_count(&refused);
    return HOOK_STOP;
}

static enum verdict on_receive(struct acc *acc, struct session *session)
{
    const struct privacy *privacy = session->user->privacy;
    if (!privacy || !privacy->count || privacy_is_exempt(&session->jid, &acc->from))
        return HOOK_OK;
    return decide(acc, session, &session->jid, &acc->from, decide_receipt);
}

/* --- From the user --- */

static bool denies_sending(const struct acc *acc, const struct session *session)
{
    struct privacy_view view = privacy_view(session->user->privacy, acc->host->type, session);
    bool notifies = acc->type == TYPE_AVAILABLE || acc->type == TYPE_UNAVAILABLE;
    unsigned kind = notifies ? PRIVACY_PRESENCE_OUT : PRIVACY_REST;
    return privacy_list_denies(view.list, kind, &acc->to, acc->event_data);
}

static enum verdict decide_sent(struct acc *acc, struct session *session)
{
    if (!denies_sending(acc, session))
        return HOOK_OK;
    metric_count(&refused);
    effect_refuse(acc, STANZA_NOT_ACCEPTABLE, "cancel", NULL, NULL);
    return HOOK_STOP;
}

static enum verdict know_sent(struct acc *acc, struct session *session)
{
    return decide(acc, session, &acc->from, &acc->to, decide_sent);
}

/* Presence without an address waits for the lists as well: module presence looks who may see it. */
static enum verdict on_send(struct acc *acc, struct session *session)
{
    if (acc->to.full.len && privacy_is_exempt(&acc->from, &acc->to))
        return HOOK_OK;
    acc->undecided |= acc->kind == STANZA_MESSAGE && privacy_may_stop(&acc->to);
    return privacy_with(acc, session, &acc->from, know_sent);
}

/* --- Pushes (2.6): to all resources --- */

static void push_to(struct acc *acc, const struct session *session, struct str name)
{
    struct element *iq = element_new(&acc->arena, NS_CLIENT, "iq");
    unsigned long long number = metric_sum(&pushes);
    metric_count(&pushes);
    element_set(&acc->arena, iq, "type", STR("set"));
    element_set(&acc->arena, iq, "id", arena_format(&acc->arena, "privacy%llu", number));
    element_set(&acc->arena, iq, "from", acc->from.full);
    element_set(&acc->arena, iq, "to", session->jid.full);
    struct element *query = element_add(&acc->arena, iq, NS_PRIVACY, "query");
    struct element *list = element_add(&acc->arena, query, NS_PRIVACY, "list");
    element_set(&acc->arena, list, "name", arena_str(&acc->arena, name));
    effect_route(acc, iq);
}

static enum verdict on_stored(struct acc *acc, struct session *none)
{
    const struct privacy_push *change = acc->event_data;
    struct session *session = NULL;
    (void)none;
    while ((session = users_next_session(&acc->from, session)))
        push_to(acc, session, change->name);
    return HOOK_OK;
}

static enum verdict on_remove_user(struct acc *acc, struct session *session)
{
    (void)session;
    privacy_forget(&acc->from);
    return HOOK_OK;
}

static enum err start(struct host_type *type, const void *conf, const char **why)
{
    (void)conf;
    (void)why;
    type->privacy_uses |= PRIVACY_USES_LISTS;
    return ERR_OK;
}

static const struct hook hooks[] = {
    {.at = HOOK_user_send_message, .run = on_send, .before = "amp, carbons, inbox, mam"},
    {.at = HOOK_user_send_iq, .run = on_send},
    {.at = HOOK_user_send_presence, .run = on_send, .before = "caps, presence, roster"},
    {.at = HOOK_filter_local_packet,
     .run = on_arrival,
     .before = "amp, caps, carbons, inbox, mam, presence, roster"},
    {.at = HOOK_user_receive_message, .run = on_receive, .before = "carbons, mam"},
    {.at = HOOK_user_receive_presence, .run = on_receive, .before = "caps"},
    {.at = HOOK_privacy_list_push, .run = on_stored},
    {.at = HOOK_remove_user, .run = on_remove_user},
    {0},
};

static const struct iq_handler iqs[] = {
    {NS_PRIVACY, "query", IQ_ACCOUNT, TYPE_GET, privacy_on_get},
    {NS_PRIVACY, "query", IQ_ACCOUNT, TYPE_SET, privacy_on_set},
    {0},
};

static const struct feature features[] = {{IQ_HOST, "jabber:iq:privacy"}, {0}};

static const struct key keys[] = {
    {.name = "max_lists",
     .type = KEY_NUMBER,
     .offset = offsetof(struct privacy_conf, max_lists),
     .preset = "20",
     .min = 1,
     .max = 1000,
     .help = "Lists of a user; more are answered with resource-constraint."},
    {.name = "max_items",
     .type = KEY_NUMBER,
     .offset = offsetof(struct privacy_conf, max_items),
     .preset = "1000",
     .min = 1,
     .max = 4000,
     .help = "Items of a list; more are answered with resource-constraint."},
    {0},
};

const struct module module_privacy = {
    .name = "privacy",
    .xep = "XEP-0016",
    .hooks = hooks,
    .iqs = iqs,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct privacy_conf),
    .metrics = metrics,
    .start = start,
};
