/*
 * The accumulator: a stanza on its journey, with its addresses and the effects asked for so far, in
 * one arena that is freed as a whole. It belongs to one shard at a time and moves by mail.
 */
#ifndef RT_ACC_H
#define RT_ACC_H

#include "arena.h"
#include "blob.h"
#include "element.h"
#include "hook.h"
#include "jid.h"
#include "list.h"
#include "mail.h"
#include "stanza.h"

struct delivery;
struct effect;
struct host;
struct order;
struct promise;
struct service;
struct store_op;

struct acc {
    struct mail mail;
    struct arena arena;
    struct element *element; /* NULL for events without one */
    enum stanza_kind kind;
    enum stanza_type type;
    struct jid from, to;           /* prepared; to.full is empty when there is none */
    struct host *host;             /* of the session or the addressed domain */
    const struct service *service; /* that is addressed, or NULL */
    uint64_t stanza_id;            /* in the archive of the sender or recipient; 0: none yet */
    uint64_t room_id;              /* in that of the room that it is from; 0: it is not there */
    uint64_t stamp_us;             /* when it reached the server, µs since 1970 */
    struct store_op *answer;       /* while the continuation of acc_park_store runs */
    void *event_data;
    struct blob *shared;       /* XML of the element that others carry as well, or NULL */
    struct str news_of;        /* a message: for who wants news of that node (caps.h) only */
    struct str asks_for;       /* a probe: for the last items of these nodes, one a line */
    struct delivery *delivery; /* when it is one of several copies for a user, else NULL */
    bool released;             /* a module held it, and lets it go: it is not held again */
    struct promise *promise;   /* that goes with it, or NULL */
    struct order *order;       /* an administrator's, whom it answers, or NULL */
    bool undecided;    /* at the recipient's home it may be stopped yet: it is archived there */
    bool promised;     /* by a handler: it is acknowledged when its journey has ended (promise.h) */
    bool in_archive;   /* the recipient's has it, by stanza_id, if preferences (XEP-0441) allow */
    bool waited;       /* in storage, for its user to come (XEP-0160); it is rerouted, too */
    bool rerouted;     /* it was given to a session before, and archived, counted, copied */
    bool occupant;     /* the sender is one of the room that is addressed */
    bool room_copy;    /* an occupant's, of what was said in a room */
    bool for_resource; /* it is dropped when the resource that it is for is not there */
    struct effect *effects, **effects_tail;
    struct link link;        /* in a session's list while parked or waiting */
    struct session *session; /* whose lane it is in, while parked */
    /* where to go on after a park */
    enum hook_point at;
    size_t next_entry;
    hook_fn *continuation;
    hook_then_fn *then;
    void *waits_for;
    void (*revoke)(void *waits_for);
    bool parked;
};

/* A fresh accumulator; element may be NULL. Its stamp is this turn's. */
struct acc *acc_new(void);

/* Sets the element with kind and type. */
void acc_set(struct acc *acc, struct element *element);

/* Gives the stanza its id for all archives, if it has none yet. */
uint64_t acc_identify(struct acc *acc);

/* Adds <stanza-id/> to its stanza: what `id` it has in the archive of `by` (XEP-0359). */
void acc_tell_id(struct acc *acc, struct str by, uint64_t id);

/* Frees it with all in its arena; effects that hold accumulators free those. */
void acc_free(struct acc *acc);

/* A copy with the same element and addresses, in an arena of its own; no effects. */
struct acc *acc_copy(const struct acc *acc);

/* What is shared becomes elements of its own again, for a handler that must look into them. */
void acc_unshare(struct acc *acc);

/* An element that was kept as text, in the accumulator's arena; NULL when it is none. */
struct element *acc_parse(struct acc *acc, struct str xml);

/* For a handler that returns HOOK_PARK: `on` runs when what it waits for has come (acc_unpark),
 * with the same session; if that ends meanwhile, `revoke` is called and the accumulator freed. */
void acc_park(struct acc *acc, struct session *session, hook_fn *on, void *waits_for,
              void (*revoke)(void *waits_for));

/* Asks storage and parks until it has answered. In `on`, acc->answer is the operation. */
enum verdict acc_park_store(struct acc *acc, struct session *session, hook_fn *on,
                            struct store_op *op);

/* The operation has completed: runs the continuation and the rest of the chain. */
void acc_unpark(struct acc *acc);

/* Takes a parked accumulator out of its park: the operation is revoked. */
void acc_revoke(struct acc *acc);

#endif
