/*
 * Chores: what a module does now and then without anybody asking, once in the process for each host
 * type that has it: on shard 0, by a timer.
 */
#ifndef RT_CHORE_H
#define RT_CHORE_H

#include <stdint.h>

struct core;
struct host_type;

struct chore {
    uint64_t (*every_ms)(const void *conf);
    void (*run)(struct host_type *type, const void *conf);
};

/* On shard 0, at its begin and end. The first time is after a whole pause. */
void chores_start(struct core *core);
void chores_stop(struct core *core);

#endif
