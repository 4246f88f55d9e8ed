/*
 * Chores: what a module does now and then without anybody asking, once in the process for each host
 * type that has it: on shard 0, by a timer.
 */
#ifndef RT_CHORE_H
#define RT_CHORE_H

#include "store.h"

struct core;

/* An operation of storage that does a bounded part of what there is to do. */
struct chore {
    uint64_t (*every_ms)(const void *conf);
    enum store_kind kind;
    void (*fill)(struct store_op *op);       /* says what is asked */
    bool (*done)(const struct store_op *op); /* counts what was done; true: more is left */
    const char *failed;                      /* the event in the log when it was not */
};

/* On shard 0, at its begin and end. The first time is after a whole pause. */
void chores_start(struct core *core);
void chores_stop(struct core *core);

#endif
