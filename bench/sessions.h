/* Users who come and go: login_storm and reconnect. */
#ifndef RT_SESSIONS_H
#define RT_SESSIONS_H

#include "scenario.h"

/* Each login is due at its time, by whoever is out; who is in goes out again at once. */
void storm_begin(struct phase *phase);
bool storm_act(struct phase *phase, uint64_t due_us);
void storm_on_ready(struct phase *phase, struct client *client);
void storm_on_gone(struct phase *phase, struct client *client, const char *why);

/* All are cut off at the start, and come back each at its time, --in-flight at a time. */
void reconnect_begin(struct phase *phase);
bool reconnect_act(struct phase *phase, uint64_t due_us);
void reconnect_on_ready(struct phase *phase, struct client *client);

#endif
