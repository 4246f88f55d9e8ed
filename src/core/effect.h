/*
 * Effects: what handlers ask for. One function applies them; so handlers are testable without I/O.
 * All take the accumulator that the handler got; trees and texts live in its arena.
 */
#ifndef RT_EFFECT_H
#define RT_EFFECT_H

#include "acc.h"

struct alarm;
struct fanout;
struct state;
struct store_op;

enum effect_kind {
    EFFECT_ROUTE,
    EFFECT_REROUTE,
    EFFECT_OFFLINE,
    EFFECT_FLUSH,
    EFFECT_SOCKET_SEND,
    EFFECT_C2S_STATE,
    EFFECT_TIMER,
    EFFECT_STOP,
    EFFECT_HARD_STOP,
    EFFECT_STORE,
    EFFECT_INPUT,
    EFFECT_AVAILABLE,
    EFFECT_SOCKET_END,
    EFFECT_RESUME,
    EFFECT_FAN_OUT,
};

struct effect {
    struct effect *next;
    enum effect_kind kind;
    union {
        struct acc *acc;           /* ROUTE, REROUTE, OFFLINE, FLUSH: owned by the effect */
        struct element *element;   /* SOCKET_SEND */
        const struct state *state; /* C2S_STATE */
        struct store_op *op;       /* STORE */
        struct {
            const struct alarm *alarm;
            uint64_t ms; /* UINT64_MAX: dropped */
        } timer;
        struct {
            enum stream_error error;
            const char *text;
            const struct element *detail;
        } stop;     /* STOP, HARD_STOP */
        bool input; /* INPUT */
        struct {
            bool available;
            int8_t priority;
        } presence;              /* AVAILABLE */
        struct session *session; /* RESUME */
        struct fanout *fanout;   /* FAN_OUT */
    };
};

/* Routes a stanza: its `from` and `to` say where; they must be prepared JIDs. Returns the journey,
 * which is the effect's, for who wants to say more of it. */
struct acc *effect_route(struct acc *acc, struct element *stanza);

/* The same for one of many: XML in it that is a view of the blob (element_add_xml) is written once,
 * and shared by all who get it. */
struct acc *effect_route_shared(struct acc *acc, struct element *stanza, struct blob *shared);

/* Routes a stanza that this session was given and could not take; takes `kept`. */
void effect_reroute(struct acc *acc, struct acc *kept);

/* The same of a message of this session's user when no session takes any: at once, so that nothing
 * that comes later is in front of it; takes `kept`. */
void effect_offline(struct acc *acc, struct acc *kept);

/* Answers the accumulator's stanza: a result (NULL: empty one) or an error; routed to its sender.
 * Nothing is sent in answer to an error or a result. */
void effect_answer(struct acc *acc, struct element *result);
void effect_error(struct acc *acc, enum stanza_error error, const char *text);

/* Answers a stanza of this session's client with an error straight to it: on the way through the
 * router a privacy list might stop what seems to come from its addressee. `type` is that of the
 * error, NULL: the usual one; `detail` an application-specific condition, or NULL. */
void effect_refuse(struct acc *acc, enum stanza_error error, const char *type, const char *text,
                   struct element *detail);

/* Gives a stanza to this session through presend only (no receive hooks). */
void effect_flush(struct acc *acc, struct element *stanza);

/* The same for one that was held; takes `held`. */
void effect_flush_held(struct acc *acc, struct acc *held);

/* Writes an element to this session's socket at once, without presend. */
void effect_socket_send(struct acc *acc, struct element *element);

/* The session's next state. */
void effect_c2s_state(struct acc *acc, const struct state *state);

/* Sets a named timeout of this session to ring in `ms`, or drops it. */
void effect_timer(struct acc *acc, const struct alarm *alarm, uint64_t ms);
void effect_timer_drop(struct acc *acc, const struct alarm *alarm);

/* Asks the session to end (user_stop_request may keep it), or ends it. */
void effect_stop(struct acc *acc, enum stream_error error, const char *text);
void effect_hard_stop(struct acc *acc, enum stream_error error, const char *text);

/* The same with an application-specific condition (RFC 6120 4.9.4). */
void effect_hard_stop_with(struct acc *acc, enum stream_error error, const struct element *detail);

/* The socket is given up without a word, as if the peer had gone. */
void effect_socket_end(struct acc *acc);

/* This session's connection becomes that of `old`, a session of the same user (session_resume). */
void effect_resume(struct acc *acc, struct session *old);

/* Asks storage when the effects are applied. The client's stanzas from this one on are acknowledged
 * when it has completed (XEP-0198), so an operation asked for in this way is not revoked. One that
 * failed has completed, too: then the asker tells the sender. */
void effect_store(struct acc *acc, struct store_op *op);

/* The operation that a handler before this one has asked for and that stores the stanza in
 * archives, for who has something to add to it; NULL: the stanza is not stored. */
struct store_op *effect_archiving(const struct acc *acc);

/* Pauses what the client sends (false), or lets it come again (true): traffic shaping. */
void effect_input(struct acc *acc, bool on);

/* Whether the session gets what is sent to the bare JID, and its priority (RFC 6121 4.7.2.3). */
void effect_available(struct acc *acc, bool available, int8_t priority);

/* Sends a copy to many (fanout.h); what follows in this list comes behind the first turn's. */
void effect_fan_out(struct acc *acc, struct fanout *fanout);

/* Forgets all effects, and frees what they own. */
void effects_drop(struct acc *acc);

/* Applies and clears all effects, in the order: hard_stop (and nothing else), c2s_state,
 * socket_send, then the others as they were asked for. `session` may be NULL: then only route and
 * store are possible. */
void effects_apply(struct acc *acc, struct session *session);

#endif
