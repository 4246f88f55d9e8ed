/* Rooms of the memory back end. Under its lock. */
#ifndef RT_MEM_ROOM_H
#define RT_MEM_ROOM_H

#include "store_backend.h"

/* Operations on rooms; ERR_UNSUPPORTED for others. */
enum err mem_room(struct store_op *op);
void mem_room_drop(void);

#endif
