/* What scenarios with messages share (one_to_one.c): logging in, talking, measuring, telling. */
#ifndef RT_TALK_H
#define RT_TALK_H

#include "options.h"

struct talk {
    const char *name;
    bool through_relay;
    unsigned room_size;       /* 0: in pairs */
    const char *room_service; /* unless --room-service says so */
    /* Once all are there; false: it failed, and was told. May be NULL. */
    bool (*prepare)(const struct options *options);
};

/* The exit code: 0 when all came, once. */
int talk_run(const struct options *options, const struct talk *what);

/* The same in rooms of --room-size. */
int talk_in_rooms(const struct options *options, const struct talk *what);

#endif
