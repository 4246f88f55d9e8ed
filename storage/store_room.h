/*
 * What the operations of rooms (MUC Light) ask and answer; part of store.h. A room is a name on a
 * service's domain with a version, a configuration and occupants. All operations that change a room
 * are asked for on its home shard; STORE_ROOM_GET is done in order with them. JIDs are bare and
 * prepared.
 */
#ifndef RT_STORE_ROOM_H
#define RT_STORE_ROOM_H

#include "buf.h"

#include <stdbool.h>

struct arena;

enum { STORE_ROOM_PAGE_MAX = 1000, STORE_ROOM_BLOCKING_MAX = 1000 };

enum store_affiliation { STORE_ROOM_NONE, STORE_ROOM_MEMBER, STORE_ROOM_OWNER };

struct store_occupant {
    struct str bare;
    enum store_affiliation affiliation;
};

struct store_room {
    struct str bare;       /* of which CREATE needs the parts as well: */
    struct str name, host; /* name@host */
    struct str version;
    struct str config; /* see below; SET: .at NULL: it stays */
    /* CREATE, GET: all of them; SET: those who change, NONE: they leave */
    struct store_occupant *occupants;
    size_t count;
    /* CREATE, SET: with who is in so many rooms already and would join, nothing is written:
     * CONFLICT and `crowded`. 0: any number. Two that are written at once on two shards know of
     * each other. */
    uint64_t max_rooms;
    bool crowded; /* answered */
};

/* A page of the rooms of a user on a host, or of all of a host, in order of name. */
struct store_room_page {
    /* asked */
    struct str owner, host;   /* empty owner: all rooms */
    struct str after, before; /* names; empty: no bound */
    bool backwards;           /* the page is at the end */
    bool counted;             /* total wanted */
    size_t limit;
    /* answered: occupants are not told, only how many there are */
    struct store_room *items;
    size_t count;
    bool more; /* behind the page; backwards: before it */
    uint64_t total;
};

/* Who may not be brought into a room: it or the inviter is blocked, or there are too many rooms. */
struct store_room_guests {
    struct str room, inviter;
    const struct str *bares;
    bool *prevented; /* answered; room for `count` */
    size_t count;
    uint64_t max_rooms; /* a user may be in; UINT64_MAX: any number */
};

/* Occupants whose accounts were removed, and who have to leave; room by room. */
struct store_room_goner {
    struct str room, bare;
};

struct store_room_gone {
    struct store_room_goner after; /* empty: from the first one */
    size_t limit;                  /* STORE_ROOM_PAGE_MAX at most */
    struct store_room_goner *items;
    size_t count;
};

struct store_room_block {
    bool is_room; /* else a user */
    bool denied;  /* SET: false takes it off the list */
    struct str jid;
};

struct store_room_blocking {
    struct str owner;
    struct store_room_block *items;
    size_t count;
};

/* --- The configuration: a field a line, name=value, with \n and \\ in place of a line's end and a
 * backslash. Names hold neither of these, nor '='. --- */

/* Appends a field. */
void store_room_push_field(struct buf *config, struct str name, struct str value);

/* Takes the first field off; the value lies in the arena. False: none is left. */
bool store_room_next_field(struct arena *arena, struct str *config, struct str *name,
                           struct str *value);

#endif
