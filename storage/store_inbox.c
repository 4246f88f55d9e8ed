#include "store_backend.h"

size_t store_inbox_fetch(const struct store_op *op)
{
    size_t limit = op->inbox_page.limit;
    return (limit < STORE_INBOX_PAGE_MAX ? limit : STORE_INBOX_PAGE_MAX) + 1;
}

void store_inbox_room(struct store_op *op)
{
    struct store_inbox_page *page = &op->inbox_page;
    page->count = 0;
    page->items = arena_zero(&op->arena, store_inbox_fetch(op) * sizeof *page->items);
}

bool store_inbox_falls(const struct store_op *op)
{
    return op->inbox_page.descending != op->inbox_page.backwards;
}

static void reverse(struct store_inbox_entry *items, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct store_inbox_entry item = items[i];
        items[i] = items[count - 1 - i];
        items[count - 1 - i] = item;
    }
}

void store_inbox_settle(struct store_op *op)
{
    struct store_inbox_page *page = &op->inbox_page;
    size_t limit = store_inbox_fetch(op) - 1;
    page->more = page->count > limit;
    if (page->more)
        page->count = limit;
    if (page->backwards)
        reverse(page->items, page->count);
}
