/*
 * Helper threads for work that blocks: key derivation, SQLite, files. A job goes there by mail and
 * comes home by mail; a shard never blocks. A helper runs its jobs one after the other, in order.
 */
#ifndef RT_HELPER_H
#define RT_HELPER_H

#include "mail.h"

#include <stdbool.h>

struct job {
    struct mail mail;
    void (*work)(struct job *job); /* on the helper; touches only what the job owns */
    void (*done)(struct job *job); /* at home, on the thread that sent it */
    unsigned home;
};

/* Jobs that arrived together are given together, so that a helper can do them as one (one commit);
 * it returns them all, done or not. NULL: jobs run one by one by their `work`. */
typedef void helper_batch_fn(void *own, struct job **jobs, size_t count);

/* A helper is declared at boot, before threads start; returns its post. `name` is for logs.
 * `start` and `stop` run on the helper's thread at its begin and end (may be NULL). */
struct helper {
    const char *name;
    void *own;
    void (*start)(void *own);
    helper_batch_fn *batch;
    void (*stop)(void *own);
};

enum { HELPERS_MAX = 32 };

/* Returns the number of the helper, for helper_send. */
unsigned helper_declare(const struct helper *helper);
unsigned helper_count(void);

/* Sends a job to a helper. From a shard. */
void helper_send(unsigned helper, struct job *job);

/* Sends a job to one of the helpers that are for anyone ("crypto"), the next in turn. */
void helper_anyone(struct job *job);
void helper_declare_anyone(unsigned count);

/* Gives the helpers their posts, which follow the shards'. */
void helper_seat_all(unsigned first_post);

/* boot.c: seats and starts the threads, and ends them when all is done. */
void helper_start_all(unsigned first_post);
void helper_stop_all(void);

/* One turn of a helper without a thread (the simulator): runs what has come. */
size_t helper_turn(unsigned helper);
void helper_wake(unsigned helper);

#endif
