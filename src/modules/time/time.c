/* Entity Time (XEP-0202), of the server. */
#include "module.h"

static enum verdict answer(struct acc *acc, struct session *session)
{
    char stamp[TEXT_TIME_ROOM];
    (void)session;
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *time = element_add(&acc->arena, result, NS_TIME, "time");
    struct element *tzo = element_add(&acc->arena, time, NS_TIME, "tzo");
    struct element *utc = element_add(&acc->arena, time, NS_TIME, "utc");
    size_t len = text_time(stamp, acc->stamp_us);
    element_add_text(&acc->arena, tzo, STR("+00:00"));
    element_add_text(&acc->arena, utc, (struct str){stamp, len});
    effect_answer(acc, result);
    return HOOK_STOP;
}

static const struct iq_handler iqs[] = {
    {NS_TIME, "time", IQ_HOST, TYPE_GET, answer},
    {0},
};

static const struct feature features[] = {{IQ_HOST, "urn:xmpp:time"}, {0}};

const struct module module_time = {
    .name = "time", .xep = "XEP-0202", .iqs = iqs, .features = features};
