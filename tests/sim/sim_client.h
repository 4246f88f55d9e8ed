/* A client of the simulated server that asks one thing after the other, when nothing else moves. */
#ifndef RT_SIM_CLIENT_H
#define RT_SIM_CLIENT_H

#include "sim_server.h"

/* All that comes until a slow store has had its time, behind what is in `in`; NUL-terminated, it
 * stays there. */
const char *sim_client_rest(struct sim_peer *peer, struct buf *in);

/* Says something; what comes then is all that `in` has. */
const char *sim_client_ask(struct sim_peer *peer, struct buf *in, const char *text);

/* A fresh connection of user u<number>, logged in and bound, with an empty `in`; the test ends when
 * it cannot be. */
struct sim_peer *sim_client_log_in(unsigned number, struct buf *in);

#endif
