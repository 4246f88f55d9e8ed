/*
 * What comes to a session from outside of its stream, by `ringtailctl` or an interface for
 * administrators: hook foreign_event, with a struct foreign_event at acc->event_data. Whoever knows
 * the call answers it and stops the chain.
 */
#ifndef RT_FOREIGN_H
#define RT_FOREIGN_H

#include "buf.h"

/* Calls: "get_presence" (answered with <presence/> as it was last broadcast), "set_presence" (the
 * argument is broadcast as if the client had sent it; answered with nothing, or a sentence why
 * not), of module presence; "get_subscribed" (the contacts that get the user's presence, one a
 * line), of module roster.
 */
struct foreign_event {
    const char *call;
    struct str argument;
    struct buf *answer;
};

/* Asks a session of the running shard. False: nobody knows the call. */
struct session;
bool foreign_ask(struct session *session, const struct foreign_event *event);

#endif
