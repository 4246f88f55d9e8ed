/* The state of a running server at a glance: gathered from all shards, printed for people or for
 * machines. */
#ifndef RT_STATUS_H
#define RT_STATUS_H

#include "gather.h"

/* Places of the numbers that a shard answers. */
enum status_number {
    STATUS_STREAMS,
    STATUS_USERS,
    STATUS_TIMERS,
    STATUS_PENDING,
    STATUS_STORE_READY, /* 1: yes; else the part's text says why not */
    STATUS_NUMBERS
};

/* The question, on a shard. */
void status_each(struct gather *gather, struct gather_part *part);

/* Busy time of each shard so far, in µs; `out` has room for shard_count. */
void status_busy(uint64_t *out);

struct status {
    const struct gather *gather;
    const uint64_t *busy_before; /* of each shard, `window_us` ago */
    uint64_t window_us;
};

/* A table for people, JSON for machines. */
void status_print(struct buf *out, const struct status *status);
void status_print_json(struct buf *out, const struct status *status);

/* True when all shards answered that their storage is there; else reasons, one a line. */
bool status_storage_ready(const struct gather *gather, struct buf *reasons);

#endif
