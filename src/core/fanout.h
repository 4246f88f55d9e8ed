/*
 * One stanza for many: a copy for each recipient, whose `to` is the recipient's bare JID, so many a
 * turn, and no more while mail to a shard is crowded. For rooms. What is inside of it is written
 * once, and shared by all copies (acc->shared), when it has a <body/>. The recipients, which the
 * owner lends, must stay as they are until `done`. On one shard.
 */
#ifndef RT_FANOUT_H
#define RT_FANOUT_H

#include "acc.h"
#include "shard.h"

struct fanout {
    struct host *host;
    struct element *stanza; /* `from` is set; copied, as the sender is */
    struct jid from;
    uint64_t room_id;             /* of the copies, as acc->room_id */
    const struct jid *recipients; /* bare */
    size_t count;
    void (*fill)(struct acc *copy);      /* adds what is for one recipient only; NULL: nothing is */
    void (*done)(struct fanout *fanout); /* maybe inside fanout_start */
    /* private */
    size_t next;
    struct arena arena;
    struct blob *shared;
    struct task task;
};

/* For effects_apply: begins. */
void fanout_start(struct fanout *fanout);

/* At the end of the shard: what has not been sent is not; `done` is not called. */
void fanout_drop(struct fanout *fanout);

extern struct metric *const fanout_metrics[];

#endif
