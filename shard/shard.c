#include "shard.h"

#include "arena.h"
#include "check.h"
#include "limits.h"
#include "log.h"
#include "mem.h"

_Thread_local struct shard *shard_self;
unsigned shard_count;

enum { SHARDS_MAX = 256 };
static struct shard *shards[SHARDS_MAX];

static struct metric turns = {"shard_turns_total", "Turns of the shard loops.", METRIC_COUNTER, 0};
static struct metric busy = {"shard_busy_microseconds_total", "Time the shards were not waiting.",
                             METRIC_COUNTER, 0};
static struct metric mails = {"shard_mails_total", "Mails run by shards.", METRIC_COUNTER, 0};

static struct metric spins = {
    "shard_spins_total", "Times a busy shard looked for work before it slept.", METRIC_COUNTER, 0};
static struct metric spins_won = {"shard_spins_won_total", "Of those: times that work came.",
                                  METRIC_COUNTER, 0};

struct metric *const shard_metrics[] = {&turns, &busy, &mails, &spins, &spins_won, NULL};

struct shard *shard_at(unsigned id)
{
    CHECK(id < SHARDS_MAX);
    return shards[id];
}

enum err shard_new(unsigned id, struct shard **out)
{
    CHECK(id < SHARDS_MAX);
    struct shard *shard = mem_zalloc(sizeof *shard);
    enum err err = ring_new(&shard->ring);
    if (err) {
        mem_free(shard);
        return err;
    }
    shard->id = id;
    shard->now_us = clock_monotonic_us();
    shard->unix_us = clock_unix_us();
    wheel_init(&shard->wheel, shard->now_us / 1000);
    shard->pause_us = 8 * LIMIT_SPIN;
    list_init(&shard->soon);
    list_init(&shard->flushing);
    list_init(&shard->crowded);
    __atomic_store_n(&shards[id], shard, __ATOMIC_RELEASE);
    *out = shard;
    return ERR_OK;
}

void shard_free(struct shard *shard)
{
    ring_free(shard->ring);
    __atomic_store_n(&shards[shard->id], NULL, __ATOMIC_RELEASE);
    if (shard_self == shard)
        shard_self = NULL;
    mem_free(shard);
    arena_pool_drop();
}

void shard_enter(struct shard *shard)
{
    shard_self = shard;
    mail_enter(shard->id);
}

/* Runs the tasks that stand in a list now; those that they add wait for the next call. */
static void run_tasks(struct link *list)
{
    struct link now;
    list_init(&now);
    list_move(&now, list);
    for (struct link *link; (link = list_pop(&now));) {
        struct task *task = LIST_OWNER(link, struct task, link);
        task->run(task);
    }
}

/* How long the ring may wait: not at all while there is work, else until the next timer. */
static uint64_t patience(struct shard *shard, size_t staged, uint64_t wait_us)
{
    if (shard->stopping || !list_empty(&shard->soon) || !list_empty(&shard->flushing))
        return 0;
    if (staged) /* a full mailbox wakes nobody: look again soon */
        return wait_us < 1000 ? wait_us : 1000;
    uint64_t next_ms = wheel_next(&shard->wheel);
    if (next_ms == UINT64_MAX)
        return wait_us;
    uint64_t due_us = (shard->wheel.now_ms + next_ms) * 1000;
    uint64_t until_us = due_us > shard->now_us ? due_us - shard->now_us : 0;
    return until_us < wait_us ? until_us : wait_us;
}

static void relax(void)
{
#if defined __x86_64__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("isb");
#endif
}

/* Sleeping and being woken costs more than a short wait. When the last pauses were short, the shard
 * looks for work a little while, awake, so that senders of mail need not wake it. */
static bool spin(struct shard *shard, uint64_t wait_us)
{
    if (!shard->spin || wait_us < LIMIT_SPIN || shard->pause_us > LIMIT_SPIN)
        return false;
    metric_count(&spins);
    ring_wait(shard->ring, 0); /* what was asked for is on its way meanwhile */
    do {
        for (int i = 0; i < 8; i++) {
            if (ring_pending(shard->ring) || mail_pending()) {
                metric_count(&spins_won);
                return true;
            }
            relax();
        }
    } while (clock_monotonic_us() - shard->now_us < LIMIT_SPIN);
    return false;
}

/* A moving average; a long pause counts as a few short ones, so that a shard that gets busy is
 * known to be so after a dozen turns. */
static void learn_pause(struct shard *shard, uint64_t pause_us)
{
    uint64_t capped = pause_us < 8 * LIMIT_SPIN ? pause_us : 8 * LIMIT_SPIN;
    shard->pause_us = (shard->pause_us * 7 + capped) / 8;
}

static void pause_for(struct shard *shard, uint64_t wait_us)
{
    if (wait_us == 0 || spin(shard, wait_us) || !mail_sleep())
        wait_us = 0;
    ring_wait(shard->ring, wait_us);
    mail_awake();
}

void shard_turn(struct shard *shard, uint64_t wait_us)
{
    size_t ran = mail_run();
    metric_add(&mails, (int64_t)ran);
    run_tasks(&shard->soon);
    wheel_turn(&shard->wheel, shard->now_us / 1000);
    run_tasks(&shard->flushing);
    size_t staged = mail_flush();
    if (!list_empty(&shard->crowded))
        run_tasks(&shard->crowded);
    uint64_t now = clock_monotonic_us();
    metric_add(&busy, (int64_t)(now - shard->now_us));
    metric_count(&turns);
    shard->now_us = now;
    pause_for(shard, patience(shard, staged, wait_us));
    shard->now_us = clock_monotonic_us();
    learn_pause(shard, shard->now_us - now);
    shard->unix_us = clock_unix_us();
    ring_reap(shard->ring);
}

void shard_run(struct shard *shard)
{
    while (!shard->stopping)
        shard_turn(shard, UINT64_MAX);
}

void shard_after(struct timer *timer, uint64_t ms, timer_fn *fire)
{
    wheel_set(&shard_self->wheel, timer, shard_self->now_us / 1000 + ms, fire);
}

void shard_drop(struct timer *timer)
{
    wheel_drop(&shard_self->wheel, timer);
}

static void ask(struct link *list, struct task *task)
{
    if (!list_has(&task->link))
        list_push(list, &task->link);
}

void shard_soon(struct task *task)
{
    ask(&shard_self->soon, task);
}

void shard_flush(struct task *task)
{
    ask(&shard_self->flushing, task);
}

void shard_uncrowded(struct task *task)
{
    ask(&shard_self->crowded, task);
}

void task_drop(struct task *task)
{
    if (list_has(&task->link))
        list_drop(&task->link);
}
