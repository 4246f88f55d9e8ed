#include "session_private.h"

#include "c2s.h"
#include "check.h"
#include "core.h"
#include "effect.h"
#include "limits.h"
#include "log.h"
#include "login.h"
#include "mem.h"
#include "module.h"
#include "proxy.h"
#include "router.h"
#include "users.h"

#include <stdatomic.h>

struct metric session_now = {"sessions", "Streams, authenticated or not.", METRIC_GAUGE, 0};
static struct metric opened = {"sessions_opened_total", "Sessions registered.", METRIC_COUNTER, 0};
static struct metric registered = {"sessions_registered", "Sessions registered now.", METRIC_GAUGE,
                                   0};
struct metric session_stanzas_in = {"stanzas_received_total", "Stanzas from clients.",
                                    METRIC_COUNTER, 0};
struct metric session_stanzas_out = {"stanzas_sent_total", "Stanzas to clients.", METRIC_COUNTER,
                                     0};
static struct metric stream_errors = {"stream_errors_total", "Streams ended with an error.",
                                      METRIC_COUNTER, 0};
struct metric session_lane_pauses = {"lane_pauses_total",
                                     "Times a client's lane paused because a mailbox was crowded.",
                                     METRIC_COUNTER, 0};

struct metric *const session_metrics[] = {
    &session_now,         &opened,        &registered,          &session_stanzas_in,
    &session_stanzas_out, &stream_errors, &session_lane_pauses, NULL};

static atomic_ullong last_number;

void session_free(struct session *session)
{
    metric_add(&session_now, -1);
    if (list_has(&session->shard_link))
        list_drop(&session->shard_link);
    jid_drop(&session->jid);
    mem_free(session->active_list);
    caps_set(session, NULL);
    mem_free(session->conn);
    mem_free(session);
}

void session_lose_conn(struct session *session)
{
    session->conn_gone = true;
    stream_in_fini(&session->in);
    listener_release((struct listener *)&session->listener->listener);
}

/* Whoever ended it may still look at it: the memory goes in the next turn. */
static void on_free(struct task *task)
{
    session_free(LIST_OWNER(task, struct session, finish));
}

/* --- Life --- */

void session_new(const struct c2s_listener *listener, int fd)
{
    size_t slots = hosts_session_size(), alarms = hosts_alarm_count();
    struct session *session =
        mem_zalloc(sizeof *session + slots + alarms * sizeof(struct session_alarm));
    session->conn = mem_zalloc(sizeof *session->conn);
    session->listener = listener;
    session->alarms = (struct session_alarm *)(session->slots + slots);
    for (size_t i = 0; i < alarms; i++)
        session->alarms[i].session = session;
    session->number = atomic_fetch_add(&last_number, 1) + 1;
    session->home = shard_self->id;
    session->retries = AUTH_RETRIES;
    session->lane.run = session_on_lane;
    list_init(&session->parked);
    list_init(&session->waiting);
    list_init(&session->writes);
    list_push(session_list(), &session->shard_link);
    metric_count(&session_now);
    ring_peer(fd, session->peer, sizeof session->peer);
    conn_init(session->conn, fd, &session_conn_events);
    session->conn->owner = session;
    session->proxied = listener->proxy_protocol;
    session->tls_at_once = listener->tls.mode == TLS_DIRECT;
    state_enter(session, &state_connect);
    if (session->tls_at_once && !session->proxied)
        conn_start_tls(session->conn, tls_new(listener->tls_context), false);
    if (core_is_draining()) {
        session_end(session, STREAM_SYSTEM_SHUTDOWN, NULL);
        return;
    }
    conn_start(session->conn);
}

struct link *session_list(void)
{
    return &core_self()->sessions;
}

void session_event(struct session *session, enum c2s_event event, struct acc *acc)
{
    CHECK(session->home == shard_self->id);
    if (!acc)
        acc = acc_new();
    if (!acc->host)
        acc->host = session->host;
    step_fn *step = session->ended ? NULL : state_step(session->state, event);
    if (!step) {
        acc_free(acc);
        return;
    }
    const struct state *next = step(session, acc);
    if (next && !session->ended)
        state_enter(session, next);
}

static void write_error(struct session *session, enum stream_error error, const char *text,
                        const struct element *detail)
{
    metric_count(&stream_errors);
    LOG(LOG_DEBUG, "stream_error", LF_INT("session", session->number), LF("peer", session->peer),
        LF("condition", stream_error_name(error)), LF("text", text ? text : ""));
    if (!session->header_sent)
        c2s_write_header(session, STR(""));
    struct arena arena;
    arena_init(&arena);
    struct element *element = stream_error_element(&arena, error, text);
    if (detail)
        element_push(element, element_copy(&arena, detail));
    element_write(conn_out(session->conn), element, NS_CLIENT);
    arena_fini(&arena);
}

/* Stanzas that wait for storage, or behind one that does, go no further with this session: what was
 * on its way to the client is routed anew, what came from it is dropped. */
static void empty_lane(struct session *session)
{
    struct link *link;
    while ((link = list_pop(&session->parked))) {
        struct acc *acc = LIST_OWNER(link, struct acc, link);
        bool receiving = hook_is_receive(acc->at);
        acc_revoke(acc);
        if (receiving && acc->element)
            router_reroute(acc);
        else
            acc_free(acc);
    }
    while ((link = list_pop(&session->waiting)))
        router_reroute(LIST_OWNER(link, struct acc, link));
    session->waiting_count = 0;
}

static void drop_alarms(struct session *session)
{
    for (unsigned i = 0; i < session->host->type->alarm_count; i++)
        shard_drop(&session->alarms[i].timer);
}

static void end_modules(struct session *session)
{
    const struct host_type *type = session->host->type;
    for (size_t i = 0; i < type->module_count; i++) {
        const struct module_on *on = &type->modules[i];
        if (on->module->session_end)
            on->module->session_end(session, session->slots + on->session_offset);
    }
    drop_alarms(session);
}

static void run_end_hook(struct session *session, enum hook_point at)
{
    struct acc *acc = acc_new();
    acc->host = session->host;
    acc->from = session->jid;
    hook_run(at, acc, session);
    acc_free(acc);
}

static void close_registration(struct session *session)
{
    session->open = false;
    session->available = false;
    users_drop(session);
    metric_add(&registered, -1);
    run_end_hook(session, HOOK_session_closed);
    run_end_hook(session, HOOK_reroute_unacked_messages);
}

void session_end(struct session *session, enum stream_error error, const char *text)
{
    session_end_with(session, error, text, NULL);
}

void session_end_with(struct session *session, enum stream_error error, const char *text,
                      const struct element *detail)
{
    if (session->ended)
        return;
    bool was_open = session->open;
    if (session->host && was_open)
        run_end_hook(session, HOOK_user_terminate);
    session->ended = true;
    if (error != STREAM_NO_ERROR && !session->conn->dead && session_can_write(session))
        write_error(session, error, text, detail);
    if (session->header_sent && !session->conn->dead)
        conn_write(session->conn, STR("</stream:stream>"));
    if (was_open)
        close_registration(session);
    empty_lane(session);
    session_forget_writes(session);
    login_end(session);
    if (session->host)
        end_modules(session);
    shard_drop(&session->state_timer);
    task_drop(&session->lane);
    task_drop(&session->finish);
    conn_close(session->conn);
    if (session->conn_gone) {
        session->finish.run = on_free;
        shard_soon(&session->finish);
    }
}

void session_drop_now(struct session *session)
{
    session_end(session, STREAM_NO_ERROR, NULL);
    task_drop(&session->finish);
    if (!session->conn_gone) {
        session->conn->events = NULL;
        conn_discard(session->conn);
        session_lose_conn(session);
    }
    session_free(session);
}

bool session_has_socket(const struct session *session)
{
    return !session->conn->dead && !session->conn->closing;
}

bool session_can_write(const struct session *session)
{
    return !session->proxied && (!session->conn->tls || session->conn->secured);
}

bool session_is_secure(const struct session *session)
{
    return session->conn->tls && session->conn->secured;
}

bool session_is_private(const struct session *session)
{
    return session_is_secure(session) || session->listener->plaintext_auth;
}

const char *session_shaper(const struct session *session)
{
    return session->listener->shaper;
}

const char *session_shaper_at(size_t listener)
{
    return listener < core_config.listener_count ? core_config.listeners[listener].shaper : NULL;
}

void session_opened(struct session *session)
{
    session->open = true;
    session->opened_us = shard_self->unix_us;
    users_add(session);
    metric_count(&opened);
    metric_count(&registered);
}

/* --- Named timeouts --- */

static void on_alarm(struct timer *timer)
{
    struct session_alarm *set = (struct session_alarm *)timer;
    struct session *session = set->session;
    struct acc *acc = acc_new();
    acc->host = session->host;
    set->alarm->ring(acc, session);
    effects_apply(acc, session);
    acc_free(acc);
}

static struct session_alarm *find_alarm(struct session *session, const struct alarm *alarm)
{
    const struct host_type *type = session->host->type;
    for (size_t i = 0; i < type->module_count; i++) {
        const struct alarm *alarms = type->modules[i].module->alarms;
        for (size_t k = 0; alarms && alarms[k].name; k++)
            if (&alarms[k] == alarm)
                return &session->alarms[type->modules[i].first_alarm + k];
    }
    PANIC("alarm %s is not of a module of this host", alarm->name);
}

void session_alarm(struct session *session, const struct alarm *alarm, uint64_t ms)
{
    struct session_alarm *set = find_alarm(session, alarm);
    set->alarm = alarm;
    if (ms == UINT64_MAX)
        shard_drop(&set->timer);
    else
        shard_after(&set->timer, ms, on_alarm);
}
