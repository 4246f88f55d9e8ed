#include "limits.h"
#include "pack.h"
#include "pg_statement.h"
#include "stanza_id.h"
#include "store_backend.h"

/* --- Pages --- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool get_listed(const void *ids, size_t index, int64_t *number)
{
    *number = (int64_t)((const uint64_t *)ids)[index];
    return true;
}

static void bind_page(struct store_op *op, struct pq_params *params)
{
    const struct store_mam_page *page = &op->page;
    struct arena *arena = &op->arena;
    uint64_t low = page->only_ids ? 0 : page->from, high = page->only_ids ? page->before : page->to;
    pq_bind(params, page->owner);
    pq_bind_number(params, arena, (int64_t)larger(low, page->after));
    pq_bind_number(params, arena, (int64_t)smaller(high, page->before));
    pq_bind_number(params, arena, (int64_t)store_mam_fetch(op));
}

static void bind_peer(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->page.with);
    pq_bind(params, pg_not_null(op->page.with_resource));
}

static void bind_with(struct store_op *op, struct pq_params *params)
{
    bind_page(op, params);
    bind_peer(op, params);
}

static void bind_search(struct store_op *op, struct pq_params *params)
{
    bind_page(op, params);
    pq_bind(params, op->page.text);
    pq_bind(params, pg_not_null(op->page.with));
    pq_bind(params, pg_not_null(op->page.with_resource));
}

static void bind_listed(struct store_op *op, struct pq_params *params)
{
    pg_bind_numbers(params, &op->arena, get_listed, op->page.ids, op->page.id_count);
}

static void bind_ids(struct store_op *op, struct pq_params *params)
{
    bind_page(op, params);
    bind_listed(op, params);
}

static void bind_found(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->page.owner);
    bind_listed(op, params);
}

static void bind_count(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->page.owner);
    pq_bind_number(params, &op->arena, (int64_t)op->page.from);
    pq_bind_number(params, &op->arena, (int64_t)op->page.to);
}

static void bind_count_with(struct store_op *op, struct pq_params *params)
{
    bind_count(op, params);
    bind_peer(op, params);
}

static void bind_count_search(struct store_op *op, struct pq_params *params)
{
    bind_count(op, params);
    pq_bind(params, op->page.text);
    pq_bind(params, pg_not_null(op->page.with));
    pq_bind(params, pg_not_null(op->page.with_resource));
}

/* Of what comes before the rows the ids that must be there are the first. */
static void note_numbers(struct store_op *op, const struct pq_answer *answer, unsigned step)
{
    uint64_t number = (uint64_t)pq_number(answer, 0, 0);
    if (step == 0)
        op->page.found = op->page.total = number;
    else
        op->page.total = number;
}

static enum err take_item(struct store_op *op, const struct pq_answer *answer, int row)
{
    struct store_mam_item *item = &op->page.items[op->page.count++];
    struct packed body = {(unsigned)pq_number(answer, row, 1), pq_cell(answer, row, 2)};
    item->id = (uint64_t)pq_number(answer, row, 0);
    return unpack_body(&op->arena, body, &item->body);
}

static enum err take_page(struct store_op *op, const struct pq_answer *answer)
{
    if (op->page.found < op->page.id_count)
        return ERR_NOT_FOUND;
    store_mam_room(op);
    enum err err = ERR_OK;
    for (int i = 0; !err && i < pq_rows(answer); i++)
        err = take_item(op, answer, i);
    store_mam_settle(op);
    return err;
}

/* Only what is asked for is looked for: a statement over many partitions costs even when it finds
 * nothing. */
#define FOUND                                                                                      \
    {                                                                                              \
        "mam_found", bind_found                                                                    \
    }
#define PAGES(rows, bind, count, bind_count)                                                       \
    {                                                                                              \
        {.steps = {{rows, bind}}, .take = take_page},                                              \
            {.steps = {FOUND, {rows, bind}}, .note = note_numbers, .take = take_page},             \
        {                                                                                          \
            .steps = {FOUND, {count, bind_count}, {rows, bind}}, .note = note_numbers,             \
            .take = take_page                                                                      \
        }                                                                                          \
    }

const struct pg_kind *pg_mam_page(struct store_op *op)
{
    static const struct pg_kind kinds[4][2][3] = {
        {PAGES("mam_page", bind_page, "mam_count", bind_count),
         PAGES("mam_page_back", bind_page, "mam_count", bind_count)},
        {PAGES("mam_with", bind_with, "mam_count_with", bind_count_with),
         PAGES("mam_with_back", bind_with, "mam_count_with", bind_count_with)},
        {PAGES("mam_ids", bind_ids, "mam_found", bind_found),
         PAGES("mam_ids_back", bind_ids, "mam_found", bind_found)},
        {PAGES("mam_search", bind_search, "mam_search_count", bind_count_search),
         PAGES("mam_search_back", bind_search, "mam_search_count", bind_count_search)},
    };
    unsigned set = op->page.only_ids ? 2 : op->page.text.len ? 3 : op->page.with.len ? 1 : 0;
    unsigned numbers = op->page.counted ? 2 : op->page.id_count ? 1 : 0;
    return &kinds[set][op->page.backwards][numbers];
}

/* --- Finding and replacing one message --- */

static void bind_find(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->page.owner);
    pq_bind(params, op->page.with);
    pq_bind_number(params, &op->arena, (int64_t)store_mam_origin(op->page.client_id));
    pq_bind_number(params, &op->arena, STORE_MAM_LOOK);
    pq_bind_number(params, &op->arena, STORE_MAM_FOUND);
}

static void bind_replace(struct store_op *op, struct pq_params *params)
{
    struct packed body = pack_body(&op->arena, op->message.body);
    pq_bind(params, op->message.sender);
    pq_bind_number(params, &op->arena, (int64_t)op->message.id);
    pq_bind_number(params, &op->arena, body.dictionary);
    pq_bind(params, body.bytes);
}

static enum err take_found(struct store_op *op, const struct pq_answer *answer)
{
    enum err err = ERR_OK;
    op->page.count = 0;
    op->page.items = arena_zero(&op->arena, STORE_MAM_FOUND * sizeof *op->page.items);
    for (int i = 0; !err && i < pq_rows(answer); i++)
        err = take_item(op, answer, i);
    return err;
}

const struct pg_kind pg_mam_find = {.steps = {{"mam_find", bind_find}}, .take = take_found};
const struct pg_kind pg_mam_replace = {
    .writes = true, .steps = {{"mam_replace", bind_replace}}, .take = pg_take_found};

/* --- The archive as a whole --- */

static void bind_owner(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->page.owner);
}

static enum err take_metadata(struct store_op *op, const struct pq_answer *answer)
{
    op->page.first = (uint64_t)pq_number(answer, 0, 0);
    op->page.last = (uint64_t)pq_number(answer, 0, 1);
    return ERR_OK;
}

const struct pg_kind pg_mam_metadata = {
    .steps = {{"mam_metadata", bind_owner}},
    .take = take_metadata,
};

/* --- Upkeep --- */

static void bind_upkeep(struct store_op *op, struct pq_params *params)
{
    pq_bind_number(params, &op->arena, (int64_t)op->upkeep.at);
    pq_bind_number(params, &op->arena, (int64_t)stanza_id_span(op->upkeep.partition_us));
    pq_bind_number(params, &op->arena, LIMIT_PARTITIONS_AHEAD);
    pq_bind_number(params, &op->arena, (int64_t)op->upkeep.keep);
}

static enum err take_upkeep(struct store_op *op, const struct pq_answer *answer)
{
    op->upkeep.made = (uint64_t)pq_number(answer, 0, 0);
    op->upkeep.dropped = (uint64_t)pq_number(answer, 0, 1);
    return ERR_OK;
}

const struct pg_kind pg_mam_upkeep = {
    .writes = true,
    .steps = {{"mam_upkeep", bind_upkeep}},
    .take = take_upkeep,
};
