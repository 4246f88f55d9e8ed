/* The service itself, on the shard of who asks: discovery, blocking, rooms without a name. */
#include "muc_light.h"

static enum verdict refuse(struct acc *acc, const char *text)
{
    return muc_light_refuse(acc, STANZA_BAD_REQUEST, text);
}

/* --- disco#info: the same for the service and for rooms --- */

void muc_light_add_info(struct acc *acc, struct element *query)
{
    struct arena *arena = &acc->arena;
    struct element *identity = element_add(arena, query, NS_DISCO_INFO, "identity");
    element_set(arena, identity, "category", STR("conference"));
    element_set(arena, identity, "type", STR("text"));
    element_set(arena, identity, "name", STR("MUC Light"));
    for (size_t i = 0; i < acc->host->type->module_count; i++) {
        const struct feature *feature = acc->host->type->modules[i].module->features;
        for (; feature && feature->target; feature++)
            if (feature->target & IQ_ROOM)
                element_set(arena, element_add(arena, query, NS_DISCO_INFO, "feature"), "var",
                            str_of(feature->var));
    }
}

static enum verdict get_info(struct acc *acc, struct session *session)
{
    struct element *result = stanza_result(&acc->arena, acc->element);
    (void)session;
    muc_light_add_info(acc, element_add(&acc->arena, result, NS_DISCO_INFO, "query"));
    effect_answer(acc, result);
    return HOOK_STOP;
}

/* --- disco#items: the asker's rooms --- */

static struct str set_text(struct acc *acc, const struct element *set, const char *name)
{
    const struct element *child = set ? element_child(set, NS_RSM, name) : NULL;
    return child ? str_trim(element_text(&acc->arena, child)) : (struct str){NULL, 0};
}

/* Places in the list are JIDs of rooms, whose names are in order. */
static struct str room_name(struct arena *arena, struct str place)
{
    struct jid jid;
    if (!place.len || jid_parse(arena, place, &jid))
        return STR("");
    return jid.user;
}

static struct store_op *page_op(struct acc *acc)
{
    struct store_op *op = store_op_new(STORE_ROOM_PAGE, NULL, NULL);
    op->room_page.owner = arena_str(&op->arena, acc->from.bare);
    op->room_page.host = arena_str(&op->arena, acc->to.domain);
    op->room_page.counted = true;
    op->room_page.limit = muc_light_conf(acc)->rooms_per_page;
    return op;
}

struct str muc_light_room_name(struct acc *acc, const struct store_room *room)
{
    const struct room_schema *schema = &muc_light_conf(acc)->schema;
    const struct room_schema_field *name = room_schema_find(schema, STR("roomname"));
    if (!name)
        return (struct str){NULL, 0};
    return arena_str(&acc->arena, room_schema_value(&acc->arena, room->config, name));
}

static void add_item(struct acc *acc, struct element *query, const struct store_room *room)
{
    struct str name = muc_light_room_name(acc, room);
    struct element *item = element_add(&acc->arena, query, NS_DISCO_ITEMS, "item");
    element_set(&acc->arena, item, "jid", arena_str(&acc->arena, room->bare));
    if (name.at)
        element_set(&acc->arena, item, "name", name);
    element_set(&acc->arena, item, "version", arena_str(&acc->arena, room->version));
}

static void add_set(struct acc *acc, struct element *query, const struct store_room_page *page)
{
    struct element *set = element_add(&acc->arena, query, NS_RSM, "set");
    unsigned long long total = page->total;
    if (page->count) {
        muc_light_add_text(&acc->arena, set, "first", page->items[0].bare);
        muc_light_add_text(&acc->arena, set, "last", page->items[page->count - 1].bare);
    }
    muc_light_add_text(&acc->arena, set, "count", arena_format(&acc->arena, "%llu", total));
}

static enum verdict on_page(struct acc *acc, struct session *session)
{
    const struct store_room_page *page = &acc->answer->room_page;
    (void)session;
    if (acc->answer->outcome)
        return muc_light_failed(acc);
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *query = element_add(&acc->arena, result, NS_DISCO_ITEMS, "query");
    for (size_t i = 0; i < page->count; i++)
        add_item(acc, query, &page->items[i]);
    if (page->more || element_child(element_first(acc->element), NS_RSM, "set"))
        add_set(acc, query, page);
    effect_answer(acc, result);
    return HOOK_STOP;
}

static enum verdict get_items(struct acc *acc, struct session *session)
{
    const struct element *set = element_child(element_first(acc->element), NS_RSM, "set");
    struct str max = set_text(acc, set, "max"), before = set_text(acc, set, "before");
    uint64_t limit = muc_light_conf(acc)->rooms_per_page;
    if (max.at && !text_u64(max, 0, UINT32_MAX, &limit))
        return refuse(acc, "`max` is not a number");
    if (set && element_child(set, NS_RSM, "index"))
        return muc_light_refuse(acc, STANZA_FEATURE_NOT_IMPLEMENTED, "pages have no index");
    struct store_op *op = page_op(acc);
    if (limit < op->room_page.limit)
        op->room_page.limit = limit;
    op->room_page.after = room_name(&op->arena, set_text(acc, set, "after"));
    op->room_page.before = room_name(&op->arena, before);
    op->room_page.backwards = before.at != NULL;
    return acc_park_store(acc, session, on_page, op);
}

/* --- Blocking --- */

static struct store_op *blocking_op(struct acc *acc, enum store_kind kind)
{
    struct store_op *op = store_op_new(kind, NULL, NULL);
    op->blocking.owner = arena_str(&op->arena, acc->from.bare);
    return op;
}

static enum verdict on_blocking(struct acc *acc, struct session *session)
{
    const struct store_room_blocking *list = &acc->answer->blocking;
    (void)session;
    if (acc->answer->outcome)
        return muc_light_failed(acc);
    struct element *result = stanza_result(&acc->arena, acc->element);
    struct element *query = element_add(&acc->arena, result, NS_MUC_LIGHT_BLOCKING, "query");
    for (size_t i = 0; i < list->count; i++) {
        struct element *item = muc_light_add_text(
            &acc->arena, query, list->items[i].is_room ? "room" : "user", list->items[i].jid);
        element_set(&acc->arena, item, "action", STR("deny"));
    }
    effect_answer(acc, result);
    return HOOK_STOP;
}

static enum verdict get_blocking(struct acc *acc, struct session *session)
{
    if (!muc_light_conf(acc)->blocking)
        return refuse(acc, "blocking is off");
    return acc_park_store(acc, session, on_blocking, blocking_op(acc, STORE_ROOM_BLOCKING));
}

static enum verdict on_blocked(struct acc *acc, struct session *session)
{
    (void)session;
    if (acc->answer->outcome == ERR_INVALID)
        return refuse(acc, "too much is blocked");
    if (acc->answer->outcome)
        return muc_light_failed(acc);
    effect_answer(acc, NULL);
    return HOOK_STOP;
}

static const char *read_block(struct store_op *op, const struct element *item,
                              struct store_room_block *out)
{
    struct str action = element_attr(item, "action");
    struct jid jid;
    out->is_room = str_is(item->name, "room");
    out->denied = str_is(action, "deny");
    if (!out->is_room && !str_is(item->name, "user"))
        return "what is blocked is a <user/> or a <room/>";
    if (!out->denied && !str_is(action, "allow"))
        return "`action` is deny or allow";
    if (jid_parse(&op->arena, str_trim(element_text(&op->arena, item)), &jid) || !jid.user.len)
        return "what is blocked is not the JID of a user or room";
    out->jid = jid.bare;
    return NULL;
}

static const char *read_blocking(struct store_op *op, const struct element *query)
{
    const char *wrong = NULL;
    size_t room = 0;
    for (struct element *item = element_first(query); item; item = element_next(item))
        room++;
    op->blocking.items = arena_zero(&op->arena, (room + 1) * sizeof *op->blocking.items);
    for (struct element *item = element_first(query); item && !wrong; item = element_next(item))
        wrong = read_block(op, item, &op->blocking.items[op->blocking.count++]);
    return room ? wrong : "there is nothing to block";
}

static enum verdict set_blocking(struct acc *acc, struct session *session)
{
    if (!muc_light_conf(acc)->blocking)
        return refuse(acc, "blocking is off");
    struct store_op *op = blocking_op(acc, STORE_ROOM_BLOCK);
    const char *wrong = read_blocking(op, element_first(acc->element));
    if (!wrong)
        return acc_park_store(acc, session, on_blocked, op);
    store_revoke(op);
    return refuse(acc, wrong);
}

/* --- A room without a name: it gets one that nobody can guess, and the request goes on to it. Its
 * `to` stays, so the answer comes from the service. --- */

static enum verdict create(struct acc *acc, struct session *session)
{
    uint64_t id = stanza_id_next(shard_self->id, shard_self->unix_us);
    (void)session;
    struct acc *journey = effect_route(acc, acc->element);
    jid_make(&journey->arena, stanza_id_text(&journey->arena, id), acc->to.domain, STR(""),
             &journey->to);
    return HOOK_STOP;
}

/* --- Which is which --- */

static const struct {
    enum ns ns;
    enum stanza_type type;
    hook_fn *run;
} requests[] = {
    {NS_DISCO_INFO, TYPE_GET, get_info},
    {NS_DISCO_ITEMS, TYPE_GET, get_items},
    {NS_MUC_LIGHT_BLOCKING, TYPE_GET, get_blocking},
    {NS_MUC_LIGHT_BLOCKING, TYPE_SET, set_blocking},
    {NS_MUC_LIGHT_CREATE, TYPE_SET, create},
};

enum verdict muc_light_serve(struct acc *acc, struct session *session)
{
    const struct element *payload = element_first(acc->element);
    if (acc->kind == STANZA_MESSAGE)
        return refuse(acc, "messages are for rooms");
    for (size_t i = 0; payload && i < COUNT_OF(requests); i++)
        if (requests[i].type == acc->type && element_is(payload, requests[i].ns, "query"))
            return requests[i].run(acc, session);
    return refuse(acc, "the service does not understand this");
}
