#include "fanout.h"

#include "host.h"
#include "limits.h"
#include "mem.h"
#include "metric.h"
#include "router.h"

static struct metric copies = {"fanout_copies_total", "Copies of a room's stanzas sent.",
                               METRIC_COUNTER, 0};
static struct metric pauses = {"fanout_pauses_total",
                               "Turns in which a room's stanza was not yet sent to all.",
                               METRIC_COUNTER, 0};

struct metric *const fanout_metrics[] = {&copies, &pauses, NULL};

static void send_to(const struct fanout *fanout, const struct jid *recipient)
{
    struct acc *copy = acc_new();
    const struct jid *from = &fanout->from;
    acc_set(copy, element_copy(&copy->arena, fanout->stanza));
    jid_make(&copy->arena, from->user, from->domain, from->resource, &copy->from);
    jid_make(&copy->arena, recipient->user, recipient->domain, STR(""), &copy->to);
    element_set(&copy->arena, copy->element, "to", copy->to.full);
    copy->host = fanout->host;
    copy->room_copy = true;
    metric_count(&copies);
    router_route(copy, NULL);
}

/* The stanza's tree and sender lie in the accumulator of a journey that is about to end. */
static void keep(struct fanout *fanout)
{
    const struct jid from = fanout->from;
    if (fanout->kept)
        return;
    fanout->kept = true;
    arena_init(&fanout->arena);
    fanout->stanza = element_copy(&fanout->arena, fanout->stanza);
    jid_make(&fanout->arena, from.user, from.domain, from.resource, &fanout->from);
}

static void give_back(struct fanout *fanout)
{
    if (fanout->kept)
        arena_fini(&fanout->arena);
    fanout->kept = false;
}

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
    keep(fanout);
    metric_count(&pauses);
    if (crowded)
        shard_uncrowded(&fanout->task);
    else
        shard_soon(&fanout->task);
}

void fanout_start(struct fanout *fanout)
{
    fanout->next = 0;
    fanout->kept = false;
    fanout->task.run = go_on;
    go_on(&fanout->task);
}

void fanout_drop(struct fanout *fanout)
{
    task_drop(&fanout->task);
    give_back(fanout);
}
