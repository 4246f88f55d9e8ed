/* Counts the messages that a client sends, and tells it how many they are. */
#include "module.h"

extern const struct module module_counter;

#define NS_COUNTER "urn:example:counter"

struct counter_conf {
    uint64_t every, reset_after_ms;
};

struct counter {
    uint64_t count;
};

static struct metric counted = {"counter_messages_total", "Messages counted.", METRIC_COUNTER, 0};
static struct metric *const metrics[] = {&counted, NULL};

static void on_reset(struct acc *acc, struct session *session)
{
    struct counter *counter = session_slot(session, &module_counter);
    (void)acc;
    counter->count = 0;
}

static const struct alarm alarms[] = {{"counter_reset", on_reset}, {NULL, NULL}};

static enum verdict on_message(struct acc *acc, struct session *session)
{
    const struct counter_conf *conf = module_conf(session->host, &module_counter);
    struct counter *counter = session_slot(session, &module_counter);
    metric_count(&counted);
    if (++counter->count == 1)
        effect_timer(acc, &alarms[0], conf->reset_after_ms);
    if (conf->every && counter->count % conf->every == 0)
        LOG(LOG_INFO, "messages_counted", LF_STR("jid", session->jid.full),
            LF_INT("count", counter->count));
    return HOOK_OK;
}

static enum verdict answer(struct acc *acc, struct session *session)
{
    const struct element *query = element_first(acc->element);
    if (!session || !str_is(query->ns_uri, NS_COUNTER))
        return HOOK_OK;
    const struct counter *counter = session_slot(session, &module_counter);
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *told = element_new_uri(&acc->arena, STR(NS_COUNTER), STR("query"));
    unsigned long long count = counter->count;
    element_set(&acc->arena, told, "count", arena_format(&acc->arena, "%llu", count));
    element_push(result, told);
    effect_answer(acc, result);
    return HOOK_STOP;
}

static const struct hook hooks[] = {{.at = HOOK_user_send_message, .run = on_message}, {0}};

static const struct iq_handler iqs[] = {{NS_OTHER, "query", IQ_HOST, TYPE_GET, answer}, {0}};

static const struct feature features[] = {{IQ_HOST, NS_COUNTER}, {0}};

static const struct key keys[] = {
    {.name = "every",
     .type = KEY_NUMBER,
     .offset = offsetof(struct counter_conf, every),
     .preset = "0",
     .help = "Write a log line each so many messages of a session; 0: never."},
    {.name = "reset_after",
     .type = KEY_DURATION,
     .offset = offsetof(struct counter_conf, reset_after_ms),
     .preset = "1h",
     .min = 100,
     .max = KEY_INFINITY,
     .help = "How long after its first message a count begins anew; `infinity`: never."},
    {0},
};

const struct module module_counter = {
    .name = "counter",
    .hooks = hooks,
    .iqs = iqs,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct counter_conf),
    .metrics = metrics,
    .alarms = alarms,
    .session_size = sizeof(struct counter),
};
