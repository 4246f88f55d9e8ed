/* Stream Management (XEP-0198): acknowledgements both ways, and the bounds of what waits for one.
 */
#include "sm.h"

enum { CHECK_MS = 5000, HARD = 4 };

static struct metric enabled = {"sm_enabled_total", "Sessions that enabled stream management.",
                                METRIC_COUNTER, 0};
static struct metric overflows = {"sm_buffer_overflows_total",
                                  "Sessions that ended because their buffer was full.",
                                  METRIC_COUNTER, 0};

static struct metric merged = {"sm_merged_total",
                               "Presence that a later one made superfluous before it was sent.",
                               METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&enabled,    &sm_waiting, &sm_resumed,  &sm_unknown,
                                         &sm_expired, &sm_resent,  &sm_rerouted, &overflows,
                                         &merged,     NULL};

/* --- Elements --- */

struct element *sm_say(struct acc *acc, const char *name)
{
    struct element *element = element_new(&acc->arena, NS_SM, name);
    effect_socket_send(acc, element);
    return element;
}

void sm_set_number(struct acc *acc, struct element *element, const char *name, uint32_t number)
{
    element_set(&acc->arena, element, name,
                arena_format(&acc->arena, "%lu", (unsigned long)number));
}

struct element *sm_failed(struct acc *acc, enum stanza_error error)
{
    struct element *failed = sm_say(acc, "failed");
    element_add(&acc->arena, failed, NS_STANZAS, stanza_error_name(error));
    return failed;
}

bool sm_read_h(const struct element *element, uint32_t *h)
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

uint32_t sm_handled(struct session *session)
{
    return sm_conf_of(session)->acknowledge == ACK_DURABLE ? durable(session) : received(session);
}

/* Something that came is still on its way to the disk. */
bool sm_is_busy(struct session *session)
{
    const struct sm *sm = sm_of(session);
    return session->durable_count - sm->durable_base < session->sent_count - sm->sent_base;
}

void sm_ask(struct acc *acc, struct sm *sm)
{
    sm->asked = true;
    sm->since_asked = 0;
    sm_say(acc, "r");
}

/* --- What goes to the client --- */

/* Without a socket a client has not seen what it is given: the newest presence of somebody is all
 * that it has to hear. */
static void keep(struct sm *sm, struct acc *acc)
{
    struct kept *kept = kept_new(acc);
    if (sm->waits && kept->key && kept_drop(&sm->unacked, sm->sent, kept->key))
        metric_count(&merged);
    kept_push(&sm->unacked, kept);
}

static bool is_over(const struct sm *sm, const struct sm_conf *conf, uint64_t times)
{
    return sm->unacked.count > conf->buffer_max * times ||
           sm->unacked.size > conf->buffer_max_size * times;
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
    const struct sm_conf *conf = sm_conf_of(session);
    bool there = session_has_socket(session);
    if (is_over(sm, conf, there ? HARD : 1)) {
        overflow(acc);
    } else if (!sm->over && is_over(sm, conf, 1)) {
        sm->over = true;
        effect_timer(acc, &sm_alarms[ALARM_CHECK], CHECK_MS);
    }
}

static void on_check(struct acc *acc, struct session *session)
{
    struct sm *sm = sm_of(session);
    sm->over = false;
    if (is_over(sm, sm_conf_of(session), 1))
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
    if (!sm->asked && sm->since_asked >= sm_conf_of(session)->ack_freq)
        sm_ask(acc, sm);
    return HOOK_OK;
}

/* Drops what the client says it has handled. False: more than was sent. A count that is behind an
 * earlier one tells nothing. */
bool sm_acknowledge(struct sm *sm, uint32_t h)
{
    uint32_t more = h - (uint32_t)sm->acked, behind = (uint32_t)sm->acked - h;
    if (more > sm->unacked.count)
        return behind <= INT32_MAX && behind <= sm->acked;
    sm->acked += more;
    sm->sent -= more < sm->sent ? more : sm->sent;
    for (; more; more--) {
        struct kept *kept = kept_pop(&sm->unacked);
        delivery_take(&kept->delivery);
        kept_free(kept);
    }
    return true;
}

void sm_stop_too_high(struct acc *acc, const struct sm *sm, uint32_t h)
{
    struct element *detail = element_new(&acc->arena, NS_SM, "handled-count-too-high");
    sm_set_number(acc, detail, "h", h);
    sm_set_number(acc, detail, "send-count", (uint32_t)(sm->acked + sm->unacked.count));
    effect_hard_stop_with(acc, STREAM_UNDEFINED_CONDITION, detail);
}

/* --- <r/>, <a/> --- */

enum verdict sm_refuse(struct acc *acc, enum stanza_error error)
{
    sm_failed(acc, error);
    return HOOK_STOP;
}

static void answer_r(struct acc *acc, struct session *session)
{
    sm_set_number(acc, sm_say(acc, "a"), "h", sm_handled(session));
    if (sm_is_busy(session) && sm_handled(session) == durable(session))
        effect_timer(acc, &sm_alarms[ALARM_OWED], RETRY_MS);
}

/* Answered at once, and again when more is on disk: the client may not ask a second time. */
static enum verdict on_r(struct acc *acc, struct session *session)
{
    if (!sm_of(session)->enabled)
        return sm_refuse(acc, STANZA_UNEXPECTED_REQUEST);
    answer_r(acc, session);
    return HOOK_STOP;
}

static void on_owed(struct acc *acc, struct session *session)
{
    if (sm_is_busy(session))
        effect_timer(acc, &sm_alarms[ALARM_OWED], RETRY_MS);
    else if (session_has_socket(session))
        answer_r(acc, session);
}

static enum verdict on_a(struct acc *acc, struct session *session)
{
    struct sm *sm = sm_of(session);
    uint32_t h;
    if (!sm->enabled)
        return sm_refuse(acc, STANZA_UNEXPECTED_REQUEST);
    if (!sm_read_h(acc->element, &h)) {
        effect_hard_stop(acc, STREAM_BAD_FORMAT, "Invalid h attribute");
        return HOOK_STOP;
    }
    if (!sm_acknowledge(sm, h)) {
        sm_stop_too_high(acc, sm, h);
        return HOOK_STOP;
    }
    sm->asked = false;
    if (sm->over && !is_over(sm, sm_conf_of(session), 1)) {
        sm->over = false;
        effect_timer_drop(acc, &sm_alarms[ALARM_CHECK]);
    }
    if (sm->unacked.count && sm->since_asked >= sm_conf_of(session)->ack_freq)
        sm_ask(acc, sm);
    return HOOK_STOP;
}

/* --- <enable/>: section 3 --- */

/* A client may want less than we offer (section 5), never more. */
static uint64_t resume_ms_of(struct acc *acc, struct session *session)
{
    uint64_t ms = sm_conf_of(session)->resume_timeout_ms, wanted;
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
        return sm_refuse(acc, STANZA_UNEXPECTED_REQUEST);
    if (resume.at && !wanted && !str_is(resume, "false") && !str_is(resume, "0"))
        return sm_refuse(acc, STANZA_BAD_REQUEST);
    sm->enabled = true;
    sm->sent_base = session->sent_count;
    sm->durable_base = session->durable_count;
    metric_count(&enabled);
    struct element *answer = sm_say(acc, "enabled");
    if (!wanted || sm_conf_of(session)->resume_timeout_ms == 0)
        return HOOK_STOP;
    sm->resume_ms = resume_ms_of(acc, session);
    make_id(sm);
    element_set(&acc->arena, answer, "id", arena_str(&acc->arena, (struct str){sm->id, ID_LEN}));
    element_set(&acc->arena, answer, "resume", STR("true"));
    sm_set_number(acc, answer, "max", (uint32_t)(sm->resume_ms / 1000));
    return HOOK_STOP;
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
    } elements[] = {{"r", on_r}, {"a", on_a}, {"enable", on_enable}, {"resume", sm_on_resume}};
    for (size_t i = 0; i < COUNT_OF(elements); i++)
        if (element_is(acc->element, NS_SM, elements[i].name))
            return elements[i].run(acc, session);
    return HOOK_OK;
}

const struct alarm sm_alarms[] = {[ALARM_EXPIRE] = {"resume_timeout", sm_on_expire},
                                  [ALARM_CHECK] = {"buffer_check", on_check},
                                  [ALARM_RETRY] = {"resume_retry", sm_on_retry},
                                  [ALARM_OWED] = {"ack_owed", on_owed},
                                  {NULL, NULL}};

static const struct state *const states[] = {&sm_state_resume, NULL};

static const struct hook hooks[] = {
    {.at = HOOK_stream_features, .run = on_features},
    {.at = HOOK_user_send_xmlel, .ns = NS_SM, .run = on_element},
    {.at = HOOK_xmpp_presend_element, .run = on_presend, .after = "csi"},
    {.at = HOOK_xmpp_send_element, .run = on_sent},
    {.at = HOOK_user_stop_request, .run = sm_on_stop_request},
    {.at = HOOK_user_socket_closed, .run = sm_on_socket_gone, .after = "csi"},
    {.at = HOOK_user_socket_error, .run = sm_on_socket_gone, .after = "csi"},
    {.at = HOOK_session_resumed, .run = sm_on_resumed, .before = "csi"},
    {.at = HOOK_user_terminate, .run = sm_on_terminate},
    {.at = HOOK_reroute_unacked_messages, .run = sm_on_reroute},
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
    .alarms = sm_alarms,
    .session_size = sizeof(struct sm),
    .user_size = sizeof(struct sm_user),
    .session_end = sm_session_end,
};
