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

struct csi {
    bool inactive;
    struct kept_queue held;
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
    return session_slot(session, &module_csi);
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

/* *key 0: it waits beside others; else only the last of presence, of chat states, matters. */
static bool can_wait(const struct acc *acc, uint64_t *key)
{
    uint64_t own_key = kept_key(acc);
    *key = 0;
    if (!own_key)
        return false;
    if (acc->kind == STANZA_PRESENCE) {
        *key = own_key;
        return acc->type == TYPE_AVAILABLE || acc->type == TYPE_UNAVAILABLE;
    }
    if (acc->kind != STANZA_MESSAGE || element_child(acc->element, NS_CLIENT, "body"))
        return false;
    if (is_pep_event(acc->element))
        return true;
    *key = own_key;
    return is_chat_state(acc->element);
}

/* --- The buffer --- */

static void hold(struct csi *csi, struct acc *acc, uint64_t key)
{
    struct kept *kept = kept_new(acc);
    kept->key = key;
    if (key && kept_drop(&csi->held, 0, key))
        metric_count(&merged);
    kept_push(&csi->held, kept);
}

static void let_out(struct acc *acc, const struct session *session, struct csi *csi)
{
    while (csi->held.first) {
        struct kept *kept = kept_pop(&csi->held);
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
    if (!waits && !csi->held.first)
        return HOOK_OK;
    hold(csi, acc, waits ? key : 0);
    if (waits)
        metric_count(&held_back);
    if (!waits || csi->held.count > conf->buffer_max)
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
    kept_clear(&csi->held);
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
