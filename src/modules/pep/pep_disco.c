/* What service discovery says of an account and its nodes: XEP-0163 6, XEP-0060 5.3, 5.4. */
#include "pep.h"

static void add_identity(struct acc *acc, const char *type)
{
    struct element *identity = element_new(&acc->arena, NS_DISCO_INFO, "identity");
    element_set(&acc->arena, identity, "category", STR("pubsub"));
    element_set(&acc->arena, identity, "type", str_of(type));
    /* identities stand in front of features */
    identity->node.next = acc->element->first;
    acc->element->first = &identity->node;
    if (!acc->element->last)
        acc->element->last = &identity->node;
}

static void add_feature(struct acc *acc, const char *var)
{
    struct element *feature = element_add(&acc->arena, acc->element, NS_DISCO_INFO, "feature");
    element_set(&acc->arena, feature, "var", str_of(var));
}

/* Who asks; `then` finds it at acc->event_data, NULL: the owner. */
static enum verdict with_asker(struct acc *acc, struct session *session, hook_fn *then)
{
    acc->event_data = NULL;
    if (str_eq(acc->from.bare, acc->to.bare))
        return then(acc, session);
    return subscription_ask(acc, session, &acc->to, &acc->from, then);
}

static bool is_visible(const struct acc *acc, const struct pep_node *node)
{
    return !acc->event_data || !pep_denied(&node->settings, acc->event_data);
}

static enum verdict tell_node(struct acc *acc, struct session *session)
{
    const struct pep_account *account = pep_account_find(&acc->to);
    const struct pep_node *node = pep_node_find(account, element_attr(acc->element, "node"));
    (void)session;
    if (!node || !is_visible(acc, node))
        return HOOK_OK;
    add_identity(acc, "leaf");
    add_feature(acc, "http://jabber.org/protocol/pubsub");
    struct element *form = pep_settings_form(acc, &node->settings, "result");
    element_push(acc->element, form);
    return HOOK_OK;
}

static enum verdict with_node(struct acc *acc, struct session *session)
{
    return pep_account_with(acc, session, &acc->to, tell_node);
}

enum verdict pep_on_disco_info(struct acc *acc, struct session *session)
{
    if (acc->to.user.len == 0)
        return HOOK_OK;
    if (element_attr(acc->element, "node").len)
        return with_asker(acc, session, with_node);
    add_identity(acc, "pep");
    return HOOK_OK;
}

static enum verdict tell_nodes(struct acc *acc, struct session *session)
{
    const struct pep_account *account = pep_account_find(&acc->to);
    (void)session;
    for (const struct pep_node *node = pep_node_first(account); node; node = node->next) {
        if (!is_visible(acc, node))
            continue;
        struct element *item = element_add(&acc->arena, acc->element, NS_DISCO_ITEMS, "item");
        element_set(&acc->arena, item, "jid", acc->to.bare);
        element_set(&acc->arena, item, "node", node->name);
    }
    return HOOK_OK;
}

static enum verdict with_nodes(struct acc *acc, struct session *session)
{
    return pep_account_with(acc, session, &acc->to, tell_nodes);
}

enum verdict pep_on_disco_items(struct acc *acc, struct session *session)
{
    return acc->to.user.len ? with_asker(acc, session, with_nodes) : HOOK_OK;
}
