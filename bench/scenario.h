/* What ringtail-bench can do: one function a scenario, on the shard of the running thread. */
#ifndef RT_SCENARIO_H
#define RT_SCENARIO_H

#include "options.h"

/* Chat messages between pairs of users, open loop. */
int scenario_one_to_one(const struct options *options);

/* Messages in rooms of --room-size users, open loop. */
int scenario_muc_light(const struct options *options);

/* The same in rooms of the older kind (XEP-0045), which all servers have. */
int scenario_muc(const struct options *options);

/* The same traffic through ringtail-relay: the floor to compare with. */
int scenario_relay(const struct options *options);

/* Sessions that do nothing: memory of the server. */
int scenario_idle(const struct options *options);

/* Login and logout, each user once. */
int scenario_login(const struct options *options);

/* All are there, lose their connections at once, and come back, --in-flight at a time. */
int scenario_stampede(const struct options *options);

#endif
