/*
 * Client State Indication (XEP-0352): while nobody looks at a client, what can wait is held,
 * presence as the last of each full JID. What matters lets out what is held, before it and in its
 * order.
 */
#include "module.h"

extern const struct module module_csi;

struct csi_conf {
    uint64_t buffer_max;
};

/* A stanza that waits. Two with the same key: the later one stands for both. */
struct held {
    struct held *next;
    struct kept *kept;
    uint64_t key; /* 0: none */
};

struct csi {
    bool inactive;
    struct held *first, **last;
    uint64_t count;
};

static struct metric inactive = {"csi_inactive_total", "Times a client said that it is inactive.",
                                 METRIC_COUNTER, 0};
static struct metric held_back = {"csi_held_total", "Stanzas held for inactive clients.",
                                  METRIC_COUNTER, 0};
static struct metric merged = {
    "csi_merged_total", "Held stanzas that a later one made superfluous.", METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&inactive, &held_back, &merged, NULL};

static struct csi *csi_of(struct session *session)
{
    struct csi *csi = session_slot(session, &module_csi);
    if (!csi->last)
        csi->last = &csi->first;
    return csi;
}

/* --- What can wait --- */

static bool is_pep_event(const struct element *message)
{
    return element_child(message, NS_PUBSUB_EVENT, "event") != NULL;
}

/* A chat state and nothing that means something, such as a receipt. */
static bool is_chat_state(const struct element *message)
{
    bool found = false;
    for (const struct element *child = element_first(message); child; child = element_next(child)) {
        if (child->ns == NS_CHATSTATES)
            found = true;
        else if (child->ns != NS_HINTS && child->ns != NS_SID && child->ns != NS_DELAY &&
                 !element_is(child, NS_CLIENT, "thread"))
            return false;
    }
    return found;
}

/* The same for two stanzas of which only the later one matters: presence, chat states. 64 bits of a
 * keyed hash: nobody can make two that meet, and chance does not. */
static uint64_t key_of(const struct acc *acc)
{
    return (map_hash(acc->from.full) | 3) ^ (acc->kind == STANZA_PRESENCE);
}

/* *key 0: it waits beside others. */
static bool can_wait(const struct acc *acc, uint64_t *key)
{
    *key = 0;
    if (!acc->from.full.len || acc->type == TYPE_ERROR)
        return false;
    if (acc->kind == STANZA_PRESENCE) {
        *key = key_of(acc);
        return acc->type == TYPE_AVAILABLE || acc->type == TYPE_UNAVAILABLE;
    }
    if (acc->kind != STANZA_MESSAGE || element_child(acc->element, NS_CLIENT, "body"))
        return false;
    if (is_pep_event(acc->element))
        return true;
    *key = key_of(acc);
    return is_chat_state(acc->element);
}

/* --- The buffer --- */

static struct kept *unlink_held(struct csi *csi, struct held **at)
{
    struct held *held = *at;
    struct kept *kept = held->kept;
    *at = held->next;
    if (csi->last == &held->next)
        csi->last = at;
    csi->count--;
    mem_free(held);
    return kept;
}

static void merge(struct csi *csi, uint64_t key)
{
    struct held **at = &csi->first;
    while (*at && (*at)->key != key)
        at = &(*at)->next;
    if (!*at)
        return;
    kept_free(unlink_held(csi, at));
    metric_count(&merged);
}

static void hold(struct csi *csi, struct acc *acc, uint64_t key)
{
    if (key)
        merge(csi, key);
    struct held *held = mem_zalloc(sizeof *held);
    held->kept = kept_new(acc);
    held->key = key;
    *csi->last = held;
    csi->last = &held->next;
    csi->count++;
}

static void let_out(struct acc *acc, const struct session *session, struct csi *csi)
{
    while (csi->first) {
        struct kept *kept = unlink_held(csi, &csi->first);
        effect_flush_held(acc, kept_acc(&kept, session->host));
    }
}

/* What matters goes the same way as what is held, as the last of it: handlers behind this one (sm)
 * then see all in the order in which it is written. */
static enum verdict on_presend(struct acc *acc, struct session *session)
{
    const struct csi_conf *conf = module_conf(session->host, &module_csi);
    struct csi *csi = csi_of(session);
    uint64_t key;
    if (!csi->inactive || acc->released || acc->kind == STANZA_NONE)
        return HOOK_OK;
    bool waits = can_wait(acc, &key);
    if (!waits && !csi->first)
        return HOOK_OK;
    hold(csi, acc, waits ? key : 0);
    if (waits)
        metric_count(&held_back);
    if (!waits || csi->count > conf->buffer_max)
        let_out(acc, session, csi);
    return HOOK_STOP;
}

/* --- <active/>, <inactive/>: XEP-0352 section 4 --- */

static enum verdict on_inactive(struct acc *acc, struct session *session)
{
    (void)acc;
    if (session->jid.resource.len == 0)
        return HOOK_OK;
    csi_of(session)->inactive = true;
    metric_count(&inactive);
    return HOOK_STOP;
}

static enum verdict on_active(struct acc *acc, struct session *session)
{
    if (session->jid.resource.len == 0)
        return HOOK_OK;
    struct csi *csi = csi_of(session);
    csi->inactive = false;
    let_out(acc, session, csi);
    return HOOK_STOP;
}

/* A stream begins active, a resumed one too (section 5); what was held is sm's to keep. */
static enum verdict on_connection(struct acc *acc, struct session *session)
{
    struct csi *csi = csi_of(session);
    csi->inactive = false;
    let_out(acc, session, csi);
    return HOOK_OK;
}

static enum verdict on_features(struct acc *acc, struct session *session)
{
    if (session->authenticated)
        element_add(&acc->arena, acc->element, NS_CSI, "csi");
    return HOOK_OK;
}

static void session_end_here(struct session *session, void *own)
{
    struct csi *csi = own;
    (void)session;
    while (csi->first)
        kept_free(unlink_held(csi, &csi->first));
}

static const struct hook hooks[] = {
    {.at = HOOK_stream_features, .run = on_features},
    {.at = HOOK_user_send_xmlel, .ns = NS_CSI, .element = "inactive", .run = on_inactive},
    {.at = HOOK_user_send_xmlel, .ns = NS_CSI, .element = "active", .run = on_active},
    {.at = HOOK_xmpp_presend_element, .run = on_presend, .before = "sm"},
    {.at = HOOK_user_socket_closed, .run = on_connection, .before = "sm"},
    {.at = HOOK_user_socket_error, .run = on_connection, .before = "sm"},
    {.at = HOOK_session_resumed, .run = on_connection, .after = "sm"},
    {0},
};

static const struct key keys[] = {
    {.name = "buffer_max",
     .type = KEY_NUMBER,
     .offset = offsetof(struct csi_conf, buffer_max),
     .preset = "200",
     .min = 1,
     .max = 10000,
     .help = "Stanzas held for an inactive client; one more lets all of them out."},
    {0},
};

const struct module module_csi = {
    .name = "csi",
    .xep = "XEP-0352",
    .hooks = hooks,
    .keys = keys,
    .conf_size = sizeof(struct csi_conf),
    .metrics = metrics,
    .session_size = sizeof(struct csi),
    .session_end = session_end_here,
};
