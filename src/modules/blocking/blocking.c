/*
 * Blocking Command (XEP-0191), with the reports of XEP-0377. The block list is a list in the store
 * of privacy lists (core, privacy.h): an item that denies an address as a whole blocks it. It is
 * always in force, before any privacy list.
 */
#include "module.h"
#include "store.h"

extern const struct module module_blocking;

enum { REPORT_MAX = 1000 };

struct blocking_conf {
    uint64_t max_items;
};

struct blocking {
    bool interested; /* has asked for the list: gets pushes (3.3) */
    uint64_t pushes;
};

static struct metric refused = {"blocking_refused_total",
                                "Stanzas stopped between users and whom they block.",
                                METRIC_COUNTER, 0};
static struct metric pushes = {"blocking_pushes_total", "Changes of block lists told to resources.",
                               METRIC_COUNTER, 0};
static struct metric reports = {"blocking_reports_total", "Reports of spam or abuse.",
                                METRIC_COUNTER, 0};
static struct metric full = {"blocking_full_total", "Changes refused because of max_items.",
                             METRIC_COUNTER, 0};

static struct metric *const metrics[] = {&refused, &pushes, &reports, &full, NULL};

/* --- What is stopped (3.2) --- */

static const char not_available[] = "the block list is not available now";

static enum verdict answer_failure(struct acc *acc)
{
    effect_error(acc, STANZA_RESOURCE_CONSTRAINT, not_available);
    return HOOK_STOP;
}

/* Nobody learns that he is blocked: the answers are those of a user who is not there. */
static enum verdict check_arrival(struct acc *acc, struct session *session)
{
    struct privacy_view view = privacy_view_of(&acc->to);
    (void)session;
    if (view.unknown)
        return answer_failure(acc);
    if (!privacy_list_blocks(view.blocked, &acc->from))
        return HOOK_OK;
    metric_count(&refused);
    if (acc->kind != STANZA_PRESENCE)
        effect_error(acc, STANZA_SERVICE_UNAVAILABLE, NULL);
    return HOOK_STOP;
}

static enum verdict on_arrival(struct acc *acc, struct session *session)
{
    if (privacy_is_exempt(&acc->to, &acc->from))
        return HOOK_OK;
    return privacy_with(acc, session, &acc->to, check_arrival);
}

static enum verdict refuse_sent(struct acc *acc)
{
    struct element *blocked = element_new(&acc->arena, NS_BLOCKING_ERRORS, "blocked");
    metric_count(&refused);
    effect_refuse(acc, STANZA_NOT_ACCEPTABLE, "cancel", NULL, blocked);
    return HOOK_STOP;
}

static enum verdict check_sent(struct acc *acc, struct session *session)
{
    struct privacy_view view = privacy_view_of(&acc->from);
    (void)session;
    if (!acc->to.full.len)
        return HOOK_OK;
    if (view.unknown) {
        effect_refuse(acc, STANZA_RESOURCE_CONSTRAINT, NULL, not_available, NULL);
        return HOOK_STOP;
    }
    return privacy_list_blocks(view.blocked, &acc->to) ? refuse_sent(acc) : HOOK_OK;
}

/* Presence without an address waits for the list as well: it goes to nobody who is blocked, and to
 * nobody but the user's own resources when it is not known who is. */
static enum verdict on_send(struct acc *acc, struct session *session)
{
    if (acc->to.full.len && privacy_is_exempt(&acc->from, &acc->to))
        return HOOK_OK;
    acc->undecided |= acc->kind == STANZA_MESSAGE && privacy_may_stop(&acc->to);
    return privacy_with(acc, session, &acc->from, check_sent);
}

/* --- Pushes (3.3, 3.4) --- */

static void add_item(struct acc *acc, struct element *parent, struct str jid)
{
    struct element *item = element_add(&acc->arena, parent, NS_BLOCKING, "item");
    element_set(&acc->arena, item, "jid", arena_str(&acc->arena, jid));
}

/* What is blocked by `list` and not by `other`; NULL: nothing. */
static struct element *difference(struct acc *acc, const char *name,
                                  const struct privacy_list *list, const struct privacy_list *other)
{
    struct element *element = NULL;
    for (size_t i = 0; list && i < list->count; i++) {
        const struct privacy_item *item = &list->items[i];
        if (!privacy_item_blocks(item) || privacy_list_names(other, item->value))
            continue;
        if (!element)
            element = element_new(&acc->arena, NS_BLOCKING, name);
        add_item(acc, element, item->value);
    }
    return element;
}

static void push_to(struct acc *acc, struct session *session, const struct element *change)
{
    struct blocking *own = session_slot(session, &module_blocking);
    struct element *iq = element_new(&acc->arena, NS_CLIENT, "iq");
    unsigned long long number = ++own->pushes;
    element_set(&acc->arena, iq, "type", STR("set"));
    element_set(&acc->arena, iq, "id", arena_format(&acc->arena, "block%llu", number));
    element_set(&acc->arena, iq, "from", acc->from.full);
    element_set(&acc->arena, iq, "to", session->jid.full);
    element_push(iq, element_copy(&acc->arena, change));
    metric_count(&pushes);
    effect_route(acc, iq);
}

static void push(struct acc *acc, const struct element *change)
{
    struct session *session = NULL;
    while (change && (session = users_next_session(&acc->from, session))) {
        const struct blocking *own = session_slot(session, &module_blocking);
        if (own->interested)
            push_to(acc, session, change);
    }
}

static enum verdict on_stored(struct acc *acc, struct session *session)
{
    const struct privacy_push *change = acc->event_data;
    (void)session;
    if (!str_is(change->name, PRIVACY_BLOCK_LIST))
        return HOOK_OK;
    push(acc, difference(acc, "block", change->after, change->before));
    push(acc, difference(acc, "unblock", change->before, change->after));
    return HOOK_OK;
}

/* --- Asked for (3.1 to 3.6) --- */

static bool is_own(struct acc *acc)
{
    if (str_eq(acc->from.bare, acc->to.bare))
        return true;
    effect_error(acc, STANZA_FORBIDDEN, NULL);
    return false;
}

static const struct privacy_list *own_list(const struct acc *acc)
{
    return privacy_get(privacy_of(&acc->from), STR(PRIVACY_BLOCK_LIST));
}

static bool is_unreadable(const struct acc *acc)
{
    const struct privacy *privacy = privacy_of(&acc->from);
    return privacy && privacy->err;
}

static enum verdict give_list(struct acc *acc, struct session *session)
{
    (void)session;
    if (is_unreadable(acc))
        return answer_failure(acc);
    const struct privacy_list *list = own_list(acc);
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *told = element_add(&acc->arena, result, NS_BLOCKING, "blocklist");
    for (size_t i = 0; list && i < list->count; i++)
        if (privacy_item_blocks(&list->items[i]))
            add_item(acc, told, list->items[i].value);
    effect_answer(acc, result);
    return HOOK_STOP;
}

static enum verdict on_get(struct acc *acc, struct session *session)
{
    if (!is_own(acc))
        return HOOK_STOP;
    if (session)
        ((struct blocking *)session_slot(session, &module_blocking))->interested = true;
    return privacy_with(acc, session, &acc->from, give_list);
}

/* --- Reports (XEP-0377): in the operator's log, and with the item while that is there --- */

/* One line: tabs and line ends have a meaning in the list's text. */
static void flatten(char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)at[i] < ' ')
            at[i] = ' ';
}

/* At most so many bytes of a text, cut between characters. */
static struct str cut(struct str text, size_t max)
{
    if (text.len <= max)
        return text;
    while (max && ((unsigned char)text.at[max] & 0xc0) == 0x80)
        max--;
    return (struct str){text.at, max};
}

static struct str read_report(struct acc *acc, const struct element *item, struct str jid)
{
    const struct element *report = element_child(item, NS_REPORTING, "report");
    if (!report)
        return (struct str){0};
    const struct element *text = element_child(report, NS_REPORTING, "text");
    struct str reason = cut(element_attr(report, "reason"), REPORT_MAX / 4);
    struct str words = text ? element_text(&acc->arena, text) : (struct str){0};
    struct str told =
        arena_format(&acc->arena, "%.*s %.*s", STR_ARG(reason), STR_ARG(cut(words, REPORT_MAX)));
    flatten((char *)told.at, told.len);
    metric_count(&reports);
    LOG(LOG_INFO, "abuse_reported", LF_STR("by", acc->from.bare), LF_STR("jid", jid),
        LF_STR("report", told));
    return told;
}

/* --- Changes --- */

/* The addresses of a request: wanted[i] of items[i]. */
struct wish {
    struct privacy_item *items;
    size_t count;
};

static bool is_new(const struct wish *wish, struct str jid)
{
    for (size_t i = 0; i < wish->count; i++)
        if (str_eq(wish->items[i].value, jid))
            return false;
    return true;
}

static enum stanza_error add_wish(struct acc *acc, struct wish *wish, const struct element *item,
                                  const char **why)
{
    struct jid jid;
    *why = "an item has a `jid`";
    if (!element_is(item, NS_BLOCKING, "item"))
        return STANZA_BAD_REQUEST;
    if (jid_parse(&acc->arena, element_attr(item, "jid"), &jid))
        return STANZA_JID_MALFORMED;
    *why = "nobody blocks himself";
    if (str_eq(jid.bare, acc->from.bare))
        return STANZA_NOT_ALLOWED;
    if (is_new(wish, jid.full))
        wish->items[wish->count++] =
            (struct privacy_item){.type = PRIVACY_JID,
                                  .denies = true,
                                  .kinds = PRIVACY_ALL,
                                  .value = jid.full,
                                  .report = read_report(acc, item, jid.full)};
    return STANZA_NO_ERROR;
}

static enum stanza_error read_wish(struct acc *acc, struct wish *wish, const char **why)
{
    const struct element *first = element_first(element_first(acc->element));
    size_t count = 0;
    enum stanza_error error = STANZA_NO_ERROR;
    for (const struct element *item = first; item; item = element_next(item))
        count++;
    wish->items = arena_zero(&acc->arena, (count + 1) * sizeof *wish->items);
    for (const struct element *item = first; item && !error; item = element_next(item))
        error = add_wish(acc, wish, item, why);
    return error;
}

static enum verdict after_change(struct acc *acc, struct session *session)
{
    (void)session;
    if (acc->answer->outcome == ERR_OK)
        effect_answer(acc, NULL);
    else
        effect_error(acc, STANZA_INTERNAL_SERVER_ERROR, "the block list could not be written");
    return HOOK_STOP;
}

static enum verdict set_list(struct acc *acc, struct session *session, struct buf *text)
{
    struct str copy = arena_str(&acc->arena, buf_str(text));
    buf_fini(text);
    return privacy_set(acc, session, STR(PRIVACY_BLOCK_LIST), copy, after_change);
}

static enum verdict answer_done(struct acc *acc)
{
    effect_answer(acc, NULL);
    return HOOK_STOP;
}

/* What is there stays, with a fresh report if there is one; what is new comes behind it. */
static bool write_blocked(struct buf *text, const struct privacy_list *list,
                          const struct wish *wish, uint64_t max)
{
    uint32_t order = 0;
    uint64_t count = list ? list->count : 0;
    for (size_t i = 0; list && i < list->count; i++) {
        struct privacy_item item = list->items[i];
        order = item.order;
        for (size_t k = 0; k < wish->count && privacy_item_blocks(&item); k++)
            if (wish->items[k].report.len && str_eq(wish->items[k].value, item.value))
                item.report = wish->items[k].report;
        privacy_write(text, &item);
    }
    for (size_t i = 0; i < wish->count; i++) {
        if (privacy_list_names(list, wish->items[i].value))
            continue;
        wish->items[i].order = ++order;
        privacy_write(text, &wish->items[i]);
        count++;
    }
    return count <= max;
}

static enum verdict refuse(struct acc *acc, enum stanza_error error, const char *why)
{
    effect_error(acc, error, why);
    return HOOK_STOP;
}

static enum verdict block(struct acc *acc, struct session *session)
{
    const struct blocking_conf *conf = module_conf(acc->host, &module_blocking);
    struct wish wish = {0};
    struct buf text = {0};
    const char *why;
    if (is_unreadable(acc))
        return answer_failure(acc);
    enum stanza_error error = read_wish(acc, &wish, &why);
    if (error)
        return refuse(acc, error, why);
    const struct privacy_list *list = own_list(acc);
    if (!write_blocked(&text, list, &wish, conf->max_items)) {
        buf_fini(&text);
        metric_count(&full);
        return refuse(acc, STANZA_RESOURCE_CONSTRAINT, "the block list is full");
    }
    if (!list || !str_eq(list->text, buf_str(&text)))
        return set_list(acc, session, &text);
    buf_fini(&text);
    return answer_done(acc);
}

static enum verdict on_block(struct acc *acc, struct session *session)
{
    if (!is_own(acc))
        return HOOK_STOP;
    if (!element_first(element_first(acc->element)))
        return refuse(acc, STANZA_BAD_REQUEST, "nothing to block");
    return privacy_with(acc, session, &acc->from, block);
}

static enum verdict unblock(struct acc *acc, struct session *session)
{
    struct wish wish = {0};
    struct buf text = {0};
    const char *why;
    if (is_unreadable(acc))
        return answer_failure(acc);
    enum stanza_error error = read_wish(acc, &wish, &why);
    if (error)
        return refuse(acc, error, why);
    const struct privacy_list *list = own_list(acc);
    for (size_t i = 0; list && i < list->count; i++) {
        const struct privacy_item *item = &list->items[i];
        if (!privacy_item_blocks(item) || (wish.count && is_new(&wish, item->value)))
            privacy_write(&text, item);
    }
    if (list && buf_len(&text) != list->text.len)
        return set_list(acc, session, &text);
    buf_fini(&text);
    return answer_done(acc);
}

static enum verdict on_unblock(struct acc *acc, struct session *session)
{
    if (!is_own(acc))
        return HOOK_STOP;
    return privacy_with(acc, session, &acc->from, unblock);
}

static enum verdict on_remove_user(struct acc *acc, struct session *session)
{
    (void)session;
    privacy_forget(&acc->from);
    return HOOK_OK;
}

static enum err start(struct host_type *type, const void *conf, const char **why)
{
    (void)conf;
    (void)why;
    type->privacy_uses |= PRIVACY_USES_BLOCKS;
    return ERR_OK;
}

static const struct hook hooks[] = {
    {.at = HOOK_user_send_message, .run = on_send, .before = "amp, carbons, inbox, mam, privacy"},
    {.at = HOOK_user_send_iq, .run = on_send, .before = "privacy"},
    {.at = HOOK_user_send_presence, .run = on_send, .before = "caps, presence, privacy, roster"},
    {.at = HOOK_filter_local_packet,
     .run = on_arrival,
     .before = "amp, caps, carbons, inbox, mam, presence, privacy, roster"},
    {.at = HOOK_privacy_list_push, .run = on_stored},
    {.at = HOOK_remove_user, .run = on_remove_user},
    {0},
};

static const struct iq_handler iqs[] = {
    {NS_BLOCKING, "blocklist", IQ_ACCOUNT, TYPE_GET, on_get},
    {NS_BLOCKING, "block", IQ_ACCOUNT, TYPE_SET, on_block},
    {NS_BLOCKING, "unblock", IQ_ACCOUNT, TYPE_SET, on_unblock},
    {0},
};

static const struct feature features[] = {
    {IQ_HOST, "urn:xmpp:blocking"}, {IQ_HOST, "urn:xmpp:reporting:1"}, {0}};

static const struct key keys[] = {
    {.name = "max_items",
     .type = KEY_NUMBER,
     .offset = offsetof(struct blocking_conf, max_items),
     .preset = "1000",
     .min = 1,
     .max = 10000,
     .help = "Addresses that a user may block; more are answered with resource-constraint."},
    {0},
};

const struct module module_blocking = {
    .name = "blocking",
    .xep = "XEP-0191, XEP-0377",
    .hooks = hooks,
    .iqs = iqs,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct blocking_conf),
    .metrics = metrics,
    .session_size = sizeof(struct blocking),
    .start = start,
};
