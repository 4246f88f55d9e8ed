/*
 * What operations on messages that wait for their user (XEP-0160) ask and answer; part of store.h.
 * A row is a mark, that names a message in the archive, or holds the stanza itself. All of a user's
 * are asked for on one shard and are done in that order: a page has what was added before it, and
 * has not what was dropped.
 */
#ifndef RT_STORE_OFFLINE_H
#define RT_STORE_OFFLINE_H

#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STORE_OFFLINE_PAGE_MAX = 100,
    STORE_OFFLINE_PAGE_BYTES = 1 << 20, /* a page ends behind the message that exceeds it */
    STORE_OFFLINE_CLEAN_MAX = 1000,
};

struct store_offline_item {
    uint64_t number;
    uint64_t message;  /* its id in the archive; 0: it was not archived */
    uint64_t stamp_us; /* when it reached the server, since 1970 */
    struct str body;   /* the stanza; .at NULL: it was to be in the archive, and is not */
    struct str room;   /* the bare JID of the room whose archive has it; empty: the owner's has */
};

struct store_offline {
    struct str user, domain, bare; /* whose: the parts of the bare JID, and the whole of it */
    uint64_t now_us;               /* since 1970; what has expired by then is not there */
    /* ADD: the number says the order and is greater than those before; `item` is what is added */
    struct store_offline_item item;
    struct {
        bool archived; /* the recipient's archive takes it: a mark, unless preferences forbid it.
                          What is in a room's is always a mark, without `archived` */
        struct str peer, peer_resource; /* its sender, for the preferences */
        uint64_t expires_us;            /* 0: never */
        uint64_t max;                   /* how many a user may have */
    } add;
    /* PAGE: those behind this number → items, in order */
    uint64_t after;
    bool of_rooms; /* there may be marks of rooms: it waits for what any shard has not written */
    size_t limit;
    struct store_offline_item *items;
    size_t count;
    /* DROP */
    const uint64_t *numbers;
    size_t number_count;
    uint64_t dropped; /* CLEAN */
};

#endif
