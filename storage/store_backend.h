/* What a back end is, and what it calls; for this floor only. */
#ifndef RT_STORE_BACKEND_H
#define RT_STORE_BACKEND_H

#include "schema.h"
#include "store.h"

struct store_backend {
    const char *name;
    bool partitions; /* of the archive have to be made ahead of time */
    enum err (*setup)(const struct store_config *config, const char **why);
    void (*teardown)(void);
    void *(*shard_start)(struct shard *shard); /* returns the back end's state of the shard */
    void (*shard_stop)(void *state);
    void (*submit)(void *state, struct store_op *op);
    bool (*ready)(void *state, const char **why);
    const char *(*version)(void);
    /* For database.h, which is done without the above; no schema: there is nothing to migrate. */
    const struct schema *schema;
    const struct schema_look *looks; /* ended by one without SQL */
    enum err (*open)(const struct store_config *config, struct schema_target *target, char *why,
                     size_t room);
    void (*close)(struct schema_target *target);
};

/* By enum store_backend_id. */
const struct store_backend *store_backend_of(int id);

/* A back end gives an operation back, once, on the asking shard, results filled in. It may do so
 * inside `submit`. `done` runs in here otherwise, and may ask for more. */
void store_finish(struct store_op *op, enum err outcome);

extern const struct store_backend store_sqlite, store_postgresql, store_memory;

/* --- The message archive --- */

/* What origin ids are compared by; never 0. */
uint64_t store_mam_origin(struct str origin_id);

/* Rows to fetch, one more than the page. */
size_t store_mam_fetch(const struct store_op *op);

/* Room for that many; then settle brings what was put there, in the order of the query, in shape.
 */
void store_mam_room(struct store_op *op);
void store_mam_settle(struct store_op *op);

/* What is kept among the flags of a message: who has no copy, and whether it counts as unread. */
unsigned store_mam_flags(const struct store_message *message);

/* --- The inbox --- */

/* As the three for pages of an archive. */
size_t store_inbox_fetch(const struct store_op *op);
void store_inbox_room(struct store_op *op);
void store_inbox_settle(struct store_op *op);

/* True when rows are to be fetched with the newest first. */
bool store_inbox_falls(const struct store_op *op);

/* --- Rooms --- */

/* As the three for pages of an archive. */
size_t store_room_fetch(const struct store_op *op);
void store_room_room(struct store_op *op);
void store_room_settle(struct store_op *op);

/* --- What waits for its user --- */

/* Rows of a page, and room for them. A back end puts them there one by one, until this is false. */
size_t store_offline_fetch(const struct store_op *op);
void store_offline_room(struct store_op *op);
bool store_offline_push(struct store_op *op, struct store_offline_item item);

/* Transactions committed (on PostgreSQL: pipeline syncs) and connections lost; back ends count. */
extern struct metric store_commits, store_lost;

/* The memory back end asks this before each operation, if it is set (the simulator, tests): how
 * long the answer takes, and ERR_OK or the outcome of an operation that shall not be done at all.
 * So ERR_TIMEOUT with a long delay is a lost question, ERR_OK with a long delay a lost answer. */
extern enum err (*store_mem_hook)(const struct store_op *op, uint64_t *delay_ms);

#endif
