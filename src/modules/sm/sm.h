/* What the files of module sm share: acknowledgements (sm.c), resumption and the end (resume.c). */
#ifndef RT_SM_H
#define RT_SM_H

#include "module.h"

extern const struct module module_sm;

enum { ID_BYTES = 21, ID_LEN = BASE64_LEN(ID_BYTES), RETRY_MS = 20, ENDED_MAX = 4 };

enum acknowledge { ACK_DURABLE, ACK_RECEIVED };

struct sm_conf {
    uint64_t buffer_max, buffer_max_size, ack_freq, resume_timeout_ms;
    int acknowledge;
};

struct sm {
    bool enabled, asked;
    bool over;                        /* the buffer is too full, the check is set */
    bool waits;                       /* without a socket */
    uint64_t resume_ms;               /* 0: it cannot be resumed */
    uint64_t sent_base, durable_base; /* of the session's counters, when it was enabled */
    uint64_t acked;                   /* stanzas that the client has handled */
    struct kept_queue unacked;        /* what it has not */
    uint64_t sent;                    /* of these, when it lost its socket: it may know them */
    uint64_t since_asked;             /* written since the last <r/> */
    char id[ID_LEN];
    uint32_t claimed_h; /* of a <resume/>, which waits or is being done */
    char wanted[ID_LEN];
};

/* Sessions of a user that have ended, as long as another one is online: the newest few. */
struct sm_user {
    struct ended {
        char id[ID_LEN];
        uint32_t h;
    } ended[ENDED_MAX];
    unsigned ended_count;
};

/* Named timeouts; the numbers of sm_alarms. */
enum { ALARM_EXPIRE, ALARM_CHECK, ALARM_RETRY, ALARM_OWED };
extern const struct alarm sm_alarms[];

static inline const struct sm_conf *sm_conf_of(const struct session *session)
{
    return module_conf(session->host, &module_sm);
}

static inline struct sm *sm_of(struct session *session)
{
    return session_slot(session, &module_sm);
}

/* Elements to the client: any, <failed/> with a condition; the same as the end of a handler. */
struct element *sm_say(struct acc *acc, const char *name);
struct element *sm_failed(struct acc *acc, enum stanza_error error);
enum verdict sm_refuse(struct acc *acc, enum stanza_error error);
void sm_set_number(struct acc *acc, struct element *element, const char *name, uint32_t number);

/* False: there is no count in `h`. */
bool sm_read_h(const struct element *element, uint32_t *h);

/* Our count, modulo 2^32; true while something that came is on its way to the disk. */
uint32_t sm_handled(struct session *session);
bool sm_is_busy(struct session *session);

/* Asks the client what it has handled. */
void sm_ask(struct acc *acc, struct sm *sm);

/* Drops what the client says it has handled. False: more than was sent (then sm_stop_too_high). A
 * count that is behind an earlier one tells nothing. */
bool sm_acknowledge(struct sm *sm, uint32_t h);
void sm_stop_too_high(struct acc *acc, const struct sm *sm, uint32_t h);

/* resume.c: handlers, timeouts, the end of a session. */
hook_fn sm_on_resume, sm_on_socket_gone, sm_on_stop_request, sm_on_resumed, sm_on_terminate,
    sm_on_reroute;
void sm_on_expire(struct acc *acc, struct session *session);
void sm_on_retry(struct acc *acc, struct session *session);
void sm_session_end(struct session *session, void *own);
extern const struct state sm_state_resume;
extern struct metric sm_waiting, sm_resumed, sm_unknown, sm_expired, sm_resent, sm_rerouted;

#endif
