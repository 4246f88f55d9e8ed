/*
 * MUC Light (urn:xmpp:muclight:0): rooms without presence. Who is in a room is kept, with owners
 * and members; each gets all that is said there, wherever and whenever they are online. A room
 * lives on the shard of its JID, where all that concerns it is done in order.
 */
#include "muc_light.h"

static struct metric *const metrics[] = {&muc_light_created, &muc_light_destroyed,
                                         &muc_light_changes, NULL};

extern struct metric *const muc_light_room_metrics[];

const struct muc_light_conf *muc_light_conf(const struct acc *acc)
{
    return module_conf(acc->host, &module_muc_light);
}

/* --- The way of a stanza --- */

static bool is_ours(const struct acc *acc)
{
    return acc->service && acc->service->module == &module_muc_light;
}

/* What says nothing to a room, and must not be answered. */
static bool is_idle(const struct acc *acc)
{
    return acc->room_copy || acc->kind == STANZA_PRESENCE || acc->type == TYPE_ERROR ||
           acc->type == TYPE_RESULT;
}

static enum verdict on_turn(struct acc *acc, struct session *session)
{
    (void)session;
    return muc_light_handle(acc, rooms_of(acc));
}

static enum verdict on_packet(struct acc *acc, struct session *session)
{
    if (!is_ours(acc))
        return HOOK_OK;
    if (is_idle(acc))
        return HOOK_STOP;
    if (acc->to.user.len == 0)
        return muc_light_serve(acc, session);
    if (acc->to.resource.len)
        return muc_light_refuse(acc, STANZA_BAD_REQUEST, "a room has no resources");
    return rooms_with(acc, on_turn);
}

static bool is_for_room(const struct acc *acc)
{
    struct host *host;
    if (!acc->to.user.len || host_find(acc->to.domain))
        return false;
    const struct service *service = service_find(acc->to.domain, &host);
    return service && service->module == &module_muc_light;
}

/* A message is acknowledged when the room's archive has it (XEP-0198). What no room takes is
 * refused here, before it is archived and counted as a conversation between two. */
static enum verdict on_send(struct acc *acc, struct session *session)
{
    (void)session;
    if (acc->type == TYPE_ERROR || !is_for_room(acc))
        return HOOK_OK;
    if (acc->type != TYPE_GROUPCHAT)
        return muc_light_refuse(acc, STANZA_BAD_REQUEST,
                                "messages to a room are of type groupchat");
    acc->promised = true;
    return HOOK_OK;
}

/* --- Discovery of the host --- */

static enum verdict on_host_items(struct acc *acc, struct session *session)
{
    struct jid service;
    (void)session;
    if (acc->to.user.len || !service_jid(&acc->arena, acc->host, &module_muc_light, &service))
        return HOOK_OK;
    struct element *item = element_add(&acc->arena, acc->element, NS_DISCO_ITEMS, "item");
    element_set(&acc->arena, item, "jid", service.full);
    return HOOK_OK;
}

/* --- The module --- */

static enum err start(struct host_type *type, const void *own, const char **why)
{
    struct muc_light_conf *conf = (struct muc_light_conf *)own;
    metric_register(muc_light_room_metrics);
    metric_register(rooms_metrics);
    enum err err = room_schema_make(&conf->schema, &conf->config_schema, why);
    if (!err)
        err = service_declare(type, &module_muc_light, conf->host, why);
    if (err)
        room_schema_free(&conf->schema);
    return err;
}

static void stop(struct host_type *type)
{
    const struct module_on *on = host_module(type, &module_muc_light);
    room_schema_free(&((struct muc_light_conf *)on->conf)->schema);
}

static const struct hook hooks[] = {
    {.at = HOOK_service_packet, .run = on_packet},
    {.at = HOOK_user_send_message,
     .run = on_send,
     .before = "amp, carbons, inbox, mam",
     .after = "privacy"},
    {.at = HOOK_remove_user, .run = muc_light_on_removed},
    {.at = HOOK_disco_items, .run = on_host_items},
    {.at = HOOK_roster_get, .run = muc_light_on_roster},
    {0},
};

static const struct feature features[] = {
    {IQ_SERVICE | IQ_ROOM, "http://jabber.org/protocol/disco#info"},
    {IQ_SERVICE | IQ_ROOM, "urn:xmpp:muclight:0"},
    {0},
};

static const struct key keys[] = {
    {.name = "host",
     .type = KEY_TEXT,
     .offset = offsetof(struct muc_light_conf, host),
     .preset = "muclight.@HOST@",
     .help = "Domain of the rooms; @HOST@ stands for the domain of the users."},
    {.name = "rooms_per_user",
     .type = KEY_NUMBER,
     .offset = offsetof(struct muc_light_conf, rooms_per_user),
     .preset = "infinity",
     .min = 1,
     .max = KEY_INFINITY,
     .help = "Most rooms that a user can be in; who is in so many cannot be brought into more."},
    {.name = "max_occupants",
     .type = KEY_NUMBER,
     .offset = offsetof(struct muc_light_conf, max_occupants),
     .preset = "infinity",
     .min = 1,
     .max = KEY_INFINITY,
     .help = "Most occupants of a room."},
    {.name = "rooms_per_page",
     .type = KEY_NUMBER,
     .offset = offsetof(struct muc_light_conf, rooms_per_page),
     .preset = "10",
     .min = 1,
     .max = STORE_ROOM_PAGE_MAX,
     .help = "Rooms in a page when a user asks which ones they are in."},
    {.name = "all_can_configure",
     .type = KEY_BOOL,
     .offset = offsetof(struct muc_light_conf, all_can_configure),
     .preset = "false",
     .help = "Members can change the configuration of a room, not only its subject."},
    {.name = "all_can_invite",
     .type = KEY_BOOL,
     .offset = offsetof(struct muc_light_conf, all_can_invite),
     .preset = "false",
     .help = "Members can bring others into a room."},
    {.name = "equal_occupants",
     .type = KEY_BOOL,
     .offset = offsetof(struct muc_light_conf, equal_occupants),
     .preset = "false",
     .help = "New rooms have no owner; all are members."},
    {.name = "allow_multiple_owners",
     .type = KEY_BOOL,
     .offset = offsetof(struct muc_light_conf, allow_multiple_owners),
     .preset = "false",
     .help =
         "A room can have several owners; else who owned it is a member when another one does."},
    {.name = "blocking",
     .type = KEY_BOOL,
     .offset = offsetof(struct muc_light_conf, blocking),
     .preset = "true",
     .help = "Users can say by whom, and into which rooms, they do not want to be brought."},
    {.name = "rooms_in_rosters",
     .type = KEY_BOOL,
     .offset = offsetof(struct muc_light_conf, rooms_in_rosters),
     .preset = "false",
     .help = "The rooms of a user are in their roster, too (the first 1000, in order of name)."},
    {.name = "config_schema",
     .type = KEY_LIST,
     .offset = offsetof(struct muc_light_conf, config_schema),
     .keys = room_schema_keys,
     .group_size = sizeof(struct room_schema_key),
     .help = "Fields of a room's configuration; without any, the texts roomname (`Untitled`) and "
             "subject."},
    {0},
};

const struct module module_muc_light = {
    .name = "muc_light",
    .xep = "urn:xmpp:muclight:0",
    .hooks = hooks,
    .features = features,
    .keys = keys,
    .conf_size = sizeof(struct muc_light_conf),
    .metrics = metrics,
    .chore = &muc_light_chore,
    .shard_size = sizeof(struct rooms),
    .shard_end = rooms_end,
    .start = start,
    .stop = stop,
};
