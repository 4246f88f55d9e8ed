/* Where rooms are and how they are called: the room of a group has the number of its first user. */
#ifndef RT_ROOM_H
#define RT_ROOM_H

#include "buf.h"
#include "options.h"

/* Writes the room JID of the group `room`. `service`: the usual place of such rooms, which stands
 * before the domain, unless --room-service names another (one with a dot in it is whole). */
void room_write(struct buf *out, const struct options *options, unsigned room, const char *service);

#endif
