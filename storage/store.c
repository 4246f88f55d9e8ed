#include "store_backend.h"

#include "batch.h"
#include "check.h"
#include "limits.h"
#include "mem.h"
#include "pack.h"
#include "removal.h"
#include "stanza_id.h"
#include "upkeep.h"

#include <stdio.h>

enum { DEADLINE_MS = 5000, FENCE_MS = 1 };
#define PARTITION_MS (30ull * 24 * 3600 * 1000)

/* What a shard has in the storage floor. It outlives store_shard_stop while helpers hold operations
 * of it. */
struct store_shard {
    struct shard *shard;
    void *own;             /* the back end's */
    struct link under_way; /* asked, not answered */
    struct link late;      /* the outcome was known inside store_ask: told in the next turn */
    struct task tell_late;
    struct batch batch;
    struct link fenced;  /* readers that wait for batches, by batch_link */
    struct link waiting; /* for room in the batch, by batch_link */
    struct timer fence;
    struct link inbox_changes; /* asked, not given back, by turn_link */
    uint64_t turns;
    struct upkeep upkeep; /* the first shard's */
    struct removal removal;
    size_t pending;  /* with the back end */
    unsigned asking; /* depth of store_ask */
    bool no_room;    /* somebody has waited for it in vain: others are refused at once */
    bool stopping, stopped;
};

static const struct store_backend *const backends[] = {
    [STORE_SQLITE] = &store_sqlite,
    [STORE_POSTGRESQL] = &store_postgresql,
    [STORE_MEMORY] = &store_memory,
};

const struct store_backend *store_backend_of(int id)
{
    CHECK((unsigned)id < COUNT_OF(backends));
    return backends[id];
}

const char *const store_backend_names[] = {
    [STORE_SQLITE] = "sqlite",
    [STORE_POSTGRESQL] = "postgresql",
    [STORE_MEMORY] = "memory",
    NULL,
};

static const struct store_backend *backend; /* set at boot */
static struct store_config config;

static struct metric asked = {"store_operations_total", "Storage operations asked for.",
                              METRIC_COUNTER, 0};
static struct metric failed = {"store_failures_total",
                               "Storage operations that the database did not do (down, refused).",
                               METRIC_COUNTER, 0};
static struct metric timed_out = {"store_timeouts_total",
                                  "Storage operations whose deadline passed.", METRIC_COUNTER, 0};
static struct metric full = {"store_full_total",
                             "Storage operations refused because too many are under way.",
                             METRIC_COUNTER, 0};
static struct metric pending = {"store_pending", "Storage operations that the back end has.",
                                METRIC_GAUGE, 0};
static struct metric latency = {"store_latency_microseconds_total",
                                "Time from asking to answering, summed up.", METRIC_COUNTER, 0};
struct metric store_commits = {"store_commits_total",
                               "Transactions committed (PostgreSQL: pipeline syncs).",
                               METRIC_COUNTER, 0};
struct metric store_lost = {"store_connections_lost_total",
                            "Connections to the database that were lost.", METRIC_COUNTER, 0};

struct metric *const store_metrics[] = {&asked,   &failed,        &timed_out,  &full, &pending,
                                        &latency, &store_commits, &store_lost, NULL};

static void preset(uint64_t *value, uint64_t preset)
{
    if (!*value)
        *value = preset;
}

enum err store_setup(const struct store_config *asked_for, const char **why)
{
    metric_register(store_metrics);
    metric_register(batch_metrics);
    metric_register(upkeep_metrics);
    metric_register(removal_metrics);
    config = *asked_for;
    preset(&config.deadline_ms, DEADLINE_MS);
    preset(&config.partition_ms, PARTITION_MS);
    preset(&config.batch_flush, STORE_BATCH_FLUSH);
    preset(&config.batch_delay_ms, STORE_BATCH_DELAY_MS);
    preset(&config.batch_group, STORE_BATCH_GROUP);
    preset(&config.batch_rows, STORE_BATCH_ROWS);
    preset(&config.batch_bytes, STORE_BATCH_BYTES);
    pack_setup(config.compression == STORE_COMPRESSION_AUTO
                   ? config.backend == STORE_POSTGRESQL
                   : config.compression == STORE_COMPRESSION_ZSTD);
    const struct store_backend *chosen = store_backend_of(config.backend);
    enum err err = chosen->setup(&config, why);
    if (!err)
        backend = chosen;
    return err;
}

void store_teardown(void)
{
    if (backend)
        backend->teardown();
    backend = NULL;
}

const char *store_version(void)
{
    static char text[160];
    snprintf(text, sizeof text, "%s, %s, %s", store_sqlite.version(), store_postgresql.version(),
             pack_version());
    return text;
}

struct store_op *store_op_new(enum store_kind kind, store_fn *done, void *owner)
{
    CHECK(shard_self && shard_self->store);
    struct arena arena;
    arena_init(&arena);
    struct store_op *op = arena_zero(&arena, sizeof *op);
    op->kind = kind;
    op->arena = arena;
    op->done = done;
    op->owner = owner;
    op->home = shard_self->store;
    return op;
}

static void op_free(struct store_op *op)
{
    for (size_t i = 0; op->kind == STORE_MAM_IMPORT && i < op->batch.count; i++)
        op_free(op->batch.ops[i]);
    if (list_has(&op->link))
        list_drop(&op->link);
    struct arena arena = op->arena; /* it holds the operation as well */
    arena_fini(&arena);
}

static void count_outcome(enum err outcome)
{
    if (outcome == ERR_TIMEOUT)
        metric_count(&timed_out);
    else if (outcome == ERR_FULL)
        metric_count(&full);
    else if (outcome != ERR_OK && outcome != ERR_NOT_FOUND && outcome != ERR_CONFLICT)
        metric_count(&failed);
}

static void answer(struct store_op *op, enum err outcome)
{
    struct store_shard *home = op->home;
    wheel_drop(&home->shard->wheel, &op->timer);
    if (list_has(&op->link))
        list_drop(&op->link);
    op->answered = true;
    op->outcome = outcome;
    count_outcome(outcome);
    metric_add(&latency, (int64_t)(home->shard->now_us - op->asked_us));
    op->done(op);
    if (!op->in_backend)
        op_free(op);
}

/* Who waits for room is with no back end: no more of them than askers. */
static void leave_queue(struct store_op *op, enum err outcome)
{
    list_drop(&op->batch_link);
    store_finish(op, outcome);
}

static void on_deadline(struct timer *timer)
{
    struct store_op *op = LIST_OWNER(timer, struct store_op, timer);
    if (op->kind != STORE_MAM_ROOM) {
        answer(op, ERR_TIMEOUT);
        return;
    }
    op->home->no_room = true;
    leave_queue(op, ERR_TIMEOUT);
}

static void answer_late(struct store_op *op, enum err outcome)
{
    struct store_shard *home = op->home;
    wheel_drop(&home->shard->wheel, &op->timer);
    if (list_has(&op->link))
        list_drop(&op->link);
    op->outcome = outcome;
    list_push(&home->late, &op->link);
    if (!home->stopping) /* store_shard_stop looks there itself */
        shard_soon(&home->tell_late);
}

/* Those that are asked meanwhile wait for the next turn, so that one who asks again and again while
 * the database is down does not keep the shard here. */
static void on_tell_late(struct task *task)
{
    struct store_shard *home = LIST_OWNER(task, struct store_shard, tell_late);
    struct link now;
    list_init(&now);
    list_move(&now, &home->late);
    for (struct link *link; (link = list_pop(&now));) {
        struct store_op *op = LIST_OWNER(link, struct store_op, link);
        answer(op, op->outcome);
    }
}

/* --- Readers of an archive or inbox wait until what they may know of is committed; so do changes
 * of an inbox, or a marker would overtake its message --- */

static bool is_of_inbox(const struct store_op *op)
{
    return op->kind >= STORE_INBOX_PAGE && op->kind < STORE_INBOX_CLEAN;
}

/* Whose; empty: it need not wait. */
static struct str fenced_owner(const struct store_op *op)
{
    if (op->kind == STORE_MAM_PAGE || op->kind == STORE_MAM_METADATA ||
        op->kind == STORE_MAM_REMOVE || op->kind == STORE_MAM_FIND)
        return op->page.owner;
    if (op->kind == STORE_INBOX_PAGE)
        return op->inbox_page.owner;
    if (op->kind == STORE_OFFLINE_PAGE)
        return op->offline.bare;
    return is_of_inbox(op) ? op->inbox.owner : (struct str){NULL, 0};
}

/* As the batch writer knows them. A mark in what waits may be of any room. */
static uint64_t fenced_owners(const struct store_op *op)
{
    bool of_rooms = op->kind == STORE_OFFLINE_PAGE && op->offline.of_rooms;
    return of_rooms ? BATCH_ANYBODY : batch_owner(fenced_owner(op));
}

static bool changes_inbox(const struct store_op *op)
{
    return is_of_inbox(op) && op->kind != STORE_INBOX_PAGE && op->kind != STORE_INBOX_GET;
}

/* All changes of an inbox are asked for on one shard. Who asks sees those asked for before, though
 * nobody waited for them (markers): back ends read and write on different connections. Changes need
 * not wait for changes, unless those are still at the fence: back ends keep their order. */
static void take_turn(struct store_shard *home, struct store_op *op)
{
    op->turn = ++home->turns;
    if (changes_inbox(op))
        list_push(&home->inbox_changes, &op->turn_link);
}

static bool waits_its_turn(const struct store_op *op)
{
    LIST_EACH (&op->home->inbox_changes, link) {
        const struct store_op *other = LIST_OWNER(link, struct store_op, turn_link);
        if (other->turn >= op->turn)
            return false;
        bool matters = !changes_inbox(op) || list_has(&other->batch_link);
        if (matters && str_eq(other->inbox.owner, fenced_owner(op)))
            return true;
    }
    return false;
}

/* What came after the question is not waited for, or a busy user would never get an answer. */
static bool passes_fence(const struct store_op *op)
{
    if (is_of_inbox(op) && waits_its_turn(op))
        return false;
    return op->fence == 0 || batch_has_written(fenced_owners(op), op->fence);
}

static void submit(struct store_shard *home, struct store_op *op)
{
    home->asking++;
    backend->submit(home->own, op);
    home->asking--;
}

static void on_fence(struct timer *timer)
{
    struct store_shard *home = LIST_OWNER(timer, struct store_shard, fence);
    LIST_EACH_SAFE (&home->fenced, link) {
        struct store_op *op = LIST_OWNER(link, struct store_op, batch_link);
        if (!op->answered && !home->stopping && !passes_fence(op))
            continue;
        list_drop(link);
        if (op->answered || home->stopping)
            store_finish(op, ERR_DOWN);
        else
            submit(home, op);
    }
    if (!list_empty(&home->fenced))
        shard_after(&home->fence, FENCE_MS, on_fence);
}

static void wait_at_fence(struct store_shard *home, struct store_op *op)
{
    if (list_empty(&home->fenced))
        shard_after(&home->fence, FENCE_MS, on_fence);
    list_push(&home->fenced, &op->batch_link);
}

/* --- Who waits for room in the batch --- */

/* Who is let in may store the message in the call, whose bytes count then, or later: so many at a
 * time that the cap still holds. */
static void let_in(struct store_shard *home)
{
    size_t room = home->stopping ? SIZE_MAX : batch_room(&home->batch);
    home->no_room &= room == 0;
    for (; room > 0 && (home->stopping || !batch_is_full(&home->batch)); room--) {
        struct link *link = list_pop(&home->waiting);
        if (!link)
            break;
        store_finish(LIST_OWNER(link, struct store_op, batch_link),
                     home->stopping ? ERR_DOWN : ERR_OK);
    }
}

static void wait_for_room(struct store_shard *home, struct store_op *op)
{
    list_push(&home->waiting, &op->batch_link);
    let_in(home);
}

/* --- Asking --- */

static void submit_batch(struct store_op *op)
{
    op->in_backend = true;
    op->home->pending++;
    metric_count(&pending);
    submit(op->home, op);
}

bool store_mam_has_room(void)
{
    const struct store_shard *home = shard_self->store;
    return !batch_is_full(&home->batch) && home->pending < LIMIT_STORE_PENDING;
}

bool store_searches(void)
{
    return config.full_text;
}

static enum err refusal(const struct store_shard *home, const struct store_op *op)
{
    if (home->stopping)
        return ERR_DOWN;
    if (op->kind == STORE_ACCOUNT_IMPORT && op->import.count > STORE_IMPORT_MAX)
        return ERR_TOO_BIG;
    if (op->kind == STORE_MAM_STORE && batch_is_full(&home->batch))
        return ERR_FULL;
    if (op->kind == STORE_MAM_ROOM && home->no_room)
        return ERR_FULL;
    return home->pending >= LIMIT_STORE_PENDING ? ERR_FULL : ERR_OK;
}

/* Who is removed now can have had nothing of what comes later. */
static void limit_removal(struct store_op *op)
{
    uint64_t now = stanza_id_next(op->home->shard->id, clock_unix_us());
    if (op->kind == STORE_ACCOUNT_REMOVE)
        op->account.upto = now;
    else if (op->kind == STORE_DOMAIN_REMOVE)
        op->removal.upto = now;
    else if (op->kind == STORE_MAM_REMOVE && op->page.to > now)
        op->page.to = now;
}

static void hand_over(struct store_shard *home, struct store_op *op)
{
    home->asking++;
    if (removal_follows(op))
        limit_removal(op);
    if (fenced_owner(op).len)
        op->fence = batch_newest(fenced_owners(op));
    if (is_of_inbox(op))
        take_turn(home, op);
    if (op->kind == STORE_MAM_STORE)
        batch_add(&home->batch, op);
    else if (op->kind == STORE_MAM_ROOM)
        wait_for_room(home, op);
    else if (!passes_fence(op))
        wait_at_fence(home, op);
    else
        submit(home, op);
    home->asking--;
}

void store_ask(struct store_op *op, uint64_t deadline_ms)
{
    struct store_shard *home = op->home;
    CHECK(shard_self == home->shard && !op->asked_us);
    if (!deadline_ms)
        deadline_ms = op->kind == STORE_MAM_ROOM ? LIMIT_ROOM_WAIT : config.deadline_ms;
    op->asked_us = shard_self->now_us;
    op->deadline_ms = shard_now_ms() + deadline_ms;
    metric_count(&asked);
    enum err refused = refusal(home, op);
    if (refused) {
        answer_late(op, refused);
        return;
    }
    op->in_backend = true;
    home->pending++;
    metric_count(&pending);
    list_push(&home->under_way, &op->link);
    if (op->kind != STORE_MAM_STORE) /* which waits until it is written */
        shard_after(&op->timer, deadline_ms, on_deadline);
    hand_over(home, op);
}

static void free_if_over(struct store_shard *home)
{
    if (home->stopped && home->pending == 0)
        mem_free(home);
}

void store_finish(struct store_op *op, enum err outcome)
{
    struct store_shard *home = op->home;
    CHECK(op->in_backend);
    op->in_backend = false;
    if (list_has(&op->turn_link))
        list_drop(&op->turn_link);
    if (op->kind == STORE_MAM_BATCH) { /* while it is pending, its shard's things stay */
        batch_done(&home->batch, op, outcome);
        let_in(home);
    }
    home->pending--;
    metric_add(&pending, -1);
    if (removal_follows(op) && !outcome && !home->stopping)
        removal_soon(&home->removal);
    if (op->answered || op->kind == STORE_MAM_BATCH)
        op_free(op);
    else if (home->asking)
        answer_late(op, outcome);
    else
        answer(op, outcome);
    free_if_over(home);
}

void store_revoke(struct store_op *op)
{
    if (op->answered)
        return;
    op->answered = true;
    wheel_drop(&op->home->shard->wheel, &op->timer);
    if (!op->in_backend) {
        op_free(op);
        return;
    }
    list_drop(&op->link);
    if (op->kind == STORE_MAM_ROOM)
        leave_queue(op, ERR_DOWN);
}

void store_shard_start(struct shard *shard)
{
    CHECK(backend && !shard->store);
    struct store_shard *home = mem_zalloc(sizeof *home);
    home->shard = shard;
    home->tell_late.run = on_tell_late;
    list_init(&home->under_way);
    list_init(&home->late);
    list_init(&home->fenced);
    list_init(&home->inbox_changes);
    list_init(&home->waiting);
    batch_init(&home->batch, shard, &config, submit_batch);
    shard->store = home;
    home->own = backend->shard_start(shard);
    if (shard->id == 0 && (backend->partitions || config.retention_ms))
        upkeep_start(&home->upkeep, &config);
    if (shard->id == 0 && backend->schema) /* which has the queue */
        removal_start(&home->removal);
}

static void answer_down(struct link *list)
{
    while (!list_empty(list))
        answer(LIST_OWNER(list->next, struct store_op, link), ERR_DOWN);
}

void store_shard_stop(struct shard *shard)
{
    struct store_shard *home = shard->store;
    home->stopping = true;
    upkeep_stop(&home->upkeep);
    removal_stop(&home->removal);
    answer_down(&home->under_way);
    shard_drop(&home->fence);
    on_fence(&home->fence);
    let_in(home);
    batch_stop(&home->batch);
    backend->shard_stop(home->own);
    task_drop(&home->tell_late);
    answer_down(&home->late);
    shard->store = NULL;
    home->stopped = true;
    free_if_over(home);
}

size_t store_pending(const struct shard *shard)
{
    const struct store_shard *home = shard->store;
    return home->pending;
}

bool store_ready(const struct shard *shard, const char **why)
{
    const struct store_shard *home = shard->store;
    return backend->ready(home->own, why);
}
