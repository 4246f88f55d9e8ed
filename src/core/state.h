/*
 * The states of a session as data. A state is a constant struct; modules bring states of their own
 * (external states) and ask for them with effect_c2s_state. An event that a state does not answer
 * goes to its parent.
 */
#ifndef RT_STATE_H
#define RT_STATE_H

#include <stdbool.h>
#include <stddef.h>

struct acc;
struct session;

enum c2s_event {
    EV_OPEN,          /* a stream header */
    EV_ELEMENT,       /* a top-level element */
    EV_CLOSE,         /* </stream:stream> */
    EV_ROUTE,         /* a stanza for this session */
    EV_SECURED,       /* the TLS handshake is complete */
    EV_STATE_TIMEOUT, /* the state's timer rang */
    EV_SOCKET_CLOSED,
    EV_SOCKET_ERROR,
    EV_STOP, /* asked to end: acc->event_data is a struct effect */
    EV_COUNT
};

/* Takes the accumulator: it is freed, moved or parked when the step returns. NULL: the state stays.
 */
typedef const struct state *step_fn(struct session *session, struct acc *acc);

struct state {
    const char *name;
    bool timed; /* its timer is the listener's state_timeout */
    const struct state *parent;
    const struct state *const *from; /* NULL-ended: legal predecessors; NULL: any */
    step_fn *on[EV_COUNT];
};

/* The client is bound. Parent of external states in which the session lives on (sm:resume). */
extern const struct state state_session_established;

/* For logs and the graph. */
const char *c2s_event_name(enum c2s_event event);

/* Enters a state: checks the predecessor, sets or drops the state timer. Entering the same state
 * again starts its timer anew. */
void state_enter(struct session *session, const struct state *state);

/* The state, or the nearest ancestor, that answers the event; NULL: none. */
step_fn *state_step(const struct state *state, enum c2s_event event);

/* The graph of these states (NULL-ended) in graphviz's language, appended to `out`. */
struct buf;
void states_graph(struct buf *out, const struct state *const *states);

#endif
