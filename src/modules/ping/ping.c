/* XMPP Ping (XEP-0199): answers pings, and pings silent clients. */
#include "module.h"

extern const struct module module_ping;

enum action { ACTION_NONE, ACTION_KILL };

struct ping_conf {
    bool send_pings;
    uint64_t ping_interval_ms, ping_req_timeout_ms;
    int timeout_action;
};

struct ping {
    uint64_t heard_us; /* the client's last stanza */
    uint64_t asked;    /* number of the ping under way; 0: none */
    uint64_t count;
};

static struct metric sent = {"ping_sent_total", "Pings sent to silent clients.", METRIC_COUNTER, 0};
static struct metric answered = {"ping_answered_total", "Pings that clients answered.",
                                 METRIC_COUNTER, 0};
static struct metric timeouts = {"ping_timeouts_total", "Pings without an answer in time.",
                                 METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&sent, &answered, &timeouts, NULL};

static const struct alarm alarms[];

static const struct ping_conf *conf_of(const struct session *session)
{
    return module_conf(session->host, &module_ping);
}

static enum verdict answer(struct acc *acc, struct session *session)
{
    (void)session;
    if (acc->to.user.len && !str_eq(acc->to.bare, acc->from.bare))
        return HOOK_OK; /* another account is not ours to speak for */
    effect_answer(acc, NULL);
    return HOOK_STOP;
}

static struct str ping_id(struct acc *acc, const struct ping *ping)
{
    return arena_format(&acc->arena, "ping-%llu", (unsigned long long)ping->asked);
}

static void ask(struct acc *acc, struct session *session)
{
    struct ping *ping = session_slot(session, &module_ping);
    struct element *iq = element_new(&acc->arena, NS_CLIENT, "iq");
    ping->asked = ++ping->count;
    element_set(&acc->arena, iq, "type", STR("get"));
    element_set(&acc->arena, iq, "from", session->host->jid.domain);
    element_set(&acc->arena, iq, "to", session->jid.full);
    element_set(&acc->arena, iq, "id", ping_id(acc, ping));
    element_add(&acc->arena, iq, NS_PING, "ping");
    effect_flush(acc, iq);
    effect_timer(acc, &alarms[1], conf_of(session)->ping_req_timeout_ms);
    metric_count(&sent);
}

/* The alarm is not moved by each stanza; when it rings it looks how long the client was silent. */
static void on_send_ping(struct acc *acc, struct session *session)
{
    const struct ping *ping = session_slot(session, &module_ping);
    uint64_t interval = conf_of(session)->ping_interval_ms;
    uint64_t silent = (acc->stamp_us - ping->heard_us) / 1000;
    if (silent < interval) {
        effect_timer(acc, &alarms[0], interval - silent);
        return;
    }
    if (!ping->asked &&
        session_has_socket(session)) /* a second question would put the first one's deadline off */
        ask(acc, session);
    effect_timer(acc, &alarms[0], interval);
}

static void on_ping_timeout(struct acc *acc, struct session *session)
{
    struct ping *ping = session_slot(session, &module_ping);
    ping->asked = 0;
    metric_count(&timeouts);
    if (conf_of(session)->timeout_action == ACTION_KILL)
        effect_stop(acc, STREAM_CONNECTION_TIMEOUT, "ping timeout");
}

static const struct alarm alarms[] = {
    {"send_ping", on_send_ping}, {"ping_timeout", on_ping_timeout}, {NULL, NULL}};

static enum verdict on_opened(struct acc *acc, struct session *session)
{
    const struct ping_conf *conf = conf_of(session);
    struct ping *ping = session_slot(session, &module_ping);
    ping->heard_us = acc->stamp_us;
    if (conf->send_pings)
        effect_timer(acc, &alarms[0], conf->ping_interval_ms);
    return HOOK_OK;
}

/* Whoever resumes is alive, and what was asked before is not waited for. */
static enum verdict on_resumed(struct acc *acc, struct session *session)
{
    struct ping *ping = session_slot(session, &module_ping);
    ping->heard_us = acc->stamp_us;
    ping->asked = 0;
    effect_timer_drop(acc, &alarms[1]);
    return HOOK_OK;
}

static enum verdict on_packet(struct acc *acc, struct session *session)
{
    struct ping *ping = session_slot(session, &module_ping);
    ping->heard_us = acc->stamp_us;
    return HOOK_OK;
}

/* The client's answer to our ping, a result or an error: it lives. */
static enum verdict on_iq(struct acc *acc, struct session *session)
{
    struct ping *ping = session_slot(session, &module_ping);
    if (!ping->asked || (acc->type != TYPE_RESULT && acc->type != TYPE_ERROR) ||
        !str_eq(acc->to.full, session->host->jid.domain) ||
        !str_eq(element_attr(acc->element, "id"), ping_id(acc, ping)))
        return HOOK_OK;
    ping->asked = 0;
    effect_timer_drop(acc, &alarms[1]);
    metric_count(&answered);
    return HOOK_STOP;
}

/* What module stream_limits tells (XEP-0478) has our part: after so long we ask. */
static enum verdict on_features(struct acc *acc, struct session *session)
{
    const struct ping_conf *conf = conf_of(session);
    struct element *told = element_child(acc->element, NS_STREAM_LIMITS, "limits");
    unsigned long long seconds = conf->ping_interval_ms / 1000;
    if (!told || !conf->send_pings || !session->authenticated)
        return HOOK_OK;
    struct element *idle = element_add(&acc->arena, told, NS_STREAM_LIMITS, "idle-seconds");
    element_add_text(&acc->arena, idle, arena_format(&acc->arena, "%llu", seconds ? seconds : 1));
    return HOOK_OK;
}

static const struct hook hooks[] = {
    {.at = HOOK_stream_features, .run = on_features, .after = "stream_limits"},
    {.at = HOOK_session_opened, .run = on_opened},
    {.at = HOOK_session_resumed, .run = on_resumed},
    {.at = HOOK_user_send_packet, .run = on_packet},
    {.at = HOOK_user_send_iq, .run = on_iq},
    {0},
};

static const struct iq_handler iqs[] = {
    {NS_PING, "ping", IQ_HOST | IQ_ACCOUNT, TYPE_GET, answer},
    {0},
};

static const struct feature features[] = {{IQ_HOST, "urn:xmpp:ping"}, {0}};

static const char *const actions[] = {"none", "kill", NULL};

static const struct key keys[] = {
    {.name = "send_pings",
     .type = KEY_BOOL,
     .offset = offsetof(struct ping_conf, send_pings),
     .preset = "false",
     .help = "Ping clients that have been silent for ping_interval."},
    {.name = "ping_interval",
     .type = KEY_DURATION,
     .offset = offsetof(struct ping_conf, ping_interval_ms),
     .preset = "60s",
     .min = 100,
     .max = 86400000,
     .help = "How long a client may be silent before it is pinged."},
    {.name = "ping_req_timeout",
     .type = KEY_DURATION,
     .offset = offsetof(struct ping_conf, ping_req_timeout_ms),
     .preset = "32s",
     .min = 100,
     .max = 86400000,
     .help = "How long to wait for the answer to a ping."},
    {.name = "timeout_action",
     .type = KEY_CHOICE,
     .offset = offsetof(struct ping_conf, timeout_action),
     .preset = "none",
     .choices = actions,
     .help = "What happens without an answer: none, or kill (the session ends)."},
    {0},
};

const struct module module_ping = {
    .name = "ping",
    .xep = "XEP-0199",
    .hooks = hooks,
    .iqs = iqs,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct ping_conf),
    .metrics = metrics,
    .alarms = alarms,
    .session_size = sizeof(struct ping),
};
