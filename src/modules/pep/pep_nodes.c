/* Nodes: creating (XEP-0060 8.1), configuring (8.2), deleting (8.4), purging (8.5). */
#include "pep.h"

enum { ID_BYTES = 12 };

static enum verdict after_change(struct acc *acc, struct session *session)
{
    (void)session;
    if (acc->answer->outcome)
        return pep_not_written(acc);
    effect_answer(acc, NULL);
    return HOOK_STOP;
}

static struct store_op *set_op(const struct acc *acc, struct str name,
                               const struct pep_settings *settings)
{
    const struct pep_conf *conf = module_conf(acc->host, &module_pep);
    struct store_op *op = pep_op(&acc->to, STORE_PEP_SET, name);
    op->pep.settings = pep_settings_text(&op->arena, settings);
    op->pep.keep = settings->max_items < conf->max_items ? settings->max_items : conf->max_items;
    if (!settings->persist)
        op->pep.keep = 0;
    return op;
}

/* --- Creating --- */

static enum verdict after_instant(struct acc *acc, struct session *session)
{
    const struct pep_request *request = acc->event_data;
    (void)session;
    if (acc->answer->outcome)
        return pep_not_written(acc);
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *pubsub = element_add(&acc->arena, result, NS_PUBSUB, "pubsub");
    struct element *create = element_add(&acc->arena, pubsub, NS_PUBSUB, "create");
    element_set(&acc->arena, create, "node", request->name);
    effect_answer(acc, result);
    return HOOK_STOP;
}

static struct str instant_name(struct arena *arena)
{
    uint8_t bytes[ID_BYTES];
    char text[2 * ID_BYTES];
    digest_random(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, text);
    return arena_str(arena, (struct str){text, sizeof text});
}

static const struct element *config_form(struct acc *acc, const struct element *configure)
{
    return configure
               ? form_find(&acc->arena, configure, "http://jabber.org/protocol/pubsub#node_config")
               : NULL;
}

static enum verdict create(struct acc *acc, struct session *session, struct pep_request *request)
{
    const struct pep_conf *conf = module_conf(acc->host, &module_pep);
    struct pep_settings settings = pep_settings_preset(request->name);
    const struct element *form =
        config_form(acc, element_child(request->pubsub, NS_PUBSUB, "configure"));
    bool instant = request->name.len == 0;
    if (request->node)
        return pep_refuse(acc, STANZA_CONFLICT, NULL);
    if (form && !pep_settings_submit(acc, form, &settings))
        return pep_refuse(acc, STANZA_NOT_ACCEPTABLE, NULL);
    if (pep_account_nodes(request->account) >= conf->max_nodes) {
        metric_count(&pep_full);
        return pep_refuse(acc, STANZA_RESOURCE_CONSTRAINT, "max-nodes-exceeded");
    }
    if (instant)
        request->name = instant_name(&acc->arena);
    return pep_write(acc, session, set_op(acc, request->name, &settings), NULL,
                     instant ? after_instant : after_change);
}

/* --- Configuring --- */

static void answer_form(struct acc *acc, const struct pep_settings *settings, const char *name,
                        struct str node)
{
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *pubsub = element_add(&acc->arena, result, NS_PUBSUB_OWNER, "pubsub");
    struct element *configure = element_add(&acc->arena, pubsub, NS_PUBSUB_OWNER, name);
    if (node.len)
        element_set(&acc->arena, configure, "node", node);
    element_push(configure, pep_settings_form(acc, settings, "form"));
    effect_answer(acc, result);
}

static enum verdict get_config(struct acc *acc, struct session *session,
                               struct pep_request *request)
{
    (void)session;
    if (!request->node)
        return pep_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    answer_form(acc, &request->node->settings, "configure", request->name);
    return HOOK_STOP;
}

static enum verdict get_default(struct acc *acc, struct session *session,
                                struct pep_request *request)
{
    struct pep_settings settings = pep_settings_preset(STR(""));
    (void)session;
    (void)request;
    answer_form(acc, &settings, "default", STR(""));
    return HOOK_STOP;
}

/* A notification without items: <configuration/>, <delete/>, <purge/>. */
static struct acc *node_news(const struct acc *acc, const struct pep_request *request, bool wanted,
                             const char *name)
{
    struct arena arena;
    if (!wanted)
        return NULL;
    arena_init(&arena);
    struct element *change = element_new(&arena, NS_PUBSUB_EVENT, name);
    element_set(&arena, change, "node", request->name);
    struct acc *news = pep_news_new(acc, request->name, request->node->text, change);
    arena_fini(&arena);
    return news;
}

/* 8.2.5.3: a form that is cancelled changes nothing. */
static bool is_cancelled(const struct element *configure)
{
    const struct element *form = element_child(configure, NS_DATA, "x");
    return form && str_is(element_attr(form, "type"), "cancel");
}

static enum verdict set_config(struct acc *acc, struct session *session,
                               struct pep_request *request)
{
    if (!request->node)
        return pep_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    struct pep_settings settings = request->node->settings;
    const struct element *form = config_form(acc, request->what);
    if (is_cancelled(request->what)) {
        effect_answer(acc, NULL);
        return HOOK_STOP;
    }
    if (!form)
        return pep_refuse(acc, STANZA_BAD_REQUEST, NULL);
    if (!pep_settings_submit(acc, form, &settings))
        return pep_refuse(acc, STANZA_NOT_ACCEPTABLE, NULL);
    return pep_write(acc, session, set_op(acc, request->name, &settings),
                     node_news(acc, request, settings.on_config, "configuration"), after_change);
}

/* --- Deleting and purging --- */

static enum verdict delete (struct acc *acc, struct session *session, struct pep_request *request) {
    if (!request->node) return pep_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    return pep_write(acc, session, pep_op(&acc->to, STORE_PEP_DELETE, request->name),
                     node_news(acc, request, request->node->settings.on_delete, "delete"),
                     after_change);
}

static enum verdict purge(struct acc *acc, struct session *session, struct pep_request *request)
{
    if (!request->node)
        return pep_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    return pep_write(acc, session, pep_op(&acc->to, STORE_PEP_PURGE, request->name),
                     node_news(acc, request, request->node->settings.on_retract, "purge"),
                     after_change);
}

const struct pep_action pep_node_actions[] = {
    {NS_PUBSUB, TYPE_SET, "create", true, true, create},
    {NS_PUBSUB, TYPE_GET, "default", true, true, get_default},
    {NS_PUBSUB_OWNER, TYPE_GET, "default", true, true, get_default},
    {NS_PUBSUB_OWNER, TYPE_GET, "configure", true, false, get_config},
    {NS_PUBSUB_OWNER, TYPE_SET, "configure", true, false, set_config},
    {NS_PUBSUB_OWNER, TYPE_SET, "delete", true, false, delete},
    {NS_PUBSUB_OWNER, TYPE_SET, "purge", true, false, purge},
    {0},
};
