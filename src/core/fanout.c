#include "fanout.h"

#include "host.h"
#include "limits.h"
#include "metric.h"
#include "router.h"

static struct metric copies = {"fanout_copies_total", "Copies of a room's stanzas sent.",
                               METRIC_COUNTER, 0};
static struct metric pauses = {"fanout_pauses_total",
                               "Turns in which a room's stanza was not yet sent to all.",
                               METRIC_COUNTER, 0};

struct metric *const fanout_metrics[] = {&copies, &pauses, NULL};

static struct str shared_of(const struct fanout *fanout)
{
    return fanout->shared ? blob_str(fanout->shared) : (struct str){NULL, 0};
}

static void send_to(const struct fanout *fanout, const struct jid *recipient)
{
    struct acc *copy = acc_new();
    const struct jid *from = &fanout->from;
    acc_set(copy, element_copy_sharing(&copy->arena, fanout->stanza, shared_of(fanout)));
    copy->shared = fanout->shared ? blob_ref(fanout->shared) : NULL;
    jid_make(&copy->arena, from->user, from->domain, from->resource, &copy->from);
    jid_make(&copy->arena, recipient->user, recipient->domain, STR(""), &copy->to);
    element_set(&copy->arena, copy->element, "to", copy->to.full);
    if (fanout->fill)
        fanout->fill(copy);
    copy->host = fanout->host;
    copy->room_copy = true;
    copy->room_id = fanout->room_id;
    metric_count(&copies);
    router_route(copy, NULL);
}

/* --- What is the same for all --- */

/* Of the homes' handlers, csi looks whether there is a body (without, the stanza may wait), amp at
 * its rules, offline for how long it may wait. What they need not see is written once. */
static bool is_opaque(const struct element *stanza)
{
    return element_child(stanza, NS_CLIENT, "body") && !element_child(stanza, NS_AMP, NULL) &&
           !element_child(stanza, NS_EXPIRE, NULL);
}

static struct element *share(struct fanout *fanout)
{
    struct element *outside = element_shallow(&fanout->arena, fanout->stanza);
    struct buf xml = {0};
    element_write_inside(&xml, fanout->stanza);
    fanout->shared = blob_new(buf_str(&xml));
    buf_fini(&xml);
    element_add_xml(&fanout->arena, outside, blob_str(fanout->shared));
    return outside;
}

/* The stanza's tree and sender lie in the accumulator of a journey that is about to end. */
static void keep(struct fanout *fanout)
{
    const struct jid from = fanout->from;
    arena_init(&fanout->arena);
    jid_make(&fanout->arena, from.user, from.domain, from.resource, &fanout->from);
    fanout->stanza =
        is_opaque(fanout->stanza) ? share(fanout) : element_copy(&fanout->arena, fanout->stanza);
}

static void give_back(struct fanout *fanout)
{
    blob_unref(&fanout->shared);
    arena_fini(&fanout->arena);
}

/* --- Turns --- */

static void go_on(struct task *task)
{
    struct fanout *fanout = LIST_OWNER(task, struct fanout, task);
    bool crowded = false;
    for (unsigned i = 0; i < LIMIT_FANOUT_TURN && fanout->next < fanout->count && !crowded; i++) {
        const struct jid *recipient = &fanout->recipients[fanout->next++];
        send_to(fanout, recipient);
        crowded = mail_crowded(shard_of(recipient->bare_hash));
    }
    if (fanout->next == fanout->count) {
        give_back(fanout);
        fanout->done(fanout);
        return;
    }
    metric_count(&pauses);
    if (crowded)
        shard_uncrowded(&fanout->task);
    else
        shard_soon(&fanout->task);
}

void fanout_start(struct fanout *fanout)
{
    fanout->next = 0;
    fanout->task.run = go_on;
    keep(fanout);
    go_on(&fanout->task);
}

void fanout_drop(struct fanout *fanout)
{
    task_drop(&fanout->task);
    give_back(fanout);
}
