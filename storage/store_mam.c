#include "store_backend.h"

/* FNV-1a: it needs to be the same after a restart and on all back ends, and who makes collisions
 * loses only messages of their own. */
uint64_t store_mam_origin(struct str origin_id)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < origin_id.len; i++)
        hash = (hash ^ (uint8_t)origin_id.at[i]) * 0x100000001b3;
    return hash ? hash : 1;
}

unsigned store_mam_flags(const struct store_message *message)
{
    return message->flags | (message->inbox & STORE_INBOX_UNREAD);
}

size_t store_mam_fetch(const struct store_op *op)
{
    size_t limit = op->page.limit < STORE_MAM_PAGE_MAX ? op->page.limit : STORE_MAM_PAGE_MAX;
    return limit + 1;
}

void store_mam_room(struct store_op *op)
{
    op->page.count = 0;
    op->page.items = arena_zero(&op->arena, store_mam_fetch(op) * sizeof *op->page.items);
}

static void reverse(struct store_mam_item *items, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct store_mam_item item = items[i];
        items[i] = items[count - 1 - i];
        items[count - 1 - i] = item;
    }
}

void store_mam_settle(struct store_op *op)
{
    size_t limit = store_mam_fetch(op) - 1;
    op->page.more = op->page.count > limit;
    if (op->page.more)
        op->page.count = limit;
    if (op->page.backwards)
        reverse(op->page.items, op->page.count);
}
