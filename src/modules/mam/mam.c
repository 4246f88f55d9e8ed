/*
 * Message Archive Management (XEP-0313) of one-to-one messages, with preferences (XEP-0441), stanza
 * ids (XEP-0359) and processing hints (XEP-0334). A message is stored once, for both sides: on the
 * sender's shard when the sender is local, else on the recipient's. Delivery does not wait for it.
 */
#include "mam.h"

static struct metric archived = {"mam_archived_total", "Messages given to the archive.",
                                 METRIC_COUNTER, 0};
static struct metric refused = {"mam_refused_total",
                                "Messages refused because too many wait for the archive.",
                                METRIC_COUNTER, 0};
struct metric mam_lookups = {"mam_lookups_total", "Queries of archives.", METRIC_COUNTER, 0};
struct metric mam_forwarded = {"mam_forwarded_total", "Messages sent in answer to queries.",
                               METRIC_COUNTER, 0};
struct metric mam_prefs_gets = {"mam_prefs_gets_total", "Preferences told.", METRIC_COUNTER, 0};
struct metric mam_prefs_sets = {"mam_prefs_sets_total", "Preferences changed.", METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&archived,      &refused,           &mam_lookups,
                                         &mam_forwarded, &mam_prefs_gets,    &mam_prefs_sets,
                                         &mam_retracted, &mam_room_archived, NULL};

/* --- What is worth keeping: XEP-0313 5.1.1, XEP-0334 --- */

static bool hints(const struct element *message, const char *hint)
{
    return element_child(message, NS_HINTS, hint) != NULL;
}

/* Payloads without a body that change what a conversation looks like. */
static bool has_lasting_payload(const struct element *message)
{
    static const struct {
        enum ns ns;
        const char *name;
    } lasting[] = {
        {NS_REACTIONS, "reactions"}, {NS_RETRACT, "retract"}, {NS_JINGLE_MESSAGE, NULL},
        {NS_CONFERENCE, "x"},        {NS_MUC_USER, "x"},
    };
    for (size_t i = 0; i < COUNT_OF(lasting); i++)
        if (element_child(message, lasting[i].ns, lasting[i].name))
            return true;
    return false;
}

static bool has_marker(const struct element *message)
{
    return element_child(message, NS_MARKERS, "displayed") ||
           element_child(message, NS_MARKERS, "received") ||
           element_child(message, NS_MARKERS, "acknowledged") ||
           element_child(message, NS_RECEIPTS, "received");
}

bool mam_is_worth(const struct acc *acc)
{
    const struct mam_conf *conf = module_conf(acc->host, &module_mam);
    const struct element *message = acc->element;
    if (hints(message, "no-store") || hints(message, "no-permanent-store"))
        return false;
    return hints(message, "store") || element_child(message, NS_CLIENT, "body") ||
           has_lasting_payload(message) || (conf->archive_chat_markers && has_marker(message));
}

/* What a room sends, if it is wanted in the archives of users. */
static bool is_from_room(struct acc *acc)
{
    const struct mam_conf *conf = module_conf(acc->host, &module_mam);
    if (acc->type != TYPE_GROUPCHAT || !conf->archive_groupchats || !acc->from.resource.len)
        return false;
    acc_unshare(acc);
    return mam_is_worth(acc);
}

static bool is_archivable(const struct acc *acc)
{
    if (acc->kind != STANZA_MESSAGE || (acc->type != TYPE_CHAT && acc->type != TYPE_NORMAL))
        return false;
    return acc->to.user.len && acc->from.user.len && mam_is_worth(acc);
}

/* --- Stanza ids: XEP-0359 --- */

static void strip_ids(struct element *message, struct str by)
{
    struct element *next;
    for (struct element *child = element_first(message); child; child = next) {
        next = element_next(child);
        if (element_is(child, NS_SID, "stanza-id") && str_eq(element_attr(child, "by"), by))
            element_drop(message, child);
    }
}

/* The id that we gave it when it was delivered before, 0: none. */
static uint64_t id_told(const struct acc *acc)
{
    uint64_t id = 0;
    for (const struct element *child = element_first(acc->element); child;
         child = element_next(child))
        if (element_is(child, NS_SID, "stanza-id") &&
            str_eq(element_attr(child, "by"), acc->to.bare))
            stanza_id_parse(element_attr(child, "id"), &id);
    return id;
}

/* --- Storing --- */

static bool has_archive(const struct jid *jid)
{
    const struct host *host = host_find(jid->domain);
    return host && host_module(host->type, &module_mam);
}

struct str mam_text(struct arena *arena, const struct element *message)
{
    const struct element *body = element_child(message, NS_CLIENT, "body");
    return body && store_searches() ? arena_str(arena, element_text(arena, body)) : (struct str){0};
}

static struct store_op *message_op(struct acc *acc)
{
    struct store_op *op = store_op_new(STORE_MAM_STORE, mam_on_stored, NULL);
    struct store_message *message = &op->message;
    const struct element *origin = element_child(acc->element, NS_SID, "origin-id");
    message->id = acc_identify(acc);
    message->sender = arena_str(&op->arena, acc->from.bare);
    message->recipient = arena_str(&op->arena, acc->to.bare);
    message->sender_resource = arena_str(&op->arena, acc->from.resource);
    message->recipient_resource = arena_str(&op->arena, acc->to.resource);
    if (origin)
        message->origin_id = arena_str(&op->arena, element_attr(origin, "id"));
    message->text = mam_text(&op->arena, acc->element);
    message->client_id = arena_str(&op->arena, element_attr(acc->element, "id"));
    message->body = element_xml(&op->arena, acc->element, NS_CLIENT);
    if (!has_archive(&acc->from) || acc->type == TYPE_GROUPCHAT)
        message->flags |= STORE_NOT_OF_SENDER;
    message->if_registered = has_archive(&acc->to);
    if (!message->if_registered)
        message->flags |= STORE_NOT_OF_RECIPIENT;
    return op;
}

static void store(struct acc *acc)
{
    metric_count(&archived);
    effect_store(acc, message_op(acc));
}

static enum verdict refuse(struct acc *acc)
{
    metric_count(&refused);
    effect_error(acc, STANZA_RESOURCE_CONSTRAINT, "the archive cannot take more messages now");
    return HOOK_STOP;
}

enum verdict mam_archive(struct acc *acc, struct session *session)
{
    (void)session;
    if (!store_mam_has_room())
        return refuse(acc);
    store(acc);
    return HOOK_OK;
}

/* The client was not read meanwhile; another one's message may have taken the room. */
static enum verdict on_room(struct acc *acc, struct session *session)
{
    return acc->answer->outcome ? refuse(acc) : mam_retract_first(acc, session);
}

static enum verdict on_send(struct acc *acc, struct session *session)
{
    strip_ids(acc->element, acc->from.bare);
    strip_ids(acc->element, acc->to.bare);
    if (!is_archivable(acc) || acc->undecided)
        return HOOK_OK;
    if (!store_mam_has_room())
        return acc_park_store(acc, session, on_room, store_op_new(STORE_MAM_ROOM, NULL, NULL));
    return mam_retract_first(acc, session);
}

static enum verdict note_archived(struct acc *acc)
{
    acc->in_archive = acc->stanza_id != 0;
    if (acc->in_archive)
        acc_tell_id(acc, acc->to.bare, acc->stanza_id);
    return HOOK_OK;
}

static enum verdict archive_here(struct acc *acc)
{
    if (!store_mam_has_room())
        return refuse(acc);
    store(acc);
    mam_retract(acc, acc->from.bare);
    return note_archived(acc);
}

/* Its sender is not read meanwhile: it is not decided yet (promise.h). */
static enum verdict on_room_here(struct acc *acc, struct session *session)
{
    (void)session;
    return acc->answer->outcome ? refuse(acc) : archive_here(acc);
}

/* At the recipient's home. What was archived by its sender's shard has its id; of the rest, that
 * with a local sender was found not worth it there. */
static enum verdict on_arrival(struct acc *acc, struct session *session)
{
    if (acc->kind != STANZA_MESSAGE)
        return HOOK_OK;
    if (acc->rerouted && !acc->stanza_id)
        acc->stanza_id = id_told(acc);
    strip_ids(acc->element, acc->to.bare);
    if (acc->type == TYPE_ERROR) /* a bounce holds what we gave to who could not be reached */
        strip_ids(acc->element, acc->from.bare);
    bool is_here = !acc->rerouted && (acc->undecided || !has_archive(&acc->from));
    bool wanted = is_archivable(acc) ? is_here : is_from_room(acc) && !acc->rerouted;
    if (acc->stanza_id || !wanted)
        return note_archived(acc);
    if (store_mam_has_room())
        return archive_here(acc);
    return acc_park_store(acc, session, on_room_here, store_op_new(STORE_MAM_ROOM, NULL, NULL));
}

/* Who is not there finds it in the archive. */
static enum verdict on_strategy(struct acc *acc, struct session *session)
{
    struct amp_strategy *strategy = acc->event_data;
    (void)session;
    if (strategy->deliver == AMP_NONE && is_archivable(acc))
        strategy->deliver = AMP_STORED;
    return HOOK_OK;
}

static enum verdict on_contact(struct acc *acc, struct session *session)
{
    const struct subscription *contact = acc->event_data;
    (void)session;
    if (!(contact->flags & ROSTER_LISTED))
        strip_ids(acc->element, acc->to.bare);
    return HOOK_OK;
}

/* Who does not keep a message is not told an id of it. */
static enum verdict on_receive(struct acc *acc, struct session *session)
{
    int keeps = mam_user_keeps(session, &acc->from);
    if (keeps == STORE_KEEPS_ROSTER && acc->in_archive)
        return subscription_ask(acc, session, &session->jid, &acc->from, on_contact);
    if (keeps == STORE_KEEPS_NEVER)
        strip_ids(acc->element, acc->to.bare);
    return HOOK_OK;
}

static enum verdict on_open(struct acc *acc, struct session *session)
{
    (void)acc;
    mam_user_load(session);
    return HOOK_OK;
}

static void on_gone(struct store_op *op)
{
    if (op->outcome)
        LOG(LOG_ERROR, "archive_not_removed", LF("why", err_name(op->outcome)));
}

static enum verdict on_removed(struct acc *acc, struct session *session)
{
    (void)session;
    struct store_op *op = store_op_new(STORE_MAM_REMOVE, on_gone, NULL);
    op->page.owner = arena_str(&op->arena, acc->from.bare);
    op->page.to = STANZA_ID_MAX;
    effect_store(acc, op);
    return HOOK_OK;
}

/* --- Retention of the domains of a host type --- */

enum { RETAIN_EVERY_MS = 3600 * 1000 };

static uint64_t retain_every_ms(const void *conf)
{
    return ((const struct mam_conf *)conf)->retention_ms ? RETAIN_EVERY_MS : 0;
}

static void ask_retain(struct store_op *op, const void *conf, struct str domain)
{
    const struct mam_conf *own = conf;
    op->removal.domain = domain;
    op->removal.upto = stanza_id_at(shard_self->unix_us - own->retention_ms * 1000);
}

static bool on_retained(const struct store_op *op)
{
    (void)op;
    return false;
}

static const struct chore chore = {.every_ms = retain_every_ms,
                                   .kind = STORE_DOMAIN_RETAIN,
                                   .fill = ask_retain,
                                   .done = on_retained,
                                   .failed = "archive_not_retained",
                                   .each_domain = true};

/* --- Search: XEP-0431 --- */

static enum verdict on_disco_info(struct acc *acc, struct session *session)
{
    (void)session;
    if (!store_searches() || !acc->to.user.len || element_attr(acc->element, "node").len)
        return HOOK_OK;
    struct element *feature = element_add(&acc->arena, acc->element, NS_DISCO_INFO, "feature");
    element_set(&acc->arena, feature, "var", STR("urn:xmpp:fulltext:0"));
    return HOOK_OK;
}

/* --- What the queries share --- */

struct str mam_owner(const struct acc *acc)
{
    return acc->occupant ? acc->to.bare : acc->from.bare;
}

bool mam_is_own(struct acc *acc, struct session *session)
{
    if (acc->occupant || (session && str_eq(acc->from.bare, acc->to.bare)))
        return true;
    effect_error(acc, STANZA_FORBIDDEN, "this is not your archive");
    return false;
}

bool mam_failed(struct acc *acc)
{
    enum err outcome = acc->answer->outcome;
    if (outcome == ERR_NOT_FOUND)
        effect_error(acc, STANZA_ITEM_NOT_FOUND, "there is no such id in this archive");
    else if (outcome != ERR_OK)
        effect_error(acc, STANZA_RESOURCE_CONSTRAINT, "the archive does not answer");
    return outcome != ERR_OK;
}

static const struct hook hooks[] = {
    {.at = HOOK_user_send_message, .run = on_send, .before = "inbox, carbons", .after = "privacy"},
    {.at = HOOK_filter_local_packet, .run = on_arrival, .before = "inbox", .after = "privacy"},
    {.at = HOOK_user_receive_message, .run = on_receive, .before = "carbons"},
    {.at = HOOK_amp_determine_strategy, .run = on_strategy},
    {.at = HOOK_disco_info, .run = on_disco_info},
    {.at = HOOK_session_opened, .run = on_open},
    {.at = HOOK_remove_user, .run = on_removed},
    {.at = HOOK_filter_room_packet, .run = mam_room_packet, .before = "inbox"},
    {.at = HOOK_forget_room, .run = mam_forget_room},
    {0},
};

static const struct iq_handler iqs[] = {
    {NS_MAM, "query", IQ_ACCOUNT | IQ_ROOM, TYPE_GET, mam_form},
    {NS_MAM, "query", IQ_ACCOUNT | IQ_ROOM, TYPE_SET, mam_query},
    {NS_MAM, "metadata", IQ_ACCOUNT | IQ_ROOM, TYPE_GET, mam_metadata},
    {NS_MAM, "prefs", IQ_ACCOUNT, TYPE_GET, mam_prefs_get},
    {NS_MAM, "prefs", IQ_ACCOUNT, TYPE_SET, mam_prefs_set},
    {0},
};

static const struct feature features[] = {
    {IQ_ACCOUNT | IQ_ROOM, "urn:xmpp:mam:2"},
    {IQ_ACCOUNT | IQ_ROOM, "urn:xmpp:mam:2#extended"},
    {IQ_ACCOUNT | IQ_ROOM, "urn:xmpp:sid:0"},
    {IQ_ACCOUNT, "urn:xmpp:message-retract:1"},
    {IQ_ACCOUNT, "urn:xmpp:message-retract:1#tombstone"},
    {0},
};

static const struct key keys[] = {
    {.name = "default_result_limit",
     .type = KEY_NUMBER,
     .offset = offsetof(struct mam_conf, default_result_limit),
     .preset = "50",
     .min = 1,
     .max = STORE_MAM_PAGE_MAX,
     .help = "Messages in a page when the query does not say how many."},
    {.name = "max_result_limit",
     .type = KEY_NUMBER,
     .offset = offsetof(struct mam_conf, max_result_limit),
     .preset = "50",
     .min = 1,
     .max = STORE_MAM_PAGE_MAX,
     .help = "Most messages in a page, whatever the query says."},
    {.name = "archive_chat_markers",
     .type = KEY_BOOL,
     .offset = offsetof(struct mam_conf, archive_chat_markers),
     .preset = "false",
     .help = "Archive chat markers (XEP-0333) and receipts (XEP-0184) without a body."},
    {.name = "archive_groupchats",
     .type = KEY_BOOL,
     .offset = offsetof(struct mam_conf, archive_groupchats),
     .preset = "false",
     .help =
         "Archive what users get from rooms (type groupchat), each copy in its user's archive."},
    {.name = "message_retraction",
     .type = KEY_BOOL,
     .offset = offsetof(struct mam_conf, message_retraction),
     .preset = "true",
     .help = "Replace a message that its sender retracts (XEP-0424) by a tombstone."},
    {.name = "lookups_per_minute",
     .type = KEY_NUMBER,
     .offset = offsetof(struct mam_conf, lookups_per_minute),
     .preset = "0",
     .max = 60000,
     .help = "Queries of archives that a user may ask for in a minute, twice as many at once; what "
             "is over gets `resource-constraint`. 0: any number."},
    {.name = "retention",
     .type = KEY_DURATION,
     .offset = offsetof(struct mam_conf, retention_ms),
     .preset = "0",
     .max = 3153600000000,
     .help = "What users of these domains have for longer is taken from their archives, within two "
             "hours; what the other side has stays. 0: as long as `storage.retention` says."},
    {0},
};

const struct module module_mam = {
    .name = "mam",
    .xep = "XEP-0313, XEP-0441, XEP-0359, XEP-0334",
    .hooks = hooks,
    .iqs = iqs,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct mam_conf),
    .metrics = metrics,
    .chore = &chore,
    .user_size = sizeof(struct mam_user),
    .user_end = mam_user_end,
};
