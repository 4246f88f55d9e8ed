/*
 * What is said between pairs or in rooms, and what has come of it. Client 2k talks with client
 * 2k+1, or each with the room of its group, who all read it, the sender too. A message carries its
 * sender, its number and when it was due; a bit is kept for each number and reader, so lost,
 * doubled and disordered are exact.
 */
#ifndef RT_TRAFFIC_H
#define RT_TRAFFIC_H

#include "fleet.h"
#include "hist.h"
#include "pace.h"

/* What one client says. */
struct lane {
    uint64_t sent;
    uint64_t *newest; /* of each reader: one more than the highest number that came */
    uint64_t *came;   /* a bit a number and reader */
};

struct traffic {
    struct pace pace;
    unsigned room_size; /* clients in a room; 0: they talk in pairs */
    const char *rooms_at;
    unsigned readers; /* of each message */
    uint64_t next;    /* write */
    struct lane *lanes;
    unsigned *order; /* who writes when: shuffled, so that neighbours do not follow each other */
    uint64_t lane_room;
    uint64_t sent, delivered, doubled, disordered;
    uint64_t foreign;                  /* errors, and what says that it is of us and is not */
    uint64_t others;                   /* messages of the server's own, or of an earlier run */
    uint64_t in_window;                /* delivered between begin and end of the measured part */
    struct hist *latency_us, *late_us; /* of measured messages; of our own writes */
};

/* Makes room for what the timetable holds; `pace` and `room_size` are set. The fleet is there. */
void traffic_init(struct traffic *traffic);
void traffic_fini(struct traffic *traffic);

/* Writes what is due. Returns when the next one is (UINT64_MAX: none). */
uint64_t traffic_send(struct traffic *traffic, uint64_t now_us);

/* Takes a stanza that came. */
void traffic_take(struct traffic *traffic, const struct client *client,
                  const struct element *element, uint64_t now_us);

#endif
