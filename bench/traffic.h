/*
 * Messages between peers or in rooms, and what has come of them. Peers write to each other in turn;
 * in a room all read all, the sender too. A message carries its sender, its number and when it was
 * due; a bit is kept for each number and reader, so lost, doubled and disordered are exact.
 */
#ifndef RT_TRAFFIC_H
#define RT_TRAFFIC_H

#include "scenario.h"

/* As struct scenario has them. */
void traffic_begin(struct phase *phase);
bool traffic_act(struct phase *phase, uint64_t due_us);
void traffic_take(struct phase *phase, struct client *client, const struct element *element,
                  uint64_t now_us);
void traffic_end(struct phase *phase);

#endif
