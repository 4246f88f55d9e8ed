/*
 * The privacy lists of users (XEP-0016), among them the block list (XEP-0191), in memory. They are
 * read from storage when they are first asked for, on the home shard of their owner, and stay while
 * the owner is online; those of some who are offline stay as well. Modules `privacy` and `blocking`
 * say what is in force; others ask what a user hides.
 */
#ifndef RT_PRIVACY_H
#define RT_PRIVACY_H

#include "hook.h"
#include "list.h"
#include "map.h"
#include "privacy_list.h"

struct session;
struct store_op;
struct user;

/* The list that the blocking command works on. */
#define PRIVACY_BLOCK_LIST "blocking"

/* What is in force in a host type: its modules set this at start. */
enum privacy_uses { PRIVACY_USES_BLOCKS = 1, PRIVACY_USES_LISTS = 2 };

struct privacy {
    struct map_node node;
    struct jid owner;                  /* bare, on the heap */
    const struct privacy_list **lists; /* in order of name */
    size_t count;
    const struct privacy_list *standard; /* the default one of them, or NULL */
    enum err err;                        /* of reading */
    bool loaded, stale;
    struct user *user; /* online */
    unsigned held;
    struct link waiting, writes, idle;
    struct store_op *reading;
};

/* What a shard knows; in struct core. */
struct privacy_shelf {
    struct map all;
    struct link idle; /* of users who are offline, oldest first */
    size_t idle_count;
};

/* On the shard's thread, at its begin and end; what waits is dropped. */
void privacy_start(struct privacy_shelf *shelf);
void privacy_stop(struct privacy_shelf *shelf);

/* Runs `then` as soon as the lists of a local user are known, now or later (HOOK_PARK); they are
 * found again with privacy_of. When storage does not answer, privacy->err tells, and nothing that
 * they would decide may pass. `session` as for acc_park. */
enum verdict privacy_with(struct acc *acc, struct session *session, const struct jid *owner,
                          hook_fn *then);

/* The lists of a local user; NULL when nobody asked for them yet. */
struct privacy *privacy_of(const struct jid *owner);

/* A list by its name, or NULL. */
const struct privacy_list *privacy_get(const struct privacy *privacy, struct str name);

/* True when lists of the addressee of a message may stop it at his home: then it is archived there
 * (acc->undecided). False for who is known to have none. Any thread. */
bool privacy_may_stop(const struct jid *to);

/* What is in force for a session of the owner; `session` NULL: for no session in particular. */
struct privacy_view {
    const struct privacy_list *blocked; /* stands before the other */
    const struct privacy_list *list;    /* the session's active one, or the default */
    bool unknown;                       /* not read, or it could not be: all is hidden */
};
struct privacy_view privacy_view(const struct privacy *privacy, const struct host_type *type,
                                 const struct session *session);

/* The same, found by a full or bare JID. */
struct privacy_view privacy_view_of(const struct jid *who);

/* True when the user hides presence from that peer. `contact` as for privacy_list_denies. */
bool privacy_hides(const struct privacy_view *view, const struct jid *peer,
                   const struct subscription *contact);

/* True for those whom no list stops (XEP-0016 2.1): the user's own resources and server, which may
 * answer without a `from`. */
bool privacy_is_exempt(const struct jid *owner, const struct jid *peer);

/* --- Changes: in memory at once, then written; the accumulator parks until that is on disk, then
 * `then` runs: acc->answer->outcome tells. Fires privacy_updated_list at once, privacy_list_push
 * when it is on disk. --- */

/* Adds or replaces a list; an empty text removes it. */
enum verdict privacy_set(struct acc *acc, struct session *session, struct str name, struct str text,
                         hook_fn *then);

/* Which list is the default; an empty name: none. */
enum verdict privacy_set_default(struct acc *acc, struct session *session, struct str name,
                                 hook_fn *then);

/* Which list is the session's active one, an empty name: none. Not stored. */
void privacy_set_active(struct session *session, struct str name);

/* Forgets what is known: the account was removed, or its user goes offline. */
void privacy_forget(const struct jid *owner);
void privacy_user_ends(struct user *user);

/* --- What the hooks get as acc->event_data; acc->from is the user, bare. --- */

/* privacy_updated_list, with a session: what is in force for it has changed. The lists are there
 * while the hook runs; who needs them longer counts them. */
struct privacy_update {
    struct privacy_view before, after;
};

/* privacy_list_push, without one: a list was stored, or removed (after is NULL). */
struct privacy_push {
    struct str name;
    const struct privacy_list *before, *after;
};

#endif
