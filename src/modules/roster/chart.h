/*
 * The subscription states of RFC 6121 appendix A as a table: what each subscription stanza, sent or
 * received, does to what stands between a user and a contact. Pure; flags are those of store.h.
 */
#ifndef RT_CHART_H
#define RT_CHART_H

#include "module.h"

enum chart_side { CHART_SENT, CHART_RECEIVED };

struct chart_step {
    unsigned flags; /* afterwards */
    bool passes;    /* the stanza goes on: to the contact (sent), to the user (received) */
    bool approves;  /* received: the server answers `subscribed` itself (3.1.3, 3.4) */
};

/* True for subscribe, subscribed, unsubscribe and unsubscribed. */
bool chart_is_subscription(enum stanza_type type);

/* What this stanza does to these flags. */
struct chart_step chart_step(enum chart_side side, enum stanza_type type, unsigned flags);

#endif
