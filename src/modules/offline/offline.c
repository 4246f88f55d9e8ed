/*
 * Offline messages (XEP-0160): what comes for a user without a session that takes it is kept, and
 * given to the first that does, with the time at which it came (XEP-0203). What the archive has is
 * kept as a mark, else as the stanza. On the user's home shard.
 */
#include "offline.h"

#define QUEUE_IS_FULL /* as MongooseIM says it */                                                  \
    "Your contact offline message queue is full. The message has been discarded."

enum { CLEAN_EVERY_MS = 3600 * 1000 };

static struct metric stored = {"offline_stored_total", "Messages kept for users who were away.",
                               METRIC_COUNTER, 0};
static struct metric full = {"offline_full_total",
                             "Messages refused because too many wait for their user.",
                             METRIC_COUNTER, 0};
static struct metric failed = {"offline_failed_total",
                               "Messages refused because storage did not keep them.",
                               METRIC_COUNTER, 0};
static struct metric expired = {"offline_expired_total",
                                "Messages dropped because their time was over.", METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&stored,        &full,         &failed,       &expired,
                                         &offline_given, &offline_gone, &offline_held, NULL};

/* --- What is worth keeping: XEP-0160 section 3, XEP-0334 --- */

/* Children that say nothing a user would miss. */
static bool is_fleeting(const struct element *child)
{
    static const enum ns fleeting[] = {NS_CHATSTATES, NS_HINTS, NS_SID,
                                       NS_DELAY,      NS_AMP,   NS_EXPIRE};
    for (size_t i = 0; i < COUNT_OF(fleeting); i++)
        if (child->ns == fleeting[i])
            return true;
    return element_is(child, NS_CLIENT, "thread");
}

static bool has_content(const struct element *message)
{
    const struct element *child = element_first(message);
    while (child && is_fleeting(child))
        child = element_next(child);
    return child != NULL;
}

bool offline_is_of_room(const struct acc *acc)
{
    const struct offline_conf *conf = module_conf(acc->host, &module_offline);
    return conf->store_groupchat_messages && acc->type == TYPE_GROUPCHAT &&
           (acc->room_copy || acc->rerouted);
}

/* What the room's archive has need not be looked into. */
static bool is_kept(struct acc *acc)
{
    bool of_user = acc->type == TYPE_CHAT || acc->type == TYPE_NORMAL;
    if (acc->kind != STANZA_MESSAGE || (!of_user && !offline_is_of_room(acc)))
        return false;
    if (acc->room_id)
        return true;
    acc_unshare(acc);
    const struct element *message = acc->element;
    if (element_child(message, NS_HINTS, "no-store"))
        return false;
    return element_child(message, NS_HINTS, "store") || has_content(message);
}

/* jabber:x:expire: seconds from its arrival; 0: never. */
static uint64_t expires_us(const struct acc *acc)
{
    const struct element *expire = element_child(acc->element, NS_EXPIRE, "x");
    uint64_t seconds;
    if (!expire || !text_u64(element_attr(expire, "seconds"), 0, UINT32_MAX, &seconds))
        return 0;
    return acc->stamp_us + seconds * 1000000;
}

/* --- Keeping it --- */

struct store_op *offline_op(enum store_kind kind, const struct jid *user, store_fn *done,
                            void *owner)
{
    struct store_op *op = store_op_new(kind, done, owner);
    op->offline.user = arena_str(&op->arena, user->user);
    op->offline.domain = arena_str(&op->arena, user->domain);
    op->offline.bare = arena_str(&op->arena, user->bare);
    op->offline.now_us = shard_self->unix_us;
    return op;
}

/* What no archive has is acknowledged when it is kept, or with a session (XEP-0198). */
static enum verdict on_send(struct acc *acc, struct session *session)
{
    (void)session;
    acc->promised |= !acc->stanza_id && acc->to.user.len && is_kept(acc);
    return HOOK_OK;
}

/* One row of the archive for all occupants, unless this one's own archive has another. */
static void name_in_archive(struct store_op *op, const struct acc *acc)
{
    struct store_offline *offline = &op->offline;
    offline->item.message = acc->room_id;
    offline->item.room = arena_str(&op->arena, acc->from.bare);
}

static void add_text(struct store_op *op, const struct acc *acc)
{
    struct store_offline *offline = &op->offline;
    offline->item.message = acc->stanza_id;
    offline->item.body = element_xml(&op->arena, acc->element, NS_CLIENT);
    offline->add.archived = acc->in_archive;
}

/* Rooms do not take all the room, or a friend's message would be refused. */
static uint64_t max_of(const struct acc *acc)
{
    const struct offline_conf *conf = module_conf(acc->host, &module_offline);
    if (conf->max_user_messages == KEY_INFINITY)
        return INT64_MAX;
    return acc->type == TYPE_GROUPCHAT ? conf->max_user_messages / 2 : conf->max_user_messages;
}

/* The number is of the order in which messages come here, not of that in which they came to the
 * server: one that is rerouted stands behind what was read while it was with a session. */
static struct store_op *add_op(const struct acc *acc)
{
    struct store_op *op = offline_op(STORE_OFFLINE_ADD, &acc->to, NULL, NULL);
    struct store_offline *offline = &op->offline;
    offline->item.number = stanza_id_next(shard_self->id, shard_self->unix_us);
    offline->item.stamp_us = acc->stamp_us;
    if (acc->room_id && !acc->stanza_id)
        name_in_archive(op, acc);
    else
        add_text(op, acc);
    offline->add.peer = arena_str(&op->arena, acc->from.bare);
    offline->add.peer_resource = arena_str(&op->arena, acc->from.resource);
    offline->add.expires_us = expires_us(acc);
    offline->add.max = max_of(acc);
    return op;
}

static enum verdict refuse(struct acc *acc, struct metric *why, const char *text)
{
    metric_count(why);
    effect_error(acc, STANZA_RESOURCE_CONSTRAINT, text);
    return HOOK_STOP;
}

/* The sender hears what became of it. */
static enum verdict on_added(struct acc *acc, struct session *session)
{
    enum err outcome = acc->answer->outcome;
    (void)session;
    if (outcome == ERR_NOT_FOUND) /* nobody is there who could come */
        return HOOK_OK;
    if (outcome == ERR_CONFLICT)
        return refuse(acc, &full, QUEUE_IS_FULL);
    if (outcome != ERR_OK)
        return refuse(acc, &failed, "The message could not be kept for your contact.");
    metric_count(&stored);
    return HOOK_STOP;
}

static enum verdict on_offline(struct acc *acc, struct session *session)
{
    (void)session;
    return is_kept(acc) ? acc_park_store(acc, NULL, on_added, add_op(acc)) : HOOK_OK;
}

static enum verdict on_strategy(struct acc *acc, struct session *session)
{
    struct amp_strategy *strategy = acc->event_data;
    (void)session;
    if (strategy->deliver == AMP_NONE && is_kept(acc))
        strategy->deliver = AMP_STORED;
    return HOOK_OK;
}

/* --- What nobody came for in time --- */

static void ask_clean(struct store_op *op, const void *conf, struct str domain)
{
    (void)conf;
    (void)domain;
    op->offline.now_us = shard_self->unix_us;
}

static bool on_cleaned(const struct store_op *op)
{
    metric_add(&expired, (int64_t)op->offline.dropped);
    return op->offline.dropped == STORE_OFFLINE_CLEAN_MAX;
}

static uint64_t clean_every_ms(const void *conf)
{
    (void)conf;
    return CLEAN_EVERY_MS;
}

/* --- Tables --- */

static const struct hook hooks[] = {
    {.at = HOOK_user_send_message, .run = on_send, .after = "amp, blocking, mam, privacy"},
    {.at = HOOK_offline_message, .run = on_offline},
    {.at = HOOK_amp_determine_strategy, .run = on_strategy},
    {.at = HOOK_user_available, .run = offline_on_available},
    {.at = HOOK_user_unavailable, .run = offline_on_unavailable},
    {.at = HOOK_session_opened, .run = offline_on_opened},
    {.at = HOOK_user_receive_message, .run = offline_on_receive, .after = "mam, privacy"},
    {.at = HOOK_user_terminate, .run = offline_on_terminate},
    {.at = HOOK_reroute_unacked_messages, .run = offline_on_reroute, .after = "sm"},
    {0},
};

static const struct feature features[] = {{IQ_HOST, "msgoffline"}, {0}};

static const struct chore chore = {.every_ms = clean_every_ms,
                                   .kind = STORE_OFFLINE_CLEAN,
                                   .fill = ask_clean,
                                   .done = on_cleaned,
                                   .failed = "offline_not_cleaned"};

static const struct key keys[] = {
    {.name = "max_user_messages",
     .type = KEY_NUMBER,
     .offset = offsetof(struct offline_conf, max_user_messages),
     .preset = "100",
     .min = 1,
     .max = KEY_INFINITY,
     .help = "Messages that may wait for a user; the sender of one more gets an error."},
    {.name = "store_groupchat_messages",
     .type = KEY_BOOL,
     .offset = offsetof(struct offline_conf, store_groupchat_messages),
     .preset = "false",
     .help = "Keep what rooms say as well, up to half of `max_user_messages`; more is dropped."},
    {0},
};

const struct module module_offline = {
    .name = "offline",
    .xep = "XEP-0160, XEP-0203",
    .hooks = hooks,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct offline_conf),
    .metrics = metrics,
    .alarms = offline_alarms,
    .chore = &chore,
    .session_size = sizeof(struct offline_session),
    .session_end = offline_session_end,
    .user_size = sizeof(struct offline_user),
    .user_end = offline_user_end,
};
