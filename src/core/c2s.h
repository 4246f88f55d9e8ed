/* The states of a client's stream; RFC 6120 sections 4 to 7. DESIGN: the C2S state machine. */
#ifndef RT_C2S_H
#define RT_C2S_H

#include "session.h"

enum { AUTH_RETRIES = 3, BIND_RETRIES = 5 };

extern const struct state state_connect, state_wait_for_stream, state_wait_for_feature_before_auth,
    state_wait_for_sasl_response, state_wait_for_stream_authenticated,
    state_wait_for_feature_after_auth, state_wait_for_session_establishment;

/* All states of the core, NULL-ended, for `ringtailctl states`. */
extern const struct state *const c2s_states[];

/* One try is used up: true when there is another, false when the stream was ended. */
bool c2s_retry(struct session *session, const char *what);

/* Writes our stream header, with a fresh stream id. */
void c2s_write_header(struct session *session, struct str lang);

/* features.c: writes <stream:features/> for the session as it stands. */
void features_write(struct session *session);

/* bind.c: answers the bind iq and the legacy session iq; returns the next state, NULL: none. */
const struct state *bind_resource(struct session *session, struct acc *acc);
const struct state *bind_session(struct session *session, struct acc *acc);
bool bind_is_request(const struct acc *acc, enum ns ns, const char *name);
/* Registers the session. False: refused, and the stanza was answered. */
bool bind_open(struct session *session, struct acc *acc);

/* established.c */
const struct state *established_element(struct session *session, struct acc *acc);
const struct state *established_route(struct session *session, struct acc *acc);

/* Hands an element that the state does not know to user_send_xmlel; takes it. What nobody answers
 * ends the stream: not-authorized for a stanza, unsupported-stanza-type for others. */
void c2s_foreign_element(struct session *session, struct acc *acc);

#endif
