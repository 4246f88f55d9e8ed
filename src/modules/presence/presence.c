/*
 * Presence (RFC 6121 section 4): initial presence and its priority, broadcast to subscribers and
 * the user's own resources, probes, and directed presence with its end. Who is subscribed is asked
 * of whoever keeps rosters; without a roster nobody is. Without this module sessions are available
 * from binding on.
 */
#include "module.h"
#include "store.h"

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
    char *last; /* the last available presence as XML, to answer probes; NULL: not available */
    size_t last_len;
    struct target *targets;
    uint64_t target_count;
};

static struct metric changes = {"presence_changes_total", "Presences broadcast by clients.",
                                METRIC_COUNTER, 0};
static struct metric directed = {"presence_directed_total", "Presences directed by clients.",
                                 METRIC_COUNTER, 0};

static struct metric probes = {"presence_probes_total", "Probes that came to local users.",
                               METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&changes, &directed, &probes, NULL};

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

static void say_unavailable(struct acc *acc, const struct session *session, struct str to)
{
    struct element *presence = element_new(&acc->arena, NS_CLIENT, "presence");
    element_set(&acc->arena, presence, "type", STR("unavailable"));
    element_set(&acc->arena, presence, "from", session->jid.full);
    element_set(&acc->arena, presence, "to", to);
    effect_route(acc, presence);
}

static void end_directed(struct acc *acc, struct session *session)
{
    struct presence *presence = session_slot(session, &module_presence);
    while (presence->targets) {
        say_unavailable(acc, session, (struct str){presence->targets->jid, presence->targets->len});
        drop_target(presence, &presence->targets);
    }
}

/* --- Who gets what --- */

/* A presence that looks for its subscribers; in the arena of its accumulator. */
struct announcement {
    struct subscriptions lists; /* first: what the hook fills in */
    bool initial;
};

static void keep_last(struct presence *presence, const struct element *element)
{
    struct buf xml = {0};
    mem_free(presence->last);
    presence->last = NULL;
    if (element) {
        element_write(&xml, element, NS_CLIENT);
        presence->last_len = buf_len(&xml);
        presence->last = mem_strndup((const char *)buf_at(&xml), buf_len(&xml));
    }
    buf_fini(&xml);
}

static void send_to(struct acc *acc, struct element *presence, struct str to)
{
    element_set(&acc->arena, presence, "to", to);
    effect_route(acc, presence);
}

static bool is_hidden(struct acc *acc, const struct privacy_view *view,
                      const struct subscription *contact)
{
    struct jid peer;
    return (view->blocked || view->list || view->unknown) &&
           !jid_parse(&acc->arena, contact->contact, &peer) && privacy_hides(view, &peer, contact);
}

/* The presence of a session, unless its user hides it from the peer. */
static void send_last_of(struct acc *acc, struct session *session, const struct jid *peer,
                         const struct subscription *contact)
{
    const struct presence *own = session_slot(session, &module_presence);
    struct privacy_view view = privacy_view_of(&session->jid);
    struct str xml = {own->last, own->last_len};
    bool hidden = !privacy_is_exempt(&session->jid, peer) && privacy_hides(&view, peer, contact);
    struct element *last = own->last && !hidden ? acc_parse(acc, xml) : NULL;
    if (last)
        send_to(acc, last, peer->full);
}

/* The presence of each available session of a user but one. */
static void send_last(struct acc *acc, const struct jid *user, const struct jid *peer,
                      const struct subscription *contact, const struct session *but)
{
    struct session *session = NULL;
    while ((session = users_next_session(user, session)))
        if (session != but)
            send_last_of(acc, session, peer, contact);
}

/* The contact, if it may see the user's presence, else NULL. */
static const struct subscription *find_subscribed(const struct subscriptions *lists,
                                                  struct str contact)
{
    for (size_t i = 0; i < lists->count; i++)
        if ((lists->items[i].flags & ROSTER_FROM) && str_eq(lists->items[i].contact, contact))
            return &lists->items[i];
    return NULL;
}

static bool has_rosters(const struct acc *acc)
{
    return acc->host->type->hooks[HOOK_roster_get_subscription_lists].count > 0;
}

/* --- Broadcast presence (4.2, 4.4, 4.5) --- */

/* A new resource asks how its contacts are, and learns of the user's other resources (4.3). */
static void send_probes(struct acc *acc, const struct session *session,
                        const struct subscriptions *lists, const struct privacy_view *view)
{
    struct element *probe = element_new(&acc->arena, NS_CLIENT, "presence");
    element_set(&acc->arena, probe, "type", STR("probe"));
    element_set(&acc->arena, probe, "from", acc->from.full);
    for (size_t i = 0; i < lists->count; i++)
        if ((lists->items[i].flags & ROSTER_TO) && !is_hidden(acc, view, &lists->items[i]))
            send_to(acc, probe, lists->items[i].contact);
    send_last(acc, &acc->from, &acc->from, NULL, session);
}

static void after_lists(struct acc *acc, struct session *session, enum verdict verdict)
{
    const struct announcement *announcement = acc->event_data;
    const struct subscriptions *lists = &announcement->lists;
    struct privacy_view view = privacy_view_of(&acc->from);
    (void)verdict;
    for (size_t i = 0; i < lists->count; i++)
        if ((lists->items[i].flags & ROSTER_FROM) && !is_hidden(acc, &view, &lists->items[i]))
            send_to(acc, acc->element, lists->items[i].contact);
    send_to(acc, acc->element, acc->from.bare); /* all own resources, this one too (4.2.2) */
    if (announcement->initial)
        send_probes(acc, session, lists, &view);
    effects_apply(acc, session);
    acc_free(acc);
}

/* On an accumulator of its own, so that nothing else waits for the roster. */
static void announce(struct acc *news, struct session *session, bool initial)
{
    struct announcement *announcement = arena_zero(&news->arena, sizeof *announcement);
    announcement->initial = initial;
    news->event_data = announcement;
    jid_make(&news->arena, news->from.user, news->from.domain, STR(""), &news->to);
    if (has_rosters(news))
        hook_chain(HOOK_roster_get_subscription_lists, news, session, after_lists);
    else
        acc_free(news);
}

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
    struct presence *presence = session_slot(session, &module_presence);
    bool was_available = presence->last != NULL;
    int8_t priority;
    if (acc->type == TYPE_UNAVAILABLE) {
        effect_available(acc, false, 0);
        end_directed(acc, session);
        keep_last(presence, NULL);
        if (was_available)
            announce(acc_copy(acc), session, false);
    } else if (acc->type == TYPE_AVAILABLE && read_priority(acc, &priority)) {
        effect_available(acc, true, priority);
        keep_last(presence, acc->element);
        announce(acc_copy(acc), session, !was_available);
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

/* --- From outside: foreign.h --- */

static enum verdict get_presence(struct acc *acc, struct session *session,
                                 const struct foreign_event *event)
{
    const struct presence *presence = session_slot(session, &module_presence);
    (void)acc;
    if (presence->last)
        buf_push(event->answer, presence->last, presence->last_len);
    else
        buf_format(event->answer, "<presence type='unavailable'/>");
    return HOOK_STOP;
}

static const char *what_is_wrong(struct acc *acc)
{
    int8_t priority;
    if (!acc->element || acc->kind != STANZA_PRESENCE)
        return "this is not a <presence/>";
    if (element_attr(acc->element, "to").at)
        return "it has a `to`";
    if (acc->type != TYPE_AVAILABLE && acc->type != TYPE_UNAVAILABLE)
        return "its type is none or unavailable";
    return read_priority(acc, &priority) ? NULL : "a priority is an integer from -128 to 127";
}

static enum verdict set_presence(struct acc *acc, struct session *session,
                                 const struct foreign_event *event)
{
    acc_set(acc, acc_parse(acc, event->argument));
    const char *wrong = what_is_wrong(acc);
    if (wrong) {
        buf_format(event->answer, "%s", wrong);
        return HOOK_STOP;
    }
    element_set(&acc->arena, acc->element, "from", acc->from.full);
    return broadcast(acc, session);
}

static enum verdict on_foreign(struct acc *acc, struct session *session)
{
    static const struct {
        const char *name;
        enum verdict (*run)(struct acc *, struct session *, const struct foreign_event *);
    } calls[] = {{"get_presence", get_presence}, {"set_presence", set_presence}};
    const struct foreign_event *event = acc->event_data;
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        if (strcmp(event->call, calls[i].name) == 0)
            return calls[i].run(acc, session, event);
    return HOOK_OK;
}

/* --- Probes (4.3) --- */

/* Who may not know learns nothing, not even that (13.10.2). */
static void after_probe(struct acc *acc, struct session *session, enum verdict verdict)
{
    const struct announcement *probe = acc->event_data;
    const struct subscription *contact = find_subscribed(&probe->lists, acc->from.bare);
    (void)verdict;
    if (contact || str_eq(acc->from.bare, acc->to.bare))
        send_last(acc, &acc->to, &acc->from, contact, NULL);
    effects_apply(acc, session);
    acc_free(acc);
}

static enum verdict on_arrival(struct acc *acc, struct session *session)
{
    if (acc->kind != STANZA_PRESENCE || acc->type != TYPE_PROBE)
        return HOOK_OK;
    (void)session;
    metric_count(&probes);
    struct acc *look = acc_copy(acc);
    look->event_data = arena_zero(&look->arena, sizeof(struct announcement));
    hook_chain(HOOK_roster_get_subscription_lists, look, NULL, after_probe);
    return HOOK_STOP;
}

/* A contact who may see the user's presence from now on gets it; one who may not any more sees the
 * user go (3.1.5, 3.2.2, 3.3.2). */
static enum verdict on_roster_changed(struct acc *acc, struct session *session)
{
    const struct roster_change *change = acc->event_data;
    bool before = change->before & ROSTER_FROM, after = change->after & ROSTER_FROM;
    struct subscription contact = {.contact = acc->to.bare, .flags = change->after};
    (void)session;
    if (after && !before)
        send_last(acc, &acc->from, &acc->to, &contact, NULL);
    for (struct session *own = NULL;
         before && !after && (own = users_next_session(&acc->from, own));) {
        const struct presence *presence = session_slot(own, &module_presence);
        if (presence->last)
            say_unavailable(acc, own, acc->to.bare);
    }
    return HOOK_OK;
}

/* --- Privacy lists (XEP-0016 2.11, XEP-0191 3.2): who is newly hidden from sees the user go, who
 * is not any more sees him come --- */

struct unveiling {
    struct subscriptions lists;   /* first: what the hook fills in */
    struct privacy_update update; /* with references */
};

static void hold_view(const struct privacy_view *view)
{
    privacy_list_ref(view->blocked);
    privacy_list_ref(view->list);
}

static void unhold_view(const struct privacy_view *view)
{
    privacy_list_unref(view->blocked);
    privacy_list_unref(view->list);
}

static void unveil(struct acc *acc, struct session *session, const struct privacy_update *update,
                   const struct subscription *contact)
{
    const struct presence *presence = session_slot(session, &module_presence);
    bool before = is_hidden(acc, &update->before, contact);
    bool after = is_hidden(acc, &update->after, contact);
    struct jid peer;
    if (!presence->last || before == after || jid_parse(&acc->arena, contact->contact, &peer))
        return;
    if (after && (contact->flags & ROSTER_FROM))
        say_unavailable(acc, session, contact->contact);
    if (before && (contact->flags & ROSTER_FROM))
        send_last_of(acc, session, &peer, contact);
    if (before && (contact->flags & ROSTER_TO)) {
        struct element *probe = element_new(&acc->arena, NS_CLIENT, "presence");
        element_set(&acc->arena, probe, "type", STR("probe"));
        element_set(&acc->arena, probe, "from", session->jid.full);
        send_to(acc, probe, contact->contact);
    }
}

static void unveil_targets(struct acc *acc, struct session *session,
                           const struct privacy_update *update)
{
    struct presence *presence = session_slot(session, &module_presence);
    for (struct target **at = &presence->targets; *at;) {
        struct subscription target = {.contact = {(*at)->jid, (*at)->len}};
        if (is_hidden(acc, &update->after, &target)) {
            say_unavailable(acc, session, arena_str(&acc->arena, target.contact));
            drop_target(presence, at);
        } else {
            at = &(*at)->next;
        }
    }
}

static void after_unveiling(struct acc *acc, struct session *none, enum verdict verdict)
{
    struct unveiling *unveiling = acc->event_data;
    struct session *session = users_session(&acc->from);
    (void)none;
    (void)verdict;
    for (size_t i = 0; session && i < unveiling->lists.count; i++)
        unveil(acc, session, &unveiling->update, &unveiling->lists.items[i]);
    unhold_view(&unveiling->update.before);
    unhold_view(&unveiling->update.after);
    effects_apply(acc, NULL);
    acc_free(acc);
}

static enum verdict on_lists_updated(struct acc *acc, struct session *session)
{
    const struct jid *own = &session->jid;
    unveil_targets(acc, session, acc->event_data);
    if (!has_rosters(acc))
        return HOOK_OK;
    struct acc *look = acc_new();
    struct unveiling *unveiling = arena_zero(&look->arena, sizeof *unveiling);
    unveiling->update = *(const struct privacy_update *)acc->event_data;
    hold_view(&unveiling->update.before);
    hold_view(&unveiling->update.after);
    look->host = acc->host;
    look->event_data = unveiling;
    jid_make(&look->arena, own->user, own->domain, own->resource, &look->from);
    jid_make(&look->arena, own->user, own->domain, STR(""), &look->to);
    hook_chain(HOOK_roster_get_subscription_lists, look, NULL, after_unveiling);
    return HOOK_OK;
}

/* --- Life --- */

static enum verdict on_open(struct acc *acc, struct session *session)
{
    (void)session;
    effect_available(acc, false, 0);
    return HOOK_OK;
}

/* The session goes without having said so. */
static enum verdict on_terminate(struct acc *acc, struct session *session)
{
    struct presence *presence = session_slot(session, &module_presence);
    if (!presence->last)
        return HOOK_OK;
    keep_last(presence, NULL);
    struct acc *news = acc_copy(acc);
    struct element *gone = element_new(&news->arena, NS_CLIENT, "presence");
    element_set(&news->arena, gone, "type", STR("unavailable"));
    element_set(&news->arena, gone, "from", news->from.full);
    acc_set(news, gone);
    announce(news, NULL, false);
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
    keep_last(presence, NULL);
    while (presence->targets)
        drop_target(presence, &presence->targets);
}

static const struct hook hooks[] = {
    {.at = HOOK_user_open_session, .run = on_open},
    {.at = HOOK_user_send_presence, .run = on_presence},
    {.at = HOOK_filter_local_packet, .run = on_arrival},
    {.at = HOOK_roster_changed, .run = on_roster_changed},
    {.at = HOOK_foreign_event, .run = on_foreign},
    {.at = HOOK_privacy_updated_list, .run = on_lists_updated},
    {.at = HOOK_user_terminate, .run = on_terminate},
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
