/* The parts of module mam: archiving (mam.c), queries (mam_query.c), preferences (mam_prefs.c). */
#ifndef RT_MAM_H
#define RT_MAM_H

#include "module.h"
#include "store.h"

extern const struct module module_mam;

struct mam_conf {
    uint64_t default_result_limit, max_result_limit;
    bool archive_chat_markers;
    uint64_t retention_ms; /* 0: as long as the archive itself keeps it */
};

/* What a user who is online has chosen; zeroed: nothing, all is kept. */
struct mam_user {
    bool asked, chosen, keeps; /* asked: storage, of it or for it */
    struct store_op *op;       /* under way */
    struct store_mam_pref *items;
    size_t count;
};

extern struct metric mam_lookups, mam_forwarded, mam_prefs_gets, mam_prefs_sets;

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

/* Loads what the user has chosen, once; whether a message with `peer` is kept by that. */
void mam_user_load(struct session *session);
bool mam_user_keeps(struct session *session, const struct jid *peer);
void mam_user_end(void *own);

#endif
