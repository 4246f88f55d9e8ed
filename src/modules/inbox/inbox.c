/*
 * The inbox: conversations with what is unread, as MongooseIM has it and by XEP-0430. Rows change
 * with the messages that module mam stores, in the same transaction; here it is decided which
 * inboxes a message goes to and whether it counts. Markers say what has been read.
 */
#include "inbox.h"

enum { STORE_IS_BUSY = 1024 }; /* operations under way on the shard */

static struct metric marked = {"inbox_markers_total", "Markers that reset what is unread.",
                               METRIC_COUNTER, 0};
static struct metric cleaned = {"inbox_cleaned_total", "Conversations that expired in a bin.",
                                METRIC_COUNTER, 0};
struct metric inbox_queries = {"inbox_queries_total", "Queries of inboxes.", METRIC_COUNTER, 0};
struct metric inbox_entries = {"inbox_entries_total", "Conversations told in answer to queries.",
                               METRIC_COUNTER, 0};
struct metric inbox_gets = {"inbox_gets_total", "Conversations asked for one by one.",
                            METRIC_COUNTER, 0};
struct metric inbox_sets = {"inbox_sets_total", "Conversations changed by request.", METRIC_COUNTER,
                            0};
struct metric inbox_resets = {"inbox_resets_total", "Requests to reset a conversation.",
                              METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&marked,     &cleaned,    &inbox_queries, &inbox_entries,
                                         &inbox_gets, &inbox_sets, &inbox_resets,  NULL};

const char *const inbox_boxes[] = {STORE_BOX_INBOX, STORE_BOX_ARCHIVE, STORE_BOX_BIN, NULL};

/* --- What a message is to an inbox --- */

static bool has(const struct element *message, enum ns ns, const char *name)
{
    return element_child(message, ns, name) != NULL;
}

static bool has_body(const struct element *message)
{
    return has(message, NS_CLIENT, "body");
}

/* What a client sends by itself when it got or showed a message. */
bool inbox_is_marker(const struct element *message)
{
    if (has_body(message))
        return false;
    return has(message, NS_MARKERS, "displayed") || has(message, NS_MARKERS, "received") ||
           has(message, NS_MARKERS, "acknowledged") || has(message, NS_RECEIPTS, "received");
}

/* Payloads that change another message, or are none that one reads; a body with them is for clients
 * that do not know them. */
bool inbox_is_new_to_read(const struct element *message)
{
    static const struct {
        enum ns ns;
        const char *name;
    } not_read[] = {
        {NS_REACTIONS, "reactions"}, {NS_RETRACT, "retract"},   {NS_CORRECT, "replace"},
        {NS_FASTEN, "apply-to"},     {NS_JINGLE_MESSAGE, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(not_read); i++)
        if (has(message, not_read[i].ns, not_read[i].name))
            return false;
    return has_body(message) || has(message, NS_HINTS, "store");
}

bool inbox_is_of(const struct jid *jid)
{
    const struct host *host = host_find(jid->domain);
    return host && host_module(host->type, &module_inbox);
}

/* A note to oneself is read. */
static unsigned flags_of(const struct acc *acc)
{
    unsigned flags = 0;
    if (inbox_is_marker(acc->element))
        return 0;
    if (inbox_is_of(&acc->from))
        flags |= STORE_INBOX_SENDER;
    if (!inbox_is_of(&acc->to) || str_eq(acc->from.bare, acc->to.bare))
        return flags;
    flags |= STORE_INBOX_RECIPIENT;
    return inbox_is_new_to_read(acc->element) ? flags | STORE_INBOX_UNREAD : flags;
}

static void note(const struct acc *acc)
{
    struct store_op *op = effect_archiving(acc);
    if (!op || acc->room_copy) /* the room has counted it */
        return;
    op->message.inbox = flags_of(acc);
}

/* --- Markers: XEP-0333 --- */

static struct str marked_id(const struct acc *acc)
{
    const struct inbox_conf *conf = module_conf(acc->host, &module_inbox);
    for (size_t i = 0; i < conf->reset_markers.count; i++) {
        const struct element *marker =
            element_child(acc->element, NS_MARKERS, conf->reset_markers.items[i]);
        if (marker)
            return element_attr(marker, "id");
    }
    return (struct str){NULL, 0};
}

static void log_failure(const struct store_op *op)
{
    if (op->outcome && op->outcome != ERR_NOT_FOUND)
        LOG(LOG_WARNING, "inbox_marker_lost", LF("why", err_name(op->outcome)));
}

static void on_marked(struct store_op *op)
{
    log_failure(op);
}

static enum verdict after_marked(struct acc *acc, struct session *session)
{
    (void)session;
    log_failure(acc->answer);
    return HOOK_OK;
}

static struct store_op *mark_op(const struct acc *acc, struct str id)
{
    struct store_op *op = store_op_new(STORE_INBOX_READ, on_marked, NULL);
    op->inbox.owner = arena_str(&op->arena, acc->from.bare);
    op->inbox.peer = arena_str(&op->arena, acc->to.bare);
    op->inbox.up_to.client_id = arena_str(&op->arena, id);
    stanza_id_parse(id, &op->inbox.up_to.id); /* some clients name the archive's id */
    return op;
}

/* Nobody waits for a marker, unless storage has so much to do that it could not take what others
 * ask for. */
static enum verdict mark(struct acc *acc, struct session *session, struct str id)
{
    struct store_op *op = mark_op(acc, id);
    metric_count(&marked);
    if (store_pending(shard_self) >= STORE_IS_BUSY)
        return acc_park_store(acc, session, after_marked, op);
    effect_store(acc, op);
    return HOOK_OK;
}

/* --- Hooks --- */

static enum verdict on_send(struct acc *acc, struct session *session)
{
    note(acc);
    struct str id = marked_id(acc);
    bool talks = acc->type == TYPE_CHAT || acc->type == TYPE_NORMAL || acc->type == TYPE_GROUPCHAT;
    if (id.len && acc->to.user.len && talks)
        return mark(acc, session, id);
    return HOOK_OK;
}

/* From a sender without an archive here. */
static enum verdict on_arrival(struct acc *acc, struct session *session)
{
    (void)session;
    note(acc);
    return HOOK_OK;
}

static void on_gone(struct store_op *op)
{
    if (op->outcome)
        LOG(LOG_ERROR, "inbox_not_removed", LF("why", err_name(op->outcome)));
}

static enum verdict on_removed(struct acc *acc, struct session *session)
{
    (void)session;
    struct store_op *op = store_op_new(STORE_INBOX_REMOVE, on_gone, NULL);
    op->inbox.owner = arena_str(&op->arena, acc->from.bare);
    effect_store(acc, op);
    return HOOK_OK;
}

/* --- The bin's cleaner --- */

static void ask_clean(struct store_op *op, const void *conf, struct str domain)
{
    (void)conf;
    (void)domain;
    op->inbox.now_us = shard_self->unix_us;
}

static bool on_cleaned(const struct store_op *op)
{
    metric_add(&cleaned, (int64_t)op->inbox.count);
    return op->inbox.count == STORE_INBOX_CLEAN_MAX;
}

static uint64_t clean_every_ms(const void *conf)
{
    return ((const struct inbox_conf *)conf)->bin_clean_after_hours * 3600 * 1000;
}

/* --- What the requests share --- */

bool inbox_is_own(struct acc *acc, struct session *session)
{
    if (session && str_eq(acc->from.bare, acc->to.bare))
        return true;
    effect_error(acc, STANZA_FORBIDDEN, "this is not your inbox");
    return false;
}

bool inbox_failed(struct acc *acc)
{
    enum err outcome = acc->answer->outcome;
    if (outcome == ERR_NOT_FOUND)
        effect_error(acc, STANZA_ITEM_NOT_FOUND, "there is no such conversation");
    else if (outcome != ERR_OK)
        effect_error(acc, STANZA_RESOURCE_CONSTRAINT, "the inbox does not answer");
    return outcome != ERR_OK;
}

bool inbox_has_box(const struct inbox_conf *conf, struct str name)
{
    for (size_t i = 0; inbox_boxes[i]; i++)
        if (str_is(name, inbox_boxes[i]))
            return true;
    for (size_t i = 0; i < conf->boxes.count; i++)
        if (str_is(name, conf->boxes.items[i]))
            return true;
    return false;
}

bool inbox_bool(struct str text, bool *out)
{
    *out = str_is(text, "true") || str_is(text, "1");
    return *out || str_is(text, "false") || str_is(text, "0");
}

/* --- The module --- */

static enum err start(struct host_type *type, const void *own, const char **why)
{
    static const struct inbox_conf none;
    metric_register(inbox_room_metrics);
    const struct inbox_conf *conf = own;
    (void)type;
    for (size_t i = 0; i < conf->boxes.count; i++) {
        struct str name = str_of(conf->boxes.items[i]);
        *why = "module inbox: `boxes` has a name that is always there (inbox, archive, bin, all), "
               "or one that is empty or longer than 64 bytes";
        if (name.len == 0 || name.len > 64 || str_is(name, "all") || inbox_has_box(&none, name))
            return ERR_INVALID;
    }
    return ERR_OK;
}

static const char *const needs[] = {"mam", NULL};

static const struct hook hooks[] = {
    {.at = HOOK_user_send_message, .run = on_send, .after = "mam, privacy"},
    {.at = HOOK_filter_local_packet, .run = on_arrival, .after = "mam, privacy"},
    {.at = HOOK_remove_user, .run = on_removed},
    {.at = HOOK_filter_room_packet, .run = inbox_room_packet, .after = "mam"},
    {.at = HOOK_forget_room, .run = inbox_forget_room},
    {0},
};

static const struct iq_handler iqs[] = {
    {NS_INBOX, "query", IQ_ACCOUNT, TYPE_GET, inbox_form},
    {NS_INBOX, "inbox", IQ_ACCOUNT, TYPE_SET, inbox_query},
    {NS_INBOX, "reset", IQ_ACCOUNT, TYPE_SET, inbox_reset},
    {NS_INBOX, "empty-bin", IQ_ACCOUNT, TYPE_SET, inbox_empty_bin},
    {NS_INBOX_CONVERSATION, "query", IQ_ACCOUNT, TYPE_GET, inbox_conversation_get},
    {NS_INBOX_CONVERSATION, "query", IQ_ACCOUNT, TYPE_SET, inbox_conversation_set},
    {NS_INBOX_1, "inbox", IQ_ACCOUNT, TYPE_GET, inbox_list},
    {0},
};

static const struct feature features[] = {
    {IQ_HOST | IQ_ACCOUNT, "erlang-solutions.com:xmpp:inbox:0"},
    {IQ_HOST | IQ_ACCOUNT, "urn:xmpp:inbox:1"},
    {0},
};

static const char *const markers[] = {"received", "displayed", "acknowledged", NULL};

static const struct key keys[] = {
    {.name = "boxes",
     .type = KEY_TEXTS,
     .offset = offsetof(struct inbox_conf, boxes),
     .help = "Boxes for conversations, beside inbox, archive and bin."},
    {.name = "bin_ttl",
     .type = KEY_NUMBER,
     .offset = offsetof(struct inbox_conf, bin_ttl_days),
     .preset = "30",
     .min = 1,
     .max = 36500,
     .help = "Days that a conversation stays in the bin."},
    {.name = "bin_clean_after",
     .type = KEY_NUMBER,
     .offset = offsetof(struct inbox_conf, bin_clean_after_hours),
     .preset = "1",
     .min = 1,
     .max = 1000,
     .help = "Hours between two looks for conversations to drop from bins."},
    {.name = "reset_markers",
     .type = KEY_TEXTS,
     .offset = offsetof(struct inbox_conf, reset_markers),
     .preset = "displayed",
     .choices = markers,
     .help = "Chat markers (XEP-0333) of a user that say that a message was read."},
    {.name = "aff_changes",
     .type = KEY_BOOL,
     .offset = offsetof(struct inbox_conf, aff_changes),
     .preset = "true",
     .help = "Being brought into a room is something to read."},
    {.name = "remove_on_kicked",
     .type = KEY_BOOL,
     .offset = offsetof(struct inbox_conf, remove_on_kicked),
     .preset = "true",
     .help = "A room goes from the inbox of who is no longer in it."},
    {.name = "max_result_limit",
     .type = KEY_NUMBER,
     .offset = offsetof(struct inbox_conf, max_result_limit),
     .preset = "1000",
     .min = 1,
     .max = STORE_INBOX_PAGE_MAX,
     .help = "Most conversations in a page, whatever the query says."},
    {0},
};

static const struct chore chore = {.every_ms = clean_every_ms,
                                   .kind = STORE_INBOX_CLEAN,
                                   .fill = ask_clean,
                                   .done = on_cleaned,
                                   .failed = "inbox_bin_not_cleaned"};

const struct module module_inbox = {
    .name = "inbox",
    .xep = "XEP-0430, erlang-solutions.com:xmpp:inbox:0",
    .needs = needs,
    .hooks = hooks,
    .iqs = iqs,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct inbox_conf),
    .metrics = metrics,
    .chore = &chore,
    .start = start,
};
