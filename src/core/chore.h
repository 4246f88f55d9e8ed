/*
 * Chores: what a module does now and then without anybody asking, once in the process for each host
 * type that has it: on shard 0, by a timer.
 */
#ifndef RT_CHORE_H
#define RT_CHORE_H

#include "store.h"

struct core;

struct module_on;

/* An operation of storage that does a bounded part of what there is to do. */
struct chore {
    uint64_t (*every_ms)(const void *conf); /* 0: never */
    enum store_kind kind;
    /* Says what is asked: of a domain of the host type, if it is asked for each of them. */
    void (*fill)(struct store_op *op, const void *conf, struct str domain);
    bool (*done)(const struct store_op *op); /* counts what was done; true: more is left */
    const char *failed;                      /* the event in the log when it was not */
    bool each_domain;
};

/* On shard 0, at its begin and end. The first time is after a whole pause. */
void chores_start(struct core *core);
void chores_stop(struct core *core);

#endif
