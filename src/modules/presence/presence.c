/*
 * Presence (RFC 6121 section 4), the part that needs no roster: initial presence and its priority,
 * unavailable presence, and directed presence with its end. Without this module sessions are
 * available from binding on.
 */
#include "module.h"

extern const struct module module_presence;

struct presence_conf {
    uint64_t max_directed;
};

/* Somebody outside the broadcast who was told that we are available (RFC 6121 4.6.4). */
struct target {
    struct target *next;
    size_t len;
    char jid[];
};

struct presence {
    struct target *targets;
    uint64_t target_count;
};

static struct metric changes = {"presence_changes_total", "Presences broadcast by clients.",
                                METRIC_COUNTER, 0};
static struct metric directed = {"presence_directed_total", "Presences directed by clients.",
                                 METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&changes, &directed, NULL};

/* --- Directed presence --- */

static struct target **find_target(struct presence *presence, struct str jid)
{
    struct target **at = &presence->targets;
    while (*at && !str_eq((struct str){(*at)->jid, (*at)->len}, jid))
        at = &(*at)->next;
    return at;
}

static void drop_target(struct presence *presence, struct target **at)
{
    struct target *target = *at;
    *at = target->next;
    mem_free(target);
    presence->target_count--;
}

static void keep_target(struct presence *presence, struct target **at, struct str jid)
{
    struct target *target = mem_alloc(sizeof *target + jid.len);
    *target = (struct target){.len = jid.len};
    memcpy(target->jid, jid.at, jid.len);
    *at = target;
    presence->target_count++;
}

static enum verdict direct(struct acc *acc, struct session *session)
{
    const struct presence_conf *conf = module_conf(session->host, &module_presence);
    struct presence *presence = session_slot(session, &module_presence);
    struct target **at = find_target(presence, acc->to.full);
    if (acc->type == TYPE_UNAVAILABLE && *at) {
        drop_target(presence, at);
    } else if (acc->type == TYPE_AVAILABLE && !*at) {
        if (presence->target_count >= conf->max_directed) {
            effect_error(acc, STANZA_RESOURCE_CONSTRAINT, "too many directed presences");
            return HOOK_STOP;
        }
        keep_target(presence, at, acc->to.full);
    }
    metric_count(&directed);
    effect_route(acc, acc->element);
    return HOOK_STOP;
}

static void say_unavailable(struct acc *acc, const struct session *session,
                            const struct target *target)
{
    struct element *presence = element_new(&acc->arena, NS_CLIENT, "presence");
    element_set(&acc->arena, presence, "type", STR("unavailable"));
    element_set(&acc->arena, presence, "from", session->jid.full);
    element_set(&acc->arena, presence, "to",
                arena_str(&acc->arena, (struct str){target->jid, target->len}));
    effect_route(acc, presence);
}

static void end_directed(struct acc *acc, struct session *session)
{
    struct presence *presence = session_slot(session, &module_presence);
    while (presence->targets) {
        say_unavailable(acc, session, presence->targets);
        drop_target(presence, &presence->targets);
    }
}

/* --- Broadcast presence --- */

/* RFC 6121 4.7.2.3: an integer from -128 to 127; absent: 0. */
static bool read_priority(struct acc *acc, int8_t *out)
{
    const struct element *child = element_child(acc->element, NS_CLIENT, "priority");
    int64_t number = 0;
    if (child && !text_i64(str_trim(element_text(&acc->arena, child)), -128, 127, &number))
        return false;
    *out = (int8_t)number;
    return true;
}

static enum verdict broadcast(struct acc *acc, struct session *session)
{
    int8_t priority;
    if (acc->type == TYPE_UNAVAILABLE) {
        effect_available(acc, false, 0);
        end_directed(acc, session);
    } else if (acc->type == TYPE_AVAILABLE && read_priority(acc, &priority)) {
        effect_available(acc, true, priority);
    } else {
        effect_error(acc, STANZA_BAD_REQUEST,
                     acc->type == TYPE_AVAILABLE ? "a priority is an integer from -128 to 127"
                                                 : "this presence needs a `to`");
        return HOOK_STOP;
    }
    metric_count(&changes);
    return HOOK_STOP;
}

static enum verdict on_presence(struct acc *acc, struct session *session)
{
    if (acc->to.full.len == 0)
        return broadcast(acc, session);
    if (acc->type == TYPE_AVAILABLE || acc->type == TYPE_UNAVAILABLE)
        return direct(acc, session);
    if (acc->type == TYPE_ERROR)
        effect_route(acc, acc->element);
    return HOOK_STOP;
}

/* --- Life --- */

static enum verdict on_open(struct acc *acc, struct session *session)
{
    (void)session;
    effect_available(acc, false, 0);
    return HOOK_OK;
}

static enum verdict on_closed(struct acc *acc, struct session *session)
{
    end_directed(acc, session);
    return HOOK_OK;
}

static void session_end_here(struct session *session, void *own)
{
    struct presence *presence = own;
    (void)session;
    while (presence->targets)
        drop_target(presence, &presence->targets);
}

static const struct hook hooks[] = {
    {.at = HOOK_user_open_session, .run = on_open},
    {.at = HOOK_user_send_presence, .run = on_presence},
    {.at = HOOK_session_closed, .run = on_closed},
    {0},
};

static const struct key keys[] = {
    {.name = "max_directed",
     .type = KEY_NUMBER,
     .offset = offsetof(struct presence_conf, max_directed),
     .preset = "1000",
     .min = 1,
     .max = 1000000,
     .help = "Entities that a session may send directed presence to; more answers "
             "resource-constraint."},
    {0},
};

const struct module module_presence = {
    .name = "presence",
    .xep = "RFC 6121 4",
    .hooks = hooks,
    .keys = keys,
    .conf_size = sizeof(struct presence_conf),
    .metrics = metrics,
    .session_size = sizeof(struct presence),
    .session_end = session_end_here,
};
