/*
 * Stream Management (XEP-0198): acknowledgements, and sessions that outlive their socket. A session
 * without one is in the state sm:resume; everything that it would get is kept, within bounds.
 */
#include "module.h"

extern const struct module module_sm;

enum { ID_BYTES = 21, ID_LEN = BASE64_LEN(ID_BYTES), CHECK_MS = 5000, RETRY_MS = 20, HARD = 4 };

enum { ENDED_MAX = 4 };

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
    struct kept *first, **last;       /* what it has not */
    uint64_t count, size;             /* of these; bytes */
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

static struct metric enabled = {"sm_enabled_total", "Sessions that enabled stream management.",
                                METRIC_COUNTER, 0};
static struct metric waiting = {"sm_waiting", "Sessions without a socket now.", METRIC_GAUGE, 0};
static struct metric resumed = {"sm_resumed_total", "Sessions that were resumed.", METRIC_COUNTER,
                                0};
static struct metric unknown = {"sm_resume_failed_total", "Resumptions of a session not there.",
                                METRIC_COUNTER, 0};
static struct metric expired = {"sm_expired_total", "Sessions that nobody resumed in time.",
                                METRIC_COUNTER, 0};
static struct metric resent = {"sm_resent_total", "Stanzas sent again after a resumption.",
                               METRIC_COUNTER, 0};
static struct metric rerouted = {
    "sm_rerouted_total", "Unacknowledged stanzas that a session left behind.", METRIC_COUNTER, 0};
static struct metric overflows = {"sm_buffer_overflows_total",
                                  "Sessions that ended because their buffer was full.",
                                  METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&enabled, &waiting,  &resumed,   &unknown, &expired,
                                         &resent,  &rerouted, &overflows, NULL};

static const struct alarm alarms[];
static const struct state state_resume;

enum { ALARM_EXPIRE, ALARM_CHECK, ALARM_RETRY, ALARM_OWED };

static const struct sm_conf *conf_of(const struct session *session)
{
    return module_conf(session->host, &module_sm);
}

static struct sm *sm_of(struct session *session)
{
    return session_slot(session, &module_sm);
}

/* --- Elements --- */

static struct element *say(struct acc *acc, const char *name)
{
    struct element *element = element_new(&acc->arena, NS_SM, name);
    effect_socket_send(acc, element);
    return element;
}

static void set_number(struct acc *acc, struct element *element, const char *name, uint32_t number)
{
    element_set(&acc->arena, element, name,
                arena_format(&acc->arena, "%lu", (unsigned long)number));
}

static struct element *say_failed(struct acc *acc, enum stanza_error error)
{
    struct element *failed = say(acc, "failed");
    element_add(&acc->arena, failed, NS_STANZAS, stanza_error_name(error));
    return failed;
}

static bool read_h(const struct element *element, uint32_t *h)
{
    uint64_t number;
    if (!text_u64(element_attr(element, "h"), 0, UINT32_MAX, &number))
        return false;
    *h = (uint32_t)number;
    return true;
}

/* --- What came from the client: XEP-0198 section 4 --- */

/* Modulo 2^32, as all counts on the wire. */
static uint32_t received(struct session *session)
{
    return (uint32_t)(session->sent_count - sm_of(session)->sent_base);
}

static uint32_t durable(struct session *session)
{
    return (uint32_t)(session->durable_count - sm_of(session)->durable_base);
}

static uint32_t handled(struct session *session)
{
    return conf_of(session)->acknowledge == ACK_DURABLE ? durable(session) : received(session);
}

/* Something that came is still on its way to the disk. */
static bool is_busy(struct session *session)
{
    const struct sm *sm = sm_of(session);
    return session->durable_count - sm->durable_base < session->sent_count - sm->sent_base;
}

static void ask(struct acc *acc, struct sm *sm)
{
    sm->asked = true;
    sm->since_asked = 0;
    say(acc, "r");
}

/* --- What goes to the client --- */

static struct kept *pop(struct sm *sm)
{
    struct kept *kept = sm->first;
    sm->first = kept->next;
    if (!sm->first)
        sm->last = &sm->first;
    sm->count--;
    sm->size -= kept->len;
    return kept;
}

static void keep(struct sm *sm, struct acc *acc)
{
    struct kept *kept = kept_new(acc);
    *sm->last = kept;
    sm->last = &kept->next;
    sm->count++;
    sm->size += kept->len;
}

static bool is_over(const struct sm *sm, const struct sm_conf *conf, uint64_t times)
{
    return sm->count > conf->buffer_max * times || sm->size > conf->buffer_max_size * times;
}

/* The session ends, and what is in the buffer goes elsewhere. */
static void overflow(struct acc *acc)
{
    metric_count(&overflows);
    effect_hard_stop(acc, STREAM_RESOURCE_CONSTRAINT, "too many unacked stanzas");
}

/* A client that reads gets a while to say so; there is no growth beyond a few times the bound. */
static void bound(struct acc *acc, struct session *session, struct sm *sm)
{
    const struct sm_conf *conf = conf_of(session);
    bool there = session_has_socket(session);
    if (is_over(sm, conf, there ? HARD : 1)) {
        overflow(acc);
    } else if (!sm->over && is_over(sm, conf, 1)) {
        sm->over = true;
        effect_timer(acc, &alarms[ALARM_CHECK], CHECK_MS);
    }
}

static void on_check(struct acc *acc, struct session *session)
{
    struct sm *sm = sm_of(session);
    sm->over = false;
    if (is_over(sm, conf_of(session), 1))
        overflow(acc);
}

static enum verdict on_presend(struct acc *acc, struct session *session)
{
    struct sm *sm = sm_of(session);
    if (!sm->enabled)
        return HOOK_OK;
    if (acc->kind != STANZA_NONE) {
        keep(sm, acc);
        bound(acc, session, sm);
    }
    return session_has_socket(session) ? HOOK_OK : HOOK_STOP;
}

/* One question at a time: the answer to it asks the next. */
static enum verdict on_sent(struct acc *acc, struct session *session)
{
    struct sm *sm = sm_of(session);
    if (!sm->enabled || acc->kind == STANZA_NONE)
        return HOOK_OK;
    sm->since_asked++;
    if (!sm->asked && sm->since_asked >= conf_of(session)->ack_freq)
        ask(acc, sm);
    return HOOK_OK;
}

/* Drops what the client says it has handled. False: more than was sent. A count that is behind an
 * earlier one tells nothing. */
static bool acknowledge(struct sm *sm, uint32_t h)
{
    uint32_t more = h - (uint32_t)sm->acked, behind = (uint32_t)sm->acked - h;
    if (more > sm->count)
        return behind <= INT32_MAX && behind <= sm->acked;
    sm->acked += more;
    for (; more; more--) {
        struct kept *kept = pop(sm);
        delivery_take(&kept->delivery);
        kept_free(kept);
    }
    return true;
}

static void stop_too_high(struct acc *acc, const struct sm *sm, uint32_t h)
{
    struct element *detail = element_new(&acc->arena, NS_SM, "handled-count-too-high");
    set_number(acc, detail, "h", h);
    set_number(acc, detail, "send-count", (uint32_t)(sm->acked + sm->count));
    effect_hard_stop_with(acc, STREAM_UNDEFINED_CONDITION, detail);
}

/* --- <r/>, <a/> --- */

static enum verdict refuse(struct acc *acc, enum stanza_error error)
{
    say_failed(acc, error);
    return HOOK_STOP;
}

static void answer_r(struct acc *acc, struct session *session)
{
    set_number(acc, say(acc, "a"), "h", handled(session));
    if (is_busy(session) && handled(session) == durable(session))
        effect_timer(acc, &alarms[ALARM_OWED], RETRY_MS);
}

/* Answered at once, and again when more is on disk: the client may not ask a second time. */
static enum verdict on_r(struct acc *acc, struct session *session)
{
    if (!sm_of(session)->enabled)
        return refuse(acc, STANZA_UNEXPECTED_REQUEST);
    answer_r(acc, session);
    return HOOK_STOP;
}

static void on_owed(struct acc *acc, struct session *session)
{
    if (is_busy(session))
        effect_timer(acc, &alarms[ALARM_OWED], RETRY_MS);
    else if (session_has_socket(session))
        answer_r(acc, session);
}

static enum verdict on_a(struct acc *acc, struct session *session)
{
    struct sm *sm = sm_of(session);
    uint32_t h;
    if (!sm->enabled)
        return refuse(acc, STANZA_UNEXPECTED_REQUEST);
    if (!read_h(acc->element, &h)) {
        effect_hard_stop(acc, STREAM_BAD_FORMAT, "Invalid h attribute");
        return HOOK_STOP;
    }
    if (!acknowledge(sm, h)) {
        stop_too_high(acc, sm, h);
        return HOOK_STOP;
    }
    sm->asked = false;
    if (sm->over && !is_over(sm, conf_of(session), 1)) {
        sm->over = false;
        effect_timer_drop(acc, &alarms[ALARM_CHECK]);
    }
    if (sm->count && sm->since_asked >= conf_of(session)->ack_freq)
        ask(acc, sm);
    return HOOK_STOP;
}

/* --- <enable/>: section 3 --- */

/* A client may want less than we offer (section 5), never more. */
static uint64_t resume_ms_of(struct acc *acc, struct session *session)
{
    uint64_t ms = conf_of(session)->resume_timeout_ms, wanted;
    if (text_u64(element_attr(acc->element, "max"), 1, UINT32_MAX, &wanted) && wanted * 1000 < ms)
        ms = wanted * 1000;
    return ms;
}

static void make_id(struct sm *sm)
{
    uint8_t random[ID_BYTES];
    digest_random(random, sizeof random);
    base64_encode(random, sizeof random, sm->id);
}

static enum verdict on_enable(struct acc *acc, struct session *session)
{
    struct sm *sm = sm_of(session);
    struct str resume = element_attr(acc->element, "resume");
    bool wanted = str_is(resume, "true") || str_is(resume, "1");
    if (sm->enabled || session->jid.resource.len == 0)
        return refuse(acc, STANZA_UNEXPECTED_REQUEST);
    if (resume.at && !wanted && !str_is(resume, "false") && !str_is(resume, "0"))
        return refuse(acc, STANZA_BAD_REQUEST);
    sm->enabled = true;
    sm->last = &sm->first;
    sm->sent_base = session->sent_count;
    sm->durable_base = session->durable_count;
    metric_count(&enabled);
    struct element *answer = say(acc, "enabled");
    if (!wanted || conf_of(session)->resume_timeout_ms == 0)
        return HOOK_STOP;
    sm->resume_ms = resume_ms_of(acc, session);
    make_id(sm);
    element_set(&acc->arena, answer, "id", arena_str(&acc->arena, (struct str){sm->id, ID_LEN}));
    element_set(&acc->arena, answer, "resume", STR("true"));
    set_number(acc, answer, "max", (uint32_t)(sm->resume_ms / 1000));
    return HOOK_STOP;
}

/* --- Without a socket: section 5 --- */

static enum verdict on_socket_gone(struct acc *acc, struct session *session)
{
    struct sm *sm = sm_of(session);
    if (!sm->resume_ms)
        return HOOK_OK;
    sm->asked = false;
    sm->waits = true;
    effect_c2s_state(acc, &state_resume);
    effect_timer(acc, &alarms[ALARM_EXPIRE], sm->resume_ms);
    metric_count(&waiting);
    LOG(LOG_DEBUG, "session_waits", LF_STR("jid", session->jid.full), LF_INT("unacked", sm->count));
    return HOOK_STOP;
}

static void wait_no_more(struct sm *sm)
{
    if (sm->waits)
        metric_add(&waiting, -1);
    sm->waits = false;
}

static void on_expire(struct acc *acc, struct session *session)
{
    (void)session;
    metric_count(&expired);
    effect_hard_stop(acc, STREAM_NO_ERROR, NULL);
}

/* A client that is silent may come back: the socket goes, the session stays. */
static enum verdict on_stop_request(struct acc *acc, struct session *session)
{
    const struct effect *why = acc->event_data;
    if (!sm_of(session)->resume_ms || why->stop.error != STREAM_CONNECTION_TIMEOUT)
        return HOOK_OK;
    if (session_has_socket(session))
        effect_socket_end(acc);
    return HOOK_STOP;
}

/* --- <resume/> --- */

static struct session *find_session(const struct session *fresh, const char *id)
{
    struct user *user = users_find(&fresh->jid);
    if (!user)
        return NULL;
    LIST_EACH (&user->sessions, link) {
        struct session *session = LIST_OWNER(link, struct session, user_link);
        const struct sm *sm = sm_of(session);
        if (sm->resume_ms && digest_equal(sm->id, id, ID_LEN))
            return session;
    }
    return NULL;
}

/* XEP-0198 section 5: with what that session had handled, if we know. */
static void say_not_found(struct acc *acc, const struct session *fresh, const char *id)
{
    struct element *failed = say_failed(acc, STANZA_ITEM_NOT_FOUND);
    struct user *user = users_find(&fresh->jid);
    const struct sm_user *mine = user ? user_slot(user, &module_sm) : NULL;
    for (unsigned i = 0; mine && i < ENDED_MAX && i < mine->ended_count; i++)
        if (digest_equal(mine->ended[i].id, id, ID_LEN))
            set_number(acc, failed, "h", mine->ended[i].h);
}

/* Both sessions are of this shard and this turn: nobody else can resume the old one in between. Of
 * two sockets that want it, the later one has it, and the other hears <conflict/>. */
static void resume(struct acc *acc, struct session *session)
{
    struct sm *fresh = sm_of(session), *old;
    struct session *found = find_session(session, fresh->wanted);
    if (!found) {
        metric_count(&unknown);
        effect_input(acc, true);
        say_not_found(acc, session, fresh->wanted);
        return;
    }
    if (is_busy(found)) { /* our h is not known yet */
        effect_input(acc, false);
        effect_timer(acc, &alarms[ALARM_RETRY], RETRY_MS);
        return;
    }
    old = sm_of(found);
    if (!acknowledge(old, fresh->claimed_h)) {
        stop_too_high(acc, old, fresh->claimed_h);
        return;
    }
    effect_input(acc, true);
    effect_resume(acc, found);
}

static void on_retry(struct acc *acc, struct session *session)
{
    resume(acc, session);
}

static enum verdict on_resume(struct acc *acc, struct session *session)
{
    struct sm *sm = sm_of(session);
    struct str previd = element_attr(acc->element, "previd");
    if (!session->authenticated || session->jid.resource.len)
        return refuse(acc, STANZA_UNEXPECTED_REQUEST);
    if (!previd.at || !read_h(acc->element, &sm->claimed_h))
        return refuse(acc, STANZA_BAD_REQUEST);
    memset(sm->wanted, 0, ID_LEN);
    if (previd.len == ID_LEN)
        memcpy(sm->wanted, previd.at, ID_LEN);
    resume(acc, session);
    return HOOK_STOP;
}

/* Everything again that the client has not handled, in its order, then what comes anew. */
static void send_again(struct acc *acc, const struct session *session, const struct sm *sm)
{
    for (const struct kept *kept = sm->first; kept; kept = kept->next) {
        struct element *stanza = kept_element(&acc->arena, kept);
        if (stanza_kind(stanza) == STANZA_MESSAGE)
            kept_delay(&acc->arena, stanza, session->host->jid.domain, kept->stamp_us);
        effect_socket_send(acc, stanza);
        metric_count(&resent);
    }
}

static enum verdict on_resumed(struct acc *acc, struct session *session)
{
    struct sm *sm = sm_of(session);
    struct element *answer = say(acc, "resumed");
    element_set(&acc->arena, answer, "previd",
                arena_str(&acc->arena, (struct str){sm->id, ID_LEN}));
    set_number(acc, answer, "h", handled(session));
    send_again(acc, session, sm);
    sm->asked = false;
    if (sm->count)
        ask(acc, sm);
    wait_no_more(sm);
    effect_timer_drop(acc, &alarms[ALARM_EXPIRE]);
    metric_count(&resumed);
    LOG(LOG_DEBUG, "session_resumed", LF_STR("jid", session->jid.full),
        LF_INT("resent", sm->count));
    return HOOK_OK;
}

/* --- The end --- */

/* Messages go to other resources, or offline, or back; requests are answered with an error. */
static void give_up(struct acc *acc, struct session *session, struct kept *kept)
{
    struct acc *fresh = kept_acc(&kept, session->host);
    if (fresh->kind == STANZA_PRESENCE || !fresh->to.full.len) {
        acc_free(fresh);
        return;
    }
    if (fresh->kind == STANZA_MESSAGE)
        kept_delay(&fresh->arena, fresh->element, session->host->jid.domain, fresh->stamp_us);
    effect_reroute(acc, fresh);
    metric_count(&rerouted);
}

static enum verdict on_terminate(struct acc *acc, struct session *session)
{
    const struct sm *sm = sm_of(session);
    (void)acc;
    if (!sm->resume_ms)
        return HOOK_OK;
    struct sm_user *mine = user_slot(session->user, &module_sm);
    struct ended *ended = &mine->ended[mine->ended_count++ % ENDED_MAX];
    memcpy(ended->id, sm->id, ID_LEN);
    ended->h = handled(session);
    return HOOK_OK;
}

static enum verdict on_reroute(struct acc *acc, struct session *session)
{
    struct sm *sm = sm_of(session);
    while (sm->first)
        give_up(acc, session, pop(sm));
    return HOOK_OK;
}

static void session_end_here(struct session *session, void *own)
{
    struct sm *sm = own;
    (void)session;
    wait_no_more(sm);
    while (sm->first)
        kept_free(pop(sm));
}

/* --- Tables --- */

static enum verdict on_features(struct acc *acc, struct session *session)
{
    if (session->authenticated)
        element_add(&acc->arena, acc->element, NS_SM, "sm");
    return HOOK_OK;
}

static enum verdict on_element(struct acc *acc, struct session *session)
{
    static const struct {
        const char *name;
        hook_fn *run;
    } elements[] = {{"r", on_r}, {"a", on_a}, {"enable", on_enable}, {"resume", on_resume}};
    for (size_t i = 0; i < COUNT_OF(elements); i++)
        if (element_is(acc->element, NS_SM, elements[i].name))
            return elements[i].run(acc, session);
    return HOOK_OK;
}

static const struct alarm alarms[] = {[ALARM_EXPIRE] = {"resume_timeout", on_expire},
                                      [ALARM_CHECK] = {"buffer_check", on_check},
                                      [ALARM_RETRY] = {"resume_retry", on_retry},
                                      [ALARM_OWED] = {"ack_owed", on_owed},
                                      {NULL, NULL}};

static const struct state state_resume = {.name = "sm:resume",
                                          .parent = &state_session_established};
static const struct state *const states[] = {&state_resume, NULL};

static const struct hook hooks[] = {
    {.at = HOOK_stream_features, .run = on_features},
    {.at = HOOK_user_send_xmlel, .ns = NS_SM, .run = on_element},
    {.at = HOOK_xmpp_presend_element, .run = on_presend, .after = "csi"},
    {.at = HOOK_xmpp_send_element, .run = on_sent},
    {.at = HOOK_user_stop_request, .run = on_stop_request},
    {.at = HOOK_user_socket_closed, .run = on_socket_gone, .after = "csi"},
    {.at = HOOK_user_socket_error, .run = on_socket_gone, .after = "csi"},
    {.at = HOOK_session_resumed, .run = on_resumed, .before = "csi"},
    {.at = HOOK_user_terminate, .run = on_terminate},
    {.at = HOOK_reroute_unacked_messages, .run = on_reroute},
    {0},
};

static const char *const acknowledges[] = {"durable", "received", NULL};

static const struct key keys[] = {
    {.name = "buffer_max",
     .type = KEY_NUMBER,
     .offset = offsetof(struct sm_conf, buffer_max),
     .preset = "500",
     .min = 1,
     .max = 100000,
     .help = "Stanzas that a client may leave unacknowledged; more end the session, and what it "
             "has not acknowledged is rerouted."},
    {.name = "buffer_max_size",
     .type = KEY_SIZE,
     .offset = offsetof(struct sm_conf, buffer_max_size),
     .preset = "1M",
     .min = 1024,
     .max = 1 << 30,
     .help = "The same in bytes."},
    {.name = "ack_freq",
     .type = KEY_NUMBER,
     .offset = offsetof(struct sm_conf, ack_freq),
     .preset = "1",
     .min = 1,
     .max = KEY_INFINITY,
     .help = "After how many stanzas a client is asked for an acknowledgement; `infinity`: never."},
    {.name = "resume_timeout",
     .type = KEY_DURATION,
     .offset = offsetof(struct sm_conf, resume_timeout_ms),
     .preset = "10m",
     .max = 86400000,
     .help = "How long a session lives on without its socket; 0: it ends with it."},
    {.name = "acknowledge",
     .type = KEY_CHOICE,
     .offset = offsetof(struct sm_conf, acknowledge),
     .preset = "durable",
     .choices = acknowledges,
     .help = "What an acknowledgement of ours means: what the stanza wrote is on disk, or the "
             "stanza was received."},
    {0},
};

const struct module module_sm = {
    .name = "sm",
    .xep = "XEP-0198",
    .hooks = hooks,
    .keys = keys,
    .conf_size = sizeof(struct sm_conf),
    .metrics = metrics,
    .states = states,
    .alarms = alarms,
    .session_size = sizeof(struct sm),
    .user_size = sizeof(struct sm_user),
    .session_end = session_end_here,
};
