#include "effect.h"

#include "check.h"
#include "fanout.h"
#include "module.h"
#include "order.h"
#include "promise.h"
#include "router.h"
#include "session.h"
#include "store.h"
#include "users.h"

static struct effect *add(struct acc *acc, enum effect_kind kind)
{
    struct effect *effect = arena_zero(&acc->arena, sizeof *effect);
    effect->kind = kind;
    *acc->effects_tail = effect;
    acc->effects_tail = &effect->next;
    return effect;
}

/* A journey of its own for a stanza made in this one; `shared` may be NULL. */
static struct acc *journey_of(const struct acc *acc, const struct element *stanza,
                              struct blob *shared)
{
    struct acc *fresh = acc_new();
    fresh->shared = shared ? blob_ref(shared) : NULL;
    struct str view = shared ? blob_str(shared) : (struct str){NULL, 0};
    acc_set(fresh, element_copy_sharing(&fresh->arena, stanza, view));
    fresh->host = acc->host;
    struct str from = element_attr(fresh->element, "from"), to = element_attr(fresh->element, "to");
    enum err err = ERR_OK;
    if (from.len)
        err = jid_parse(&fresh->arena, from, &fresh->from);
    if (!err && to.len)
        err = jid_parse(&fresh->arena, to, &fresh->to);
    CHECK(!err);
    return fresh;
}

struct acc *effect_route(struct acc *acc, struct element *stanza)
{
    return add(acc, EFFECT_ROUTE)->acc = journey_of(acc, stanza, NULL);
}

struct acc *effect_route_shared(struct acc *acc, struct element *stanza, struct blob *shared)
{
    return add(acc, EFFECT_ROUTE)->acc = journey_of(acc, stanza, shared);
}

void effect_reroute(struct acc *acc, struct acc *kept)
{
    add(acc, EFFECT_REROUTE)->acc = kept;
}

void effect_offline(struct acc *acc, struct acc *kept)
{
    add(acc, EFFECT_OFFLINE)->acc = kept;
}

static bool answerable(const struct acc *acc)
{
    return !acc->order && acc->kind != STANZA_NONE && acc->type != TYPE_ERROR &&
           acc->type != TYPE_RESULT;
}

void effect_answer(struct acc *acc, struct element *result)
{
    if (answerable(acc))
        effect_route(acc, result ? result : stanza_result(&acc->arena, acc->element));
}

void effect_error(struct acc *acc, enum stanza_error error, const char *text)
{
    if (acc->order)
        order_refuse(acc->order, error, text);
    else if (answerable(acc))
        effect_route(acc, stanza_error(&acc->arena, acc->element, error, text));
}

void effect_flush(struct acc *acc, struct element *stanza)
{
    add(acc, EFFECT_FLUSH)->acc = journey_of(acc, stanza, NULL);
}

void effect_refuse(struct acc *acc, enum stanza_error error, const char *type, const char *text,
                   struct element *detail)
{
    struct element *inside;
    if (!answerable(acc))
        return;
    struct element *answer = stanza_error_with(&acc->arena, acc->element, error, text, &inside);
    if (type)
        element_set(&acc->arena, inside, "type", str_of(type));
    if (detail)
        element_push(inside, detail);
    effect_flush(acc, answer);
}

void effect_flush_held(struct acc *acc, struct acc *held)
{
    held->released = true;
    add(acc, EFFECT_FLUSH)->acc = held;
}

void effect_socket_send(struct acc *acc, struct element *element)
{
    add(acc, EFFECT_SOCKET_SEND)->element = element;
}

void effect_c2s_state(struct acc *acc, const struct state *state)
{
    add(acc, EFFECT_C2S_STATE)->state = state;
}

void effect_timer(struct acc *acc, const struct alarm *alarm, uint64_t ms)
{
    struct effect *effect = add(acc, EFFECT_TIMER);
    effect->timer.alarm = alarm;
    effect->timer.ms = ms;
}

void effect_timer_drop(struct acc *acc, const struct alarm *alarm)
{
    effect_timer(acc, alarm, UINT64_MAX);
}

static void add_stop(struct acc *acc, enum effect_kind kind, enum stream_error error,
                     const char *text)
{
    struct effect *effect = add(acc, kind);
    effect->stop.error = error;
    effect->stop.text = text;
}

void effect_stop(struct acc *acc, enum stream_error error, const char *text)
{
    add_stop(acc, EFFECT_STOP, error, text);
}

void effect_hard_stop(struct acc *acc, enum stream_error error, const char *text)
{
    add_stop(acc, EFFECT_HARD_STOP, error, text);
}

void effect_hard_stop_with(struct acc *acc, enum stream_error error, const struct element *detail)
{
    struct effect *effect = add(acc, EFFECT_HARD_STOP);
    effect->stop.error = error;
    effect->stop.detail = detail;
}

void effect_socket_end(struct acc *acc)
{
    add(acc, EFFECT_SOCKET_END);
}

void effect_resume(struct acc *acc, struct session *old)
{
    add(acc, EFFECT_RESUME)->session = old;
}

void effect_store(struct acc *acc, struct store_op *op)
{
    add(acc, EFFECT_STORE)->op = op;
}

struct store_op *effect_archiving(const struct acc *acc)
{
    for (struct effect *effect = acc->effects; effect; effect = effect->next)
        if (effect->kind == EFFECT_STORE && effect->op->kind == STORE_MAM_STORE)
            return effect->op;
    return NULL;
}

void effect_input(struct acc *acc, bool on)
{
    add(acc, EFFECT_INPUT)->input = on;
}

void effect_available(struct acc *acc, bool available, int8_t priority)
{
    struct effect *effect = add(acc, EFFECT_AVAILABLE);
    effect->presence.available = available;
    effect->presence.priority = priority;
}

void effect_fan_out(struct acc *acc, struct fanout *fanout)
{
    add(acc, EFFECT_FAN_OUT)->fanout = fanout;
}

/* --- Applying --- */

/* Modules hear when the session begins to get what is sent to the bare JID, and ends to. */
static void set_available(struct session *session, bool available, int8_t priority)
{
    bool took = session_takes_bare(session);
    session->available = available;
    session->priority = priority;
    bool takes = session_takes_bare(session);
    if (took == takes || !session->open)
        return;
    struct acc *news = acc_new();
    news->host = session->host;
    news->from = session->jid;
    hook_run(takes ? HOOK_user_available : HOOK_user_unavailable, news, session);
    acc_free(news);
}

/* What an effect does in the last round, in the order asked for. */
static void apply_late(struct acc *acc, struct effect *effect, struct session *session)
{
    switch (effect->kind) {
    case EFFECT_ROUTE:
        router_route(effect->acc, session);
        break;
    case EFFECT_REROUTE:
        router_reroute(effect->acc);
        break;
    case EFFECT_OFFLINE:
        router_offline(effect->acc);
        break;
    case EFFECT_FLUSH:
        session_flush(session, effect->acc);
        break;
    case EFFECT_STORE:
        if (session && !session->ended)
            session_store(session, effect->op);
        else if (acc->promise)
            promise_store(&acc->promise, effect->op);
        else
            store_ask(effect->op, 0);
        break;
    case EFFECT_TIMER:
        session_alarm(session, effect->timer.alarm, effect->timer.ms);
        break;
    case EFFECT_STOP: {
        struct acc *stop = acc_new();
        stop->event_data = effect;
        session_event(session, EV_STOP, stop);
        break;
    }
    case EFFECT_INPUT:
        if (effect->input)
            conn_resume(session->conn, CONN_PAUSE_SHAPER);
        else
            conn_pause(session->conn, CONN_PAUSE_SHAPER);
        break;
    case EFFECT_AVAILABLE:
        set_available(session, effect->presence.available, effect->presence.priority);
        break;
    case EFFECT_SOCKET_END:
        conn_abort(session->conn, ERR_TIMEOUT);
        break;
    case EFFECT_RESUME:
        session_resume(effect->session, session);
        break;
    case EFFECT_FAN_OUT:
        fanout_start(effect->fanout);
        break;
    case EFFECT_SOCKET_SEND:
    case EFFECT_C2S_STATE:
    case EFFECT_HARD_STOP:
        break;
    }
}

static struct effect *find(struct effect *effect, enum effect_kind kind)
{
    while (effect && effect->kind != kind)
        effect = effect->next;
    return effect;
}

/* Everything but routing is nonsense without a session, or drops with it. */
static bool applies(const struct effect *effect, const struct session *session)
{
    return effect->kind == EFFECT_ROUTE || effect->kind == EFFECT_REROUTE ||
           effect->kind == EFFECT_OFFLINE || effect->kind == EFFECT_STORE ||
           effect->kind == EFFECT_FAN_OUT || (session && !session->ended);
}

static void drop(struct effect *effect)
{
    if (effect->kind == EFFECT_FLUSH)
        acc_free(effect->acc);
}

void effects_drop(struct acc *acc)
{
    for (struct effect *effect = acc->effects; effect; effect = effect->next) {
        if (effect->kind == EFFECT_ROUTE || effect->kind == EFFECT_REROUTE ||
            effect->kind == EFFECT_OFFLINE || effect->kind == EFFECT_FLUSH)
            acc_free(effect->acc);
        else if (effect->kind == EFFECT_STORE)
            store_revoke(effect->op);
    }
    acc->effects = NULL;
    acc->effects_tail = &acc->effects;
}

void effects_apply(struct acc *acc, struct session *session)
{
    struct effect *first = acc->effects, *hard = find(first, EFFECT_HARD_STOP);
    if (hard && session) {
        effects_drop(acc);
        session_end_with(session, hard->stop.error, hard->stop.text, hard->stop.detail);
        return;
    }
    acc->effects = NULL;
    acc->effects_tail = &acc->effects;
    for (struct effect *effect = find(first, EFFECT_C2S_STATE);
         effect && session && !session->ended; effect = find(effect->next, EFFECT_C2S_STATE))
        state_enter(session, effect->state);
    for (struct effect *effect = find(first, EFFECT_SOCKET_SEND); effect && session;
         effect = find(effect->next, EFFECT_SOCKET_SEND))
        session_write(session, effect->element);
    for (struct effect *effect = first; effect; effect = effect->next) {
        if (applies(effect, session))
            apply_late(acc, effect, session);
        else
            drop(effect);
    }
}
