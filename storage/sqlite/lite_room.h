/* Rooms in SQLite. */
#ifndef RT_LITE_ROOM_H
#define RT_LITE_ROOM_H

#include "lite_account.h"

lite_op_fn lite_room_create, lite_room_get, lite_room_set, lite_room_destroy, lite_room_page,
    lite_room_guests, lite_room_blocking, lite_room_block, lite_room_gone;

#endif
