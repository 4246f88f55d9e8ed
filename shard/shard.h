/*
 * A shard: one pinned thread, one ring, one timer wheel, one post. Everything else that runs there
 * hangs on it. A turn: completions, mail, timers, outputs, then submit and wait once.
 */
#ifndef RT_SHARD_H
#define RT_SHARD_H

#include "clock.h"
#include "helper.h"
#include "list.h"
#include "mail.h"
#include "metric.h"
#include "ring.h"
#include "wheel.h"

/* Work to be done in this or the next turn, once; inside its owner. Zeroed: not asked for. */
struct task {
    struct link link;
    void (*run)(struct task *task);
};

struct shard {
    unsigned id;
    struct ring *ring;
    struct wheel wheel;
    uint64_t now_us;      /* monotonic, of this turn */
    uint64_t unix_us;     /* of this turn */
    struct link soon;     /* tasks for the next turn */
    struct link flushing; /* tasks at the end of this turn: outputs */
    struct link crowded;  /* lanes that wait for mail to drain: tasks */
    uint64_t pause_us;    /* how long it had nothing to do of late, on the average */
    bool stopping, spin;
    void *core;              /* of the core floor */
    void *store;             /* of the storage floor */
    uint64_t busy_us, turns; /* for status */
};

/* The shard of the running thread; NULL elsewhere. */
extern _Thread_local struct shard *shard_self;

/* How many shards there are; set at boot. */
extern unsigned shard_count;

/* The shard by number, for boot and the simulator. */
struct shard *shard_at(unsigned id);

/* Makes shard `id` of the running thread. */
RT_NODISCARD enum err shard_new(unsigned id, struct shard **out);
void shard_free(struct shard *shard);

/* One turn; waits for at most wait_us when there is nothing to do. */
void shard_turn(struct shard *shard, uint64_t wait_us);

/* Turns until `stopping` is set. */
void shard_run(struct shard *shard);

/* The running thread wears the hat of this shard (the simulator). */
void shard_enter(struct shard *shard);

static inline uint64_t shard_now_ms(void)
{
    return shard_self->now_us / 1000;
}

/* A timer of this shard, from now. */
void shard_after(struct timer *timer, uint64_t ms, timer_fn *fire);
void shard_drop(struct timer *timer);

/* Asks for a task in the next turn, at the end of this one, or when mail has drained. */
void shard_soon(struct task *task);
void shard_flush(struct task *task);
void shard_uncrowded(struct task *task);
void task_drop(struct task *task);

/* Home shard of a key: users by bare JID, rooms by room JID. */
static inline unsigned shard_of(uint64_t hash)
{
    return (unsigned)((unsigned __int128)hash * shard_count >> 64);
}

/* Counters of the runtime (metric.h). */
extern struct metric *const shard_metrics[];

#endif
