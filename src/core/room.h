/*
 * What a room says: data of hook filter_room_packet, which runs on the room's shard before its
 * occupants get a stanza. The accumulator is a journey of its own: `from` is the room, with the
 * sender's bare JID as the resource (an event: without one), `to` the room.
 */
#ifndef RT_ROOM_H
#define RT_ROOM_H

#include "jid.h"

/* Somebody whom an event brings into the room, or out of it. */
struct room_change {
    struct str bare;
    bool joins; /* else leaves */
};

struct room_packet {
    struct str room;   /* bare */
    struct str author; /* bare; empty: an event */
    const struct jid *occupants;
    size_t occupant_count;
    const struct room_change *changes; /* of an event */
    size_t change_count;
};

#endif
