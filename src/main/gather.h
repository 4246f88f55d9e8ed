/*
 * Asks all shards, or one, and comes home with their answers. Each shard answers in a part of its
 * own; nothing is shared while it is written. Asked from shard 0 only.
 */
#ifndef RT_GATHER_H
#define RT_GATHER_H

#include "buf.h"
#include "shard.h"

enum { GATHER_NUMBERS = 8 };

struct gather;

/* What one shard answers. */
struct gather_part {
    struct mail mail;
    struct gather *gather;
    unsigned shard;
    bool answered; /* false at the end: that shard was stopping */
    struct buf text;
    uint64_t number[GATHER_NUMBERS];
};

struct gather {
    /* On each shard asked; reads `question`, writes `part`. */
    void (*each)(struct gather *gather, struct gather_part *part);
    /* At home, once all have answered. The gather is freed behind it. */
    void (*done)(struct gather *gather);
    const void *question; /* lives until done */
    void *own;            /* of the asker */
    unsigned left, count;
    struct link link;
    struct gather_part *parts;
};

enum { GATHER_ALL = -1 };

/* Asks shard `target`, or all of them in order of their numbers. */
void gather_start(int target, void (*each)(struct gather *, struct gather_part *),
                  void (*done)(struct gather *), const void *question, void *own);

/* The sum of a number over all parts. */
uint64_t gather_sum(const struct gather *gather, size_t number);

/* Frees those that were under way when the shards ended; after boot_run, same thread or later. */
void gather_sweep(void);

#endif
