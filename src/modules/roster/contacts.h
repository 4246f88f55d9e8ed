/*
 * Rosters in memory. A roster is read from storage when it is first asked for, on the home shard of
 * its owner, and stays while the owner is online or something waits for it. A change is made in
 * memory at once and written behind; a write that failed lets the roster be read anew.
 */
#ifndef RT_CONTACTS_H
#define RT_CONTACTS_H

#include "module.h"
#include "store.h"

struct contact {
    struct contact *next; /* in order of JID */
    struct str jid, name, groups, request;
    unsigned flags; /* enum store_roster_flags */
};

struct contacts {
    struct map_node node;
    struct jid owner; /* bare, on the heap */
    struct contact *first;
    size_t count;
    uint64_t version;
    enum err err; /* of reading: NOT_FOUND: the owner has no account */
    bool loaded, stale;
    unsigned held;       /* by an online user, and by writes under way */
    struct link waiting; /* accumulators that wait for reading */
    struct link behind;  /* accumulators that wait for the writes under way */
    unsigned writing;
    struct store_op *reading;
};

/* Runs `then` as soon as the owner's contacts are there, now or later. They are found again with
 * contacts_find; contacts->err tells when they could not be read. */
enum verdict contacts_with(struct acc *acc, struct session *session, const struct jid *owner,
                           hook_fn *then);

/* The contacts of a bare JID that were asked for, or NULL. */
struct contacts *contacts_find(const struct jid *owner);

/* Keeps them while the owner is online; NULL is fine for `drop`. */
struct contacts *contacts_hold(const struct jid *owner);
void contacts_unhold(struct contacts *contacts);

/* One contact, or NULL. */
struct contact *contacts_get(const struct contacts *contacts, struct str jid);

/* Puts a contact in, or replaces it, and writes it; a contact without flags is taken out. The
 * accumulator parks until that is on disk, then `then` runs: acc->answer->outcome tells. Texts are
 * copied. `session` as for acc_park. */
enum verdict contacts_set(struct acc *acc, struct session *session, struct contacts *contacts,
                          const struct contact *wanted, hook_fn *then);

/* A stanza for the owner waits behind the changes under way, so that what they answer is not
 * overtaken; HOOK_OK when there are none. */
enum verdict contacts_behind(struct acc *acc, const struct jid *owner);

#endif
