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
    pq_bind(params, page->owner);
    pq_bind_number(params, arena, (int64_t)page->from);
    pq_bind_number(params, arena, (int64_t)page->to);
    pq_bind_number(params, arena, (int64_t)larger(page->from, page->after));
    pq_bind_number(params, arena, (int64_t)smaller(page->to, page->before));
    pq_bind_number(params, arena, (int64_t)store_mam_fetch(op));
    pg_bind_numbers(params, arena, get_listed, page->ids, page->id_count);
    pq_bind_number(params, arena, page->counted);
}

static void bind_with(struct store_op *op, struct pq_params *params)
{
    bind_page(op, params);
    pq_bind(params, op->page.with);
    pq_bind(params, pg_not_null(op->page.with_resource));
}

static void bind_ids(struct store_op *op, struct pq_params *params)
{
    const struct store_mam_page *page = &op->page;
    pq_bind(params, page->owner);
    pg_bind_numbers(params, &op->arena, get_listed, page->ids, page->id_count);
    pq_bind_number(params, &op->arena, (int64_t)page->after);
    pq_bind_number(params, &op->arena, (int64_t)page->before);
    pq_bind_number(params, &op->arena, (int64_t)store_mam_fetch(op));
}

static enum err take_item(struct store_op *op, const struct pq_answer *answer, int row)
{
    struct store_mam_item *item = &op->page.items[op->page.count++];
    struct packed body = {(unsigned)pq_number(answer, row, 3), pq_cell(answer, row, 4)};
    item->id = (uint64_t)pq_number(answer, row, 2);
    return unpack_body(&op->arena, body, &item->body);
}

static enum err take_page(struct store_op *op, const struct pq_answer *answer)
{
    if ((uint64_t)pq_number(answer, 0, 0) < op->page.id_count)
        return ERR_NOT_FOUND;
    store_mam_room(op);
    op->page.total = (uint64_t)pq_number(answer, 0, 1);
    enum err err = ERR_OK;
    for (int i = 0; !err && i < pq_rows(answer) && pq_cell(answer, i, 2).at; i++)
        err = take_item(op, answer, i);
    store_mam_settle(op);
    return err;
}

/* By what the set is, and backwards. */
const struct pg_kind *pg_mam_page(struct store_op *op)
{
    static const struct pg_kind kinds[3][2] = {
        {{.steps = {{"mam_page", bind_page}}, .take = take_page},
         {.steps = {{"mam_page_back", bind_page}}, .take = take_page}},
        {{.steps = {{"mam_with", bind_with}}, .take = take_page},
         {.steps = {{"mam_with_back", bind_with}}, .take = take_page}},
        {{.steps = {{"mam_ids", bind_ids}}, .take = take_page},
         {.steps = {{"mam_ids_back", bind_ids}}, .take = take_page}},
    };
    unsigned set = op->page.only_ids ? 2 : op->page.with.len ? 1 : 0;
    return &kinds[set][op->page.backwards];
}

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

static enum err take_nothing(struct store_op *op, const struct pq_answer *answer)
{
    (void)op;
    (void)answer;
    return ERR_OK;
}

const struct pg_kind pg_mam_metadata = {
    .steps = {{"mam_metadata", bind_owner}},
    .take = take_metadata,
};
const struct pg_kind pg_mam_remove = {
    .writes = true,
    .steps = {{"mam_unsend", bind_owner},
              {"mam_unreceive", bind_owner},
              {"mam_unstore", bind_owner},
              {"mam_prefs_drop", bind_owner}},
    .take = take_nothing,
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
