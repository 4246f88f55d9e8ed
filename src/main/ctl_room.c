/* Commands on rooms. What changes one goes to its shard as an order (order.h), so it is seen at
 * once, and told to the occupants. */
#include "ctl.h"
#include "order.h"
#include "router.h"
#include "service.h"
#include "stanza_id.h"
#include "store.h"

#include <stdio.h>

static bool has_store(struct ctl_call *call)
{
    if (!shard_self->store)
        ctl_fail(call, "the server is stopping");
    return shard_self->store;
}

/* A bare JID, of a room or of somebody; else the call has failed. */
static bool read_jid(struct ctl_call *call, size_t arg, struct jid *jid)
{
    if (!jid_parse(&call->arena, call->args[arg], jid) && jid->user.len && !jid->resource.len)
        return true;
    ctl_fail(call, "%.*s is not a bare JID", STR_ARG(call->args[arg]));
    return false;
}

static bool read_room(struct ctl_call *call, struct jid *jid)
{
    struct host *host;
    if (!read_jid(call, 0, jid))
        return false;
    if (service_find(jid->domain, &host))
        return true;
    ctl_fail(call, "%.*s: no rooms are served there", STR_ARG(jid->domain));
    return false;
}

/* --- list --- */

struct listing {
    struct str owner, host, after;
};

static void ask_page(struct ctl_call *call);

static void end_list(struct ctl_call *call)
{
    ctl_done(call, CTL_OK);
}

static void on_page(struct store_op *op)
{
    struct ctl_call *call = op->owner;
    struct listing *listing = call->own;
    const struct store_room_page *page = &op->room_page;
    if (op->outcome) {
        ctl_fail(call, "the rooms cannot be read: %s", err_name(op->outcome));
        return;
    }
    for (size_t i = 0; i < page->count; i++)
        ctl_say(call, "%.*s  %zu\n", STR_ARG(page->items[i].bare), page->items[i].count);
    if (page->more)
        listing->after = arena_str(&call->arena, page->items[page->count - 1].name);
    ctl_flush(call, page->more ? ask_page : end_list);
}

static void ask_page(struct ctl_call *call)
{
    const struct listing *listing = call->own;
    if (!has_store(call))
        return;
    struct store_op *op = store_op_new(STORE_ROOM_PAGE, on_page, call);
    op->room_page.owner = arena_str(&op->arena, listing->owner);
    op->room_page.host = arena_str(&op->arena, listing->host);
    op->room_page.after = arena_str(&op->arena, listing->after);
    op->room_page.limit = STORE_ROOM_PAGE_MAX;
    store_ask(op, 0);
}

/* The service that is named, or that of the user's host. */
static bool find_service(struct ctl_call *call, const struct jid *jid, struct str *domain)
{
    struct host *host = host_find(jid->domain);
    struct jid service;
    *domain = jid->domain;
    if (jid->user.len == 0)
        return service_find(jid->domain, &host);
    if (!host || host->type->service_count == 0)
        return false;
    service_jid(&call->arena, host, host->type->services[0].module, &service);
    *domain = service.domain;
    return true;
}

void ctl_room_list(struct ctl_call *call)
{
    struct listing *listing = arena_zero(&call->arena, sizeof *listing);
    struct jid jid;
    call->own = listing;
    if (jid_parse(&call->arena, call->args[0], &jid) || !find_service(call, &jid, &listing->host)) {
        ctl_fail(call, "%.*s: neither a service for rooms nor a user who has one",
                 STR_ARG(call->args[0]));
        return;
    }
    if (jid.user.len)
        listing->owner = jid.bare;
    ask_page(call);
}

/* --- show --- */

static const char *affiliation(enum store_affiliation affiliation)
{
    return affiliation == STORE_ROOM_OWNER ? "owner" : "member";
}

static void on_room(struct store_op *op)
{
    struct ctl_call *call = op->owner;
    const struct store_room *room = &op->room;
    struct str config = room->config, name, value;
    if (op->outcome) {
        ctl_fail(call, "%.*s: %s", STR_ARG(call->args[0]),
                 op->outcome == ERR_NOT_FOUND ? "there is no such room" : err_name(op->outcome));
        return;
    }
    ctl_say(call, "version  %.*s\n", STR_ARG(room->version));
    while (store_room_next_field(&call->arena, &config, &name, &value))
        ctl_say(call, "%.*s  %.*s\n", STR_ARG(name), STR_ARG(value));
    for (size_t i = 0; i < room->count; i++)
        ctl_say(call, "%s  %.*s\n", affiliation(room->occupants[i].affiliation),
                STR_ARG(room->occupants[i].bare));
    ctl_done(call, CTL_OK);
}

void ctl_room_show(struct ctl_call *call)
{
    struct jid room;
    if (!read_jid(call, 0, &room) || !has_store(call))
        return;
    struct store_op *op = store_op_new(STORE_ROOM_GET, on_room, call);
    op->room.bare = arena_str(&op->arena, room.bare);
    store_ask(op, 0);
}

/* --- Orders --- */

static void on_done(struct order *order)
{
    struct ctl_call *call = order->owner;
    if (order->error)
        ctl_fail(call, "%.*s: %s%s%s", STR_ARG(call->args[0]), stanza_error_name(order->error),
                 order->text[0] ? ": " : "", order->text);
    else
        ctl_done(call, CTL_OK);
}

/* An iq with a query in that namespace, from somebody to a room; the query is still empty. */
static struct acc *order_of(struct ctl_call *call, const struct jid *from, const struct jid *room,
                            enum ns ns)
{
    struct acc *acc = acc_new();
    struct element *iq = element_new(&acc->arena, NS_CLIENT, "iq");
    jid_make(&acc->arena, from->user, from->domain, STR(""), &acc->from);
    jid_make(&acc->arena, room->user, room->domain, STR(""), &acc->to);
    element_set(&acc->arena, iq, "type", STR("set"));
    element_set(&acc->arena, iq, "id", stanza_id_text(&acc->arena, acc_identify(acc)));
    element_set(&acc->arena, iq, "from", acc->from.full);
    element_set(&acc->arena, iq, "to", acc->to.full);
    element_add(&acc->arena, iq, ns, "query");
    acc_set(acc, iq);
    acc->order = order_new(call, on_done);
    return acc;
}

static struct element *query_of(const struct acc *acc)
{
    return element_first(acc->element);
}

/* ROOM OWNER [ROOMNAME] */
void ctl_room_create(struct ctl_call *call)
{
    struct jid room, owner;
    if (!read_room(call, &room) || !read_jid(call, 1, &owner))
        return;
    struct acc *acc = order_of(call, &owner, &room, NS_MUC_LIGHT_CREATE);
    if (call->arg_count > 2) {
        struct element *query = query_of(acc);
        struct element *config = element_add(&acc->arena, query, query->ns, "configuration");
        element_add_text(&acc->arena, element_add(&acc->arena, config, query->ns, "roomname"),
                         call->args[2]);
    }
    router_route(acc, NULL);
}

static void affiliate(struct ctl_call *call, const char *what)
{
    struct jid room, user;
    if (!read_room(call, &room) || !read_jid(call, 1, &user))
        return;
    struct acc *acc = order_of(call, &room, &room, NS_MUC_LIGHT_AFFILIATIONS);
    struct element *query = query_of(acc);
    struct element *item = element_add(&acc->arena, query, query->ns, "user");
    element_set(&acc->arena, item, "affiliation", str_of(what));
    element_add_text(&acc->arena, item, user.bare);
    router_route(acc, NULL);
}

/* ROOM USER [owner|member] */
void ctl_room_add(struct ctl_call *call)
{
    bool owner = call->arg_count > 2 && str_is(call->args[2], "owner");
    if (call->arg_count > 2 && !owner && !str_is(call->args[2], "member"))
        ctl_fail(call, "%.*s: an occupant is owner or member", STR_ARG(call->args[2]));
    else
        affiliate(call, owner ? "owner" : "member");
}

void ctl_room_remove(struct ctl_call *call)
{
    affiliate(call, "none");
}

void ctl_room_destroy(struct ctl_call *call)
{
    struct jid room;
    if (read_room(call, &room))
        router_route(order_of(call, &room, &room, NS_MUC_LIGHT_DESTROY), NULL);
}
