#include "router.h"

#include "caps.h"
#include "core.h"
#include "delivery.h"
#include "effect.h"
#include "host.h"
#include "iq.h"
#include "order.h"
#include "service.h"
#include "session.h"
#include "users.h"

static struct metric local = {"routed_local_total", "Stanzas for the shard they came from.",
                              METRIC_COUNTER, 0};
static struct metric across = {"routed_across_total", "Stanzas for another shard.", METRIC_COUNTER,
                               0};
static struct metric delivered = {"delivered_total", "Stanzas given to sessions.", METRIC_COUNTER,
                                  0};
static struct metric bounced = {"bounced_total", "Stanzas answered with an error.", METRIC_COUNTER,
                                0};
static struct metric dropped = {"dropped_total", "Stanzas that have no answer and nowhere to go.",
                                METRIC_COUNTER, 0};

struct metric *const router_metrics[] = {&local, &across, &delivered, &bounced, &dropped, NULL};

static void drop(struct acc *acc)
{
    metric_count(&dropped);
    acc_free(acc);
}

void router_bounce(struct acc *acc, enum stanza_error error, const char *text)
{
    bool silent = acc->kind == STANZA_NONE || acc->kind == STANZA_PRESENCE || acc->room_copy ||
                  acc->type == TYPE_ERROR || acc->type == TYPE_RESULT;
    if (acc->order)
        order_refuse(acc->order, error, text);
    if (silent || acc->order || acc->from.full.len == 0) {
        drop(acc);
        return;
    }
    metric_count(&bounced);
    delivery_leave(&acc->delivery); /* which stays on this shard */
    struct jid from = acc->from;
    acc->stanza_id = 0;
    acc_set(acc, stanza_error(&acc->arena, acc->element, error, text));
    acc->from = acc->to;
    acc->to = from;
    router_route(acc, NULL);
}

/* --- At home: RFC 6121 section 8.5 --- */

static void deliver(struct session *session, struct acc *acc)
{
    metric_count(&delivered);
    session_receive(session, acc);
}

static void after_offline(struct acc *acc, struct session *session, enum verdict verdict)
{
    (void)session;
    if (verdict == HOOK_STOP)
        acc_free(acc);
    else if (acc->type == TYPE_GROUPCHAT)
        drop(acc);
    else
        router_bounce(acc, STANZA_SERVICE_UNAVAILABLE, NULL);
}

static bool takes_bare(const struct session *session, const struct acc *acc)
{
    return acc->kind == STANZA_PRESENCE ? session->available : session_takes_bare(session);
}

/* To every session that takes it; the last one gets the accumulator itself. True: it is gone. */
static bool deliver_to_all(struct user *user, struct acc *acc)
{
    struct session *last = NULL;
    LIST_EACH_SAFE (&user->sessions, link) {
        struct session *session = LIST_OWNER(link, struct session, user_link);
        if (!takes_bare(session, acc))
            continue;
        if (last) {
            struct acc *copy = acc_copy(acc);
            delivery_share(acc, copy);
            deliver(last, copy);
        }
        last = session;
    }
    if (last)
        deliver(last, acc);
    return last != NULL;
}

/* XEP-0163 4.3.2: those of the user's clients that want news of the node, each under its full JID.
 * Which clients those are is known here only. */
static void deliver_news(struct acc *acc)
{
    struct user *user = users_find(&acc->to);
    for (struct link *link = user ? user->sessions.next : NULL, *next;
         link && link != &user->sessions; link = next) {
        struct session *session = LIST_OWNER(link, struct session, user_link);
        next = link->next;
        if (!session->available || !caps_wants(session, acc->news_of))
            continue;
        struct acc *copy = acc_copy(acc);
        const struct jid *to = &session->jid;
        jid_make(&copy->arena, to->user, to->domain, to->resource, &copy->to);
        element_set(&copy->arena, copy->element, "to", copy->to.full);
        deliver(session, copy);
    }
    acc_free(acc);
}

/* RFC 6121 8.5.2: the bare JID, or chat and normal for a resource that is not there. */
static void message_to_bare(struct acc *acc)
{
    struct user *user = users_find(&acc->to);
    if (acc->type == TYPE_GROUPCHAT && !acc->room_copy && !acc->rerouted) {
        router_bounce(acc, STANZA_SERVICE_UNAVAILABLE, NULL);
        return;
    }
    if (acc->type == TYPE_ERROR) {
        drop(acc);
        return;
    }
    if (user && deliver_to_all(user, acc))
        return;
    if (acc->type == TYPE_HEADLINE)
        drop(acc);
    else
        hook_chain(HOOK_offline_message, acc, NULL, after_offline);
}

static void presence_to_bare(struct acc *acc)
{
    struct user *user = users_find(&acc->to);
    bool for_clients = acc->type != TYPE_PROBE && acc->type != TYPE_ERROR;
    if (!for_clients || !user || !deliver_to_all(user, acc))
        drop(acc);
}

static void iq_to_account(struct acc *acc)
{
    if (acc->type == TYPE_GET || acc->type == TYPE_SET)
        iq_answer(acc, IQ_ACCOUNT, users_session(&acc->from));
    else
        drop(acc);
}

static void to_bare(struct acc *acc)
{
    if (acc->kind == STANZA_MESSAGE)
        message_to_bare(acc);
    else if (acc->kind == STANZA_PRESENCE)
        presence_to_bare(acc);
    else
        iq_to_account(acc);
}

/* RFC 6121 8.5.3.2: nobody is bound to this resource. */
static void no_such_resource(struct acc *acc)
{
    if (acc->for_resource)
        drop(acc);
    else if (acc->kind == STANZA_MESSAGE && (acc->type == TYPE_CHAT || acc->type == TYPE_NORMAL))
        message_to_bare(acc);
    else if (acc->kind == STANZA_IQ)
        router_bounce(acc, STANZA_SERVICE_UNAVAILABLE, NULL);
    else
        drop(acc);
}

static void after_filter(struct acc *acc, struct session *session, enum verdict verdict)
{
    (void)session;
    if (verdict != HOOK_OK) {
        acc_free(acc);
        return;
    }
    if (acc->news_of.len) {
        deliver_news(acc);
        return;
    }
    if (acc->to.resource.len == 0) {
        to_bare(acc);
        return;
    }
    struct session *target = users_session(&acc->to);
    if (target)
        deliver(target, acc);
    else
        no_such_resource(acc);
}

static void at_home(struct mail *mail)
{
    struct acc *acc = LIST_OWNER(mail, struct acc, mail);
    if (!core_self()) { /* the shard has stopped, and the process is about to end */
        acc_free(acc);
        return;
    }
    hook_chain(HOOK_filter_local_packet, acc, NULL, after_filter);
}

/* --- On the way --- */

/* The server itself is addressed: answered on the sender's shard. */
static void to_host(struct acc *acc, struct session *session)
{
    if (acc->kind == STANZA_IQ && (acc->type == TYPE_GET || acc->type == TYPE_SET))
        iq_answer(acc, IQ_HOST, session);
    else if (acc->kind == STANZA_MESSAGE)
        router_bounce(acc, STANZA_SERVICE_UNAVAILABLE, NULL);
    else
        drop(acc);
}

void router_route(struct acc *acc, struct session *session)
{
    struct host *host = host_find(acc->to.domain);
    if (!host && (acc->service = service_find(acc->to.domain, &acc->host))) {
        service_route(acc, session);
        return;
    }
    if (!host) {
        router_bounce(acc, STANZA_REMOTE_SERVER_NOT_FOUND, NULL);
        return;
    }
    acc->host = host;
    if (acc->to.user.len == 0) {
        to_host(acc, session);
        return;
    }
    unsigned target = shard_of(acc->to.bare_hash);
    metric_count(target == shard_self->id ? &local : &across);
    acc->mail.run = at_home;
    mail_send(target, &acc->mail);
    if (session)
        session_mind_lane(session, target);
}

void router_reroute(struct acc *acc)
{
    acc->rerouted = true;
    if (delivery_leave(&acc->delivery))
        router_route(acc, NULL);
    else
        drop(acc);
}

void router_offline(struct acc *acc)
{
    acc->rerouted = true;
    if (delivery_leave(&acc->delivery))
        hook_chain(HOOK_offline_message, acc, NULL, after_offline);
    else
        drop(acc);
}
