/*
 * Notifications: what changes is written once, and goes as one blob to all who may have it; which
 * clients of theirs want it is known at their homes only (acc->news_of). And last items, for who
 * comes or says for the first time what it wants.
 */
#include "pep.h"

/* A broadcast that looks for its recipients; in the arena of its accumulator. */
struct broadcast {
    struct subscriptions lists; /* first: what the hook fills in */
    struct str node;
    struct pep_settings settings;
    struct element *message;
    struct pep_item item; /* payload NULL: it tells of something else */
};

static struct element *new_message(struct arena *arena, const struct pep_settings *settings,
                                   struct str from)
{
    struct element *message = element_new(arena, NS_CLIENT, "message");
    element_set(arena, message, "from", from);
    element_set(arena, message, "to", from);
    if (settings->notification_type == 0)
        element_set(arena, message, "type", STR("headline"));
    return message;
}

struct acc *pep_news_new(const struct acc *acc, struct str node, struct str settings,
                         const struct element *change)
{
    struct acc *news = acc_new();
    struct broadcast *broadcast = arena_zero(&news->arena, sizeof *broadcast);
    struct buf xml = {0};
    jid_make(&news->arena, acc->to.user, acc->to.domain, STR(""), &news->to);
    news->from = news->to;
    news->host = acc->host;
    news->event_data = broadcast;
    broadcast->node = arena_str(&news->arena, node);
    broadcast->settings = pep_settings_parse(arena_str(&news->arena, settings));
    broadcast->message = new_message(&news->arena, &broadcast->settings, news->from.bare);
    element_write(&xml, change, NS_PUBSUB_EVENT);
    news->shared = blob_new(buf_str(&xml));
    buf_fini(&xml);
    struct element *event = element_add(&news->arena, broadcast->message, NS_PUBSUB_EVENT, "event");
    element_add_xml(&news->arena, event, blob_str(news->shared));
    return news;
}

struct acc *pep_news_item(const struct acc *acc, struct str node, struct str settings,
                          struct str id, const struct element *payload)
{
    struct arena arena;
    arena_init(&arena);
    struct pep_settings parsed = pep_settings_parse(settings);
    struct element *items = element_new(&arena, NS_PUBSUB_EVENT, "items");
    struct element *item = element_add(&arena, items, NS_PUBSUB_EVENT, "item");
    element_set(&arena, items, "node", node);
    element_set(&arena, item, "id", id);
    if (parsed.payloads)
        element_push(item, element_copy(&arena, payload));
    struct acc *news = pep_news_new(acc, node, settings, items);
    struct broadcast *broadcast = news->event_data;
    broadcast->item.node = broadcast->node;
    broadcast->item.id = arena_str(&news->arena, id);
    broadcast->item.payload = element_copy(&news->arena, payload);
    broadcast->item.open = parsed.access == PEP_OPEN;
    arena_fini(&arena);
    return news;
}

/* --- Broadcast --- */

static void send_to(struct acc *news, struct str to, struct str node)
{
    const struct broadcast *broadcast = news->event_data;
    element_set(&news->arena, broadcast->message, "to", to);
    struct acc *journey = effect_route_shared(news, broadcast->message, news->shared);
    journey->news_of = arena_str(&journey->arena, node);
    metric_count(&pep_notifications);
}

static bool is_hidden(struct acc *news, const struct privacy_view *view,
                      const struct subscription *contact)
{
    struct jid peer;
    return (view->blocked || view->list || view->unknown) &&
           !jid_parse(&news->arena, contact->contact, &peer) && privacy_hides(view, &peer, contact);
}

static bool is_subscribed(const struct broadcast *broadcast, struct str bare)
{
    return pep_person_find(broadcast->settings.people, bare).subscribed;
}

static void send_to_contacts(struct acc *news, const struct privacy_view *view)
{
    const struct broadcast *broadcast = news->event_data;
    for (size_t i = 0; i < broadcast->lists.count; i++) {
        const struct subscription *contact = &broadcast->lists.items[i];
        if ((contact->flags & ROSTER_FROM) && !is_subscribed(broadcast, contact->contact) &&
            !pep_denied(&broadcast->settings, contact) && !is_hidden(news, view, contact))
            send_to(news, contact->contact, broadcast->node);
    }
}

static struct subscription look_up(const struct broadcast *broadcast, struct str bare)
{
    for (size_t i = 0; i < broadcast->lists.count; i++)
        if (str_eq(broadcast->lists.items[i].contact, bare))
            return broadcast->lists.items[i];
    return (struct subscription){.contact = bare};
}

/* Those who have subscribed get it whatever their clients say; but who may not read any more gets
 * nothing. */
static void send_to_subscribers(struct acc *news, const struct privacy_view *view)
{
    const struct broadcast *broadcast = news->event_data;
    struct str people = broadcast->settings.people;
    struct pep_person person;
    struct jid jid;
    while (pep_person_next(&people, &person)) {
        if (!person.subscribed || jid_parse(&news->arena, person.jid, &jid))
            continue;
        struct subscription contact = look_up(broadcast, jid.bare);
        bool own = str_eq(jid.bare, news->from.bare);
        if (own ||
            (!pep_denied(&broadcast->settings, &contact) && !is_hidden(news, view, &contact)))
            send_to(news, person.jid, STR(""));
    }
}

static void after_lists(struct acc *news, struct session *session, enum verdict verdict)
{
    const struct broadcast *broadcast = news->event_data;
    struct privacy_view view = privacy_view_of(&news->from);
    (void)session;
    (void)verdict;
    if (!is_subscribed(broadcast, news->from.bare))
        send_to(news, news->from.bare, broadcast->node);
    send_to_contacts(news, &view);
    send_to_subscribers(news, &view);
    effects_apply(news, NULL);
    acc_free(news);
}

static void tell_modules(struct acc *news, struct broadcast *broadcast)
{
    news->event_data = &broadcast->item;
    hook_run(HOOK_pep_published, news, NULL);
    news->event_data = broadcast;
}

void pep_news_send(struct acc *news)
{
    struct broadcast *broadcast = news->event_data;
    if (broadcast->item.payload)
        tell_modules(news, broadcast);
    pep_bookmarks_changed(news, broadcast->node);
    if (!broadcast->settings.notifications) {
        acc_free(news);
        return;
    }
    metric_count(&pep_broadcasts);
    hook_chain(HOOK_roster_get_subscription_lists, news, NULL, after_lists);
}

/* --- Last items: XEP-0163 4.3.1, XEP-0060 6.1.7 --- */

/* A last item that is read first; in the arena of its accumulator. */
struct last {
    struct str to, node, settings;
    bool filtered;
};

static void send_last(struct acc *acc, const struct last *last, const struct store_pep_item *item)
{
    struct arena *arena = &acc->arena;
    char stamp[TEXT_TIME_ROOM];
    struct pep_settings settings = pep_settings_parse(last->settings);
    struct element *message = new_message(arena, &settings, acc->to.bare);
    struct element *event = element_add(arena, message, NS_PUBSUB_EVENT, "event");
    struct element *items = element_add(arena, event, NS_PUBSUB_EVENT, "items");
    struct element *out = element_add(arena, items, NS_PUBSUB_EVENT, "item");
    struct str text = {stamp, text_time(stamp, stanza_id_us(item->number))};
    element_set(arena, message, "to", last->to);
    element_set(arena, items, "node", last->node);
    element_set(arena, out, "id", item->name);
    if (settings.payloads)
        element_add_xml(arena, out, item->body);
    struct element *delay = element_add(arena, message, NS_DELAY, "delay");
    element_set(arena, delay, "stamp", arena_str(arena, text));
    struct acc *journey = effect_route(acc, message);
    if (last->filtered)
        journey->news_of = arena_str(&journey->arena, last->node);
    metric_count(&pep_lasts);
}

static void on_last(struct store_op *op)
{
    struct acc *news = op->owner;
    const struct last *last = news->event_data;
    if (op->outcome == ERR_OK && op->pep.count)
        send_last(news, last, &op->pep.items[0]);
    effects_apply(news, NULL);
    acc_free(news);
}

static void read_last(const struct acc *acc, const struct last *model)
{
    struct acc *news = acc_new();
    struct last *last = arena_zero(&news->arena, sizeof *last);
    jid_make(&news->arena, acc->to.user, acc->to.domain, STR(""), &news->to);
    news->host = acc->host;
    news->event_data = last;
    *last = (struct last){.to = arena_str(&news->arena, model->to),
                          .node = arena_str(&news->arena, model->node),
                          .settings = arena_str(&news->arena, model->settings),
                          .filtered = model->filtered};
    struct store_op *op = pep_op(&news->to, STORE_PEP_PAGE, model->node);
    op->pep.limit = 1;
    op->owner = news;
    op->done = on_last;
    store_ask(op, 0);
}

void pep_last_send(struct acc *acc, const struct pep_node *node, struct str to, bool filtered)
{
    struct last last = {to, node->name, node->text, filtered};
    if (!node->last.number || !node->settings.notifications)
        return;
    if (node->last.body.at)
        send_last(acc, &last, &node->last);
    else
        read_last(acc, &last);
}

/* --- To whom says what it wants: asked of each contact's home, which knows who may --- */

static void after_contacts(struct acc *acc, struct session *session, enum verdict verdict)
{
    const struct subscriptions *lists = acc->event_data;
    (void)session;
    (void)verdict;
    struct element *probe = element_new(&acc->arena, NS_CLIENT, "presence");
    element_set(&acc->arena, probe, "type", STR("probe"));
    element_set(&acc->arena, probe, "from", acc->from.full);
    for (size_t i = 0; i <= lists->count; i++) {
        bool own = i == lists->count;
        if (!own && !(lists->items[i].flags & ROSTER_TO))
            continue;
        element_set(&acc->arena, probe, "to", own ? acc->from.bare : lists->items[i].contact);
        struct acc *journey = effect_route(acc, probe);
        journey->asks_for = arena_str(&journey->arena, acc->asks_for);
    }
    effects_apply(acc, NULL);
    acc_free(acc);
}

enum verdict pep_on_caps(struct acc *acc, struct session *session)
{
    struct str nodes = session->caps ? session->caps->notify : STR("");
    if (nodes.len == 0)
        return HOOK_OK;
    struct acc *look = acc_new();
    const struct jid *own = &session->jid;
    look->host = acc->host;
    look->event_data = arena_zero(&look->arena, sizeof(struct subscriptions));
    look->asks_for = arena_str(&look->arena, nodes);
    jid_make(&look->arena, own->user, own->domain, own->resource, &look->from);
    jid_make(&look->arena, own->user, own->domain, STR(""), &look->to);
    hook_chain(HOOK_roster_get_subscription_lists, look, NULL, after_contacts);
    return HOOK_OK;
}

static bool has_line(struct str lines, struct str wanted)
{
    while (lines.len)
        if (str_eq(str_cut(lines, '\n', &lines), wanted))
            return true;
    return false;
}

static enum verdict send_lasts(struct acc *acc, struct session *session)
{
    const struct subscription *asker = acc->event_data; /* NULL: the owner */
    struct pep_account *account = pep_account_find(&acc->to);
    struct pep_node *node = pep_account_err(account) ? NULL : pep_node_first(account);
    (void)session;
    for (; node; node = node->next)
        if (node->settings.send_last == PEP_ON_SUB_AND_PRESENCE &&
            has_line(acc->asks_for, node->name) && !(asker && pep_denied(&node->settings, asker)))
            pep_last_send(acc, node, acc->from.full, false);
    return HOOK_STOP;
}

/* Also for an open node the asker must be a contact that sees the owner's presence: who only wants
 * to know what somebody publishes asks for it. */
static enum verdict send_if_subscribed(struct acc *acc, struct session *session)
{
    const struct subscription *asker = acc->event_data;
    struct privacy_view view = privacy_view_of(&acc->to);
    if (!(asker->flags & ROSTER_FROM) ||
        (!privacy_is_exempt(&acc->to, &acc->from) && is_hidden(acc, &view, asker)))
        return HOOK_STOP;
    return pep_account_with(acc, session, &acc->to, send_lasts);
}

enum verdict pep_on_probe(struct acc *acc, struct session *session)
{
    const struct pep_conf *conf = module_conf(acc->host, &module_pep);
    if (!acc->asks_for.len)
        return HOOK_OK;
    if (conf->ignore_offline && !users_find(&acc->to))
        return HOOK_STOP;
    acc->event_data = NULL;
    if (str_eq(acc->from.bare, acc->to.bare))
        return pep_account_with(acc, session, &acc->to, send_lasts);
    return subscription_ask(acc, session, &acc->to, &acc->from, send_if_subscribed);
}

/* --- To a contact who may see the owner's presence from now on --- */

static enum verdict send_to_contact(struct acc *acc, struct session *session)
{
    const struct subscription *contact = acc->event_data;
    struct pep_account *account = pep_account_find(&acc->to);
    struct pep_node *node = pep_account_err(account) ? NULL : pep_node_first(account);
    (void)session;
    for (; node; node = node->next)
        if (node->settings.send_last == PEP_ON_SUB_AND_PRESENCE &&
            !pep_denied(&node->settings, contact))
            pep_last_send(acc, node, contact->contact, true);
    return HOOK_STOP;
}

enum verdict pep_on_roster_changed(struct acc *acc, struct session *session)
{
    const struct roster_change *change = acc->event_data;
    (void)session;
    if ((change->before & ROSTER_FROM) || !(change->after & ROSTER_FROM))
        return HOOK_OK;
    struct acc *look = acc_new();
    struct subscription *contact = arena_zero(&look->arena, sizeof *contact);
    contact->contact = arena_str(&look->arena, acc->to.bare);
    contact->flags = change->after;
    look->host = acc->host;
    look->event_data = contact;
    jid_make(&look->arena, acc->from.user, acc->from.domain, STR(""), &look->to);
    pep_account_run(look, &look->to, send_to_contact);
    return HOOK_OK;
}
