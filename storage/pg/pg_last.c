#include "pg_statement.h"

const struct pg_statement pg_last_statements[] = {
    {"last_get", "SELECT l.stamp_us, l.status FROM account a JOIN domain d ON d.id = a.domain_id"
                 " JOIN last_activity l ON l.account_id = a.id"
                 " WHERE d.name = $1 AND a.name = $2"},
    {"last_set", "INSERT INTO last_activity (account_id, stamp_us, status)"
                 " SELECT a.id, $3::bigint, $4 FROM account a JOIN domain d ON d.id = a.domain_id"
                 " WHERE d.name = $1 AND a.name = $2"
                 " ON CONFLICT (account_id) DO UPDATE SET stamp_us = excluded.stamp_us,"
                 " status = excluded.status"},
    {NULL, NULL},
};

static void bind_owner(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->last.domain);
    pq_bind(params, op->last.user);
}

static void bind_last(struct store_op *op, struct pq_params *params)
{
    bind_owner(op, params);
    pq_bind_number(params, &op->arena, (int64_t)op->last.stamp_us);
    pq_bind(params, pg_not_null(op->last.status));
}

static enum err take_last(struct store_op *op, const struct pq_answer *answer)
{
    if (pq_rows(answer) == 0)
        return ERR_NOT_FOUND;
    op->last.stamp_us = (uint64_t)pq_number(answer, 0, 0);
    op->last.status = arena_str(&op->arena, pq_cell(answer, 0, 1));
    return ERR_OK;
}

const struct pg_kind pg_last_get = {
    .steps = {{"last_get", bind_owner}},
    .take = take_last,
};
const struct pg_kind pg_last_set = {
    .writes = true,
    .steps = {{"last_set", bind_last}},
    .take = pg_take_found,
};
