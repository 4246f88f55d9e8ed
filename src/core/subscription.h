/*
 * What modules tell each other of rosters, through hooks, so that neither knows the other: the
 * answers to roster_get_subscription_lists and the news of roster_changed are acc->event_data.
 */
#ifndef RT_SUBSCRIPTION_H
#define RT_SUBSCRIPTION_H

#include "hook.h"
#include "jid.h"

struct subscription {
    struct str contact; /* bare JID */
    unsigned flags;     /* enum store_roster_flags */
    struct str groups;  /* one a line */
};

/* Asked for with acc->to, a local user; filled in, in the accumulator's arena: contacts with a
 * subscription, or a request for one, either way. */
struct subscriptions {
    const struct subscription *items;
    size_t count;
};

/* roster_get_jid_info asks of one contact: acc->event_data is a struct subscription whose `contact`
 * is set, acc->to the user. The rest is filled in, empty when the contact is not in the roster. */

/* Asks that hook what stands between a local user and a contact, and runs `then`, now or later
 * (HOOK_PARK), with the answer at acc->event_data (struct subscription *). On the user's home
 * shard.
 */
enum verdict subscription_ask(struct acc *acc, struct session *session, const struct jid *user,
                              const struct jid *contact, hook_fn *then);

/* acc->from, the user, and acc->to, the contact, are bare. */
struct roster_change {
    unsigned before, after; /* enum store_roster_flags */
};

#endif
