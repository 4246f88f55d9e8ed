#include "sim.h"

#include "arena.h"
#include "boot.h"
#include "check.h"
#include "map.h"
#include "mem.h"

struct prng sim_prng;
struct sim_faults sim_faults;
uint64_t sim_now_us;

static uint64_t sim_unix_us;
static struct sim_program running;

uint64_t clock_monotonic_us(void)
{
    return sim_now_us;
}

uint64_t clock_unix_us(void)
{
    return sim_unix_us;
}

static void wake_nobody(unsigned target)
{
    (void)target; /* everybody is turned anyway */
}

void sim_open(const struct sim_program *program, uint64_t seed, struct sim_faults faults)
{
    uint8_t secret[16];
    running = *program;
    sim_faults = faults;
    prng_init(&sim_prng, seed);
    for (size_t i = 0; i < sizeof secret; i++)
        secret[i] = (uint8_t)prng_u64(&sim_prng);
    map_seed(secret);
    sim_now_us = 1000000000;
    sim_unix_us = 1700000000000000;
    shard_count = program->shards;
    running.setup();
    mail_setup(program->shards + helper_count(), wake_nobody);
    helper_seat_all(program->shards);
    for (unsigned i = 0; i < program->shards; i++) {
        struct shard *shard;
        mail_enter(i);
        CHECK(shard_new(i, &shard) == ERR_OK);
    }
    for (unsigned i = 0; i < program->shards; i++) {
        shard_enter(shard_at(i));
        running.start(shard_at(i));
    }
}

static void turn(unsigned who)
{
    if (who < running.shards) {
        shard_enter(shard_at(who));
        shard_turn(shard_at(who), 0);
    } else {
        shard_self = NULL;
        helper_turn(who - running.shards);
    }
}

static unsigned everybody(void)
{
    return running.shards + helper_count();
}

void sim_step(void)
{
    sim_now_us += prng_below(&sim_prng, 50);
    sim_unix_us += 25;
    if (prng_below(&sim_prng, 1000000) < sim_faults.clock_jump_per_million)
        sim_unix_us += prng_below(&sim_prng, 2) ? 3600000000ull : -3600000000ull;
    turn((unsigned)prng_below(&sim_prng, everybody()));
}

/* A few rounds in which nobody gets anything to do. */
bool sim_settle(unsigned most)
{
    unsigned quiet = 0;
    for (unsigned i = 0; i < most && quiet < 4; i++) {
        for (unsigned who = 0; who < everybody(); who++)
            turn(who);
        sim_now_us += 10;
        quiet = sim_ring_busy() ? 0 : quiet + 1;
    }
    return quiet >= 4;
}

void sim_pass(uint64_t ms)
{
    uint64_t until = sim_now_us + ms * 1000;
    while (sim_now_us < until) {
        uint64_t step = until - sim_now_us < 10000 ? until - sim_now_us : 10000;
        sim_now_us += step;
        sim_unix_us += step;
        for (unsigned i = 0; i < 3; i++)
            for (unsigned who = 0; who < everybody(); who++)
                turn(who);
    }
}

/* Mail alone: the owners of requests are gone, so no request may complete any more. */
static void run_mail(void)
{
    for (unsigned i = 0; i < helper_count(); i++)
        helper_turn(i);
    for (unsigned i = 0; i < running.shards; i++) {
        shard_enter(shard_at(i));
        mail_run();
        mail_flush();
    }
}

void sim_close(void)
{
    for (unsigned i = 0; i < running.shards; i++) {
        shard_enter(shard_at(i));
        running.stop(shard_at(i));
    }
    for (int round = 0; round < 4; round++) /* what helpers still send home is freed there */
        run_mail();
    sim_ring_forget();
    for (unsigned i = 0; i < running.shards; i++) {
        shard_enter(shard_at(i));
        shard_free(shard_at(i));
    }
    mail_enter(0);
    helper_stop_all();
    mail_teardown();
    running.teardown();
}
