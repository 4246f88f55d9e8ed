/* Questions to the server, each at its time: pages of the archive, of the inbox. */
#ifndef RT_LOOKUP_H
#define RT_LOOKUP_H

#include "scenario.h"

/* Peers write to each other --history times, so that there is something to find. */
bool lookup_prepare(const struct scenario *scenario);

/* As struct scenario has them. */
void lookup_begin(struct phase *phase);
bool lookup_mam(struct phase *phase, uint64_t due_us);
bool lookup_inbox(struct phase *phase, uint64_t due_us);
void lookup_take(struct phase *phase, struct client *client, const struct element *element,
                 uint64_t now_us);
void lookup_end(struct phase *phase);

#endif
