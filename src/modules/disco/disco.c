/*
 * Service Discovery (XEP-0030) of the host and of accounts, the host's capabilities in stream
 * features (XEP-0115), and contact addresses (XEP-0157). What there is to tell comes from the
 * feature tables of the modules that are on, and from hooks disco_info and disco_items.
 */
#include "module.h"

extern const struct module module_disco;

#define CAPS_NODE "https://ringtail.im/caps"

struct contact {
    const char *name;
    struct key_texts urls;
};

struct disco_conf {
    struct key_list server_info;
    char ver[CAPS_VER_ROOM]; /* of the host; made at start */
};

/* --- What the host says of itself --- */

static void add_identity(struct arena *arena, struct element *query, const char *category,
                         const char *type, const char *name)
{
    struct element *identity = element_add(arena, query, NS_DISCO_INFO, "identity");
    element_set(arena, identity, "category", str_of(category));
    element_set(arena, identity, "type", str_of(type));
    if (name)
        element_set(arena, identity, "name", str_of(name));
}

static void add_feature(struct arena *arena, struct element *query, const char *var)
{
    struct element *feature = element_add(arena, query, NS_DISCO_INFO, "feature");
    element_set(arena, feature, "var", str_of(var));
}

static void add_features(struct arena *arena, struct element *query, const struct host_type *type,
                         enum iq_target target)
{
    for (size_t i = 0; i < type->module_count; i++) {
        const struct feature *feature = type->modules[i].module->features;
        for (; feature && feature->target; feature++)
            if (feature->target & target)
                add_feature(arena, query, feature->var);
    }
}

/* XEP-0157: a result form with a field for each kind of address. */
static void add_contacts(struct arena *arena, struct element *query, const struct disco_conf *conf)
{
    const struct contact *contacts = conf->server_info.items;
    if (conf->server_info.count == 0)
        return;
    struct element *form = form_new(arena, "result", "http://jabber.org/network/serverinfo");
    for (size_t i = 0; i < conf->server_info.count; i++) {
        struct element *field =
            form_field(arena, form, contacts[i].name, "list-multi", NULL, (struct str){NULL, 0});
        for (size_t k = 0; k < contacts[i].urls.count; k++)
            form_value(arena, field, str_of(contacts[i].urls.items[k]));
    }
    element_push(query, form);
}

static struct element *host_info(struct arena *arena, const struct host_type *type,
                                 const struct disco_conf *conf)
{
    struct element *query = element_new(arena, NS_DISCO_INFO, "query");
    add_identity(arena, query, "server", "im", "Ringtail");
    add_features(arena, query, type, IQ_HOST);
    add_contacts(arena, query, conf);
    return query;
}

static void make_ver(const struct host_type *type, struct disco_conf *conf)
{
    struct arena arena;
    arena_init(&arena);
    enum err err = caps_ver(host_info(&arena, type, conf), DIGEST_SHA1, conf->ver);
    if (err)
        LOG(LOG_WARNING, "caps_ill_formed", LF("host_type", type->name));
    arena_fini(&arena);
}

static enum err start(struct host_type *type, const void *conf, const char **why)
{
    (void)why;
    make_ver(type, (struct disco_conf *)conf);
    return ERR_OK;
}

static enum verdict on_features(struct acc *acc, struct session *session)
{
    const struct disco_conf *conf = module_conf(session->host, &module_disco);
    struct element *caps = element_add(&acc->arena, acc->element, NS_CAPS, "c");
    element_set(&acc->arena, caps, "hash", STR("sha-1"));
    element_set(&acc->arena, caps, "node", STR(CAPS_NODE));
    element_set(&acc->arena, caps, "ver", str_of(conf->ver));
    return HOOK_OK;
}

/* --- Answers --- */

static struct str node_of(const struct acc *acc)
{
    return element_attr(element_first(acc->element), "node");
}

static bool node_is_ours(const struct acc *acc)
{
    const struct disco_conf *conf = module_conf(acc->host, &module_disco);
    struct str ver, base = str_cut(node_of(acc), '#', &ver);
    return acc->to.user.len == 0 && str_is(base, CAPS_NODE) && str_is(ver, conf->ver);
}

/* A node is there when a module has something to say of it. */
static enum verdict answer(struct acc *acc, struct session *session)
{
    struct element *query = acc->event_data;
    struct str node = node_of(acc);
    (void)session;
    if (node.len && !element_first(query)) {
        effect_error(acc, STANZA_ITEM_NOT_FOUND, NULL);
        return HOOK_STOP;
    }
    struct element *result = stanza_result(&acc->arena, acc->element);
    if (node.len)
        element_set(&acc->arena, query, "node", node);
    element_push(result, query);
    effect_answer(acc, result);
    return HOOK_STOP;
}

static struct element *account_info(struct acc *acc)
{
    struct element *query = element_new(&acc->arena, NS_DISCO_INFO, "query");
    add_identity(&acc->arena, query, "account", "registered", NULL);
    add_features(&acc->arena, query, acc->host->type, IQ_ACCOUNT);
    return query;
}

static enum verdict info(struct acc *acc, struct session *session)
{
    struct element *query;
    if (node_of(acc).len && !node_is_ours(acc)) {
        query = element_new(&acc->arena, NS_DISCO_INFO, "query");
        element_set(&acc->arena, query, "node", node_of(acc));
    } else if (acc->to.user.len) {
        query = account_info(acc);
    } else {
        query = host_info(&acc->arena, acc->host->type, module_conf(acc->host, &module_disco));
    }
    return question_ask(HOOK_disco_info, acc, session, query, answer);
}

static enum verdict items(struct acc *acc, struct session *session)
{
    struct element *query = element_new(&acc->arena, NS_DISCO_ITEMS, "query");
    if (node_of(acc).len) {
        effect_error(acc, STANZA_ITEM_NOT_FOUND, NULL);
        return HOOK_STOP;
    }
    return question_ask(HOOK_disco_items, acc, session, query, answer);
}

/* --- Who may know of an account: its owner, and who sees his presence. For others it looks like
 * one that does not exist (8): service-unavailable. --- */

static enum verdict info_if_subscribed(struct acc *acc, struct session *session)
{
    const struct subscription *contact = acc->event_data;
    return contact->flags & ROSTER_FROM ? info(acc, session) : HOOK_OK;
}

static enum verdict items_if_subscribed(struct acc *acc, struct session *session)
{
    const struct subscription *contact = acc->event_data;
    return contact->flags & ROSTER_FROM ? items(acc, session) : HOOK_OK;
}

static bool may_know(const struct acc *acc)
{
    return acc->to.user.len == 0 || str_eq(acc->to.bare, acc->from.bare);
}

static enum verdict on_info(struct acc *acc, struct session *session)
{
    if (may_know(acc))
        return info(acc, session);
    return subscription_ask(acc, session, &acc->to, &acc->from, info_if_subscribed);
}

static enum verdict on_items(struct acc *acc, struct session *session)
{
    if (may_know(acc))
        return items(acc, session);
    return subscription_ask(acc, session, &acc->to, &acc->from, items_if_subscribed);
}

static const struct hook hooks[] = {
    {.at = HOOK_stream_features, .run = on_features},
    {0},
};

static const struct iq_handler iqs[] = {
    {NS_DISCO_INFO, "query", IQ_HOST | IQ_ACCOUNT, TYPE_GET, on_info},
    {NS_DISCO_ITEMS, "query", IQ_HOST | IQ_ACCOUNT, TYPE_GET, on_items},
    {0},
};

static const struct feature features[] = {
    {IQ_HOST | IQ_ACCOUNT, "http://jabber.org/protocol/disco#info"},
    {IQ_HOST | IQ_ACCOUNT, "http://jabber.org/protocol/disco#items"},
    {IQ_HOST, "http://jabber.org/protocol/caps"},
    {0},
};

static const struct key contact_keys[] = {
    {.name = "name",
     .type = KEY_TEXT,
     .offset = offsetof(struct contact, name),
     .required = true,
     .help = "abuse-addresses, admin-addresses, feedback-addresses, sales-addresses, "
             "security-addresses, support-addresses or status-addresses."},
    {.name = "urls",
     .type = KEY_TEXTS,
     .offset = offsetof(struct contact, urls),
     .required = true,
     .help = "Addresses as URIs: mailto:…, xmpp:…, https:…"},
    {0},
};

static const struct key keys[] = {
    {.name = "server_info",
     .type = KEY_LIST,
     .offset = offsetof(struct disco_conf, server_info),
     .keys = contact_keys,
     .group_size = sizeof(struct contact),
     .help = "Contact addresses of the service (XEP-0157)."},
    {0},
};

const struct module module_disco = {
    .name = "disco",
    .xep = "XEP-0030, XEP-0115, XEP-0157",
    .hooks = hooks,
    .iqs = iqs,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct disco_conf),
    .start = start,
};
