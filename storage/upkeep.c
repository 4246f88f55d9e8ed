#include "upkeep.h"

#include "limits.h"
#include "log.h"
#include "stanza_id.h"

enum { AGAIN_MS = 1000, RETRY_MS = 60000 };

static struct metric made = {"archive_partitions_made_total", "Partitions of the archive made.",
                             METRIC_COUNTER, 0};
static struct metric dropped = {"archive_dropped_total",
                                "What was dropped from the archive because of its age: messages "
                                "(PostgreSQL: partitions).",
                                METRIC_COUNTER, 0};
static struct metric failed = {"archive_upkeep_failures_total",
                               "Times that the archive could not be looked after.", METRIC_COUNTER,
                               0};

struct metric *const upkeep_metrics[] = {&made, &dropped, &failed, NULL};

static void on_timer(struct timer *timer);

static uint64_t next_ms(const struct store_op *op)
{
    if (op->outcome)
        return RETRY_MS;
    return op->upkeep.dropped >= LIMIT_UPKEEP_ROWS ? AGAIN_MS : LIMIT_UPKEEP_EVERY;
}

static void on_done(struct store_op *op)
{
    struct upkeep *upkeep = op->owner;
    upkeep->op = NULL;
    if (op->outcome) {
        metric_count(&failed);
        LOG(LOG_WARNING, "archive_upkeep_failed", LF("why", err_name(op->outcome)));
    } else {
        metric_add(&made, (int64_t)op->upkeep.made);
        metric_add(&dropped, (int64_t)op->upkeep.dropped);
    }
    shard_after(&upkeep->timer, next_ms(op), on_timer);
}

static void on_timer(struct timer *timer)
{
    struct upkeep *upkeep = LIST_OWNER(timer, struct upkeep, timer);
    struct store_op *op = store_op_new(STORE_UPKEEP, on_done, upkeep);
    uint64_t now_us = clock_unix_us();
    op->upkeep.at = stanza_id_at(now_us);
    op->upkeep.partition_us = upkeep->partition_us;
    if (upkeep->retention_us)
        op->upkeep.keep = stanza_id_at(now_us - upkeep->retention_us);
    upkeep->op = op;
    store_ask(op, 0);
}

void upkeep_start(struct upkeep *upkeep, const struct store_config *config)
{
    upkeep->partition_us = config->partition_ms * 1000;
    upkeep->retention_us = config->retention_ms * 1000;
    shard_after(&upkeep->timer, upkeep->retention_us ? AGAIN_MS : LIMIT_UPKEEP_EVERY, on_timer);
}

void upkeep_stop(struct upkeep *upkeep)
{
    shard_drop(&upkeep->timer);
    if (upkeep->op)
        store_revoke(upkeep->op);
    upkeep->op = NULL;
}
