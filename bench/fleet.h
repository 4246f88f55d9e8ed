/*
 * All users of a run: they log in one after another with a bounded number under way, so that no
 * server's timeout is hit by our own queue. One shard, one fleet.
 */
#ifndef RT_FLEET_H
#define RT_FLEET_H

#include "client.h"

struct fleet {
    struct client_setup setup;
    struct client *clients;
    unsigned count, began, ready, gone;
    unsigned failed; /* of the gone: not because we closed them */
    /* The scenario's; any of them may be NULL. */
    void (*on_ready)(struct client *client);
    void (*on_stanza)(struct client *client, const struct element *element, uint64_t now_us);
};

/* The fleet of this process: events of a client come without their owner. */
extern struct fleet fleet;

/* As many clients as --users; none begins yet. fleet_fini: all must be gone. */
void fleet_init(const struct options *options, bool through_relay);
void fleet_fini(void);

/* Where a client stands in the fleet: 0 is the first. */
static inline unsigned fleet_index(const struct client *client)
{
    return (unsigned)(client - fleet.clients);
}

/* Begins more logins as long as fewer than --in-flight are under way and `until` are not begun. */
void fleet_begin(unsigned until);

/* Turns the shard until the first `until` clients are ready. ERR_CLOSED after the first failure,
 * which was told on standard error. */
RT_NODISCARD enum err fleet_login(unsigned until);

/* Turns the shard for some time. */
void fleet_rest(uint64_t ms);

/* Closes all that are ready and turns until all are gone. */
void fleet_logout(void);

/* Cuts all connections at once and turns until all are gone; then all may begin again. */
void fleet_cut(void);

#endif
