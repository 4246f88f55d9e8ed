/* Message Carbons (XEP-0280) by the rules of urn:xmpp:carbons:rules:0. */
#include "module.h"

extern const struct module module_carbons;

#define NS_CONFERENCE "jabber:x:conference"

struct carbons {
    bool enabled;
};

static struct metric sent = {"carbons_sent_total", "Copies of messages that other resources sent.",
                             METRIC_COUNTER, 0};
static struct metric received = {"carbons_received_total",
                                 "Copies of messages that other resources got.", METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&sent, &received, NULL};

/* --- Which messages (XEP-0280 6.1) --- */

static bool has(const struct element *message, enum ns ns, const char *name)
{
    return element_child(message, ns, name) != NULL;
}

static bool is_invitation(const struct element *message)
{
    const struct element *x = element_child(message, NS_MUC_USER, "x");
    if (x && has(x, NS_MUC_USER, "invite"))
        return true;
    for (x = element_first(message); x; x = element_next(x))
        if (str_is(x->ns_uri, NS_CONFERENCE) && str_is(x->name, "x"))
            return true;
    return false;
}

/* What people say to each other, whatever the type. An error brings what it answers. */
static bool has_content(const struct element *message)
{
    return has(message, NS_CLIENT, "body") || has(message, NS_RECEIPTS, NULL) ||
           has(message, NS_CHATSTATES, NULL) || has(message, NS_MARKERS, NULL) ||
           is_invitation(message);
}

/* A copy is not copied again, and what its sender wants to be for one resource stays there. */
static bool is_kept_private(const struct element *message)
{
    return has(message, NS_CARBONS, NULL) || has(message, NS_HINTS, "no-copy");
}

static bool is_eligible(const struct acc *acc)
{
    if (acc->kind != STANZA_MESSAGE || is_kept_private(acc->element))
        return false;
    if (acc->type == TYPE_CHAT)
        return true;
    return (acc->type == TYPE_NORMAL || acc->type == TYPE_ERROR) && has_content(acc->element);
}

/* From an occupant of a room to one who is there: each resource joins by itself. */
static bool is_private_of_room(const struct element *message)
{
    return has(message, NS_MUC_USER, "x") && !is_invitation(message);
}

/* --- Copies --- */

/* True for what wrap() makes: clients cannot send it, since their `from` is a full JID. */
static bool is_carbon(const struct acc *acc)
{
    return acc->kind == STANZA_MESSAGE && str_eq(acc->from.full, acc->to.bare) &&
           (has(acc->element, NS_CARBONS, "sent") || has(acc->element, NS_CARBONS, "received"));
}

static struct element *wrap(struct acc *acc, const struct session *to, const char *direction)
{
    struct element *copy = element_new(&acc->arena, NS_CLIENT, "message");
    struct str type = element_attr(acc->element, "type");
    element_set(&acc->arena, copy, "from", jid_bare(&to->jid).full);
    element_set(&acc->arena, copy, "to", to->jid.full);
    if (type.at)
        element_set(&acc->arena, copy, "type", type);
    struct element *wrapper = element_add(&acc->arena, copy, NS_CARBONS, direction);
    struct element *forwarded = element_add(&acc->arena, wrapper, NS_FORWARD, "forwarded");
    element_push(forwarded, element_copy(&acc->arena, acc->element));
    return copy;
}

static bool wants_copies(struct session *session)
{
    const struct carbons *carbons = session_slot(session, &module_carbons);
    return carbons->enabled;
}

/* The user's other resources hear of what this one says. What it says to its own account they get,
 * or a copy of, on the way in. */
static enum verdict on_sent(struct acc *acc, struct session *session)
{
    if (!is_eligible(acc) || !session->user || str_eq(acc->to.bare, acc->from.bare))
        return HOOK_OK;
    LIST_EACH (&session->user->sessions, link) {
        struct session *other = LIST_OWNER(link, struct session, user_link);
        if (other == session || !wants_copies(other))
            continue;
        effect_route(acc, wrap(acc, other, "sent"));
        metric_count(&sent);
    }
    return HOOK_OK;
}

/* Whether the router is going to give the message to this session; `target`: who has its full JID,
 * or NULL. */
static bool gets_it(const struct session *session, const struct session *target)
{
    return target ? session == target : session_takes_bare(session);
}

static bool somebody_gets_it(const struct user *user, const struct session *target)
{
    LIST_EACH ((struct link *)&user->sessions, link)
        if (gets_it(LIST_OWNER(link, struct session, user_link), target))
            return true;
    return false;
}

static void copy_received(struct acc *acc, struct user *user, const struct session *target)
{
    LIST_EACH (&user->sessions, link) {
        struct session *other = LIST_OWNER(link, struct session, user_link);
        if (gets_it(other, target) || !wants_copies(other) ||
            str_eq(other->jid.full, acc->from.full))
            continue;
        delivery_share(acc, effect_route(acc, wrap(acc, other, "received")));
        metric_count(&received);
    }
}

/* A copy is for one resource, which is gone. It was rerouted when no other session has the message
 * or will get it (delivery.h): then the message itself goes on. */
static enum verdict lost_copy(struct acc *acc)
{
    const struct element *inside = element_child(acc->element, NS_CARBONS, "received");
    if (inside)
        inside = element_child(inside, NS_FORWARD, "forwarded");
    if (inside && acc->rerouted)
        effect_route(acc, element_child(inside, NS_CLIENT, "message"))->rerouted = true;
    return HOOK_STOP;
}

static enum verdict on_received(struct acc *acc, struct session *session)
{
    (void)session;
    struct session *target = acc->to.resource.len ? users_session(&acc->to) : NULL;
    if (is_carbon(acc))
        return target ? HOOK_OK : lost_copy(acc);
    struct user *user = is_eligible(acc) ? users_find(&acc->to) : NULL;
    if (user && !is_private_of_room(acc->element) && somebody_gets_it(user, target))
        copy_received(acc, user, target);
    return HOOK_OK;
}

/* --- Asking for them (XEP-0280 4, 5) --- */

static enum verdict set_enabled(struct acc *acc, struct session *session, bool enabled)
{
    if (!session || !str_eq(acc->to.bare, acc->from.bare))
        return HOOK_OK; /* somebody else's account: service-unavailable */
    struct carbons *carbons = session_slot(session, &module_carbons);
    carbons->enabled = enabled;
    effect_answer(acc, NULL);
    return HOOK_STOP;
}

static enum verdict on_enable(struct acc *acc, struct session *session)
{
    return set_enabled(acc, session, true);
}

static enum verdict on_disable(struct acc *acc, struct session *session)
{
    return set_enabled(acc, session, false);
}

static const struct hook hooks[] = {
    {.at = HOOK_user_send_message, .run = on_sent, .after = "amp, blocking, inbox, mam, privacy"},
    {.at = HOOK_filter_local_packet, .run = on_received, .after = "blocking, inbox, mam, privacy"},
    {0},
};

static const struct iq_handler iqs[] = {
    {NS_CARBONS, "enable", IQ_ACCOUNT, TYPE_SET, on_enable},
    {NS_CARBONS, "disable", IQ_ACCOUNT, TYPE_SET, on_disable},
    {0},
};

static const struct feature features[] = {
    {IQ_HOST, "urn:xmpp:carbons:2"}, {IQ_HOST, "urn:xmpp:carbons:rules:0"}, {0}};

const struct module module_carbons = {
    .name = "carbons",
    .xep = "XEP-0280",
    .hooks = hooks,
    .iqs = iqs,
    .features = features,
    .metrics = metrics,
    .session_size = sizeof(struct carbons),
};
