#include "batch.h"

#include "check.h"
#include "limits.h"
#include "log.h"
#include "map.h"

#include <stdatomic.h>

enum { RETRY_MIN_MS = 50, RETRY_MAX_MS = 1000 };

static struct metric commits = {"batch_commits_total", "Batches of messages written.",
                                METRIC_COUNTER, 0};
static struct metric messages = {"batch_messages_total", "Messages written in batches.",
                                 METRIC_COUNTER, 0};
static struct metric repeated = {"batch_repeated_total",
                                 "Messages that were stored before, or that nobody wanted kept.",
                                 METRIC_COUNTER, 0};
static struct metric retries = {"batch_retries_total",
                                "Batches tried again because the database was down or full.",
                                METRIC_COUNTER, 0};
static struct metric splits = {"batch_splits_total", "Batches cut in halves to find a spoiler.",
                               METRIC_COUNTER, 0};
static struct metric refused = {"batch_refused_total", "Messages that the database refused.",
                                METRIC_COUNTER, 0};
static struct metric lost = {"batch_lost_total", "Messages unwritten when the server stopped.",
                             METRIC_COUNTER, 0};
static struct metric waiting = {"batch_waiting", "Messages that are not committed yet.",
                                METRIC_GAUGE, 0};
static struct metric oldest_ms = {"batch_oldest_milliseconds",
                                  "How long the oldest message that is not committed has waited, "
                                  "when the batch writer last looked.",
                                  METRIC_GAUGE, 0};

static const uint64_t times[] = {500,    1000,   2000,   5000,    10000,   20000,   50000,
                                 100000, 200000, 500000, 1000000, 2000000, 5000000, 10000000};
static struct histogram commit_us = {
    {"batch_commit_microseconds", "Time from sending a batch to its commit.", METRIC_HISTOGRAM, 0},
    times,
    COUNT_OF(times)};
static const uint64_t counts[] = {1, 2, 5, 10, 20, 50, 100, 200, 500};
static struct histogram sizes = {
    {"batch_size", "Messages in a batch that was committed.", METRIC_HISTOGRAM, 0},
    counts,
    COUNT_OF(counts)};

struct metric *const batch_metrics[] = {&commits,          &messages,     &repeated,  &retries,
                                        &splits,           &refused,      &lost,      &waiting,
                                        &commit_us.metric, &sizes.metric, &oldest_ms, NULL};

/* What each shard has not written, for pages asked on other shards: written by its shard, read by
 * all. Three words instead of mail there and back, since a page needs the answer of every shard; it
 * was published before the message went to another shard, which orders it before. A bit of `owners`
 * stands for all users with that hash. */
static struct {
    _Alignas(128) atomic_uint_fast64_t oldest; /* its id, 0: none */
    atomic_uint_fast64_t newest;
    atomic_uint_fast64_t owners;
} unwritten[LIMIT_BATCH_SHARDS];

uint64_t batch_owner(struct str owner)
{
    return 1ull << (map_hash(owner) & 63);
}

uint64_t batch_newest(uint64_t owners)
{
    uint64_t newest = 0;
    for (unsigned i = 0; i < shard_count; i++) {
        uint64_t id = atomic_load_explicit(&unwritten[i].newest, memory_order_acquire);
        uint64_t theirs = atomic_load_explicit(&unwritten[i].owners, memory_order_acquire);
        if (id > newest && (owners & theirs))
            newest = id;
    }
    return newest;
}

bool batch_has_written(uint64_t owners, uint64_t id)
{
    for (unsigned i = 0; i < shard_count; i++) {
        uint64_t oldest = atomic_load_explicit(&unwritten[i].oldest, memory_order_acquire);
        uint64_t theirs = atomic_load_explicit(&unwritten[i].owners, memory_order_acquire);
        if (oldest && oldest <= id && (owners & theirs))
            return false;
    }
    return true;
}

static struct store_op *op_of(struct link *link)
{
    return LIST_OWNER(link, struct store_op, batch_link);
}

static uint64_t bits_of(const struct store_op *op)
{
    uint64_t bits = batch_owner(op->message.recipient);
    if (!op->message.rest)
        bits |= batch_owner(op->message.sender);
    for (size_t i = 0; i < op->message.party_count; i++)
        bits |= batch_owner(op->message.parties[i].bare);
    return bits;
}

static const struct store_op *oldest_of(const struct batch *batch)
{
    if (batch->flight)
        return batch->flight->batch.ops[0];
    return list_empty(&batch->waiting) ? NULL : op_of(batch->waiting.next);
}

static const struct store_op *newest_of(const struct batch *batch)
{
    const struct store_op *flight = batch->flight;
    if (!list_empty(&batch->waiting))
        return op_of(batch->waiting.prev);
    return flight ? flight->batch.ops[flight->batch.count - 1] : NULL;
}

static void publish(struct batch *batch)
{
    const struct store_op *first = oldest_of(batch), *last = newest_of(batch);
    uint64_t oldest = first ? first->message.id : 0, newest = last ? last->message.id : 0;
    unsigned at = batch->shard->id;
    metric_set(&oldest_ms, first ? (int64_t)(batch->shard->now_us - first->asked_us) / 1000 : 0);
    atomic_store_explicit(&unwritten[at].newest, newest, memory_order_release);
    atomic_store_explicit(&unwritten[at].owners, batch->own_bits, memory_order_release);
    atomic_store_explicit(&unwritten[at].oldest, oldest, memory_order_release);
}

static void publish_anew(struct batch *batch)
{
    batch->own_bits = 0;
    LIST_EACH (&batch->waiting, link)
        batch->own_bits |= op_of(link)->batch_bits;
    publish(batch);
}

/* --- Sending --- */

static void on_timer(struct timer *timer);

/* So many that the group has room for, and for all their inboxes. */
static size_t group_count(const struct batch *batch)
{
    size_t count = 0, inboxes = 0;
    LIST_EACH ((struct link *)&batch->waiting, link) {
        inboxes += op_of(link)->message.party_count;
        if (count == batch->group || (count && inboxes > STORE_BATCH_INBOXES))
            break;
        count++;
    }
    return count;
}

static struct store_op *take_group(struct batch *batch)
{
    size_t count = group_count(batch);
    struct store_op *op = store_op_new(STORE_MAM_BATCH, NULL, NULL);
    op->batch.ops = arena_take(&op->arena, count * sizeof(struct store_op *));
    op->batch.count = count;
    for (size_t i = 0; i < count; i++)
        op->batch.ops[i] = op_of(list_pop(&batch->waiting));
    batch->waiting_count -= count;
    return op;
}

static void flush(struct batch *batch)
{
    shard_drop(&batch->timer);
    batch->flight = take_group(batch);
    batch->flight->asked_us = batch->first_us = batch->shard->now_us;
    batch->submit(batch->flight);
}

/* Full, or waiting for long enough, or soon. While a batch is in flight, or was refused by a
 * database that is down, its return is waited for. */
static void consider(struct batch *batch)
{
    if (batch->flight || batch->attempts || list_empty(&batch->waiting) || batch->stopping)
        return;
    uint64_t waited_ms = (batch->shard->now_us - batch->first_us) / 1000;
    const struct store_config *config = batch->config;
    if (batch->waiting_count >= config->batch_flush || batch->group < config->batch_group ||
        waited_ms >= config->batch_delay_ms)
        flush(batch);
    else
        shard_after(&batch->timer, config->batch_delay_ms - waited_ms, on_timer);
}

static void on_timer(struct timer *timer)
{
    struct batch *batch = LIST_OWNER(timer, struct batch, timer);
    if (!batch->flight && !list_empty(&batch->waiting))
        flush(batch);
}

size_t batch_room(const struct batch *batch)
{
    return batch_is_full(batch) ? 0 : batch->config->batch_rows - batch->count;
}

bool batch_is_full(const struct batch *batch)
{
    return batch->count >= batch->config->batch_rows || batch->bytes >= batch->config->batch_bytes;
}

void batch_add(struct batch *batch, struct store_op *op)
{
    if (list_empty(&batch->waiting))
        batch->first_us = batch->shard->now_us;
    list_push(&batch->waiting, &op->batch_link);
    op->batch_bytes = op->arena.taken_len;
    batch->waiting_count++;
    batch->count++;
    batch->bytes += op->batch_bytes;
    metric_count(&waiting);
    op->batch_bits = bits_of(op);
    batch->own_bits |= op->batch_bits;
    publish(batch);
    consider(batch);
}

/* --- What came of it --- */

static void finish(struct batch *batch, struct store_op *op, enum err outcome)
{
    batch->count--;
    batch->bytes -= op->batch_bytes;
    metric_add(&waiting, -1);
    store_finish(op, outcome);
}

/* Behind them come those that have waited meanwhile. */
static void put_back(struct batch *batch, const struct store_op *op)
{
    struct link all;
    list_init(&all);
    for (size_t i = 0; i < op->batch.count; i++)
        list_push(&all, &op->batch.ops[i]->batch_link);
    list_move(&all, &batch->waiting);
    list_move(&batch->waiting, &all);
    batch->waiting_count += op->batch.count;
}

/* Half of the delay is by chance: all shards lose their database at the same time. */
static void retry_later(struct batch *batch, const struct store_op *op)
{
    uint64_t delay = RETRY_MAX_MS;
    if (batch->attempts < 6)
        delay = (uint64_t)RETRY_MIN_MS << batch->attempts;
    if (batch->attempts == 0)
        LOG(LOG_WARNING, "batch_retry", LF_INT("messages", op->batch.count),
            LF_INT("waiting", batch->count));
    batch->attempts++;
    metric_count(&retries);
    put_back(batch, op);
    shard_after(&batch->timer, delay / 2 + prng_below(&batch->prng, delay / 2 + 1), on_timer);
}

static void written(struct batch *batch, const struct store_op *op)
{
    if (batch->attempts)
        LOG(LOG_INFO, "batch_recovered", LF_INT("waiting", batch->count));
    batch->attempts = 0;
    batch->group *= 2;
    if (batch->group > batch->config->batch_group)
        batch->group = batch->config->batch_group;
    metric_count(&commits);
    metric_add(&messages, (int64_t)op->batch.stored);
    metric_add(&repeated, (int64_t)op->batch.count - (int64_t)op->batch.stored);
    histogram_add(&commit_us, batch->shard->now_us - op->asked_us);
    histogram_add(&sizes, op->batch.count);
}

static void split(struct batch *batch, const struct store_op *op)
{
    metric_count(&splits);
    batch->attempts = 0;
    batch->group = op->batch.count / 2;
    put_back(batch, op);
}

static void refuse(struct batch *batch, const struct store_op *op, enum err outcome)
{
    const struct store_message *message = &op->batch.ops[0]->message;
    batch->attempts = 0;
    metric_count(&refused);
    LOG(LOG_ERROR, "message_not_archived", LF("why", err_name(outcome)),
        LF_STR("from", message->sender), LF_STR("to", message->recipient));
}

static bool passes(enum err outcome)
{
    return outcome == ERR_DOWN || outcome == ERR_TIMEOUT || outcome == ERR_FULL;
}

void batch_done(struct batch *batch, struct store_op *op, enum err outcome)
{
    CHECK(op == batch->flight);
    bool over = true;
    batch->flight = NULL;
    if (batch->stopping)
        outcome = outcome ? ERR_DOWN : ERR_OK;
    else if (outcome == ERR_OK)
        written(batch, op);
    else if (passes(outcome))
        retry_later(batch, op), over = false;
    else if (op->batch.count > 1)
        split(batch, op), over = false;
    else
        refuse(batch, op, outcome);
    publish_anew(batch);
    for (size_t i = 0; over && i < op->batch.count; i++)
        finish(batch, op->batch.ops[i], outcome);
    consider(batch);
}

void batch_init(struct batch *batch, struct shard *shard, const struct store_config *config,
                void (*submit)(struct store_op *op))
{
    CHECK(shard->id < LIMIT_BATCH_SHARDS);
    list_init(&batch->waiting);
    batch->shard = shard;
    batch->submit = submit;
    batch->config = config;
    batch->group = config->batch_group;
    prng_init(&batch->prng, shard->now_us + shard->id);
    publish(batch);
}

void batch_stop(struct batch *batch)
{
    batch->stopping = true;
    shard_drop(&batch->timer);
    if (batch->count)
        LOG(LOG_WARNING, "batch_cut_short", LF_INT("messages", batch->count));
    metric_add(&lost, (int64_t)batch->waiting_count);
    batch->waiting_count = 0;
    for (struct link *link; (link = list_pop(&batch->waiting));)
        finish(batch, op_of(link), ERR_DOWN);
    publish_anew(batch);
}
