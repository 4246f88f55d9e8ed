/* Rooms in rosters: each room is a contact that its occupants see. */
#include "muc_light.h"

static void add_room(struct acc *acc, const struct store_room *room)
{
    struct element *item = element_add(&acc->arena, acc->element, NS_ROSTER, "item");
    struct str name = muc_light_room_name(acc, room);
    element_set(&acc->arena, item, "jid", arena_str(&acc->arena, room->bare));
    if (name.at)
        element_set(&acc->arena, item, "name", name);
    element_set(&acc->arena, item, "subscription", STR("to"));
    muc_light_add_text(&acc->arena, item, "group", ns_uri(NS_MUC_LIGHT));
    muc_light_add_text(&acc->arena, item, "version", room->version);
}

/* A roster without the rooms is better than none. */
static enum verdict on_page(struct acc *acc, struct session *session)
{
    const struct store_room_page *page = &acc->answer->room_page;
    (void)session;
    if (acc->answer->outcome)
        LOG(LOG_WARNING, "rooms_not_in_roster", LF("why", err_name(acc->answer->outcome)));
    for (size_t i = 0; !acc->answer->outcome && i < page->count; i++)
        add_room(acc, &page->items[i]);
    return HOOK_OK;
}

enum verdict muc_light_on_roster(struct acc *acc, struct session *session)
{
    struct jid service;
    if (!muc_light_conf(acc)->rooms_in_rosters ||
        !service_jid(&acc->arena, acc->host, &module_muc_light, &service))
        return HOOK_OK;
    struct store_op *op = store_op_new(STORE_ROOM_PAGE, NULL, NULL);
    op->room_page.owner = arena_str(&op->arena, acc->to.bare);
    op->room_page.host = arena_str(&op->arena, service.domain);
    op->room_page.limit = STORE_ROOM_PAGE_MAX;
    return acc_park_store(acc, session, on_page, op);
}
