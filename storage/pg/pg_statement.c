#include "pg_statement.h"

#include <endian.h>

/* An array in binary form: dimensions, has-nulls, type, length, lower bound, then each item with
 * its length before it. */
enum { HEADER_LEN = 20, ITEM_LEN = 4, NUMBER_LEN = 8, NUMBER_TYPE = 20 };

static char *put(char *at, int32_t number)
{
    uint32_t big = htobe32((uint32_t)number);
    memcpy(at, &big, sizeof big);
    return at + sizeof big;
}

static char *put_item(char *at, struct str item)
{
    at = put(at, item.at ? (int32_t)item.len : -1);
    if (item.len)
        memcpy(at, item.at, item.len);
    return at + item.len;
}

static char *put_header(char *at, int32_t type, size_t count)
{
    at = put(at, 1);
    at = put(at, 1);
    at = put(at, type);
    at = put(at, (int32_t)count);
    return put(at, 1);
}

void pg_bind_array(struct pq_params *params, struct arena *arena, enum pg_item_type type,
                   pg_item_fn *get, const void *items, size_t count)
{
    size_t len = HEADER_LEN;
    for (size_t i = 0; i < count; i++)
        len += ITEM_LEN + get(items, i).len;
    char *bytes = arena_take(arena, len), *at = put_header(bytes, (int32_t)type, count);
    for (size_t i = 0; i < count; i++)
        at = put_item(at, get(items, i));
    pq_bind(params, (struct str){bytes, len});
}

void pg_bind_numbers(struct pq_params *params, struct arena *arena, pg_number_fn *get,
                     const void *items, size_t count)
{
    char *bytes = arena_take(arena, HEADER_LEN + count * (ITEM_LEN + NUMBER_LEN));
    char *at = put_header(bytes, NUMBER_TYPE, count);
    for (size_t i = 0; i < count; i++) {
        int64_t number = 0;
        bool there = get(items, i, &number);
        uint64_t big = htobe64((uint64_t)number);
        at = put(at, there ? NUMBER_LEN : -1);
        memcpy(at, &big, sizeof big);
        at += there ? NUMBER_LEN : 0;
    }
    pq_bind(params, (struct str){bytes, (size_t)(at - bytes)});
}

struct str pg_not_null(struct str text)
{
    return text.at ? text : STR("");
}

enum err pg_take_number(struct store_op *op, const struct pq_answer *answer)
{
    (void)op;
    return pq_number(answer, 0, 0) ? ERR_OK : ERR_NOT_FOUND;
}

enum err pg_take_found(struct store_op *op, const struct pq_answer *answer)
{
    (void)op;
    return pq_changed(answer) ? ERR_OK : ERR_NOT_FOUND;
}
