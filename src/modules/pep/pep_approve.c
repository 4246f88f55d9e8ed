/*
 * Subscriptions that the owner approves (access model authorize): XEP-0060 8.6. Who asks is told
 * that it is pending; the owner gets a form, and answers it, or sets the subscription (8.8).
 */
#include "pep.h"

#define FORM "http://jabber.org/protocol/pubsub#subscribe_authorization"

static struct element *message_between(struct arena *arena, struct str from, struct str to)
{
    struct element *message = element_new(arena, NS_CLIENT, "message");
    element_set(arena, message, "from", from);
    element_set(arena, message, "to", to);
    return message;
}

void pep_ask_owner(struct acc *acc, struct str node, struct str subscriber)
{
    struct arena *arena = &acc->arena;
    struct element *message = message_between(arena, acc->to.bare, acc->to.bare);
    struct element *form = form_new(arena, "form", FORM);
    element_set(arena, message, "id", stanza_id_text(arena, acc_identify(acc)));
    form_field(arena, form, "pubsub#node", "text-single", "Node", node);
    form_field(arena, form, "pubsub#subscriber_jid", "jid-single", "Who wants to subscribe",
               subscriber);
    form_field(arena, form, "pubsub#allow", "boolean", "Allow it", STR("false"));
    element_push(message, form);
    effect_route(acc, message);
}

void pep_tell_subscriber(struct acc *acc, struct str node, const struct pep_person *person)
{
    struct arena *arena = &acc->arena;
    struct element *message = message_between(arena, acc->to.bare, person->jid);
    struct element *event = element_add(arena, message, NS_PUBSUB_EVENT, "event");
    element_set(arena, message, "type", STR("headline"));
    pep_add_subscription(acc, event, NS_PUBSUB_EVENT, node, person);
    effect_route(acc, message);
}

/* --- The owner's answer --- */

struct approval {
    struct str node;
    struct pep_person person; /* as it will be */
    bool allowed;
};

static enum verdict after_approval(struct acc *acc, struct session *session)
{
    const struct approval *approval = acc->event_data;
    const struct pep_node *node = pep_node_find(pep_account_find(&acc->to), approval->node);
    (void)session;
    if (acc->answer->outcome)
        return pep_not_written(acc);
    pep_tell_subscriber(acc, approval->node, &approval->person);
    if (node && approval->allowed && node->settings.send_last != PEP_NEVER)
        pep_last_send(acc, node, approval->person.jid, false);
    return HOOK_STOP;
}

/* What does not wait for an answer any more needs none. */
static enum verdict decide(struct acc *acc, struct session *session)
{
    struct approval *approval = acc->event_data;
    const struct pep_account *account = pep_account_find(&acc->to);
    const struct pep_node *node = pep_node_find(account, approval->node);
    if (pep_account_err(account))
        return pep_not_written(acc);
    struct str people = node ? node->settings.people : STR(""), jid = approval->person.jid;
    approval->person = pep_person_find(people, jid);
    approval->person.jid = jid; /* the people's own ends with the change */
    if (!approval->person.pending)
        return HOOK_STOP;
    approval->person.pending = false;
    approval->person.subscribed = approval->allowed;
    people = pep_person_put(&acc->arena, people, &approval->person);
    return pep_write(acc, session, pep_people_op(&acc->to, node, people), NULL, after_approval);
}

enum verdict pep_on_approval(struct acc *acc, struct session *session)
{
    bool own = str_eq(acc->to.full, session->jid.bare) && str_eq(acc->from.bare, acc->to.bare);
    const struct element *form = own ? form_find(&acc->arena, acc->element, FORM) : NULL;
    struct jid jid;
    if (!form || acc->type == TYPE_ERROR)
        return HOOK_OK;
    if (jid_parse(&acc->arena, form_get(&acc->arena, form, "pubsub#subscriber_jid"), &jid)) {
        effect_error(acc, STANZA_BAD_REQUEST, "pubsub#subscriber_jid is no JID");
        return HOOK_STOP;
    }
    struct str allow = form_get(&acc->arena, form, "pubsub#allow");
    struct approval *approval = arena_zero(&acc->arena, sizeof *approval);
    approval->node = form_get(&acc->arena, form, "pubsub#node");
    approval->person.jid = jid.full;
    approval->allowed = str_is(allow, "1") || str_is(allow, "true");
    acc->event_data = approval;
    return pep_account_with(acc, session, &acc->to, decide);
}
