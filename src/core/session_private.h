/* What the files of a session share among themselves; nobody else includes this. */
#ifndef RT_SESSION_PRIVATE_H
#define RT_SESSION_PRIVATE_H

#include "session.h"

extern const struct conn_events session_conn_events;
extern struct metric session_now, session_stanzas_in, session_stanzas_out, session_lane_pauses;

/* The memory, when the connection is gone. */
void session_free(struct session *session);

/* The connection is gone, and its place at the listener is free. */
void session_lose_conn(struct session *session);

/* It ends: writes that are under way are nobody's any more. */
void session_forget_writes(struct session *session);

/* Another shard decides about a stanza of the client: later ones wait. */
bool session_awaits(const struct session *session);

/* The task of a lane that waits for mail to drain. */
void session_on_lane(struct task *task);

#endif
