#include "health.h"

#include "core.h"
#include "mem.h"
#include "status.h"

enum { DEADLINE_MS = 1000 };

struct health {
    struct link link; /* of all under way */
    struct timer deadline;
    health_fn *done; /* NULL: answered, or revoked */
    void *owner;
};

static struct link under_way;

static void health_free(struct health *health)
{
    list_drop(&health->link);
    mem_free(health);
}

static void answer(struct health *health, struct buf *reasons)
{
    health_fn *done = health->done;
    health->done = NULL;
    if (core_is_draining())
        buf_push_str(reasons, STR("draining\n"));
    if (done)
        done(health->owner, reasons);
    buf_fini(reasons);
}

static void on_gathered(struct gather *gather)
{
    struct health *health = gather->own;
    struct buf reasons = {0};
    shard_drop(&health->deadline);
    status_storage_ready(gather, &reasons);
    answer(health, &reasons);
    health_free(health);
}

/* The gather still holds it, and frees it if that shard comes back. */
static void on_deadline(struct timer *timer)
{
    struct health *health = LIST_OWNER(timer, struct health, deadline);
    struct buf reasons = {0};
    buf_push_str(&reasons, STR("a shard does not answer\n"));
    answer(health, &reasons);
}

struct health *health_ask(health_fn *done, void *owner)
{
    struct health *health = mem_zalloc(sizeof *health);
    if (!under_way.next)
        list_init(&under_way);
    list_push(&under_way, &health->link);
    health->done = done;
    health->owner = owner;
    shard_after(&health->deadline, DEADLINE_MS, on_deadline);
    gather_start(GATHER_ALL, status_each, on_gathered, NULL, health);
    return health;
}

void health_revoke(struct health *health)
{
    health->done = NULL;
}

void health_sweep(void)
{
    while (under_way.next && !list_empty(&under_way))
        health_free(LIST_OWNER(under_way.next, struct health, link));
}
