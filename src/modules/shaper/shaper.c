/*
 * Traffic shaping: bytes per second, by a named timeout that pauses reads. A token bucket that is
 * full for one second at the start; the pause is the overdraft divided by the rate.
 */
#include "module.h"

#include <stdio.h>

extern const struct module module_shaper;

struct rate {
    const char *name;
    uint64_t max_rate; /* bytes a second */
};

struct shaper_conf {
    struct key_list rates;
};

struct shaper {
    const struct rate *rate; /* NULL: not shaped */
    uint64_t seen_len;       /* of the connection's received bytes */
    uint64_t tokens_at_us;
    int64_t tokens; /* bytes that may still come; negative: overdraft */
};

static struct metric pauses = {"shaper_pauses_total", "Times a client was paused.", METRIC_COUNTER,
                               0};

static struct metric *const metrics[] = {&pauses, NULL};

static const struct rate *find_rate(const struct shaper_conf *conf, const char *name)
{
    const struct rate *rates = conf->rates.items;
    for (size_t i = 0; i < conf->rates.count; i++)
        if (strcmp(rates[i].name, name) == 0)
            return &rates[i];
    return NULL;
}

static void on_activate(struct acc *acc, struct session *session)
{
    (void)session;
    effect_input(acc, true);
}

static const struct alarm alarms[] = {{"activate_socket", on_activate}, {NULL, NULL}};

static enum verdict on_opened(struct acc *acc, struct session *session)
{
    struct shaper *shaper = session_slot(session, &module_shaper);
    shaper->rate = find_rate(module_conf(session->host, &module_shaper), session_shaper(session));
    shaper->seen_len = session->conn->received_len;
    shaper->tokens_at_us = acc->stamp_us;
    shaper->tokens = shaper->rate ? (int64_t)shaper->rate->max_rate : 0;
    return HOOK_OK;
}

/* Bytes are counted by connection; what may still come is the session's. */
static enum verdict on_resumed(struct acc *acc, struct session *session)
{
    struct shaper *shaper = session_slot(session, &module_shaper);
    (void)acc;
    shaper->seen_len = session->conn->received_len;
    return HOOK_OK;
}

static void refill(struct shaper *shaper, uint64_t now_us)
{
    if (now_us < shaper->tokens_at_us) /* the clock was set back */
        shaper->tokens_at_us = now_us;
    uint64_t passed_us = now_us - shaper->tokens_at_us;
    uint64_t full = shaper->rate->max_rate;
    uint64_t grown = passed_us >= 1000000000 ? full : full * passed_us / 1000000;
    /* Only the time that gave whole bytes has passed: the rest counts at the next stanza. */
    shaper->tokens_at_us =
        passed_us >= 1000000000 ? now_us : shaper->tokens_at_us + grown * 1000000 / full;
    shaper->tokens += (int64_t)grown;
    if (shaper->tokens > (int64_t)full)
        shaper->tokens = (int64_t)full;
}

static enum verdict on_packet(struct acc *acc, struct session *session)
{
    struct shaper *shaper = session_slot(session, &module_shaper);
    uint64_t received = session->conn->received_len;
    if (!shaper->rate || received == shaper->seen_len)
        return HOOK_OK;
    refill(shaper, acc->stamp_us);
    shaper->tokens -= (int64_t)(received - shaper->seen_len);
    shaper->seen_len = received;
    if (shaper->tokens >= 0)
        return HOOK_OK;
    uint64_t pause_ms = (uint64_t)-shaper->tokens * 1000 / shaper->rate->max_rate + 1;
    metric_count(&pauses);
    effect_input(acc, false);
    effect_timer(acc, &alarms[0], pause_ms);
    return HOOK_OK;
}

/* A listener that names a rate that is not there would not be shaped: that is a mistake. */
static enum err start(struct host_type *type, const void *conf, const char **why)
{
    (void)type;
    for (size_t i = 0; session_shaper_at(i); i++) {
        const char *name = session_shaper_at(i);
        if (strcmp(name, "none") == 0 || find_rate(conf, name))
            continue;
        char *text = mem_alloc(160); /* for a process that is about to end */
        snprintf(text, 160, "a listener names shaper %.64s, which modules.shaper.rates has not",
                 name);
        *why = text;
        return ERR_INVALID;
    }
    return ERR_OK;
}

static const struct hook hooks[] = {
    {.at = HOOK_session_opened, .run = on_opened},
    {.at = HOOK_session_resumed, .run = on_resumed},
    {.at = HOOK_user_send_packet, .run = on_packet},
    {0},
};

static const struct key rate_keys[] = {
    {.name = "name",
     .type = KEY_TEXT,
     .offset = offsetof(struct rate, name),
     .required = true,
     .help = "The name that a listener's `shaper` gives."},
    {.name = "max_rate",
     .type = KEY_SIZE,
     .offset = offsetof(struct rate, max_rate),
     .required = true,
     .min = 100,
     .max = UINT32_MAX,
     .help = "Bytes a second that a client may send."},
    {0},
};

static const struct key keys[] = {
    {.name = "rates",
     .type = KEY_LIST,
     .offset = offsetof(struct shaper_conf, rates),
     .keys = rate_keys,
     .group_size = sizeof(struct rate),
     .help = "Named rates."},
    {0},
};

const struct module module_shaper = {
    .name = "shaper",
    .hooks = hooks,
    .keys = keys,
    .conf_size = sizeof(struct shaper_conf),
    .metrics = metrics,
    .alarms = alarms,
    .session_size = sizeof(struct shaper),
    .start = start,
};
