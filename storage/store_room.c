#include "store_backend.h"

#include <stdlib.h>

/* --- Configuration --- */

void store_room_push_field(struct buf *config, struct str name, struct str value)
{
    buf_push_str(config, name);
    buf_push(config, "=", 1);
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '\n')
            buf_push(config, "\\n", 2);
        else if (value.at[i] == '\\')
            buf_push(config, "\\\\", 2);
        else
            buf_push(config, &value.at[i], 1);
    }
    buf_push(config, "\n", 1);
}

static struct str unescape(struct arena *arena, struct str line)
{
    char *out = arena_take(arena, line.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < line.len; i++) {
        bool escaped = line.at[i] == '\\' && i + 1 < line.len;
        char c = escaped ? line.at[++i] : line.at[i];
        out[len++] = escaped && c == 'n' ? '\n' : c;
    }
    out[len] = '\0';
    return (struct str){out, len};
}

bool store_room_next_field(struct arena *arena, struct str *config, struct str *name,
                           struct str *value)
{
    if (!config->len)
        return false;
    struct str line = str_cut(*config, '\n', config), rest;
    *name = str_cut(line, '=', &rest);
    *value = unescape(arena, rest);
    return true;
}

/* --- Pages --- */

size_t store_room_fetch(const struct store_op *op)
{
    size_t limit = op->room_page.limit;
    return (limit < STORE_ROOM_PAGE_MAX ? limit : STORE_ROOM_PAGE_MAX) + 1;
}

void store_room_room(struct store_op *op)
{
    op->room_page.count = 0;
    op->room_page.items =
        arena_zero(&op->arena, store_room_fetch(op) * sizeof *op->room_page.items);
}

void store_room_settle(struct store_op *op)
{
    struct store_room_page *page = &op->room_page;
    page->more = page->count == store_room_fetch(op);
    page->count -= page->more;
    for (size_t i = 0; page->backwards && i < page->count / 2; i++) {
        struct store_room item = page->items[i];
        page->items[i] = page->items[page->count - 1 - i];
        page->items[page->count - 1 - i] = item;
    }
}
