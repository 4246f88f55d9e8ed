/* Is the server ready for clients: asks all shards, with a deadline. On shard 0. */
#ifndef RT_HEALTH_H
#define RT_HEALTH_H

#include "buf.h"
#include "list.h"

/* Reasons, one a line; empty: ready. The buffer is freed behind the call. */
typedef void health_fn(void *owner, struct buf *reasons);

struct health;

/* Asks. `done` comes later, once, unless health_revoke comes first. */
struct health *health_ask(health_fn *done, void *owner);
void health_revoke(struct health *health);

/* Frees those that the end of the shards overtook; after boot_run. */
void health_sweep(void);

#endif
