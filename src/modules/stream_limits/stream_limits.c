/* Stream Limits (XEP-0478): tells clients how long an element may be. */
#include "module.h"

/* What the stream's splitter goes by: another value before authentication and after it. */
static uint64_t max_bytes(const struct session *session)
{
    return session->in.limit_len ? session->in.limit_len : LIMIT_PREAUTH_STANZA;
}

static enum verdict on_features(struct acc *acc, struct session *session)
{
    struct element *told = element_add(&acc->arena, acc->element, NS_STREAM_LIMITS, "limits");
    struct element *bytes = element_add(&acc->arena, told, NS_STREAM_LIMITS, "max-bytes");
    unsigned long long max = max_bytes(session);
    element_add_text(&acc->arena, bytes, arena_format(&acc->arena, "%llu", max));
    return HOOK_OK;
}

static const struct hook hooks[] = {
    {.at = HOOK_stream_features, .run = on_features, .before = "ping"},
    {0},
};

const struct module module_stream_limits = {
    .name = "stream_limits",
    .xep = "XEP-0478",
    .hooks = hooks,
};
