/*
 * The users of one thread: they log in one after another with a bounded number under way, so that
 * no server's timeout is hit by our own queue. One thread, one shard, one fleet.
 */
#ifndef RT_FLEET_H
#define RT_FLEET_H

#include "client.h"

struct fleet {
    struct client_setup setup;
    struct client *clients;
    unsigned first; /* number of the first user */
    unsigned count;
    unsigned live, ready; /* not gone; logged in */
    unsigned failed;      /* so far: gone, and not because we closed them */
    uint64_t from_us;     /* when the first login began */
    uint64_t arrivals;    /* a second; 0: as they can */
    /* The scenario's; any of them may be NULL. */
    void (*on_ready)(struct client *client);
    void (*on_stanza)(struct client *client, const struct element *element, uint64_t now_us);
    void (*on_gone)(struct client *client, const char *why);
};

/* The fleet of this thread: events of a client come without their owner. */
extern _Thread_local struct fleet fleet;

/* `count` users from number `first` on; none begins yet. fleet_fini: all must be gone. */
void fleet_init(const struct options *options, unsigned first, unsigned count,
                unsigned relay_group);
void fleet_fini(void);

/* Where a client stands in the fleet: 0 is the first. */
static inline unsigned fleet_index(const struct client *client)
{
    return (unsigned)(client - fleet.clients);
}

/* Begins a login. False: as many are under way as may be, or this one is not gone. */
bool fleet_open(unsigned index);

/* Turns the shard until the first `until` clients are ready. ERR_CLOSED after the first failure,
 * ERR_TIMEOUT when none came in for a minute; both were told on standard error. */
RT_NODISCARD enum err fleet_login(unsigned until);

/* Turns the shard for some time. */
void fleet_rest(uint64_t ms);

/* Closes all that are ready and turns until all are gone. */
void fleet_logout(void);

/* Cuts all connections at once and turns until all are gone; then all may begin again. */
void fleet_cut(void);

#endif
