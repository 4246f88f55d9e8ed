/* Which of a client's stanzas count as handled, and as durable: what XEP-0198 may acknowledge. */
#ifndef RT_SESSION_STORE_H
#define RT_SESSION_STORE_H

#include <stdint.h>

struct acc;
struct receipt;
struct session;
struct store_op;

/* The journey of a stanza from the client has ended, or has left the session behind. */
void session_handled(struct session *session);

/* Asks storage for the stanza at hand, which is durable when the operation has completed. */
void session_store(struct session *session, struct store_op *op);

/* The stanza at hand is not durable before its journey has ended: acc is freed, on any shard. */
void session_await(struct session *session, struct acc *acc);

/* Of session->handled_count: stanzas that are on disk, or wrote nothing, and all before them. */
uint64_t session_durable(struct session *session);

/* One of the two that hold it lets go; for acc_free. NULL is fine. Any thread. */
void receipt_drop(struct receipt **receipt);

#endif
