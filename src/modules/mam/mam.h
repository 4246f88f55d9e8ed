/* The parts of module mam: archiving (mam.c), queries (mam_query.c), preferences (mam_prefs.c),
 * retraction (mam_retract.c). */
#ifndef RT_MAM_H
#define RT_MAM_H

#include "module.h"
#include "store.h"

extern const struct module module_mam;

struct mam_conf {
    uint64_t default_result_limit, max_result_limit;
    uint64_t lookups_per_minute; /* of a user; 0: any number */
    bool archive_chat_markers, archive_groupchats, message_retraction;
    uint64_t retention_ms; /* 0: as long as the archive itself keeps it */
};

/* What a user who is online has chosen; zeroed: nothing, all is kept. */
struct mam_user {
    bool asked, chosen;  /* asked: storage, of it or for it */
    int keeps;           /* enum store_mam_keeps */
    struct store_op *op; /* under way */
    struct store_mam_pref *items;
    size_t count;
    uint64_t lookups_until_us; /* what was asked for is paid for then */
};

extern struct metric mam_retracted, mam_lookups, mam_forwarded, mam_prefs_gets, mam_prefs_sets;

/* What is worth keeping of a message (XEP-0313 5.1.1), whatever its type and addresses. */
bool mam_is_worth(const struct acc *acc);

/* Rooms (mam_room.c): hooks, and who is asked: the asker's archive, or the room's, which answers
 * occupants. */
hook_fn mam_room_packet, mam_forget_room;
extern struct metric mam_room_archived;
struct str mam_owner(const struct acc *acc);

/* IQ handlers. */
hook_fn mam_form, mam_query, mam_metadata, mam_prefs_get, mam_prefs_set;

/* True when the iq is about the asker's own archive, or that of a room that the asker is in; else
 * it has been answered. */
bool mam_is_own(struct acc *acc, struct session *session);

/* Answers with resource-constraint or item-not-found when the operation failed. */
bool mam_failed(struct acc *acc);

/* Loads what the user has chosen, once; whether a message with `peer` is kept by that (enum
 * store_mam_keeps: maybe that depends on the roster). */
void mam_user_load(struct session *session);
int mam_user_keeps(struct session *session, const struct jid *peer);
void mam_user_end(void *own);

/* If a message retracts another one, that becomes a tombstone before it is archived (mam_archive),
 * or meanwhile. */
enum verdict mam_retract_first(struct acc *acc, struct session *session);
void mam_retract(struct acc *acc, struct str author);

/* What is searched of a message, if anything is. */
struct str mam_text(struct arena *arena, const struct element *message);

/* The end of a STORE_MAM_STORE: who has sent what the database does not take hears so. */
store_fn mam_on_stored;

/* Archives a message, or refuses it when there is no room. */
enum verdict mam_archive(struct acc *acc, struct session *session);

#endif
