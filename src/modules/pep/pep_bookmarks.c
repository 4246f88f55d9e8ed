/*
 * Bookmarks. They are items of a node (XEP-0402), a room each; clients that know XEP-0048 see and
 * set them as one <storage/>, in private XML (XEP-0049) or in a node of that name. What is set is
 * compared with what is there, and what differs published and retracted, so all clients are told.
 */
#include "pep.h"

#define NODE ns_uri(NS_BOOKMARKS)
#define OLD  ns_uri(NS_STORAGE_BOOKMARKS)

static const char item_id[] = "current"; /* XEP-0048 3.1 */

bool pep_is_old_bookmarks(const struct pep_request *request)
{
    return request->own && str_eq(request->name, OLD) &&
           (strcmp(request->action->element, "items") == 0 ||
            strcmp(request->action->element, "publish") == 0);
}

/* --- From the new form to the old --- */

static const char *const parts[] = {"nick", "password"};

static bool is_true(struct str text)
{
    return str_is(text, "1") || str_is(text, "true");
}

static void copy_parts(struct arena *arena, struct element *to, const struct element *from,
                       enum ns from_ns)
{
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        const struct element *part = element_child(from, from_ns, parts[i]);
        struct str text = part ? element_text(arena, part) : STR("");
        if (text.len)
            element_add_text(arena, element_add(arena, to, to->ns, parts[i]), text);
    }
}

static void copy_attrs(struct arena *arena, struct element *to, const struct element *from)
{
    struct str name = element_attr(from, "name");
    if (name.at)
        element_set(arena, to, "name", name);
    if (is_true(element_attr(from, "autojoin")))
        element_set(arena, to, "autojoin", STR("true"));
}

static struct element *to_old(struct arena *arena, struct str jid, const struct element *conference)
{
    struct element *old = element_new(arena, NS_STORAGE_BOOKMARKS, "conference");
    element_set(arena, old, "jid", jid);
    copy_attrs(arena, old, conference);
    copy_parts(arena, old, conference, NS_BOOKMARKS);
    return old;
}

static struct element *conference_of(struct acc *acc, const struct store_pep_item *item)
{
    struct element *conference = acc_parse(acc, item->body);
    return conference && element_is(conference, NS_BOOKMARKS, "conference") ? conference : NULL;
}

/* All of them, oldest first, as a client would have written them. */
static struct element *storage_of(struct acc *acc, const struct store_op *op)
{
    struct element *storage = element_new(&acc->arena, NS_STORAGE_BOOKMARKS, "storage");
    for (size_t i = op->pep.count; !op->outcome && i--;) {
        const struct store_pep_item *item = &op->pep.items[i];
        const struct element *conference = conference_of(acc, item);
        if (conference)
            element_push(storage, to_old(&acc->arena, item->name, conference));
    }
    return storage;
}

/* --- From the old form to the new; what the old one has no word for stays (XEP-0402 3) --- */

static struct element *to_new(struct acc *acc, const struct element *old,
                              const struct element *before)
{
    struct element *conference = element_new(&acc->arena, NS_BOOKMARKS, "conference");
    copy_attrs(&acc->arena, conference, old);
    copy_parts(&acc->arena, conference, old, NS_STORAGE_BOOKMARKS);
    for (const struct element *child = element_first(before); child; child = element_next(child))
        if (element_is(child, NS_BOOKMARKS, "extensions"))
            element_push(conference, element_copy(&acc->arena, child));
    return conference;
}

/* --- Reading --- */

static struct store_op *read_op(const struct acc *acc)
{
    const struct pep_conf *conf = module_conf(acc->host, &module_pep);
    struct store_op *op = pep_op(&acc->to, STORE_PEP_PAGE, NODE);
    op->pep.limit = conf->max_items;
    return op;
}

static bool is_read(const struct acc *acc)
{
    return acc->answer->outcome == ERR_OK || acc->answer->outcome == ERR_NOT_FOUND;
}

static enum verdict after_items(struct acc *acc, struct session *session)
{
    struct arena *arena = &acc->arena;
    (void)session;
    if (!is_read(acc))
        return pep_not_written(acc);
    if (acc->answer->outcome)
        return pep_refuse(acc, STANZA_ITEM_NOT_FOUND, NULL);
    struct element *result = stanza_result(arena, acc->element);
    struct element *pubsub = element_add(arena, result, NS_PUBSUB, "pubsub");
    struct element *items = element_add(arena, pubsub, NS_PUBSUB, "items");
    struct element *item = element_add(arena, items, NS_PUBSUB, "item");
    element_set(arena, items, "node", OLD);
    element_set(arena, item, "id", str_of(item_id));
    element_push(item, storage_of(acc, acc->answer));
    effect_answer(acc, result);
    return HOOK_STOP;
}

enum verdict pep_bookmarks_items(struct acc *acc, struct session *session,
                                 struct pep_request *request)
{
    (void)request;
    return acc_park_store(acc, session, after_items, read_op(acc));
}

static const struct element *private_bookmarks(const struct acc *acc)
{
    const struct element *child = element_first(element_first(acc->element));
    bool alone = child && !element_next(child);
    return alone && element_is(child, NS_STORAGE_BOOKMARKS, "storage") &&
                   str_eq(acc->from.bare, acc->to.bare)
               ? child
               : NULL;
}

static enum verdict answer_private(struct acc *acc, struct element *storage)
{
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *query = element_add(&acc->arena, result, NS_PRIVATE, "query");
    element_push(query, storage);
    effect_answer(acc, result);
    return HOOK_STOP;
}

static enum verdict after_document(struct acc *acc, struct session *session)
{
    (void)session;
    if (!is_read(acc))
        return pep_not_written(acc);
    struct str body =
        acc->answer->outcome ? (struct str){NULL, 0} : acc->answer->documents.items[0].body;
    struct element *storage = body.at ? acc_parse(acc, body) : NULL;
    return answer_private(acc, storage ? storage
                                       : element_new(&acc->arena, NS_STORAGE_BOOKMARKS, "storage"));
}

/* Without a node yet: what private storage has from before. */
static enum verdict after_private(struct acc *acc, struct session *session)
{
    if (!is_read(acc))
        return pep_not_written(acc);
    if (!acc->answer->outcome)
        return answer_private(acc, storage_of(acc, acc->answer));
    struct store_op *op = store_op_new(STORE_DOCUMENT_GET, NULL, NULL);
    op->documents.user = arena_str(&op->arena, acc->to.user);
    op->documents.domain = arena_str(&op->arena, acc->to.domain);
    op->documents.kind = DOCUMENT_PRIVATE;
    op->documents.count = 1;
    op->documents.items = arena_zero(&op->arena, sizeof *op->documents.items);
    op->documents.items[0].name = STR("storage:bookmarks storage");
    return acc_park_store(acc, session, after_document, op);
}

enum verdict pep_on_private_get(struct acc *acc, struct session *session)
{
    if (!private_bookmarks(acc))
        return HOOK_OK;
    return acc_park_store(acc, session, after_private, read_op(acc));
}

/* --- Setting --- */

/* A storage that is compared with what is there; in the arena of its accumulator. */
struct setting {
    const struct element *storage;
    bool is_private;
    struct str settings; /* of the node */
};

static bool same(struct acc *acc, const struct element *one, const struct element *other)
{
    return str_eq(element_xml(&acc->arena, one, NS_NONE), element_xml(&acc->arena, other, NS_NONE));
}

static const struct element *find_room(struct acc *acc, const struct element *storage,
                                       struct str name)
{
    struct jid jid;
    for (const struct element *one = element_first(storage); one; one = element_next(one))
        if (element_is(one, NS_STORAGE_BOOKMARKS, "conference") &&
            !jid_parse(&acc->arena, element_attr(one, "jid"), &jid) && str_eq(jid.full, name))
            return one;
    return NULL;
}

static const struct store_pep_item *find_item(const struct store_op *op, struct str name)
{
    for (size_t i = 0; i < op->pep.count; i++)
        if (str_eq(op->pep.items[i].name, name))
            return &op->pep.items[i];
    return NULL;
}

static void retract_missing(struct acc *acc, const struct element *storage,
                            const struct store_op *op)
{
    for (size_t i = 0; i < op->pep.count; i++)
        if (!find_room(acc, storage, op->pep.items[i].name))
            pep_retract_for(acc->host, &acc->to, NODE, op->pep.items[i].name);
}

static void publish_one(struct acc *acc, const struct element *old, const struct store_op *op)
{
    struct jid jid;
    if (!element_is(old, NS_STORAGE_BOOKMARKS, "conference") ||
        jid_parse(&acc->arena, element_attr(old, "jid"), &jid))
        return;
    const struct store_pep_item *item = find_item(op, jid.full);
    const struct element *before = item ? conference_of(acc, item) : NULL;
    static const struct element none;
    const struct element *after = to_new(acc, old, before ? before : &none);
    if (!before ||
        !same(acc, to_old(&acc->arena, jid.full, after), to_old(&acc->arena, jid.full, before)))
        pep_publish_for(acc->host, &acc->to, NODE, jid.full, after);
}

static enum verdict after_all(struct acc *acc, struct session *session)
{
    const struct setting *setting = acc->event_data;
    (void)session;
    if (acc->answer->outcome)
        return pep_not_written(acc);
    struct element *result = stanza_result(&acc->arena, acc->element);
    if (!setting->is_private) {
        struct element *pubsub = element_add(&acc->arena, result, NS_PUBSUB, "pubsub");
        struct element *publish = element_add(&acc->arena, pubsub, NS_PUBSUB, "publish");
        struct element *item = element_add(&acc->arena, publish, NS_PUBSUB, "item");
        element_set(&acc->arena, publish, "node", OLD);
        element_set(&acc->arena, item, "id", str_of(item_id));
    }
    effect_answer(acc, result);
    return HOOK_STOP;
}

/* Writes of a shard are done in order: when the last one, which changes nothing, is on disk, so are
 * all of them. */
static enum verdict after_read(struct acc *acc, struct session *session)
{
    const struct pep_conf *conf = module_conf(acc->host, &module_pep);
    const struct setting *setting = acc->event_data;
    const struct store_op *op = acc->answer;
    size_t count = 0;
    if (!is_read(acc))
        return pep_not_written(acc);
    for (const struct element *one = element_first(setting->storage); one; one = element_next(one))
        count++;
    if (count > conf->max_items) {
        metric_count(&pep_full);
        return pep_refuse(acc, STANZA_RESOURCE_CONSTRAINT, NULL);
    }
    retract_missing(acc, setting->storage, op);
    for (const struct element *one = element_first(setting->storage); one; one = element_next(one))
        publish_one(acc, one, op);
    struct store_op *last = pep_op(&acc->to, STORE_PEP_SET, NODE);
    last->pep.settings = arena_str(&last->arena, setting->settings);
    last->pep.keep = conf->max_items;
    return pep_write(acc, session, last, NULL, after_all);
}

static enum verdict set_all(struct acc *acc, struct session *session)
{
    struct setting *setting = acc->event_data;
    const struct pep_account *account = pep_account_find(&acc->to);
    if (pep_account_err(account))
        return pep_not_written(acc);
    const struct pep_node *node = pep_node_find(account, NODE);
    struct pep_settings preset = pep_settings_preset(NODE);
    setting->settings =
        node ? arena_str(&acc->arena, node->text) : pep_settings_text(&acc->arena, &preset);
    return acc_park_store(acc, session, after_read, read_op(acc));
}

static enum verdict set(struct acc *acc, struct session *session, const struct element *storage,
                        bool is_private)
{
    struct setting *setting = arena_zero(&acc->arena, sizeof *setting);
    setting->storage = storage;
    setting->is_private = is_private;
    acc->event_data = setting;
    return pep_account_with(acc, session, &acc->to, set_all);
}

enum verdict pep_bookmarks_publish(struct acc *acc, struct session *session,
                                   struct pep_request *request)
{
    const struct element *item = element_child(request->what, NS_PUBSUB, "item");
    const struct element *storage =
        item ? element_child(item, NS_STORAGE_BOOKMARKS, "storage") : NULL;
    if (!item)
        return pep_refuse(acc, STANZA_BAD_REQUEST, "item-required");
    if (!storage)
        return pep_refuse(acc, STANZA_BAD_REQUEST, "invalid-payload");
    return set(acc, session, storage, false);
}

enum verdict pep_on_private_set(struct acc *acc, struct session *session)
{
    const struct element *storage = private_bookmarks(acc);
    return storage ? set(acc, session, storage, true) : HOOK_OK;
}

/* --- News in the old form --- */

static bool is_wanted(const struct jid *owner)
{
    struct session *session = NULL;
    while ((session = users_next_session(owner, session)))
        if (session->available && caps_wants(session, OLD))
            return true;
    return false;
}

static void on_changed(struct store_op *op)
{
    struct acc *news = op->owner;
    struct arena *arena = &news->arena;
    if (op->outcome == ERR_OK) {
        struct element *message = element_new(arena, NS_CLIENT, "message");
        struct element *event = element_add(arena, message, NS_PUBSUB_EVENT, "event");
        struct element *items = element_add(arena, event, NS_PUBSUB_EVENT, "items");
        struct element *item = element_add(arena, items, NS_PUBSUB_EVENT, "item");
        element_set(arena, message, "from", news->to.bare);
        element_set(arena, message, "to", news->to.bare);
        element_set(arena, message, "type", STR("headline"));
        element_set(arena, items, "node", OLD);
        element_set(arena, item, "id", str_of(item_id));
        element_push(item, storage_of(news, op));
        effect_route(news, message)->news_of = OLD;
    }
    effects_apply(news, NULL);
    acc_free(news);
}

void pep_bookmarks_changed(const struct acc *news, struct str node)
{
    if (!str_eq(node, NODE) || !is_wanted(&news->to))
        return;
    struct acc *own = acc_new();
    own->host = news->host;
    jid_make(&own->arena, news->to.user, news->to.domain, STR(""), &own->to);
    struct store_op *op = read_op(own);
    op->owner = own;
    op->done = on_changed;
    store_ask(op, 0);
}
