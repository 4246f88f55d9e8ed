/* Where a stanza goes. RFC 6120 section 10, RFC 6121 section 8. */
#ifndef RT_ROUTER_H
#define RT_ROUTER_H

#include "acc.h"

/* Routes by acc->to; takes the accumulator. `session`: the sender's on this shard, whose lane
 * pauses when the target is crowded, or NULL. */
void router_route(struct acc *acc, struct session *session);

/* Routes anew what a session could not take; drops it when another one has a copy. Takes it. */
void router_reroute(struct acc *acc);

/* The same of a message to a user of this shard without a session that takes it, at once. Takes it.
 */
void router_offline(struct acc *acc);

/* Sends an error back to the stanza's sender, unless it is an error or result itself. Takes it. */
void router_bounce(struct acc *acc, enum stanza_error error, const char *text);

extern struct metric *const router_metrics[];

#endif
