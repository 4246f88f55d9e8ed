/*
 * What was removed and is too much for one transaction: archives of accounts, accounts of a domain,
 * messages past the retention of their domain. It is hidden at once, and queued in the database;
 * the shard that asked for it does the work, a bounded part at a time. What was left when a server
 * stopped, the first shard of the next one does. Its shard's thread.
 */
#ifndef RT_REMOVAL_H
#define RT_REMOVAL_H

#include "store.h"

struct removal {
    struct timer timer;
    struct store_op *op; /* under way */
    bool again;          /* something was removed since that was asked */
};

/* True for operations after which there may be work. */
bool removal_follows(const struct store_op *op);

/* At the begin of the first shard: goes on with what was left. Later: begins, if it has not begun.
 */
void removal_start(struct removal *removal);
void removal_soon(struct removal *removal);
void removal_stop(struct removal *removal);

extern struct metric *const removal_metrics[];

#endif
