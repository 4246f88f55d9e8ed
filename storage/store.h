/*
 * Storage in operations of the domain, never in rows. An operation is asked for on a shard, has a
 * deadline, and completes once, on that shard: ERR_OK, ERR_NOT_FOUND, ERR_CONFLICT, ERR_FULL (a
 * cap), ERR_DOWN (the database is not there now) or ERR_TIMEOUT (the deadline passed). After
 * ERR_TIMEOUT, and after ERR_DOWN of a write that was under way, it is not known whether it was
 * done. ERR_INVALID: what the database refuses (an empty name, bytes that are no UTF-8). One
 * operation is one transaction. DESIGN: floors, storage.
 */
#ifndef RT_STORE_H
#define RT_STORE_H

#include "arena.h"
#include "list.h"
#include "shard.h"
#include "store_account.h"
#include "store_config.h"
#include "store_document.h"
#include "store_inbox.h"
#include "store_kind.h"
#include "store_last.h"
#include "store_mam.h"
#include "store_offline.h"
#include "store_pep.h"
#include "store_privacy.h"
#include "store_room.h"
#include "store_roster.h"

struct store_op;
struct store_shard;
typedef void store_fn(struct store_op *op);

struct store_op {
    enum store_kind kind;
    enum err outcome;
    struct arena arena; /* of the operation itself and all texts in it */
    void *owner;        /* the asker's, for `done` */
    store_fn *done;
    union {
        struct store_account account;
        struct store_account_list list;
        struct store_account_import import;
        struct store_removal removal;
        struct store_roster roster;
        struct store_privacy privacy;
        struct store_last last;
        struct store_documents documents;
        struct store_pep pep;
        struct store_offline offline;
        struct store_message message;
        struct store_mam_page page;
        struct store_mam_prefs prefs;
        struct store_inbox inbox;
        struct store_inbox_page inbox_page;
        struct store_room room;
        struct store_room_page room_page;
        struct store_room_guests guests;
        struct store_room_blocking blocking;
        struct store_room_gone gone;
        struct {
            struct store_op **ops; /* IMPORT: MAM_STOREs, not asked, that go with it */
            size_t count;
            uint64_t stored; /* rows that were not there before */
            void *own;       /* the back end's */
        } batch;
        struct {
            uint64_t at, keep;      /* ids: of now; what is below may go (0: nothing) */
            uint64_t partition_us;  /* how much time is in a partition, where there are any */
            uint64_t made, dropped; /* partitions, or messages where there are none */
        } upkeep;
    };
    /* private to the storage floor */
    uint64_t deadline_ms, asked_us;
    uint64_t fence; /* who reads an archive or inbox waits until this is written */
    struct timer timer;
    struct link link, batch_link, turn_link;
    struct link backend_link; /* the back end's, before it begins */
    uint64_t turn;            /* of an inbox: those of one owner are done in order */
    size_t batch_bytes;
    uint64_t batch_bits; /* whose inboxes it is for (batch.c) */
    struct job job;
    struct store_shard *home;
    enum err result; /* what a helper found; the outcome once it is home */
    bool answered, in_backend;
};

/* A fresh operation of the running shard; fill in the union, texts copied into op->arena. One that
 * is not asked after all is given back by store_revoke. */
struct store_op *store_op_new(enum store_kind kind, store_fn *done, void *owner);

/* Asks. `done` runs later in a turn of this shard, never inside this call. The operation is freed
 * when `done` has returned (or later, when the back end is done with it): take out what you need.
 * After ERR_TIMEOUT and ERR_DOWN the back end may still have it: then `done` reads what it filled
 * in itself and takes nothing from the arena. deadline_ms from now; 0: the configured one. */
void store_ask(struct store_op *op, uint64_t deadline_ms);

/* False while so much waits to be written that one more message is refused with ERR_FULL. */
bool store_mam_has_room(void);

/* Whether messages can be searched: then they are given with their text. */
bool store_searches(void);

/* The asker goes away: `done` is not called any more. Fine inside `done`. */
void store_revoke(struct store_op *op);

extern const char *const store_backend_names[]; /* NULL-ended, in the order of the ids */

/* At boot, before threads start: declares helpers, applies migrations (SQLite) or checks them.
 * On failure *why is a sentence for the operator (static or leaked: the process ends). */
RT_NODISCARD enum err store_setup(const struct store_config *config, const char **why);
void store_teardown(void);

/* On each shard's thread, at its begin and end. Stopping waits for nothing: what is under way
 * completes with ERR_DOWN. What helpers still hold is freed when it comes home by mail (boot.c sees
 * to that), the rest by store_teardown. */
void store_shard_start(struct shard *shard);
void store_shard_stop(struct shard *shard);

/* Operations that the back end has; false while the database is down, with a reason. Its thread. */
size_t store_pending(const struct shard *shard);
bool store_ready(const struct shard *shard, const char **why);

/* Versions of the client libraries and, when known, the server. Before or after store_setup. */
const char *store_version(void);

extern struct metric *const store_metrics[];

#endif
