/*
 * The batch writer of a shard: messages for the archive gather while the previous batch is being
 * committed, and are written together. A batch that fails because the database is down, or its disk
 * full, is tried again for ever; one that fails for another reason is cut in halves until the
 * message that spoils it is alone, which is refused. Its shard's thread; for store.c.
 */
#ifndef RT_BATCH_H
#define RT_BATCH_H

#include "prng.h"
#include "store_backend.h"

struct batch {
    struct link waiting;     /* by batch_link, oldest first */
    struct store_op *flight; /* the batch at the back end */
    size_t count, bytes;     /* of those that wait and those in flight */
    size_t waiting_count;
    size_t group;      /* most that the next one takes: less while a spoiler is looked for */
    unsigned attempts; /* since the database went down */
    bool stopping;
    uint64_t first_us; /* since when the oldest waits */
    uint64_t own_bits; /* unwritten.owners */
    struct timer timer;
    struct prng prng;
    struct shard *shard;
    const struct store_config *config;
    void (*submit)(struct store_op *op);
};

/* `submit` sends an operation of kind STORE_MAM_BATCH, which ends in batch_done. */
void batch_init(struct batch *batch, struct shard *shard, const struct store_config *config,
                void (*submit)(struct store_op *op));

/* How many more messages it takes for certain, as long as their bytes have room; none: ERR_FULL
 * from store_ask. */
size_t batch_room(const struct batch *batch);
bool batch_is_full(const struct batch *batch);

/* Takes an operation in; it ends in store_finish. */
void batch_add(struct batch *batch, struct store_op *op);

/* The back end has given the batch back. */
void batch_done(struct batch *batch, struct store_op *op, enum err outcome);

/* All that wait end with ERR_DOWN; what is in flight, when it comes back. */
void batch_stop(struct batch *batch);

/* Whose messages are meant: this owner's, and others'; anybody's. */
#define BATCH_ANYBODY UINT64_MAX
uint64_t batch_owner(struct str owner);

/* The newest message that a shard has not written and that may be of these owners; 0: none. Any
 * thread: who was given a message sees it here. */
uint64_t batch_newest(uint64_t owners);

/* False while a shard has unwritten messages up to `id` that may be of these owners. Any thread. */
bool batch_has_written(uint64_t owners, uint64_t id);

extern struct metric *const batch_metrics[];

#endif
