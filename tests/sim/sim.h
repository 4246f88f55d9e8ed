/*
 * The simulator: n shards, their helpers, a network and a clock in one thread, from one seed. The
 * ring (ring_sim.c) splits reads, shortens writes, delays and reorders completions and resets
 * connections; the storage is memory that may be slow or down. What goes wrong can be run again by
 * its seed.
 */
#ifndef RT_SIM_H
#define RT_SIM_H

#include "buf.h"
#include "prng.h"
#include "shard.h"

struct sim_faults {
    unsigned split_percent;     /* reads and writes that are cut into pieces */
    unsigned delay_percent;     /* completions that wait for a later turn */
    unsigned reset_per_million; /* a connection breaks, a turn and connection */
    unsigned store_slow_percent, store_down_percent;
    unsigned clock_jump_per_million;
};

extern struct prng sim_prng;
extern struct sim_faults sim_faults;
extern uint64_t sim_now_us;

static inline bool sim_chance(unsigned percent)
{
    return prng_below(&sim_prng, 100) < percent;
}

/* What the world serves: set before sim_open by whoever brings the core floor. */
struct sim_program {
    unsigned shards;
    void (*setup)(void);
    void (*start)(struct shard *shard);
    void (*stop)(struct shard *shard);
    void (*teardown)(void);
};

void sim_open(const struct sim_program *program, uint64_t seed, struct sim_faults faults);
void sim_close(void);

/* Turns a shard or helper of the seed's choice. */
void sim_step(void);

/* Steps until nothing moves any more (no bytes, mail or jobs under way), at most `most` steps;
 * false when it is still moving then. Time stands still. */
bool sim_settle(unsigned most);

/* Lets time pass: steps between the timers on the way. */
void sim_pass(uint64_t ms);

/* --- The clients' side of the network --- */

struct sim_peer;

/* Connects to a listening port; NULL when nobody listens. */
struct sim_peer *sim_connect(uint16_t port);
void sim_send(struct sim_peer *peer, struct str bytes);

/* All that came and was not taken; empty when nothing. */
struct buf *sim_received(struct sim_peer *peer);
bool sim_is_closed(const struct sim_peer *peer); /* the server ended it, and all was read */
void sim_stop_reading(struct sim_peer *peer, bool stop);

/* Ends it with FIN, or with a reset; the peer is gone then. */
void sim_finish(struct sim_peer *peer);
void sim_reset(struct sim_peer *peer);

/* --- What ring_sim.c gives to sim.c --- */
bool sim_ring_busy(void);      /* completions or bytes are on their way */
void sim_ring_forget(void);    /* frees what is left */
size_t sim_ring_sockets(void); /* descriptors that the server holds */

#endif
