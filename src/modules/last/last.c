/* Last Activity (XEP-0012), of the server: how long it has been up. */
#include "module.h"

static uint64_t started_us;

static enum verdict answer(struct acc *acc, struct session *session)
{
    (void)session;
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *query = element_add(&acc->arena, result, NS_LAST, "query");
    unsigned long long seconds = (clock_monotonic_us() - started_us) / 1000000;
    element_set(&acc->arena, query, "seconds", arena_format(&acc->arena, "%llu", seconds));
    effect_answer(acc, result);
    return HOOK_STOP;
}

static enum err start(struct host_type *type, const void *conf, const char **why)
{
    (void)type;
    (void)conf;
    (void)why;
    if (!started_us)
        started_us = clock_monotonic_us();
    return ERR_OK;
}

static const struct iq_handler iqs[] = {
    {NS_LAST, "query", IQ_HOST, TYPE_GET, answer},
    {0},
};

static const struct feature features[] = {{IQ_HOST, "jabber:iq:last"}, {0}};

const struct module module_last = {
    .name = "last", .xep = "XEP-0012", .iqs = iqs, .features = features, .start = start};
