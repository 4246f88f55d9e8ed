/* Subscriptions (XEP-0060 6.1, 6.2, 5.6, 8.8) and affiliations (5.7, 8.9). */
#include "pep.h"

static enum verdict after_change(struct acc *acc, struct session *session)
{
    (void)session;
    if (acc->answer->outcome)
        return pep_not_written(acc);
    effect_answer(acc, NULL);
    return HOOK_STOP;
}

struct store_op *pep_people_op(const struct jid *owner, const struct pep_node *node,
                               struct str people)
{
    struct pep_settings settings = node->settings;
    struct store_op *op = pep_op(owner, STORE_PEP_SET, node->name);
    settings.people = people;
    op->pep.settings = pep_settings_text(&op->arena, &settings);
    op->pep.keep = UINT64_MAX;
    return op;
}

static enum verdict too_many(struct acc *acc)
{
    metric_count(&pep_full);
    return pep_refuse(acc, STANZA_POLICY_VIOLATION, "too-many-subscriptions");
}

/* --- By those who subscribe --- */

/* 6.1.3.1: everybody subscribes himself, by his bare or full JID. */
static bool is_self(const struct acc *acc, struct jid *out, struct arena *arena,
                    const struct element *what)
{
    return !jid_parse(arena, element_attr(what, "jid"), out) && str_eq(out->bare, acc->from.bare) &&
           (!out->resource.len || str_eq(out->full, acc->from.full));
}

void pep_add_subscription(struct acc *acc, struct element *parent, enum ns ns, struct str node,
                          const struct pep_person *person)
{
    struct element *out = element_add(&acc->arena, parent, ns, "subscription");
    if (node.len)
        element_set(&acc->arena, out, "node", node);
    element_set(&acc->arena, out, "jid", person->jid);
    element_set(&acc->arena, out, "subscription",
                person->subscribed ? STR("subscribed")
                : person->pending  ? STR("pending")
                                   : STR("none"));
}

/* Who asks, as they are in the node, or were when it is gone. */
static struct pep_person asks_for(struct acc *acc, const struct pep_request *request)
{
    struct str people = request->node ? request->node->settings.people : STR("");
    struct jid jid;
    if (!is_self(acc, &jid, &acc->arena, request->what))
        jid = acc->from; /* was looked at before */
    return pep_person_find(people, jid.full);
}

static enum verdict after_subscribe(struct acc *acc, struct session *session)
{
    (void)session;
    if (acc->answer->outcome)
        return pep_not_written(acc);
    const struct pep_request *request = pep_request_again(acc);
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *pubsub = element_add(&acc->arena, result, NS_PUBSUB, "pubsub");
    struct pep_person person = asks_for(acc, request);
    pep_add_subscription(acc, pubsub, NS_PUBSUB, request->name, &person);
    effect_answer(acc, result);
    if (person.pending)
        pep_ask_owner(acc, request->name, person.jid);
    else if (request->node && request->node->settings.send_last != PEP_NEVER)
        pep_last_send(acc, request->node, person.jid, false);
    return HOOK_STOP;
}

/* Resources come and go: nobody fills the list with his. */
static bool has_many(struct acc *acc, struct str people, const struct pep_person *own)
{
    struct pep_person person;
    struct jid jid;
    size_t count = 0;
    while (pep_person_next(&people, &person))
        count += (person.subscribed || person.pending) && !str_eq(person.jid, own->jid) &&
                 !jid_parse(&acc->arena, person.jid, &jid) && str_eq(jid.bare, acc->from.bare);
    return count >= LIMIT_PEP_OWN_SUBSCRIPTIONS;
}

/* The owner decides: unless he has, when he let somebody in or shut him out. */
static bool must_be_approved(const struct pep_settings *settings, const struct subscription *asker)
{
    const struct pep_denial *denial = pep_denied(settings, asker);
    return settings->access == PEP_AUTHORIZE && denial && denial->condition;
}

static enum verdict subscribe(struct acc *acc, struct session *session, struct pep_request *request)
{
    struct jid jid;
    if (!request->node)
        return pep_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    if (!is_self(acc, &jid, &acc->arena, request->what))
        return pep_refuse(acc, STANZA_BAD_REQUEST, "invalid-jid");
    bool pending = !request->own && must_be_approved(&request->node->settings, &request->asker);
    if (!pending && !pep_may_read(acc, request))
        return HOOK_STOP;
    struct pep_person person = pep_person_find(request->node->settings.people, jid.full);
    person.subscribed = !pending;
    person.pending = pending;
    struct str people = pep_person_put(&acc->arena, request->node->settings.people, &person);
    if (!people.at || has_many(acc, request->node->settings.people, &person))
        return too_many(acc);
    return pep_write(acc, session, pep_people_op(&acc->to, request->node, people), NULL,
                     after_subscribe);
}

static enum verdict unsubscribe(struct acc *acc, struct session *session,
                                struct pep_request *request)
{
    struct jid jid;
    if (!request->node)
        return pep_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    if (!is_self(acc, &jid, &acc->arena, request->what))
        return pep_refuse(acc, STANZA_FORBIDDEN, NULL);
    struct pep_person person = pep_person_find(request->node->settings.people, jid.full);
    if (!person.subscribed && !person.pending)
        return pep_refuse(acc, STANZA_UNEXPECTED_REQUEST, "not-subscribed");
    person.subscribed = person.pending = false;
    struct str people = pep_person_put(&acc->arena, request->node->settings.people, &person);
    return pep_write(acc, session, pep_people_op(&acc->to, request->node, people), NULL,
                     after_change);
}

/* --- What one has at all nodes, or at the one that is named --- */

static bool is_meant(const struct pep_request *request, const struct pep_node *node)
{
    return !request->name.len || str_eq(request->name, node->name);
}

static void add_own_subscriptions(struct acc *acc, struct element *list,
                                  const struct pep_node *node)
{
    struct str people = node->settings.people;
    struct pep_person person;
    struct jid jid;
    while (pep_person_next(&people, &person))
        if ((person.subscribed || person.pending) && !jid_parse(&acc->arena, person.jid, &jid) &&
            str_eq(jid.bare, acc->from.bare))
            pep_add_subscription(acc, list, NS_PUBSUB, node->name, &person);
}

static void add_own_affiliation(struct acc *acc, struct element *list, bool own,
                                const struct pep_node *node)
{
    struct pep_person person = pep_person_find(node->settings.people, acc->from.bare);
    if (!own && person.affiliation == PEP_NONE)
        return;
    struct element *out = element_add(&acc->arena, list, NS_PUBSUB, "affiliation");
    element_set(&acc->arena, out, "node", node->name);
    element_set(&acc->arena, out, "affiliation",
                str_of(own ? "owner" : pep_affiliation_name(person.affiliation)));
}

static enum verdict tell_own(struct acc *acc, struct session *session, struct pep_request *request)
{
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *pubsub = element_add(&acc->arena, result, NS_PUBSUB, "pubsub");
    struct element *list = element_add(&acc->arena, pubsub, NS_PUBSUB, request->action->element);
    bool subscriptions = strcmp(request->action->element, "subscriptions") == 0;
    (void)session;
    for (const struct pep_node *node = pep_node_first(request->account); node; node = node->next) {
        if (!is_meant(request, node))
            continue;
        if (subscriptions)
            add_own_subscriptions(acc, list, node);
        else
            add_own_affiliation(acc, list, request->own, node);
    }
    effect_answer(acc, result);
    return HOOK_STOP;
}

/* --- By the owner, of all people of a node --- */

static void add_person(struct acc *acc, struct element *list, bool subscriptions,
                       const struct pep_person *person)
{
    if (subscriptions && (person->subscribed || person->pending))
        pep_add_subscription(acc, list, NS_PUBSUB_OWNER, STR(""), person);
    if (subscriptions || person->affiliation == PEP_NONE)
        return;
    struct element *out = element_add(&acc->arena, list, NS_PUBSUB_OWNER, "affiliation");
    element_set(&acc->arena, out, "jid", person->jid);
    element_set(&acc->arena, out, "affiliation", str_of(pep_affiliation_name(person->affiliation)));
}

static void add_owner(struct acc *acc, struct element *list)
{
    struct element *out = element_add(&acc->arena, list, NS_PUBSUB_OWNER, "affiliation");
    element_set(&acc->arena, out, "jid", acc->to.bare);
    element_set(&acc->arena, out, "affiliation", STR("owner"));
}

static enum verdict tell_people(struct acc *acc, struct session *session,
                                struct pep_request *request)
{
    (void)session;
    if (!request->node)
        return pep_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *pubsub = element_add(&acc->arena, result, NS_PUBSUB_OWNER, "pubsub");
    struct element *list =
        element_add(&acc->arena, pubsub, NS_PUBSUB_OWNER, request->action->element);
    bool subscriptions = strcmp(request->action->element, "subscriptions") == 0;
    struct str people = request->node->settings.people;
    struct pep_person person;
    element_set(&acc->arena, list, "node", request->name);
    if (!subscriptions)
        add_owner(acc, list);
    while (pep_person_next(&people, &person))
        add_person(acc, list, subscriptions, &person);
    effect_answer(acc, result);
    return HOOK_STOP;
}

/* The owner stays the owner, and nobody else becomes one. */
static bool set_affiliation(const struct acc *acc, const struct jid *jid,
                            const struct element *change, struct pep_person *person)
{
    return !jid->resource.len && !str_eq(jid->bare, acc->to.bare) &&
           pep_affiliation_read(element_attr(change, "affiliation"), &person->affiliation);
}

static bool set_subscription(const struct element *change, struct pep_person *person)
{
    struct str wanted = element_attr(change, "subscription");
    person->subscribed = str_is(wanted, "subscribed");
    person->pending = false;
    return person->subscribed || str_is(wanted, "none");
}

/* .at NULL: refused. */
static struct str change_one(struct acc *acc, const struct element *change, struct str people)
{
    struct jid jid;
    bool good = !jid_parse(&acc->arena, element_attr(change, "jid"), &jid);
    struct pep_person person = {0};
    if (good)
        person = pep_person_find(people, jid.full);
    if (good && element_is(change, NS_PUBSUB_OWNER, "affiliation"))
        good = set_affiliation(acc, &jid, change, &person);
    else if (good)
        good = element_is(change, NS_PUBSUB_OWNER, "subscription") &&
               set_subscription(change, &person);
    if (!good) {
        pep_refuse(acc, STANZA_NOT_ACCEPTABLE, NULL);
        return (struct str){NULL, 0};
    }
    people = pep_person_put(&acc->arena, people, &person);
    if (!people.at)
        too_many(acc);
    return people;
}

/* 8.8.4: whose subscription the owner has set is told. */
static void tell_change(struct acc *acc, const struct pep_request *request,
                        const struct element *change)
{
    struct jid jid;
    if (jid_parse(&acc->arena, element_attr(change, "jid"), &jid) || !request->node ||
        str_eq(jid.bare, acc->to.bare))
        return;
    struct pep_person person = pep_person_find(request->node->settings.people, jid.full);
    pep_tell_subscriber(acc, request->name, &person);
}

static enum verdict after_people(struct acc *acc, struct session *session)
{
    const struct pep_request *request = pep_request_again(acc);
    bool told = acc->answer->outcome == ERR_OK && str_is(request->what->name, "subscriptions");
    const struct element *change = told ? element_first(request->what) : NULL;
    for (; change; change = element_next(change))
        tell_change(acc, request, change);
    return after_change(acc, session);
}

static enum verdict set_people(struct acc *acc, struct session *session,
                               struct pep_request *request)
{
    if (!request->node)
        return pep_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    struct str people = request->node->settings.people;
    const struct element *change = element_first(request->what);
    if (!change)
        return pep_refuse(acc, STANZA_BAD_REQUEST, NULL);
    for (; change; change = element_next(change)) {
        people = change_one(acc, change, people);
        if (!people.at)
            return HOOK_STOP;
    }
    return pep_write(acc, session, pep_people_op(&acc->to, request->node, people), NULL,
                     after_people);
}

const struct pep_action pep_people_actions[] = {
    {NS_PUBSUB, TYPE_SET, "subscribe", false, false, subscribe},
    {NS_PUBSUB, TYPE_SET, "unsubscribe", false, false, unsubscribe},
    {NS_PUBSUB, TYPE_GET, "subscriptions", false, true, tell_own},
    {NS_PUBSUB, TYPE_GET, "affiliations", false, true, tell_own},
    {NS_PUBSUB_OWNER, TYPE_GET, "subscriptions", true, false, tell_people},
    {NS_PUBSUB_OWNER, TYPE_GET, "affiliations", true, false, tell_people},
    {NS_PUBSUB_OWNER, TYPE_SET, "subscriptions", true, false, set_people},
    {NS_PUBSUB_OWNER, TYPE_SET, "affiliations", true, false, set_people},
    {0},
};
