/* Rooms of the memory back end. Under its lock. */
#ifndef RT_MEM_ROOM_H
#define RT_MEM_ROOM_H

#include "store_backend.h"

/* Operations on rooms; ERR_UNSUPPORTED for others. */
enum err mem_room(struct store_op *op);
void mem_room_drop(void);

/* The account was removed: it has to leave its rooms, and blocks nothing any more. */
void mem_room_leave(struct str bare);

#endif
