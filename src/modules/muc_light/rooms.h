/*
 * Rooms in the memory of their home shard. A room is read when something comes for it, and what
 * comes meanwhile, or while a change is being written or a stanza sent to all, waits in its lane.
 * Those that nothing waits for stay, up to LIMIT_ROOMS_KEPT occupants. Its shard's thread.
 */
#ifndef RT_ROOMS_H
#define RT_ROOMS_H

#include "module.h"
#include "store.h"

/* What a room is at a version; one block. Occupants are in order of user and domain. */
struct room_state {
    struct str version, config;
    struct jid *jids; /* bare */
    unsigned char *affiliations;
    size_t count;
};

struct room {
    struct map_node node;
    struct jid jid; /* bare, on the heap */
    struct host *host;
    struct room_state *state; /* NULL: there is no such room, or it is not known */
    enum err err;             /* of reading; ERR_OK: known */
    bool known, busy;
    struct store_op *reading;
    struct acc *held;    /* whose operation keeps it busy, or NULL */
    struct link waiting; /* accumulators, parked */
    unsigned waiting_count;
    struct link idle;
    struct task drain;
    struct fanout fanout;
    struct jid *told;        /* some of the occupants, for the fan-out, or NULL */
    struct room_state *last; /* what it was before it was destroyed, for the same, or NULL */
};

/* What a shard has. */
struct rooms {
    struct map all;
    struct link idle;                  /* least recently used first */
    size_t weight;                     /* of their states */
    struct str after_room, after_bare; /* the last occupant who was made to leave; on the heap */
};

/* Runs `then` for the room of acc->to, in turn, now or later. */
enum verdict rooms_with(struct acc *acc, hook_fn *then);

/* The room of acc->to, for that `then`, and what follows it. */
struct room *rooms_of(const struct acc *acc);

/* Nothing else is done for it until rooms_release. `acc`: is about to park; NULL: a fan-out. */
void rooms_hold(struct room *room, struct acc *acc);
void rooms_release(struct room *room);

/* A fresh state, on the heap; copies all. rooms_set gives it to a room (NULL: it is no more). */
struct room_state *room_state_new(struct str version, struct str config,
                                  const struct store_occupant *occupants, size_t count);
void rooms_set(struct room *room, struct room_state *state);

/* The state becomes the caller's, and the room has none. */
struct room_state *rooms_take(struct room *room);

/* Nobody knows what a write has done: it is read again. */
void rooms_doubt(struct room *room);

/* What somebody is in a room; NULL has nobody. */
enum store_affiliation room_affiliation(const struct room_state *state, struct str bare);

/* The end of the shard (module.h). */
void rooms_end(void *own);

extern struct metric *const rooms_metrics[];

#endif
