#include "mem_offline.h"

#include "mem.h"
#include "mem_mam.h"
#include "store_backend.h"

static bool has_expired(const struct mem_waiting *one, uint64_t now_us)
{
    return one->expires_us && one->expires_us <= now_us;
}

static void drop(struct mem_waiting **at)
{
    struct mem_waiting *one = *at;
    *at = one->next;
    mem_free(one->body);
    mem_free(one->room);
    mem_free(one);
}

static bool is_mark(const struct store_offline *offline)
{
    return offline->item.room.len ||
           (offline->add.archived &&
            mem_mam_keeps(offline->bare, offline->add.peer, offline->add.peer_resource));
}

static char *copy(struct str text)
{
    return text.len ? mem_strndup(text.at, text.len) : NULL;
}

static enum err add(struct mem_waiting **at, const struct store_offline *offline)
{
    uint64_t count = 0;
    for (; *at && (*at)->number < offline->item.number; at = &(*at)->next)
        count += !has_expired(*at, offline->now_us);
    if (count >= offline->add.max)
        return ERR_CONFLICT;
    struct mem_waiting *one = mem_zalloc(sizeof *one);
    *one = (struct mem_waiting){.next = *at,
                                .number = offline->item.number,
                                .message = offline->item.message,
                                .stamp_us = offline->item.stamp_us,
                                .expires_us = offline->add.expires_us,
                                .body = is_mark(offline) ? NULL : copy(offline->item.body),
                                .room = copy(offline->item.room)};
    *at = one;
    return ERR_OK;
}

static struct store_offline_item item_of(struct arena *arena, const struct mem_waiting *one)
{
    struct str body = one->body ? str_of(one->body) : mem_mam_body(one->message);
    struct str room = str_of(one->room ? one->room : "");
    return (struct store_offline_item){.number = one->number,
                                       .message = one->message,
                                       .stamp_us = one->stamp_us,
                                       .body = body.at ? arena_str(arena, body) : body,
                                       .room = arena_str(arena, room)};
}

static enum err page(const struct mem_waiting *one, struct store_op *op)
{
    store_offline_room(op);
    for (; one; one = one->next)
        if (one->number > op->offline.after && !has_expired(one, op->offline.now_us) &&
            !store_offline_push(op, item_of(&op->arena, one)))
            break;
    return ERR_OK;
}

static bool is_listed(const struct store_offline *offline, uint64_t number)
{
    for (size_t i = 0; i < offline->number_count; i++)
        if (offline->numbers[i] == number)
            return true;
    return false;
}

static enum err drop_listed(struct mem_waiting **at, const struct store_offline *offline)
{
    while (*at) {
        if (is_listed(offline, (*at)->number))
            drop(at);
        else
            at = &(*at)->next;
    }
    return ERR_OK;
}

enum err mem_offline(struct mem_waiting **waiting, struct store_op *op)
{
    if (op->kind == STORE_OFFLINE_ADD)
        return add(waiting, &op->offline);
    if (op->kind == STORE_OFFLINE_PAGE)
        return page(*waiting, op);
    return drop_listed(waiting, &op->offline);
}

void mem_offline_clean(struct mem_waiting **at, struct store_op *op)
{
    while (*at && op->offline.dropped < STORE_OFFLINE_CLEAN_MAX) {
        if (has_expired(*at, op->offline.now_us)) {
            drop(at);
            op->offline.dropped++;
        } else {
            at = &(*at)->next;
        }
    }
}

void mem_offline_fini(struct mem_waiting **waiting)
{
    while (*waiting)
        drop(waiting);
}
