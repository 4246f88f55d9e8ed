/*
 * A stanza whose write is another shard's: its client's stanzas from this one on are acknowledged
 * (XEP-0198) when that has written, or has found that there is nothing to write. The promise goes
 * with the accumulator, and home by mail when it is kept, at the latest when the journey has ended.
 * If it is `undecided` whether there is something for archives to write, the client's later stanzas
 * wait until that is given to storage, so that it can read what it has written.
 */
#ifndef RT_PROMISE_H
#define RT_PROMISE_H

#include <stdbool.h>

struct promise;
struct session;
struct store_op;

/* For the stanza at hand of a session of the running shard. */
struct promise *promise_new(struct session *session, bool undecided);

/* Keeps it, from any shard; NULL is fine. */
void promise_keep(struct promise **promise);

/* Asks storage; it is kept when the operation has completed. */
void promise_store(struct promise **promise, struct store_op *op);

#endif
