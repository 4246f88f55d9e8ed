/*
 * A session: one client's stream, its state, its place among the user's resources, and the modules'
 * bytes, in one block. It belongs to one shard and moves once, at login, to the user's home.
 */
#ifndef RT_SESSION_H
#define RT_SESSION_H

#include "conn.h"
#include "host.h"
#include "parser.h"
#include "sasl.h"
#include "state.h"

struct login;
struct user;
struct c2s_listener;
struct store_op;

enum { STREAM_ID_LEN = 32, PEER_ROOM = 64 };

struct alarm;

/* A named timeout as a session holds it. */
struct session_alarm {
    struct timer timer;
    struct session *session;
    const struct alarm *alarm;
};

struct session {
    struct conn *conn; /* its own, dead when the socket is gone; exchanged by a resumption */
    struct stream_in in;
    const struct state *state;
    struct timer state_timer;
    const struct c2s_listener *listener;
    struct host *host;   /* NULL until the stream header */
    struct jid jid;      /* empty, bare from authentication on, full from binding on; on the heap */
    struct login *login; /* while authenticating, else NULL */
    struct user *user;   /* while registered */
    struct link user_link, shard_link;
    struct task lane;    /* waits for mail to drain */
    struct task finish;  /* ends it when what it asked for last was answered */
    struct link parked;  /* accumulators of this session that wait for storage */
    struct link waiting; /* stanzas to this session behind a parked one */
    unsigned waiting_count;
    uint64_t number;                     /* for logs and `session kick`; unique in the process */
    uint64_t opened_us;                  /* when it was registered, µs since 1970 */
    uint64_t sent_count, received_count; /* stanzas from and to the client */
    uint64_t handled_count;              /* of sent_count: those whose journey has ended */
    uint64_t durable_count;              /* of these: what is on disk, or wrote nothing */
    struct link writes;                  /* what they asked storage for and that is under way */
    unsigned crowded_target;
    unsigned home; /* the shard it belongs to now */
    uint8_t retries;
    int8_t priority;
    char *active_list;       /* its privacy list (XEP-0016), or NULL */
    const struct caps *caps; /* what its client can (XEP-0115), or NULL */
    bool available;          /* gets messages to the bare JID */
    bool authenticated, header_sent, open, ended, plus_offered, proxied, tls_at_once, said_bye,
        socket_ended, conn_gone;  /* of the connection, with `in`, `listener` and `peer` */
    char peer[PEER_ROOM];         /* the client's address */
    struct session_alarm *alarms; /* hosts_alarm_count() of them, inside the block */
    _Alignas(max_align_t) char slots[];
};

/* Makes a session for a descriptor of a listener, and starts it. */
void session_new(const struct c2s_listener *listener, int fd);

/* The session has come to its home shard. */
void session_arrived(struct conn *conn);

/* The session was bound and let in: registers it. */
void session_opened(struct session *session);

/* At the end of a shard: everything at once, nothing is sent. */
void session_drop_now(struct session *session);

/* True when a message to the bare JID goes to it, among others (RFC 6121 8.5.2.1). */
static inline bool session_takes_bare(const struct session *session)
{
    return session->available && session->priority >= 0;
}

/* True while the client can be reached; a module may keep a session without (user_socket_closed).
 */
bool session_has_socket(const struct session *session);

/* `fresh` is authenticated as the same user and not bound: its connection becomes that of
 * `session`, which is established again (hook session_resumed); `fresh` ends, and with it the old
 * connection, if it was still there: with <conflict/>. */
void session_resume(struct session *session, struct session *fresh);

/* True while something can be written in the clear or through TLS. */
bool session_can_write(const struct session *session);

/* True while a stanza to this session waits for storage, and later ones must wait behind it. */
bool session_must_wait(const struct session *session);

/* The client will send no more: ends the session once what it asked for was answered. */
void session_finish(struct session *session);

/* Gives an event to the state machine; takes the accumulator (NULL: a fresh one). */
void session_event(struct session *session, enum c2s_event event, struct acc *acc);

/* Ends it: stream error (STREAM_NO_ERROR: none), stream trailer, hooks of the end, close. `detail`:
 * an application-specific condition (RFC 6120 4.9.4), or NULL. */
void session_end(struct session *session, enum stream_error error, const char *text);
void session_end_with(struct session *session, enum stream_error error, const char *text,
                      const struct element *detail);

/* Writes an element to the socket; counts stanzas. */
void session_write(struct session *session, const struct element *element);

/* Delivers to the client: receive hooks, presend, write. Takes the accumulator. */
void session_receive(struct session *session, struct acc *acc);

/* presend and write only. Takes the accumulator. */
void session_flush(struct session *session, struct acc *acc);

/* Sets or drops (UINT64_MAX) a named timeout. */
void session_alarm(struct session *session, const struct alarm *alarm, uint64_t ms);

/* Pauses reading from the client while mail to `target` is crowded. */
void session_mind_lane(struct session *session, unsigned target);

/* The journey of a stanza from the client has ended. */
void session_handled(struct session *session);

/* Asks storage for the stanza at hand, which is durable when the operation has completed. */
void session_store(struct session *session, struct store_op *op);

/* A parked stanza of this session went on: its lane opens again when it was the last. */
void session_unparked(struct session *session);

/* The sessions of the running shard, registered or not. */
struct link *session_list(void);

/* True when the connection has TLS. */
bool session_is_secure(const struct session *session);

/* True when passwords may be sent: with TLS, or by the listener's plaintext_auth. */
bool session_is_private(const struct session *session);

/* The shaper that the session's listener names, and those of all listeners (NULL at the end). */
const char *session_shaper(const struct session *session);
const char *session_shaper_at(size_t listener);

extern struct metric *const session_metrics[];

#endif
