#include "affinity.h"
#include "boot.h"
#include "check.h"
#include "mem.h"
#include "part.h"

#include <pthread.h>
#include <stdio.h>

enum { LOOK_US = 2000 };

/* One for a process: shards know no owner. */
static struct local {
    struct crew crew;
    struct part *parts;
    pthread_t thread; /* waits for those of the shards */
    pthread_mutex_t lock;
    unsigned arrived, left; /* parts at the point; parts that have ended */
    struct tally tally;     /* of those that arrived */
    bool ended, well;
    atomic_ullong round; /* points passed */
    uint64_t go_us;
} local;

/* --- On the threads of the shards --- */

/* The tally is handed over; connections are served until all have come. */
static uint64_t meet(struct part *part, bool well)
{
    pthread_mutex_lock(&local.lock);
    unsigned long long round = atomic_load(&local.round);
    local.arrived++;
    local.well &= well;
    tally_add(&local.tally, part->tally);
    memset(part->tally, 0, sizeof *part->tally);
    pthread_mutex_unlock(&local.lock);
    while (atomic_load(&local.round) == round)
        shard_turn(shard_self, LOOK_US);
    return local.go_us;
}

/* The last one to end stops all shards; a shard that is to stop would spin until then. */
static void on_start(struct shard *shard)
{
    part_run(&local.parts[shard->id]);
    pthread_mutex_lock(&local.lock);
    bool last = ++local.left == local.crew.threads;
    pthread_mutex_unlock(&local.lock);
    if (last)
        boot_stop();
}

static void on_stop(struct shard *shard)
{
    (void)shard;
}

static void *run(void *argument)
{
    struct boot boot = {.shards = local.crew.threads, .start = on_start, .stop = on_stop};
    (void)argument;
    enum err err = boot_run(&boot);
    if (err) {
        const char *why;
        bool missing = ring_probe(&why) != ERR_OK;
        fprintf(stderr, "ringtail-bench: %s\n", missing ? why : "a ring could not be made");
    }
    pthread_mutex_lock(&local.lock);
    local.well &= !err;
    local.ended = true;
    pthread_mutex_unlock(&local.lock);
    return NULL;
}

/* --- On the conductor's thread --- */

static void start(struct crew *crew, const struct options *options, struct share share)
{
    local.parts = mem_zalloc(crew->threads * sizeof *local.parts);
    for (unsigned i = 0; i < crew->threads; i++) {
        struct part *part = &local.parts[i];
        part->options = options;
        part->scenario = scenario_find(options->scenario);
        part->number = share.first_part + i;
        part->count = share.parts;
        part->tally = mem_zalloc(sizeof *part->tally);
        part->meet = meet;
    }
    int failed = pthread_create(&local.thread, NULL, run, NULL);
    CHECK(!failed);
}

static enum crew_state look(struct crew *crew)
{
    pthread_mutex_lock(&local.lock);
    enum crew_state state = local.ended                      ? CREW_ENDED
                            : local.arrived == crew->threads ? CREW_WAITS
                                                             : CREW_BUSY;
    crew->well = local.well;
    pthread_mutex_unlock(&local.lock);
    return state;
}

static void go(struct crew *crew, uint64_t at_us)
{
    (void)crew;
    pthread_mutex_lock(&local.lock);
    local.arrived = 0;
    local.go_us = at_us;
    atomic_fetch_add(&local.round, 1);
    pthread_mutex_unlock(&local.lock);
}

static void take(struct crew *crew, struct tally *out)
{
    (void)crew;
    pthread_mutex_lock(&local.lock);
    tally_add(out, &local.tally);
    memset(&local.tally, 0, sizeof local.tally);
    pthread_mutex_unlock(&local.lock);
}

static void peek(struct crew *crew, uint64_t *sent, uint64_t *delivered)
{
    for (unsigned i = 0; i < crew->threads; i++) {
        *sent += atomic_load_explicit(&local.parts[i].sent, memory_order_relaxed);
        *delivered += atomic_load_explicit(&local.parts[i].delivered, memory_order_relaxed);
    }
}

static void end(struct crew *crew)
{
    pthread_join(local.thread, NULL);
    for (unsigned i = 0; i < crew->threads; i++)
        mem_free(local.parts[i].tally);
    mem_free(local.parts);
    pthread_mutex_destroy(&local.lock);
}

static const struct crew_kind kind = {
    .start = start, .look = look, .go = go, .take = take, .peek = peek, .free = end};

unsigned crew_threads(const struct options *options)
{
    unsigned cpus[256];
    const struct scenario *scenario = scenario_find(options->scenario);
    if (scenario && scenario->alone)
        return 1;
    return options->threads ? (unsigned)options->threads : boot_cpus(cpus, COUNT_OF(cpus));
}

struct crew *crew_local_new(const struct options *options)
{
    memset(&local, 0, sizeof local);
    pthread_mutex_init(&local.lock, NULL);
    local.well = true;
    local.crew = (struct crew){.kind = &kind, .threads = crew_threads(options), .well = true};
    text_copy(local.crew.name, sizeof local.crew.name, STR("here"));
    boot_descriptors();
    if (options->cpu != OPTIONS_NO_CPU && affinity_pin((unsigned)options->cpu))
        fputs("ringtail-bench: --cpu: this CPU cannot be had\n", stderr);
    return &local.crew;
}
