/* Who is online on this shard: users by bare JID, each with its sessions. */
#ifndef RT_USERS_H
#define RT_USERS_H

#include "session.h"

struct user {
    struct map_node node;
    struct jid jid; /* bare, on the heap */
    struct host *host;
    struct link sessions; /* by user_link, oldest first */
    size_t session_count;
    struct privacy *privacy; /* what is known of the lists, or NULL */
    _Alignas(max_align_t) char slots[];
};

/* The user, or NULL when no session is registered. */
struct user *users_find(const struct jid *jid);

/* The session with this full JID, or NULL. */
struct session *users_session(const struct jid *full);

/* The user's sessions on this shard, one after the other, oldest first: NULL starts, NULL ends. */
struct session *users_next_session(const struct jid *user, const struct session *session);

/* Removes an account with all that belongs to it: asks who its contacts are, then storage; when
 * that is done (`done` is called first), runs hook user_leaves, ends the user's sessions, and runs
 * hook remove_user. The sessions are there when `done` is called. On the home shard. */
typedef void users_remove_fn(void *owner, enum err outcome);
void users_remove(const struct jid *jid, users_remove_fn *done, void *owner);

/* Registers a session (its jid is full). */
void users_add(struct session *session);

/* Takes it out; the last one ends the user. */
void users_drop(struct session *session);

/* All users of this shard in no order: NULL starts, NULL ends. */
struct user *users_next(struct user *user);
size_t users_count(void);

#endif
