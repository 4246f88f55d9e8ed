/*
 * What is said between pairs and what has come of it. Client 2k talks with client 2k+1. A message
 * carries its sender, its number and when it was due; the receiver keeps a bit for each number, so
 * lost, doubled and disordered are exact.
 */
#ifndef RT_TRAFFIC_H
#define RT_TRAFFIC_H

#include "fleet.h"
#include "hist.h"
#include "pace.h"

/* One direction of a pair, kept with its sender. */
struct lane {
    uint64_t sent, newest; /* newest: one more than the highest number that came */
    uint64_t *came;        /* a bit a number */
};

struct traffic {
    struct pace pace;
    uint64_t next; /* write */
    struct lane *lanes;
    unsigned *order; /* who writes when: shuffled, so that neighbours do not follow each other */
    uint64_t lane_room;
    uint64_t sent, delivered, doubled, disordered, foreign;
    uint64_t in_window;                /* delivered between begin and end of the measured part */
    struct hist *latency_us, *late_us; /* of measured messages; of our own writes */
};

/* Makes room for what the timetable holds; `pace` is set. The fleet is there. */
void traffic_init(struct traffic *traffic);
void traffic_fini(struct traffic *traffic);

/* Writes what is due. Returns when the next one is (UINT64_MAX: none). */
uint64_t traffic_send(struct traffic *traffic, uint64_t now_us);

/* Takes a stanza that came. */
void traffic_take(struct traffic *traffic, const struct client *client,
                  const struct element *element, uint64_t now_us);

#endif
