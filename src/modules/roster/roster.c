/*
 * The roster (RFC 6121 sections 2 and 3): contacts, pushes, versions, and subscriptions by the
 * chart of appendix A. The user's home shard has the roster in memory while it is needed.
 */
#include "chart.h"
#include "item.h"

extern const struct module module_roster;

enum { REQUEST_MAX = 2048 };

struct roster_conf {
    uint64_t max_items;
};

struct own_session {
    bool interested;   /* has asked for the roster: gets pushes (2.1.6) */
    bool has_requests; /* has been told who waits for an answer (3.1.3) */
};

struct own_user {
    struct contacts *contacts; /* held while online */
};

static struct metric pushes = {"roster_pushes_total", "Roster pushes sent.", METRIC_COUNTER, 0};
static struct metric refused = {"roster_full_total", "Changes refused because of max_items.",
                                METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&pushes, &refused, NULL};

static void hold(struct session *session)
{
    struct own_user *own = user_slot(session->user, &module_roster);
    if (!own->contacts)
        own->contacts = contacts_hold(&session->jid);
}

/* The contacts could not be read. Who has no account has none. */
static bool unreadable(const struct contacts *contacts)
{
    return contacts->err && contacts->err != ERR_NOT_FOUND;
}

static enum verdict answer_failure(struct acc *acc)
{
    effect_error(acc, STANZA_INTERNAL_SERVER_ERROR, "the roster is not available now");
    return HOOK_STOP;
}

static struct str version_text(struct acc *acc, uint64_t version)
{
    return arena_format(&acc->arena, "%llu", (unsigned long long)version);
}

/* --- Pushes (2.1.6): of a change that is on disk, with its own version; those behind it may be
 * under way already --- */

static void push_to(struct acc *acc, const struct session *session, const struct contacts *contacts,
                    const struct contact *contact, bool removed)
{
    struct str version = version_text(acc, acc->answer->roster.version);
    struct element *iq = element_new(&acc->arena, NS_CLIENT, "iq");
    element_set(&acc->arena, iq, "type", STR("set"));
    element_set(&acc->arena, iq, "id", arena_format(&acc->arena, "push%.*s", STR_ARG(version)));
    element_set(&acc->arena, iq, "from", arena_str(&acc->arena, contacts->owner.bare));
    element_set(&acc->arena, iq, "to", session->jid.full);
    struct element *query = element_add(&acc->arena, iq, NS_ROSTER, "query");
    element_set(&acc->arena, query, "ver", version);
    if (removed) {
        struct element *item = element_add(&acc->arena, query, NS_ROSTER, "item");
        element_set(&acc->arena, item, "jid", contact->jid);
        element_set(&acc->arena, item, "subscription", STR("remove"));
    } else {
        roster_write(acc, query, contact);
    }
    metric_count(&pushes);
    effect_route(acc, iq);
}

static void push(struct acc *acc, const struct contacts *contacts, const struct contact *contact,
                 bool removed)
{
    struct session *session = NULL;
    while ((session = users_next_session(&contacts->owner, session))) {
        const struct own_session *own = session_slot(session, &module_roster);
        if (own->interested)
            push_to(acc, session, contacts, contact, removed);
    }
}

/* Tells the other modules, behind what was asked for here: `subscribed` comes before presence. */
static void tell_change(struct acc *acc, struct session *session, const struct contacts *contacts,
                        const struct jid *contact, unsigned before, unsigned after)
{
    effects_apply(acc, session);
    struct roster_change change = {before, after};
    struct acc *news = acc_new();
    news->host = acc->host;
    jid_make(&news->arena, contacts->owner.user, contacts->owner.domain, STR(""), &news->from);
    jid_make(&news->arena, contact->user, contact->domain, STR(""), &news->to);
    news->event_data = &change;
    hook_run(HOOK_roster_changed, news, NULL);
    acc_free(news);
}

/* --- Get (2.1.3, 2.6) --- */

/* The same; with what other modules have to tell, it changes with that, too. */
static struct str whole_version(struct acc *acc, const struct contacts *contacts,
                                const struct element *others)
{
    struct str version = version_text(acc, contacts->version);
    if (!element_first(others))
        return version;
    uint64_t hash = map_hash(element_xml(&acc->arena, others, NS_NONE));
    return arena_format(&acc->arena, "%.*s-%016llx", STR_ARG(version), (unsigned long long)hash);
}

static enum verdict give_roster(struct acc *acc, struct session *session)
{
    const struct contacts *contacts = contacts_find(&acc->from);
    struct element *others = acc->event_data;
    if (unreadable(contacts))
        return answer_failure(acc);
    (void)session;
    struct str version = whole_version(acc, contacts, others);
    struct element *result = stanza_result(&acc->arena, acc->element);
    if (!str_eq(element_attr(element_first(acc->element), "ver"), version)) {
        struct element *query = element_add(&acc->arena, result, NS_ROSTER, "query");
        element_set(&acc->arena, query, "ver", version);
        for (const struct contact *contact = contacts->first; contact; contact = contact->next)
            if (contact->flags & ROSTER_LISTED)
                roster_write(acc, query, contact);
        roster_write_others(query, contacts, others);
    }
    effect_answer(acc, result);
    return HOOK_STOP;
}

static enum verdict after_others(struct acc *acc, struct session *session)
{
    return contacts_with(acc, session, &acc->from, give_roster);
}

/* Only the owner may look or change; others learn nothing from the answer (2.1.3, 2.3.3). */
static bool is_owner(struct acc *acc)
{
    if (str_eq(acc->from.bare, acc->to.bare))
        return true;
    effect_error(acc, STANZA_FORBIDDEN, NULL);
    return false;
}

static enum verdict on_get(struct acc *acc, struct session *session)
{
    if (!is_owner(acc))
        return HOOK_STOP;
    if (session) {
        struct own_session *own = session_slot(session, &module_roster);
        own->interested = true;
        hold(session);
    }
    return question_ask(HOOK_roster_get, acc, session, element_new(&acc->arena, NS_ROSTER, "query"),
                        after_others);
}

/* --- Changes: what happens before and after they are on disk --- */

struct change {
    struct contact contact; /* as it is afterwards; texts in the accumulator's arena */
    struct jid jid;
    unsigned before;
    struct chart_step step;
};

static bool is_on_disk(const struct acc *acc)
{
    return acc->answer->outcome == ERR_OK;
}

/* Contacts and the requests of strangers each have room for max_items: who is asked by many can
 * still add a contact. */
static bool is_full(const struct acc *acc, const struct contacts *contacts, unsigned listed)
{
    const struct roster_conf *conf = module_conf(acc->host, &module_roster);
    uint64_t count = 0;
    for (const struct contact *contact = contacts->first; contact; contact = contact->next)
        count += (contact->flags & ROSTER_LISTED) == listed;
    if (count < conf->max_items)
        return false;
    metric_count(&refused);
    return true;
}

/* What is there of a contact, as a change that changes nothing yet. */
static struct change *change_new(struct acc *acc, const struct contacts *contacts,
                                 const struct jid *jid)
{
    struct change *change = arena_zero(&acc->arena, sizeof *change);
    const struct contact *old = contacts_get(contacts, jid->bare);
    change->jid = *jid;
    change->contact.jid = jid->bare;
    if (old) {
        change->before = change->contact.flags = old->flags;
        change->contact.name = arena_str(&acc->arena, old->name);
        change->contact.groups = arena_str(&acc->arena, old->groups);
        change->contact.request = arena_str(&acc->arena, old->request);
    }
    acc->event_data = change;
    return change;
}

static void send_presence(struct acc *acc, const char *type, const struct jid *from,
                          const struct jid *to)
{
    struct element *presence = element_new(&acc->arena, NS_CLIENT, "presence");
    element_set(&acc->arena, presence, "type", str_of(type));
    element_set(&acc->arena, presence, "from", arena_str(&acc->arena, from->bare));
    element_set(&acc->arena, presence, "to", arena_str(&acc->arena, to->bare));
    effect_route(acc, presence);
}

/* --- Set (2.3, 2.4, 2.5) --- */

static enum verdict after_set(struct acc *acc, struct session *session)
{
    const struct change *change = acc->event_data;
    const struct contacts *contacts = contacts_find(&acc->from);
    (void)session;
    if (!is_on_disk(acc))
        return answer_failure(acc);
    push(acc, contacts, &change->contact, false);
    effect_answer(acc, NULL);
    return HOOK_STOP;
}

static enum verdict after_remove(struct acc *acc, struct session *session)
{
    const struct change *change = acc->event_data;
    const struct contacts *contacts = contacts_find(&acc->from);
    if (!is_on_disk(acc))
        return answer_failure(acc);
    if (change->before & (ROSTER_TO | ROSTER_ASK))
        send_presence(acc, "unsubscribe", &acc->from, &change->jid);
    if (change->before & (ROSTER_FROM | ROSTER_ASKED))
        send_presence(acc, "unsubscribed", &acc->from, &change->jid);
    push(acc, contacts, &change->contact, true);
    effect_answer(acc, NULL);
    tell_change(acc, session, contacts, &change->jid, change->before, 0);
    return HOOK_STOP;
}

static enum verdict remove_item(struct acc *acc, struct session *session, struct contacts *contacts,
                                struct change *change)
{
    if (!(change->before & ROSTER_LISTED)) {
        effect_error(acc, STANZA_ITEM_NOT_FOUND, NULL);
        return HOOK_STOP;
    }
    change->contact.flags = 0;
    return contacts_set(acc, session, contacts, &change->contact, after_remove);
}

static enum verdict set_item(struct acc *acc, struct session *session)
{
    struct contacts *contacts = contacts_find(&acc->from);
    struct roster_wish wish;
    const char *why;
    if (unreadable(contacts))
        return answer_failure(acc);
    enum stanza_error error = roster_read(acc, &wish, &why);
    if (!error && str_eq(wish.jid.bare, acc->from.bare)) {
        error = STANZA_NOT_ALLOWED;
        why = "nobody is a contact of his own";
    }
    struct change *change = error ? NULL : change_new(acc, contacts, &wish.jid);
    if (!error && !wish.remove && !(change->before & ROSTER_LISTED) &&
        is_full(acc, contacts, ROSTER_LISTED)) {
        error = STANZA_RESOURCE_CONSTRAINT;
        why = "the roster is full";
    }
    if (error) {
        effect_error(acc, error, why);
        return HOOK_STOP;
    }
    if (wish.remove)
        return remove_item(acc, session, contacts, change);
    change->contact.name = wish.name;
    change->contact.groups = wish.groups;
    change->contact.flags |= ROSTER_LISTED;
    return contacts_set(acc, session, contacts, &change->contact, after_set);
}

static enum verdict on_set(struct acc *acc, struct session *session)
{
    if (!is_owner(acc))
        return HOOK_STOP;
    if (session)
        hold(session);
    return contacts_with(acc, session, &acc->from, set_item);
}

/* --- Subscriptions (3): what a client sends --- */

/* Subscriptions are between bare JIDs (3.1.2). */
static void route_bare(struct acc *acc)
{
    element_set(&acc->arena, acc->element, "from", acc->from.bare);
    element_set(&acc->arena, acc->element, "to", acc->to.bare);
    effect_route(acc, acc->element);
}

static enum verdict after_sent(struct acc *acc, struct session *session)
{
    const struct change *change = acc->event_data;
    const struct contacts *contacts = contacts_find(&acc->from);
    if (!is_on_disk(acc))
        return answer_failure(acc);
    if (change->step.passes)
        route_bare(acc);
    if (change->contact.flags & ROSTER_LISTED)
        push(acc, contacts, &change->contact, false);
    tell_change(acc, session, contacts, &change->jid, change->before, change->contact.flags);
    return HOOK_STOP;
}

static enum verdict send_subscription(struct acc *acc, struct session *session)
{
    struct contacts *contacts = contacts_find(&acc->from);
    struct jid contact = jid_bare(&acc->to);
    if (unreadable(contacts))
        return answer_failure(acc);
    struct change *change = change_new(acc, contacts, &contact);
    change->step = chart_step(CHART_SENT, acc->type, change->before);
    if (change->step.flags == change->before) {
        if (change->step.passes)
            route_bare(acc);
        return HOOK_STOP;
    }
    unsigned becomes = change->step.flags & ~change->before & ROSTER_LISTED;
    if (becomes && is_full(acc, contacts, ROSTER_LISTED)) {
        effect_error(acc, STANZA_RESOURCE_CONSTRAINT, "the roster is full");
        return HOOK_STOP;
    }
    change->contact.flags = change->step.flags;
    if (!(change->step.flags & ROSTER_ASKED))
        change->contact.request = (struct str){0};
    return contacts_set(acc, session, contacts, &change->contact, after_sent);
}

/* Requests that nobody answered yet, to a resource that has become available (3.1.3). */
static enum verdict give_requests(struct acc *acc, struct session *session)
{
    const struct contacts *contacts = contacts_find(&acc->from);
    for (const struct contact *contact = contacts->first; contact; contact = contact->next) {
        struct element *request =
            contact->flags & ROSTER_ASKED ? acc_parse(acc, contact->request) : NULL;
        if (request)
            effect_flush(acc, request);
    }
    (void)session;
    return HOOK_OK;
}

static enum verdict on_send_presence(struct acc *acc, struct session *session)
{
    struct own_session *own = session_slot(session, &module_roster);
    hold(session);
    if (acc->to.full.len == 0) {
        bool first = acc->type == TYPE_AVAILABLE && !own->has_requests;
        own->has_requests = acc->type == TYPE_AVAILABLE;
        return first ? contacts_with(acc, session, &acc->from, give_requests) : HOOK_OK;
    }
    if (!chart_is_subscription(acc->type))
        return HOOK_OK;
    if (str_eq(acc->to.bare, acc->from.bare))
        return HOOK_STOP;
    return contacts_with(acc, session, &acc->from, send_subscription);
}

/* --- Subscriptions: what comes to a user --- */

/* The request as it will be given to the user; without what is in it when that is long. */
static struct str keep_request(struct acc *acc)
{
    struct buf xml = {0};
    element_write(&xml, acc->element, NS_CLIENT);
    if (buf_len(&xml) > REQUEST_MAX) {
        buf_fini(&xml);
        element_write(&xml, element_shallow(&acc->arena, acc->element), NS_CLIENT);
    }
    struct str text = arena_str(&acc->arena, buf_str(&xml));
    buf_fini(&xml);
    return text;
}

static enum verdict finish_arrival(struct acc *acc, const struct chart_step *step)
{
    if (step->approves)
        send_presence(acc, "subscribed", &acc->to, &acc->from);
    return step->passes ? HOOK_OK : HOOK_STOP;
}

static enum verdict after_arrival(struct acc *acc, struct session *session)
{
    const struct change *change = acc->event_data;
    const struct contacts *contacts = contacts_find(&acc->to);
    unsigned after = change->contact.flags;
    if (!is_on_disk(acc))
        return HOOK_STOP;
    enum verdict verdict = finish_arrival(acc, &change->step);
    if ((after & ROSTER_LISTED) && ((after ^ change->before) & ~(unsigned)ROSTER_ASKED))
        push(acc, contacts, &change->contact, false);
    tell_change(acc, session, contacts, &change->jid, change->before, after);
    return verdict;
}

static enum verdict take_subscription(struct acc *acc, struct session *session)
{
    struct contacts *contacts = contacts_find(&acc->to);
    struct jid contact = jid_bare(&acc->from);
    if (contacts->err) /* no account, or no storage: nobody is told the difference */
        return HOOK_STOP;
    struct change *change = change_new(acc, contacts, &contact);
    change->step = chart_step(CHART_RECEIVED, acc->type, change->before);
    if (change->step.flags == change->before)
        return finish_arrival(acc, &change->step);
    if (!change->before && is_full(acc, contacts, 0))
        return HOOK_STOP;
    change->contact.flags = change->step.flags;
    if (!(change->step.flags & ROSTER_ASKED))
        change->contact.request = (struct str){0};
    else if (acc->type == TYPE_SUBSCRIBE)
        change->contact.request = keep_request(acc);
    return contacts_set(acc, session, contacts, &change->contact, after_arrival);
}

static enum verdict on_arrival(struct acc *acc, struct session *session)
{
    if (acc->kind != STANZA_PRESENCE)
        return HOOK_OK;
    if (!chart_is_subscription(acc->type))
        return contacts_behind(acc, &acc->to);
    if (str_eq(acc->to.bare, acc->from.bare))
        return HOOK_STOP;
    return contacts_with(acc, session, &acc->to, take_subscription);
}

/* --- What others want to know --- */

static enum verdict list_subscriptions(struct acc *acc, struct session *session)
{
    struct subscriptions *out = acc->event_data;
    const struct contacts *contacts = contacts_find(&acc->to);
    struct subscription *items =
        arena_zero(&acc->arena, (contacts->count + 1) * sizeof *out->items);
    (void)session;
    for (const struct contact *contact = contacts->first; contact; contact = contact->next)
        if (contact->flags & (ROSTER_TO | ROSTER_FROM | ROSTER_ASK | ROSTER_ASKED))
            items[out->count++] =
                (struct subscription){.contact = arena_str(&acc->arena, contact->jid),
                                      .flags = contact->flags,
                                      .groups = arena_str(&acc->arena, contact->groups)};
    out->items = items;
    return HOOK_OK;
}

static enum verdict on_subscription_lists(struct acc *acc, struct session *session)
{
    return contacts_with(acc, session, &acc->to, list_subscriptions);
}

static enum verdict tell_jid_info(struct acc *acc, struct session *session)
{
    struct subscription *out = acc->event_data;
    const struct contact *contact = contacts_get(contacts_find(&acc->to), out->contact);
    (void)session;
    if (!contact)
        return HOOK_OK;
    out->flags = contact->flags;
    out->groups = arena_str(&acc->arena, contact->groups);
    return HOOK_OK;
}

static enum verdict on_jid_info(struct acc *acc, struct session *session)
{
    return contacts_with(acc, session, &acc->to, tell_jid_info);
}

/* Both ways, as if each contact had been removed (2.5); before the user is seen to go. */
static enum verdict on_user_leaves(struct acc *acc, struct session *session)
{
    const struct subscriptions *contacts = acc->event_data;
    (void)session;
    for (size_t i = 0; i < contacts->count; i++) {
        const struct subscription *contact = &contacts->items[i];
        struct jid jid;
        if (jid_parse(&acc->arena, contact->contact, &jid))
            continue;
        if (contact->flags & (ROSTER_TO | ROSTER_ASK))
            send_presence(acc, "unsubscribe", &acc->from, &jid);
        if (contact->flags & (ROSTER_FROM | ROSTER_ASKED))
            send_presence(acc, "unsubscribed", &acc->from, &jid);
    }
    return HOOK_OK;
}

static enum verdict on_remove_user(struct acc *acc, struct session *session)
{
    struct contacts *contacts = contacts_find(&acc->to);
    (void)session;
    if (contacts)
        contacts->stale = true;
    return HOOK_OK;
}

/* From outside: foreign.h. A user who is online has the roster in memory, or soon. */
static enum verdict on_foreign(struct acc *acc, struct session *session)
{
    const struct foreign_event *event = acc->event_data;
    const struct contacts *contacts = contacts_find(&acc->from);
    (void)session;
    if (strcmp(event->call, "get_subscribed") != 0)
        return HOOK_OK;
    if (!contacts || !contacts->loaded) {
        buf_format(event->answer, "the roster is not known yet\n");
        return HOOK_STOP;
    }
    for (const struct contact *contact = contacts->first; contact; contact = contact->next)
        if (contact->flags & ROSTER_FROM)
            buf_format(event->answer, "%.*s\n", STR_ARG(contact->jid));
    return HOOK_STOP;
}

static enum verdict on_features(struct acc *acc, struct session *session)
{
    if (session->authenticated) {
        element_add(&acc->arena, acc->element, NS_ROSTERVER, "ver");
        element_add(&acc->arena, acc->element, NS_PREAPPROVAL, "sub");
    }
    return HOOK_OK;
}

static void user_end(void *own)
{
    contacts_unhold(((struct own_user *)own)->contacts);
}

static const struct hook hooks[] = {
    {.at = HOOK_stream_features, .run = on_features},
    {.at = HOOK_user_send_presence, .run = on_send_presence, .before = "presence"},
    {.at = HOOK_filter_local_packet, .run = on_arrival, .before = "presence"},
    {.at = HOOK_roster_get_subscription_lists, .run = on_subscription_lists},
    {.at = HOOK_roster_get_jid_info, .run = on_jid_info},
    {.at = HOOK_foreign_event, .run = on_foreign},
    {.at = HOOK_user_leaves, .run = on_user_leaves},
    {.at = HOOK_remove_user, .run = on_remove_user},
    {0},
};

static const struct iq_handler iqs[] = {
    {NS_ROSTER, "query", IQ_ACCOUNT, TYPE_GET, on_get},
    {NS_ROSTER, "query", IQ_ACCOUNT, TYPE_SET, on_set},
    {0},
};

static const struct feature features[] = {{IQ_HOST, "jabber:iq:roster"}, {0}};

static const struct key keys[] = {
    {.name = "max_items",
     .type = KEY_NUMBER,
     .offset = offsetof(struct roster_conf, max_items),
     .preset = "1000",
     .min = 1,
     .max = 100000,
     .help = "Contacts of a user; more are answered with resource-constraint."},
    {0},
};

const struct module module_roster = {
    .name = "roster",
    .xep = "RFC 6121 2, 3",
    .hooks = hooks,
    .iqs = iqs,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct roster_conf),
    .metrics = metrics,
    .session_size = sizeof(struct own_session),
    .user_size = sizeof(struct own_user),
    .user_end = user_end,
};
