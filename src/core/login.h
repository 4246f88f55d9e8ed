/*
 * Authentication of a session (RFC 6120 section 6): the SASL conversation, its account lookup and
 * its checks on helper threads. While it waits the connection is paused.
 */
#ifndef RT_LOGIN_H
#define RT_LOGIN_H

#include "session.h"

/* True when this mechanism is offered on this session as it stands. */
bool login_offers(const struct session *session, enum sasl_mechanism mechanism);

/* Appends <mechanisms/> and <sasl-channel-binding/> (XEP-0440) to the features. */
void login_features(struct session *session, struct arena *arena, struct element *features);

/* <auth/>, <response/> and <abort/>. The next state is entered when the answer is known. */
void login_auth(struct session *session, const struct element *auth);
void login_response(struct session *session, const struct element *response);
void login_abort(struct session *session);

/* The session ends: what is under way is given up. */
void login_end(struct session *session);

extern struct metric *const login_metrics[];

#endif
