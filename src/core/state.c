#include "state.h"

#include "buf.h"
#include "check.h"
#include "core.h"
#include "session.h"

static const char *const event_names[EV_COUNT] = {
    [EV_OPEN] = "open",
    [EV_ELEMENT] = "element",
    [EV_CLOSE] = "close",
    [EV_ROUTE] = "route",
    [EV_SECURED] = "secured",
    [EV_STATE_TIMEOUT] = "state_timeout",
    [EV_SOCKET_CLOSED] = "socket_closed",
    [EV_SOCKET_ERROR] = "socket_error",
    [EV_STOP] = "stop",
};

const char *c2s_event_name(enum c2s_event event)
{
    return event_names[event];
}

step_fn *state_step(const struct state *state, enum c2s_event event)
{
    while (state && !state->on[event])
        state = state->parent;
    return state ? state->on[event] : NULL;
}

static bool may_follow(const struct state *state, const struct state *before)
{
    if (!state->from || state == before)
        return true;
    for (const struct state *const *from = state->from; *from; from++)
        if (*from == before)
            return true;
    return false;
}

static void on_state_timer(struct timer *timer)
{
    struct session *session =
        (struct session *)((char *)timer - offsetof(struct session, state_timer));
    session_event(session, EV_STATE_TIMEOUT, NULL);
}

void state_enter(struct session *session, const struct state *state)
{
    if (!may_follow(state, session->state))
        PANIC("state %s must not follow %s", state->name,
              session->state ? session->state->name : "nothing");
    session->state = state;
    if (state->timed && session->listener->state_timeout_ms != UINT64_MAX)
        shard_after(&session->state_timer, session->listener->state_timeout_ms, on_state_timer);
    else
        shard_drop(&session->state_timer);
}

static void draw_events(struct buf *out, const struct state *state)
{
    for (int event = 0; event < EV_COUNT; event++)
        if (state->on[event])
            buf_format(out, "\\n%s", event_names[event]);
}

void states_graph(struct buf *out, const struct state *const *states)
{
    for (; *states; states++) {
        const struct state *state = *states;
        buf_format(out, "  \"%s\" [label=\"%s%s", state->name, state->name,
                   state->timed ? " (timed)" : "");
        draw_events(out, state);
        buf_format(out, "\"];\n");
        for (const struct state *const *from = state->from; from && *from; from++)
            buf_format(out, "  \"%s\" -> \"%s\";\n", (*from)->name, state->name);
        if (state->parent)
            buf_format(out, "  \"%s\" -> \"%s\" [style=dotted];\n", state->name,
                       state->parent->name);
    }
}
