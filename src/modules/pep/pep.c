/*
 * Personal Eventing (XEP-0163): publish-subscribe nodes (XEP-0060) of accounts. Requests come to
 * the account's home shard, are looked up in the tables of actions, and run when the account's
 * nodes are in memory and, for others than the owner, it is known what the roster says of them.
 */
#include "pep.h"

struct metric pep_published = {"pep_published_total", "Items published.", METRIC_COUNTER, 0};
struct metric pep_broadcasts = {"pep_broadcasts_total", "Changes told to those who want to know.",
                                METRIC_COUNTER, 0};
struct metric pep_notifications = {"pep_notifications_total", "Addresses that they were sent to.",
                                   METRIC_COUNTER, 0};
struct metric pep_lasts = {"pep_last_items_total",
                           "Last items sent to who came, or said what it wants.", METRIC_COUNTER,
                           0};
struct metric pep_full = {"pep_full_total", "Requests refused because of a limit.", METRIC_COUNTER,
                          0};

struct metric pep_cached = {"pep_cached_bytes", "Memory of nodes that are kept there.",
                            METRIC_GAUGE, 0};

static struct metric *const metrics[] = {
    &pep_cached, &pep_published, &pep_broadcasts, &pep_notifications, &pep_lasts, &pep_full, NULL};

/* --- Refusals --- */

static enum verdict refuse_with(struct acc *acc, enum stanza_error error, const char *condition,
                                const char *feature)
{
    struct element *inside;
    struct element *answer = stanza_error_with(&acc->arena, acc->element, error, NULL, &inside);
    struct element *detail = NULL;
    if (condition)
        detail = element_add(&acc->arena, inside, NS_PUBSUB_ERRORS, condition);
    if (feature)
        element_set(&acc->arena, detail, "feature", str_of(feature));
    effect_answer(acc, answer);
    return HOOK_STOP;
}

enum verdict pep_refuse(struct acc *acc, enum stanza_error error, const char *condition)
{
    return refuse_with(acc, error, condition, NULL);
}

enum verdict pep_unsupported(struct acc *acc, const char *feature)
{
    return refuse_with(acc, STANZA_FEATURE_NOT_IMPLEMENTED, "unsupported", feature);
}

enum verdict pep_not_written(struct acc *acc)
{
    effect_error(acc, STANZA_INTERNAL_SERVER_ERROR, "the nodes could not be written or read");
    return HOOK_STOP;
}

/* --- Requests --- */

/* What XEP-0060 has and an account has not. */
static const struct {
    const char *element, *feature;
} absent[] = {{"options", "subscription-options"}, {NULL, NULL}};

static const struct pep_action *const tables[] = {pep_item_actions, pep_node_actions,
                                                  pep_people_actions};

static const struct pep_action *find_action(const struct acc *acc, const struct element *what)
{
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        for (const struct pep_action *action = tables[i]; action->run; action++)
            if (action->type == acc->type && element_is(what, action->ns, action->element))
                return action;
    return NULL;
}

static enum verdict no_action(struct acc *acc, const struct element *what)
{
    for (size_t i = 0; what && absent[i].element; i++)
        if (str_is(what->name, absent[i].element))
            return pep_unsupported(acc, absent[i].feature);
    return pep_refuse(acc, STANZA_BAD_REQUEST, NULL);
}

struct pep_request *pep_request_again(struct acc *acc)
{
    struct pep_request *request = acc->event_data;
    request->account = pep_account_find(&acc->to);
    request->node = pep_node_find(request->account, request->name);
    return request;
}

/* The old node of bookmarks is a view of the new one. */
static enum verdict run_old_bookmarks(struct acc *acc, struct session *session,
                                      struct pep_request *request)
{
    if (acc->type == TYPE_GET)
        return pep_bookmarks_items(acc, session, request);
    return pep_bookmarks_publish(acc, session, request);
}

/* A node that is not there, and an account that is not, look alike. */
static enum verdict run(struct acc *acc, struct session *session)
{
    struct pep_request *request = acc->event_data;
    enum err err = pep_account_err(pep_account_find(&acc->to));
    if (err == ERR_NOT_FOUND && !request->own)
        return pep_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    if (err)
        return pep_not_written(acc);
    request = pep_request_again(acc);
    if (pep_is_old_bookmarks(request))
        return run_old_bookmarks(acc, session, request);
    return request->action->run(acc, session, request);
}

static struct pep_request *request_new(struct acc *acc, bool own, const struct subscription *asker)
{
    struct pep_request *request = arena_zero(&acc->arena, sizeof *request);
    request->pubsub = element_first(acc->element);
    request->what = element_first(request->pubsub);
    request->action = find_action(acc, request->what);
    request->name = element_attr(request->what, "node");
    request->own = own;
    request->asker = *asker;
    return request;
}

static enum verdict start(struct acc *acc, struct session *session, bool own,
                          const struct subscription *asker)
{
    acc->event_data = request_new(acc, own, asker);
    return pep_account_with(acc, session, &acc->to, run);
}

static enum verdict start_for_other(struct acc *acc, struct session *session)
{
    return start(acc, session, false, acc->event_data);
}

static enum verdict on_request(struct acc *acc, struct session *session)
{
    const struct element *what = element_first(element_first(acc->element));
    const struct pep_action *action = what ? find_action(acc, what) : NULL;
    bool own = str_eq(acc->from.bare, acc->to.bare);
    if (!action)
        return no_action(acc, what);
    if (action->owner_only && !own)
        return pep_refuse(acc, STANZA_FORBIDDEN, NULL);
    struct str name = element_attr(what, "node");
    if (name.len > LIMIT_PEP_NAME)
        return pep_refuse(acc, STANZA_BAD_REQUEST, NULL);
    if (!name.len && !action->nodeless)
        return pep_refuse(acc, STANZA_BAD_REQUEST, "nodeid-required");
    if (own)
        return start(acc, session, true, &(struct subscription){.contact = acc->from.bare});
    return subscription_ask(acc, session, &acc->to, &acc->from, start_for_other);
}

/* --- By the server, for an owner --- */

void pep_request_run(struct acc *acc, const struct jid *owner, struct element *pubsub)
{
    struct element *iq = element_new(&acc->arena, NS_CLIENT, "iq");
    element_set(&acc->arena, iq, "type", STR("set"));
    element_push(iq, pubsub);
    acc_set(acc, iq);
    jid_make(&acc->arena, owner->user, owner->domain, STR(""), &acc->from);
    acc->to = acc->from;
    acc->event_data = request_new(acc, true, &(struct subscription){.contact = acc->from.bare});
    pep_account_run(acc, &acc->to, run);
}

static struct element *add_action(struct acc *acc, const char *name, struct str node, struct str id,
                                  struct element **pubsub)
{
    *pubsub = element_new(&acc->arena, NS_PUBSUB, "pubsub");
    struct element *action = element_add(&acc->arena, *pubsub, NS_PUBSUB, name);
    element_set(&acc->arena, action, "node", arena_str(&acc->arena, node));
    struct element *item = element_add(&acc->arena, action, NS_PUBSUB, "item");
    element_set(&acc->arena, item, "id", arena_str(&acc->arena, id));
    return item;
}

static struct acc *new_acc(const struct host *host)
{
    struct acc *acc = acc_new();
    acc->host = (struct host *)host;
    return acc;
}

void pep_publish_for(const struct host *host, const struct jid *owner, struct str node,
                     struct str id, const struct element *payload)
{
    struct element *pubsub;
    struct acc *acc = new_acc(host);
    struct element *item = add_action(acc, "publish", node, id, &pubsub);
    element_push(item, element_copy(&acc->arena, payload));
    pep_request_run(acc, owner, pubsub);
}

void pep_retract_for(const struct host *host, const struct jid *owner, struct str node,
                     struct str id)
{
    struct element *pubsub;
    struct acc *acc = new_acc(host);
    add_action(acc, "retract", node, id, &pubsub);
    element_set(&acc->arena, element_first(pubsub), "notify", STR("true"));
    pep_request_run(acc, owner, pubsub);
}

static enum verdict on_publish(struct acc *acc, struct session *session)
{
    const struct pep_item *item = acc->event_data;
    (void)session;
    pep_publish_for(acc->host, &acc->from, item->node, item->id, item->payload);
    return HOOK_STOP;
}

static enum verdict on_remove_user(struct acc *acc, struct session *session)
{
    (void)session;
    pep_account_forget(&acc->from);
    return HOOK_OK;
}

static const struct hook hooks[] = {
    {.at = HOOK_filter_local_packet,
     .run = pep_on_probe,
     .after = "blocking, privacy",
     .before = "presence, roster"},
    {.at = HOOK_caps_recognised, .run = pep_on_caps},
    {.at = HOOK_roster_changed, .run = pep_on_roster_changed, .after = "presence"},
    {.at = HOOK_disco_info, .run = pep_on_disco_info},
    {.at = HOOK_disco_items, .run = pep_on_disco_items},
    {.at = HOOK_pep_publish, .run = on_publish},
    {.at = HOOK_user_send_message,
     .ns = NS_MDS,
     .element = "displayed",
     .run = pep_on_displayed,
     .before = "amp, carbons, inbox, mam"},
    {.at = HOOK_user_send_message,
     .ns = NS_DATA,
     .element = "x",
     .run = pep_on_approval,
     .before = "amp, carbons, inbox, mam"},
    {.at = HOOK_remove_user, .run = on_remove_user},
    {0},
};

static const struct iq_handler iqs[] = {
    {NS_PUBSUB, "pubsub", IQ_ACCOUNT, TYPE_UNKNOWN, on_request},
    {NS_PUBSUB_OWNER, "pubsub", IQ_ACCOUNT, TYPE_UNKNOWN, on_request},
    {NS_PRIVATE, "query", IQ_ACCOUNT, TYPE_GET, pep_on_private_get},
    {NS_PRIVATE, "query", IQ_ACCOUNT, TYPE_SET, pep_on_private_set},
    {0},
};

#define PUBSUB(feature)                                                                            \
    {                                                                                              \
        IQ_ACCOUNT, "http://jabber.org/protocol/pubsub" feature                                    \
    }
static const struct feature features[] = {
    PUBSUB(""),
    PUBSUB("#access-authorize"),
    PUBSUB("#access-open"),
    PUBSUB("#access-presence"),
    PUBSUB("#access-roster"),
    PUBSUB("#access-whitelist"),
    PUBSUB("#auto-create"),
    PUBSUB("#auto-subscribe"),
    PUBSUB("#config-node"),
    PUBSUB("#config-node-max"),
    PUBSUB("#create-and-configure"),
    PUBSUB("#create-nodes"),
    PUBSUB("#delete-items"),
    PUBSUB("#delete-nodes"),
    PUBSUB("#filtered-notifications"),
    PUBSUB("#item-ids"),
    PUBSUB("#last-published"),
    PUBSUB("#manage-subscriptions"),
    PUBSUB("#member-affiliation"),
    PUBSUB("#meta-data"),
    PUBSUB("#modify-affiliations"),
    PUBSUB("#multi-items"),
    PUBSUB("#outcast-affiliation"),
    PUBSUB("#persistent-items"),
    PUBSUB("#presence-notifications"),
    PUBSUB("#publish"),
    PUBSUB("#publish-options"),
    PUBSUB("#publisher-affiliation"),
    PUBSUB("#purge-nodes"),
    PUBSUB("#retract-items"),
    PUBSUB("#retrieve-affiliations"),
    PUBSUB("#retrieve-default"),
    PUBSUB("#retrieve-items"),
    PUBSUB("#retrieve-subscriptions"),
    PUBSUB("#rsm"),
    PUBSUB("#subscribe"),
    PUBSUB("#subscription-notifications"),
    {IQ_ACCOUNT, "urn:xmpp:bookmarks:1#compat"},
    {IQ_ACCOUNT, "urn:xmpp:bookmarks:1#compat-pep"},
    {IQ_ACCOUNT, "urn:xmpp:mds:server-assist:0"},
    {0},
};

#define AT(field) offsetof(struct pep_conf, field)
static const struct key keys[] = {
    {.name = "max_nodes",
     .type = KEY_NUMBER,
     .offset = AT(max_nodes),
     .preset = "200",
     .min = 1,
     .max = 10000,
     .help = "Nodes of a user; one more is answered with resource-constraint."},
    {.name = "max_items_per_node",
     .type = KEY_NUMBER,
     .offset = AT(max_items),
     .preset = "1000",
     .min = 1,
     .max = 100000,
     .help = "Items of a node at most, and what `max` means for pubsub#max_items; older ones go."},
    {.name = "max_item_size",
     .type = KEY_SIZE,
     .offset = AT(max_item_size),
     .preset = "128k",
     .min = 1024,
     .max = 16 << 20,
     .help = "Bytes of an item; a larger one is answered with not-acceptable."},
    {.name = "max_bytes",
     .type = KEY_SIZE,
     .offset = AT(max_bytes),
     .preset = "4M",
     .min = 1024,
     .max = 1 << 30,
     .help = "Bytes of all items of a user; more are answered with resource-constraint."},
    {.name = "ignore_pep_from_offline",
     .type = KEY_BOOL,
     .offset = AT(ignore_offline),
     .preset = "false",
     .help = "Whether last items of contacts who are offline are not sent to a user who comes."},
    {0},
};
#undef AT

static const char *const needs[] = {"presence", "roster", "caps", "disco", NULL};

const struct module module_pep = {
    .name = "pep",
    .xep = "XEP-0163, XEP-0060, XEP-0402, XEP-0490",
    .needs = needs,
    .hooks = hooks,
    .iqs = iqs,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct pep_conf),
    .metrics = metrics,
    .shard_end = pep_accounts_end,
};
