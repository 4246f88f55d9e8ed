#include "store_backend.h"

size_t store_offline_fetch(const struct store_op *op)
{
    size_t limit = op->offline.limit;
    return limit < STORE_OFFLINE_PAGE_MAX ? limit : STORE_OFFLINE_PAGE_MAX;
}

void store_offline_room(struct store_op *op)
{
    op->offline.count = 0;
    op->offline.items =
        arena_zero(&op->arena, (store_offline_fetch(op) + 1) * sizeof *op->offline.items);
}

bool store_offline_push(struct store_op *op, struct store_offline_item item)
{
    size_t bytes = 0;
    op->offline.items[op->offline.count++] = item;
    for (size_t i = 0; i < op->offline.count; i++)
        bytes += op->offline.items[i].body.len;
    return op->offline.count < store_offline_fetch(op) && bytes < STORE_OFFLINE_PAGE_BYTES;
}
