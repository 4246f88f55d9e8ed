#include "core.h"

#include "acc.h"
#include "check.h"
#include "chore.h"
#include "conn.h"
#include "fanout.h"
#include "log.h"
#include "login.h"
#include "mem.h"
#include "module.h"
#include "router.h"
#include "session.h"
#include "store.h"
#include "users.h"

#include <stdatomic.h>

struct core_config core_config;

static atomic_uint drained_shards;
static atomic_bool draining;
static uint64_t grace;

enum { DRAIN_LOOK_MS = 20 };

void core_start(struct shard *shard)
{
    struct core *core = mem_zalloc(sizeof *core);
    core->parser = parser_new();
    list_init(&core->sessions);
    privacy_start(&core->privacy);
    caps_start(&core->caps);
    core->slots = shard_slots_new();
    shard->core = core;
    for (size_t i = 0; i < core_config.listener_count; i++)
        listener_start(&core_config.listeners[i].listener);
    if (shard->id == 0)
        chores_start(core);
}

void core_stop(struct shard *shard)
{
    struct core *core = shard->core;
    shard_drop(&core->drain_timer);
    chores_stop(core);
    LIST_EACH_SAFE (&core->sessions, link)
        session_drop_now(LIST_OWNER(link, struct session, shard_link));
    shard_slots_free(core->slots);
    privacy_stop(&core->privacy);
    caps_stop(&core->caps);
    parser_free(core->parser);
    map_fini(&core->users);
    mem_free(core);
    shard->core = NULL;
}

bool core_is_draining(void)
{
    return atomic_load(&draining);
}

static void shard_is_drained(void)
{
    if (atomic_fetch_add(&drained_shards, 1) + 1 == shard_count)
        boot_stop();
}

static void on_drain_timer(struct timer *timer)
{
    struct core *core = core_self();
    uint64_t now_ms = shard_now_ms();
    bool written = !shard_self->store || store_pending(shard_self) == 0;
    if ((list_empty(&core->sessions) && written) || now_ms >= grace)
        shard_is_drained();
    else
        shard_after(timer, DRAIN_LOOK_MS, on_drain_timer);
}

static void drain_shard(struct mail *mail)
{
    struct core *core = core_self();
    mem_free(mail);
    if (core->draining)
        return;
    core->draining = true;
    for (size_t i = 0; i < core_config.listener_count; i++)
        listener_stop(&core_config.listeners[i].listener);
    LIST_EACH_SAFE (&core->sessions, link)
        session_end(LIST_OWNER(link, struct session, shard_link), STREAM_SYSTEM_SHUTDOWN, NULL);
    shard_after(&core->drain_timer, DRAIN_LOOK_MS, on_drain_timer);
}

void core_drain(uint64_t grace_ms)
{
    if (atomic_exchange(&draining, true)) {
        LOG(LOG_WARNING, "drain_cut_short", LF("why", "asked to stop a second time"));
        boot_stop();
        return;
    }
    LOG(LOG_INFO, "draining", LF_INT("grace_ms", grace_ms));
    grace = shard_now_ms() + grace_ms;
    for (unsigned i = 0; i < shard_count; i++) {
        struct mail *mail = mem_zalloc(sizeof *mail);
        mail->run = drain_shard;
        mail_send(i, mail);
    }
}

void core_register_metrics(void)
{
    metric_register(conn_metrics);
    metric_register(listen_metrics);
    metric_register(session_metrics);
    metric_register(login_metrics);
    metric_register(router_metrics);
    metric_register(fanout_metrics);
}
