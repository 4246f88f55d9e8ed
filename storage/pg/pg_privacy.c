#include "pg_statement.h"

/* The account's row is locked first, so two changes of one user's lists follow each other. */
#define OWNER                                                                                      \
    "WITH owner AS (SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id"                \
    " WHERE d.name = $1 AND a.name = $2 FOR UPDATE OF a) "

const struct pg_statement pg_privacy_statements[] = {
    {"privacy_get", "SELECT l.name, l.items, l.is_default"
                    " FROM account a JOIN domain d ON d.id = a.domain_id"
                    " LEFT JOIN privacy_list l ON l.account_id = a.id"
                    " WHERE d.name = $1 AND a.name = $2 ORDER BY l.name"},
    {"privacy_set", OWNER "INSERT INTO privacy_list (account_id, name, items, is_default)"
                          " SELECT id, $3, $4, 0 FROM owner"
                          " ON CONFLICT (account_id, name) DO UPDATE SET items = $4"},
    {"privacy_remove", OWNER "DELETE FROM privacy_list l USING owner"
                             " WHERE l.account_id = owner.id AND l.name = $3"},
    {"privacy_default",
     OWNER ", lists AS (UPDATE privacy_list l SET is_default = (l.name = $3)::int"
           " FROM owner WHERE l.account_id = owner.id AND ($3 = '' OR EXISTS (SELECT"
           " FROM privacy_list n WHERE n.account_id = owner.id AND n.name = $3)))"
           " SELECT 1::bigint FROM owner WHERE $3 = '' OR EXISTS (SELECT FROM privacy_list n"
           " WHERE n.account_id = owner.id AND n.name = $3)"},
    {NULL, NULL},
};

static void bind_owner(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->privacy.domain);
    pq_bind(params, op->privacy.user);
}

static void bind_name(struct store_op *op, struct pq_params *params)
{
    bind_owner(op, params);
    pq_bind(params, pg_not_null(op->privacy.lists[0].name));
}

static void bind_list(struct store_op *op, struct pq_params *params)
{
    bind_name(op, params);
    pq_bind(params, pg_not_null(op->privacy.lists[0].items));
}

/* Without lists there is one row without a name. */
static enum err take_lists(struct store_op *op, const struct pq_answer *answer)
{
    int rows = pq_rows(answer);
    if (rows == 0)
        return ERR_NOT_FOUND;
    op->privacy.count = 0;
    op->privacy.lists = arena_zero(&op->arena, (size_t)rows * sizeof *op->privacy.lists);
    for (int i = 0; i < rows && pq_cell(answer, i, 0).len; i++)
        op->privacy.lists[op->privacy.count++] = (struct store_privacy_list){
            .name = arena_str(&op->arena, pq_cell(answer, i, 0)),
            .items = arena_str(&op->arena, pq_cell(answer, i, 1)),
            .is_default = pq_number(answer, i, 2) != 0,
        };
    return ERR_OK;
}

static enum err take_default(struct store_op *op, const struct pq_answer *answer)
{
    (void)op;
    return pq_rows(answer) ? ERR_OK : ERR_NOT_FOUND;
}

const struct pg_kind pg_privacy_get = {
    .steps = {{"privacy_get", bind_owner}},
    .take = take_lists,
};
const struct pg_kind pg_privacy_set = {
    .writes = true,
    .steps = {{"privacy_set", bind_list}},
    .take = pg_take_found,
};
const struct pg_kind pg_privacy_remove = {
    .writes = true,
    .steps = {{"privacy_remove", bind_name}},
    .take = pg_take_found,
};
const struct pg_kind pg_privacy_default = {
    .writes = true,
    .steps = {{"privacy_default", bind_name}},
    .take = take_default,
};
