/*
 * Who goes leaves all rooms, as if by request: at once, when the account is removed while the
 * server runs; else, and where that did not succeed, storage knows who has to leave, and is asked
 * for them every now and then.
 */
#include "muc_light.h"

enum { GONE_EVERY_MS = 30 * 1000 };

static void leave(struct acc *acc, struct str bare, struct str room)
{
    struct element *iq = element_new(&acc->arena, NS_CLIENT, "iq");
    element_set(&acc->arena, iq, "type", STR("set"));
    element_set(&acc->arena, iq, "id", STR("removed"));
    element_set(&acc->arena, iq, "from", bare);
    element_set(&acc->arena, iq, "to", room);
    struct element *query = element_add(&acc->arena, iq, NS_MUC_LIGHT_AFFILIATIONS, "query");
    muc_light_add_user(&acc->arena, query, bare, STORE_ROOM_NONE);
    effect_route(acc, iq);
}

/* --- Whose account is removed now --- */

/* One who is removed; on the heap. */
struct leaver {
    struct jid jid, service;
    struct host *host;
};

static void ask_rooms(struct leaver *leaver, struct str after);

static void leaver_free(struct leaver *leaver)
{
    jid_drop(&leaver->jid);
    jid_drop(&leaver->service);
    mem_free(leaver);
}

static void on_rooms(struct store_op *op)
{
    struct leaver *leaver = op->owner;
    const struct store_room_page *page = &op->room_page;
    if (op->outcome) {
        LOG(LOG_WARNING, "rooms_not_left", LF("why", err_name(op->outcome)),
            LF_STR("user", leaver->jid.bare));
        leaver_free(leaver);
        return;
    }
    struct acc *acc = acc_new();
    acc->host = leaver->host;
    for (size_t i = 0; i < page->count; i++)
        leave(acc, leaver->jid.bare, page->items[i].bare);
    effects_apply(acc, NULL);
    acc_free(acc);
    if (page->more)
        ask_rooms(leaver, page->items[page->count - 1].name);
    else
        leaver_free(leaver);
}

static void ask_rooms(struct leaver *leaver, struct str after)
{
    struct store_op *op = store_op_new(STORE_ROOM_PAGE, on_rooms, leaver);
    op->room_page.owner = arena_str(&op->arena, leaver->jid.bare);
    op->room_page.host = arena_str(&op->arena, leaver->service.domain);
    op->room_page.after = arena_str(&op->arena, after);
    op->room_page.limit = LIMIT_TURN_STANZAS;
    store_ask(op, 0);
}

enum verdict muc_light_on_removed(struct acc *acc, struct session *session)
{
    struct leaver *leaver = mem_zalloc(sizeof *leaver);
    struct jid service;
    (void)session;
    service_jid(&acc->arena, acc->host, &module_muc_light, &service);
    jid_keep(&leaver->jid, &acc->from);
    jid_keep(&leaver->service, &service);
    leaver->host = acc->host;
    ask_rooms(leaver, STR(""));
    return HOOK_OK;
}

/* --- Who was removed before, and is an occupant yet: a page each time, behind the last one, since
 * there may be rooms of services that are not served any more --- */

static uint64_t every_ms(const void *conf)
{
    (void)conf;
    return GONE_EVERY_MS;
}

static void ask_gone(struct store_op *op, const void *conf, struct str domain)
{
    const struct rooms *rooms = shard_slot(&module_muc_light);
    (void)conf;
    (void)domain;
    op->gone.limit = STORE_ROOM_PAGE_MAX;
    op->gone.after.room = arena_str(&op->arena, rooms->after_room);
    op->gone.after.bare = arena_str(&op->arena, rooms->after_bare);
}

static void keep(struct str *kept, struct str text)
{
    mem_free((char *)kept->at);
    *kept = (struct str){text.len ? mem_strndup(text.at, text.len) : NULL, text.len};
}

static void note_last(const struct store_room_gone *gone)
{
    struct rooms *rooms = shard_slot(&module_muc_light);
    struct store_room_goner last = {0};
    if (gone->count == gone->limit)
        last = gone->items[gone->count - 1];
    keep(&rooms->after_room, last.room);
    keep(&rooms->after_bare, last.bare);
}

static bool on_gone(const struct store_op *op)
{
    struct acc *acc = acc_new();
    for (size_t i = 0; i < op->gone.count; i++)
        leave(acc, op->gone.items[i].bare, op->gone.items[i].room);
    effects_apply(acc, NULL);
    acc_free(acc);
    note_last(&op->gone);
    return false;
}

const struct chore muc_light_chore = {.every_ms = every_ms,
                                      .kind = STORE_ROOM_GONE,
                                      .fill = ask_gone,
                                      .done = on_gone,
                                      .failed = "rooms_not_left"};
