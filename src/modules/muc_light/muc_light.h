/*
 * The parts of module muc_light: the way of a stanza (muc_light.c), rooms in memory (rooms.h), what
 * occupants ask of a room (muc_light_room.c), how it changes (muc_light_change.c), affiliations
 * (affiliations.h), configuration (room_schema.h), the service itself (muc_light_service.c).
 */
#ifndef RT_MUC_LIGHT_H
#define RT_MUC_LIGHT_H

#include "module.h"
#include "room_schema.h"
#include "rooms.h"
#include "store.h"

extern const struct module module_muc_light;

struct muc_light_conf {
    const char *host;
    struct key_list config_schema;
    uint64_t rooms_per_user, max_occupants, rooms_per_page;
    bool all_can_configure, all_can_invite, equal_occupants, allow_multiple_owners, blocking;
    bool rooms_in_rosters;
    struct room_schema schema; /* made at start of config_schema */
};

/* Of the host that is addressed. */
const struct muc_light_conf *muc_light_conf(const struct acc *acc);

extern struct metric muc_light_created, muc_light_destroyed, muc_light_changes;

/* Errors of the protocol; HOOK_STOP. */
enum verdict muc_light_refuse(struct acc *acc, enum stanza_error error, const char *text);

/* Answers for storage that did not do it; HOOK_STOP. */
enum verdict muc_light_failed(struct acc *acc);

/* What comes to a room (muc_light_room.c); the room is loaded and not busy. HOOK_OK: it is for
 * another module, and the sender an occupant. */
enum verdict muc_light_handle(struct acc *acc, struct room *room);

/* --- Changes (muc_light_change.c). They keep the room busy, and answer. --- */

/* A request that changes a room, while it is decided; in the accumulator's arena. */
struct change {
    struct acc *acc;
    struct room *room;
    /* of affiliations: what is asked, and who asks */
    struct store_occupant *asked;
    size_t asked_count;
    bool creates;
    struct str config;            /* the whole new one; .at NULL: it stays */
    const struct element *fields; /* that were set, for the notice */
};

/* A fresh one. The others decide, ask storage and answer when that has: HOOK_PARK, or HOOK_STOP. */
struct change *muc_light_change_new(struct acc *acc, struct room *room);
enum verdict muc_light_create(struct change *change);
enum verdict muc_light_affiliate(struct change *change);
enum verdict muc_light_configure(struct change *change);
enum verdict muc_light_destroy(struct acc *acc, struct room *room);

/* The occupants in a request (<user affiliation='…'/>), in change->asked. NULL, or what is wrong.
 */
const char *muc_light_read_users(struct change *change, const struct element *parent);

/* --- Elements --- */

/* Add a child in the namespace of `parent`: with a text, a <user/>. */
struct element *muc_light_add_text(struct arena *arena, struct element *parent, const char *name,
                                   struct str text);
void muc_light_add_user(struct arena *arena, struct element *parent, struct str bare,
                        enum store_affiliation affiliation);

/* The service itself (muc_light_service.c), and what disco#info says of it and its rooms. */
enum verdict muc_light_serve(struct acc *acc, struct session *session);
void muc_light_add_info(struct acc *acc, struct element *query);

/* What a room is called, in the accumulator's arena; .at NULL: the schema has none. */
struct str muc_light_room_name(struct acc *acc, const struct store_room *room);

/* Who goes leaves all rooms (muc_light_leave.c). */
hook_fn muc_light_on_removed;
extern const struct chore muc_light_chore;

/* Rooms in rosters (muc_light_roster.c). */
hook_fn muc_light_on_roster;

#endif
