#include "removal.h"

#include "limits.h"
#include "log.h"

/* The first wait lets batches that were under way be written, or they would come too late. A start
 * is busy with other things. */
enum { FIRST_MS = 1000, START_MS = 10000, RETRY_MS = 60000 };

static struct metric steps = {"removal_steps_total",
                              "Bounded parts of removals of archives and domains done.",
                              METRIC_COUNTER, 0};
static struct metric failed = {"removal_failures_total",
                               "Times that a removal could not go on; tried again a minute later.",
                               METRIC_COUNTER, 0};

struct metric *const removal_metrics[] = {&steps, &failed, NULL};

bool removal_follows(const struct store_op *op)
{
    return op->kind == STORE_ACCOUNT_REMOVE || op->kind == STORE_DOMAIN_REMOVE ||
           op->kind == STORE_DOMAIN_RETAIN || op->kind == STORE_MAM_REMOVE;
}

static void on_timer(struct timer *timer);

static void on_done(struct store_op *op)
{
    struct removal *removal = op->owner;
    removal->op = NULL;
    if (op->outcome) {
        metric_count(&failed);
        LOG(LOG_WARNING, "removal_failed", LF("why", err_name(op->outcome)));
        shard_after(&removal->timer, RETRY_MS, on_timer);
    } else {
        metric_count(&steps);
        if (op->removal.left || removal->again)
            shard_after(&removal->timer, LIMIT_REMOVAL_PAUSE, on_timer);
    }
}

static void on_timer(struct timer *timer)
{
    struct removal *removal = LIST_OWNER(timer, struct removal, timer);
    removal->op = store_op_new(STORE_REMOVAL_STEP, on_done, removal);
    removal->again = false;
    removal->op->removal.rows = LIMIT_REMOVAL_ROWS;
    store_ask(removal->op, 0);
}

void removal_start(struct removal *removal)
{
    shard_after(&removal->timer, START_MS, on_timer);
}

void removal_soon(struct removal *removal)
{
    removal->again = true;
    if (!removal->op && !timer_is_set(&removal->timer))
        shard_after(&removal->timer, FIRST_MS, on_timer);
}

void removal_stop(struct removal *removal)
{
    shard_drop(&removal->timer);
    if (removal->op)
        store_revoke(removal->op);
    removal->op = NULL;
}
