/* The whole server on the simulator, with three listeners and a few accounts (password "secret").
 */
#ifndef RT_SIM_SERVER_H
#define RT_SIM_SERVER_H

#include "sim.h"

enum {
    SIM_PORT_C2S = 1,    /* plain text allowed, no legacy session */
    SIM_PORT_LEGACY = 2, /* backwards_compatible_session */
    SIM_PORT_SHAPED = 3, /* 1000 bytes a second */
};

/* Another module beside those of the plays, a line of YAML; or NULL. */
extern const char *sim_server_more;

/* `modules`: YAML of the modules section; NULL: all modules of the plays. */
void sim_server_open(unsigned shards, uint64_t seed, struct sim_faults faults,
                     const char *const *users, const char *modules);
void sim_server_close(void);

/* Sessions, timers and waiting operations over all shards, which must be back at 0 in the end. */
size_t sim_server_sessions(void);
size_t sim_server_timers(void);

#endif
