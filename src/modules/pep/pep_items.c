/* Items: publishing (XEP-0060 7.1), retracting (7.2), and getting them (6.5). */
#include "pep.h"

enum { ID_BYTES = 12, NAMES_MAX = 100 };

static const struct pep_conf *conf_of(const struct acc *acc)
{
    return module_conf(acc->host, &module_pep);
}

static size_t count_children(const struct element *parent)
{
    size_t count = 0;
    for (const struct element *child = element_first(parent); child; child = element_next(child))
        count++;
    return count;
}

/* --- Publishing --- */

/* What is wrong with the form of the request; true: it is answered. */
static bool is_malformed(struct acc *acc, const struct pep_request *request)
{
    const struct element *item = element_child(request->what, NS_PUBSUB, "item");
    size_t payloads = item ? count_children(item) : 0;
    if (!item)
        pep_refuse(acc, STANZA_BAD_REQUEST, "item-required");
    else if (count_children(request->what) > 1)
        pep_refuse(acc, STANZA_NOT_ALLOWED, "max-items-exceeded");
    else if (payloads == 0)
        pep_refuse(acc, STANZA_BAD_REQUEST, "payload-required");
    else if (payloads > 1)
        pep_refuse(acc, STANZA_BAD_REQUEST, "invalid-payload");
    else if (element_attr(item, "id").len > LIMIT_PEP_NAME)
        pep_refuse(acc, STANZA_BAD_REQUEST, NULL);
    else
        return false;
    return true;
}

static const struct element *options_of(struct acc *acc, const struct pep_request *request)
{
    const struct element *options = element_child(request->pubsub, NS_PUBSUB, "publish-options");
    return options ? form_find(&acc->arena, options,
                               "http://jabber.org/protocol/pubsub#publish-options")
                   : NULL;
}

/* The settings of the node, there or yet to be, as text; .at NULL: refused (7.1.5). For a node that
 * is to be, the options must be settings that we have. */
static struct str settings_for(struct acc *acc, const struct pep_request *request)
{
    const struct element *form = options_of(acc, request);
    struct pep_settings settings =
        request->node ? request->node->settings : pep_settings_preset(request->name);
    bool good = request->node || !form || pep_settings_submit(acc, form, &settings);
    if (good && (!form || pep_settings_match(acc, form, &settings)))
        return request->node ? request->node->text : pep_settings_text(&acc->arena, &settings);
    pep_refuse(acc, STANZA_CONFLICT, "precondition-not-met");
    return (struct str){NULL, 0};
}

static bool is_too_much(struct acc *acc, const struct pep_request *request, size_t size)
{
    const struct pep_conf *conf = conf_of(acc);
    if (size > conf->max_item_size)
        pep_refuse(acc, STANZA_NOT_ACCEPTABLE, "payload-too-big");
    else if (!request->node && pep_account_nodes(request->account) >= conf->max_nodes)
        pep_refuse(acc, STANZA_RESOURCE_CONSTRAINT, "max-nodes-exceeded");
    else if (pep_account_bytes(request->account) + size > conf->max_bytes)
        pep_refuse(acc, STANZA_RESOURCE_CONSTRAINT, NULL);
    else
        return false;
    metric_count(&pep_full);
    return true;
}

static struct str fresh_id(struct arena *arena)
{
    uint8_t bytes[ID_BYTES];
    char text[2 * ID_BYTES];
    digest_random(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, text);
    return arena_str(arena, (struct str){text, sizeof text});
}

static void answer_published(struct acc *acc, struct str node, struct str id)
{
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *pubsub = element_add(&acc->arena, result, NS_PUBSUB, "pubsub");
    struct element *publish = element_add(&acc->arena, pubsub, NS_PUBSUB, "publish");
    struct element *item = element_add(&acc->arena, publish, NS_PUBSUB, "item");
    element_set(&acc->arena, publish, "node", node);
    element_set(&acc->arena, item, "id", id);
    metric_count(&pep_published);
    effect_answer(acc, result);
}

static enum verdict after_publish(struct acc *acc, struct session *session)
{
    const struct pep_request *request = acc->event_data;
    const struct element *item = element_first(request->what);
    (void)session;
    if (acc->answer->outcome)
        return pep_not_written(acc);
    answer_published(acc, request->name, element_attr(item, "id"));
    return HOOK_STOP;
}

static uint64_t kept(const struct acc *acc, const struct pep_settings *settings)
{
    uint64_t most = conf_of(acc)->max_items;
    return settings->max_items < most ? settings->max_items : most;
}

/* Without persistence the item is told and forgotten; a node that is new is written all the same.
 */
static enum verdict publish_only(struct acc *acc, struct session *session,
                                 const struct pep_request *request, struct str settings,
                                 struct acc *news)
{
    if (request->node) {
        pep_news_send(news);
        answer_published(acc, request->name, element_attr(element_first(request->what), "id"));
        return HOOK_STOP;
    }
    struct store_op *op = pep_op(&acc->to, STORE_PEP_SET, request->name);
    op->pep.settings = arena_str(&op->arena, settings);
    return pep_write(acc, session, op, news, after_publish);
}

static enum verdict publish_item(struct acc *acc, struct session *session,
                                 const struct pep_request *request, struct str settings)
{
    struct element *item = element_first(request->what);
    const struct element *payload = element_first(item);
    struct str body = element_xml(&acc->arena, payload, NS_NONE);
    struct pep_settings parsed = pep_settings_parse(settings);
    if (is_too_much(acc, request, body.len))
        return HOOK_STOP;
    if (!element_attr(item, "id").len)
        element_set(&acc->arena, item, "id", fresh_id(&acc->arena));
    struct str id = element_attr(item, "id");
    struct acc *news = pep_news_item(acc, request->name, settings, id, payload);
    if (!parsed.persist)
        return publish_only(acc, session, request, settings, news);
    struct store_op *op = pep_op(&acc->to, STORE_PEP_PUBLISH, request->name);
    op->pep.settings = arena_str(&op->arena, settings);
    op->pep.keep = kept(acc, &parsed);
    op->pep.count = 1;
    op->pep.items = arena_zero(&op->arena, sizeof *op->pep.items);
    op->pep.items[0] =
        (struct store_pep_item){.name = arena_str(&op->arena, id),
                                .number = stanza_id_next(shard_self->id, acc->stamp_us),
                                .body = arena_str(&op->arena, body)};
    return pep_write(acc, session, op, news, after_publish);
}

static enum verdict publish(struct acc *acc, struct session *session, struct pep_request *request)
{
    if (!request->node && !request->own)
        return pep_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    if (request->node && !pep_may_publish(request))
        return pep_refuse(acc, STANZA_FORBIDDEN, NULL);
    if (is_malformed(acc, request))
        return HOOK_STOP;
    struct str settings = settings_for(acc, request);
    return settings.at ? publish_item(acc, session, request, settings) : HOOK_STOP;
}

/* --- Retracting --- */

static enum verdict after_retract(struct acc *acc, struct session *session)
{
    (void)session;
    if (acc->answer->outcome == ERR_NOT_FOUND)
        return pep_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    if (acc->answer->outcome)
        return pep_not_written(acc);
    effect_answer(acc, NULL);
    return HOOK_STOP;
}

/* The names of the items in a request; false: there is none, one without, or too many. */
static bool read_names(struct store_op *op, const struct element *what)
{
    op->pep.items = arena_zero(&op->arena, (count_children(what) + 1) * sizeof *op->pep.items);
    for (const struct element *item = element_first(what); item; item = element_next(item)) {
        struct str id = element_attr(item, "id");
        if (!element_is(item, NS_PUBSUB, "item") || !id.len || op->pep.count == NAMES_MAX)
            return false;
        op->pep.items[op->pep.count++].name = arena_str(&op->arena, id);
    }
    return op->pep.count > 0;
}

static struct acc *retract_news(const struct acc *acc, const struct pep_request *request)
{
    struct str wish = element_attr(request->what, "notify");
    bool wanted = str_is(wish, "1") || str_is(wish, "true");
    struct arena arena;
    if (!wanted && !request->node->settings.on_retract)
        return NULL;
    arena_init(&arena);
    struct element *items = element_new(&arena, NS_PUBSUB_EVENT, "items");
    element_set(&arena, items, "node", request->name);
    for (struct element *item = element_first(request->what); item; item = element_next(item)) {
        struct element *retract = element_add(&arena, items, NS_PUBSUB_EVENT, "retract");
        element_set(&arena, retract, "id", element_attr(item, "id"));
    }
    struct acc *news = pep_news_new(acc, request->name, request->node->text, items);
    arena_fini(&arena);
    return news;
}

static enum verdict retract(struct acc *acc, struct session *session, struct pep_request *request)
{
    if (!request->node)
        return pep_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    if (!pep_may_publish(request))
        return pep_refuse(acc, STANZA_FORBIDDEN, NULL);
    struct store_op *op = pep_op(&acc->to, STORE_PEP_RETRACT, request->name);
    if (!read_names(op, request->what)) {
        store_revoke(op);
        return pep_refuse(acc, STANZA_BAD_REQUEST, "item-required");
    }
    return pep_write(acc, session, op, retract_news(acc, request), after_retract);
}

/* --- Getting --- */

static void add_text(struct arena *arena, struct element *set, const char *name, struct str text)
{
    element_add_text(arena, element_add(arena, set, NS_RSM, name), text);
}

/* The part of a page that fits into an answer; at least one item. */
struct part {
    const struct store_pep_item *items;
    size_t count;
};

/* A page that goes backwards ends where it was asked to: what does not fit is left out in front. */
static struct part fitting(const struct store_pep *pep)
{
    size_t count = 0, bytes = 0;
    while (count < pep->count) {
        size_t at = pep->backwards ? pep->count - 1 - count : count;
        bytes += pep->items[at].body.len;
        if (count && bytes > LIMIT_PEP_ANSWER)
            break;
        count++;
    }
    return (struct part){pep->items + (pep->backwards ? pep->count - count : 0), count};
}

/* XEP-0059; also when nobody asked for a page but not all fit. */
static void add_set(struct acc *acc, struct element *pubsub, struct part part, uint64_t all)
{
    unsigned long long total = all;
    struct element *set = element_add(&acc->arena, pubsub, NS_RSM, "set");
    if (part.count) {
        add_text(&acc->arena, set, "first", part.items[0].name);
        add_text(&acc->arena, set, "last", part.items[part.count - 1].name);
    }
    add_text(&acc->arena, set, "count", arena_format(&acc->arena, "%llu", total));
}

static void answer_items(struct acc *acc, const struct pep_request *request,
                         const struct store_op *op)
{
    struct arena *arena = &acc->arena;
    struct element *result = stanza_result(arena, acc->element);
    struct element *pubsub = element_add(arena, result, NS_PUBSUB, "pubsub");
    struct element *items = element_add(arena, pubsub, NS_PUBSUB, "items");
    struct part part = fitting(&op->pep);
    element_set(arena, items, "node", request->name);
    for (size_t i = 0; i < part.count; i++) {
        struct element *item = element_add(arena, items, NS_PUBSUB, "item");
        element_set(arena, item, "id", part.items[i].name);
        element_add_xml(arena, item, part.items[i].body);
    }
    bool paged = element_child(request->pubsub, NS_RSM, "set") != NULL;
    if (op->kind == STORE_PEP_PAGE && (paged || part.count < op->pep.count))
        add_set(acc, pubsub, part, op->pep.total);
    effect_answer(acc, result);
}

static enum verdict after_items(struct acc *acc, struct session *session)
{
    const struct store_op *op = acc->answer;
    (void)session;
    bool none = op->kind == STORE_PEP_PICK && !op->outcome && op->pep.count == 0;
    if (op->outcome == ERR_NOT_FOUND || none)
        return pep_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    if (op->outcome)
        return pep_not_written(acc);
    answer_items(acc, acc->event_data, op);
    return HOOK_STOP;
}

static struct str set_text(struct acc *acc, const struct element *set, const char *name)
{
    const struct element *child = set ? element_child(set, NS_RSM, name) : NULL;
    return child ? str_trim(element_text(&acc->arena, child)) : STR("");
}

static bool read_number(struct str text, uint64_t min, uint64_t *out)
{
    return !text.len || text_u64(text, min, UINT64_MAX, out);
}

/* False: a number is none. */
static bool read_page(struct acc *acc, const struct pep_request *request, struct store_op *op)
{
    const struct element *set = element_child(request->pubsub, NS_RSM, "set");
    uint64_t most = conf_of(acc)->max_items, newest = most;
    op->pep.limit = most;
    if (!read_number(set_text(acc, set, "max"), 0, &op->pep.limit) ||
        !read_number(element_attr(request->what, "max_items"), 1, &newest))
        return false;
    if (newest < op->pep.limit)
        op->pep.limit = newest;
    op->pep.limit = op->pep.limit < most ? op->pep.limit : most;
    struct str before = set_text(acc, set, "before");
    op->pep.backwards = set && element_child(set, NS_RSM, "before");
    op->pep.from = arena_str(&op->arena, op->pep.backwards ? before : set_text(acc, set, "after"));
    return true;
}

static enum verdict items(struct acc *acc, struct session *session, struct pep_request *request)
{
    if (!request->node)
        return pep_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    if (!pep_may_read(acc, request))
        return HOOK_STOP;
    bool by_name = element_child(request->what, NS_PUBSUB, "item") != NULL;
    struct store_op *op =
        pep_op(&acc->to, by_name ? STORE_PEP_PICK : STORE_PEP_PAGE, request->name);
    if (by_name ? read_names(op, request->what) : read_page(acc, request, op))
        return acc_park_store(acc, session, after_items, op);
    store_revoke(op);
    return pep_refuse(acc, STANZA_BAD_REQUEST, NULL);
}

const struct pep_action pep_item_actions[] = {
    {NS_PUBSUB, TYPE_SET, "publish", false, false, publish},
    {NS_PUBSUB, TYPE_SET, "retract", false, false, retract},
    {NS_PUBSUB, TYPE_GET, "items", false, false, items},
    {0},
};
