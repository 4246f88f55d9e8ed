#include "pg_jids.h"
#include "pg_statement.h"

/* A domain gets its row with its first account. A statement of its own, so that the next one sees
 * the row even when another shard has made it meanwhile; looking first keeps ids from being used up
 * by conflicts; the order keeps two imports from locking each other out. */
const struct pg_statement pg_account_statements[] = {
    {"account_get", "SELECT a.credentials, a.pending"
                    " FROM account a JOIN domain d ON d.id = a.domain_id"
                    " WHERE d.name = $1 AND a.name = $2"},
    {"domain_need", "INSERT INTO domain (name)"
                    " SELECT $1 WHERE NOT EXISTS (SELECT FROM domain WHERE name = $1)"
                    " ON CONFLICT DO NOTHING"},
    {"account_add", "INSERT INTO account (domain_id, name, credentials, pending)"
                    " SELECT id, $2, $3, $4 FROM domain WHERE name = $1 AND NOT removed"
                    " ON CONFLICT DO NOTHING"},
    {"account_set", "UPDATE account a SET credentials = $3, pending = NULL FROM domain d"
                    " WHERE d.id = a.domain_id AND d.name = $1 AND a.name = $2"},
    {"account_remove", "SELECT account_remove($1, $2, $3)"},
    {"account_list", "SELECT a.name FROM account a JOIN domain d ON d.id = a.domain_id"
                     " WHERE d.name = $1 AND a.name > $2 ORDER BY a.name LIMIT $3"},
    {"account_count", "SELECT count(*) FROM account a JOIN domain d ON d.id = a.domain_id"
                      " WHERE d.name = $1"},
    {"domains_need", "INSERT INTO domain (name)"
                     " SELECT DISTINCT n.name FROM unnest($1::text[]) AS n (name)"
                     " WHERE NOT EXISTS (SELECT FROM domain d WHERE d.name = n.name)"
                     " ORDER BY n.name ON CONFLICT DO NOTHING"},
    {"account_import", "INSERT INTO account (domain_id, name, credentials, pending)"
                       " SELECT d.id, n.name, n.credentials, n.pending"
                       " FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[])"
                       " AS n (domain, name, credentials, pending)"
                       " JOIN domain d ON d.name = n.domain AND NOT d.removed"
                       " ORDER BY d.id, n.name COLLATE \"C\" ON CONFLICT DO NOTHING"},
    {NULL, NULL},
};

static void bind_name(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->account.domain);
    pq_bind(params, op->account.user);
}

/* Told to batches before it can be seen: one that looks too early does no harm. */
static void bind_removed(struct store_op *op, struct pq_params *params)
{
    struct str user = op->account.user, domain = op->account.domain;
    pg_jids_doubt(arena_format(&op->arena, "%.*s@%.*s", STR_ARG(user), STR_ARG(domain)));
    bind_name(op, params);
    pq_bind_number(params, &op->arena, (int64_t)op->account.upto);
}

static void bind_domain(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->account.domain);
}

static void bind_credentials(struct store_op *op, struct pq_params *params)
{
    bind_name(op, params);
    pq_bind(params, op->account.credentials);
}

static void bind_account(struct store_op *op, struct pq_params *params)
{
    bind_credentials(op, params);
    if (op->account.pending.len)
        pq_bind(params, op->account.pending);
    else
        pq_bind_null(params);
}

static size_t page_len(const struct store_op *op)
{
    return op->list.limit < STORE_LIST_MAX ? op->list.limit : STORE_LIST_MAX;
}

static void bind_page(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->list.domain);
    pq_bind(params, op->list.after);
    pq_bind_number(params, &op->arena, (int64_t)page_len(op));
}

static void bind_list_domain(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->list.domain);
}

static struct str get_domain(const void *items, size_t index)
{
    return pg_not_null(((const struct store_account *)items)[index].domain);
}

static struct str get_user(const void *items, size_t index)
{
    return pg_not_null(((const struct store_account *)items)[index].user);
}

static struct str get_credentials(const void *items, size_t index)
{
    return pg_not_null(((const struct store_account *)items)[index].credentials);
}

static struct str get_pending(const void *items, size_t index)
{
    struct str pending = ((const struct store_account *)items)[index].pending;
    return pending.len ? pending : (struct str){0};
}

static void bind_import_column(struct store_op *op, struct pq_params *params,
                               enum pg_item_type type, pg_item_fn *get)
{
    pg_bind_array(params, &op->arena, type, get, op->import.accounts, op->import.count);
}

static void bind_domains(struct store_op *op, struct pq_params *params)
{
    bind_import_column(op, params, PG_TEXT, get_domain);
}

static void bind_import(struct store_op *op, struct pq_params *params)
{
    bind_import_column(op, params, PG_TEXT, get_domain);
    bind_import_column(op, params, PG_TEXT, get_user);
    bind_import_column(op, params, PG_TEXT, get_credentials);
    bind_import_column(op, params, PG_BYTES, get_pending);
}

static enum err take_account(struct store_op *op, const struct pq_answer *answer)
{
    if (pq_rows(answer) == 0)
        return ERR_NOT_FOUND;
    op->account.credentials = arena_str(&op->arena, pq_cell(answer, 0, 0));
    op->account.pending = arena_str(&op->arena, pq_cell(answer, 0, 1));
    return ERR_OK;
}

static enum err take_added(struct store_op *op, const struct pq_answer *answer)
{
    (void)op;
    return pq_changed(answer) ? ERR_OK : ERR_CONFLICT;
}

static enum err take_page(struct store_op *op, const struct pq_answer *answer)
{
    op->list.count = (size_t)pq_rows(answer);
    op->list.items = arena_zero(&op->arena, (op->list.count + 1) * sizeof *op->list.items);
    for (size_t i = 0; i < op->list.count; i++) {
        op->list.items[i].user = arena_str(&op->arena, pq_cell(answer, (int)i, 0));
        op->list.items[i].domain = op->list.domain;
    }
    return ERR_OK;
}

static enum err take_total(struct store_op *op, const struct pq_answer *answer)
{
    op->list.total = (uint64_t)pq_number(answer, 0, 0);
    return ERR_OK;
}

static enum err take_imported(struct store_op *op, const struct pq_answer *answer)
{
    op->import.added = pq_changed(answer);
    return ERR_OK;
}

const struct pg_kind pg_account_get = {
    .steps = {{"account_get", bind_name}},
    .take = take_account,
};
const struct pg_kind pg_account_add = {
    .writes = true,
    .steps = {{"domain_need", bind_domain}, {"account_add", bind_account}},
    .take = take_added,
};
const struct pg_kind pg_account_set = {
    .writes = true,
    .steps = {{"account_set", bind_credentials}},
    .take = pg_take_found,
};
const struct pg_kind pg_account_remove = {
    .writes = true,
    .steps = {{"account_remove", bind_removed}},
    .take = pg_take_number,
};
const struct pg_kind pg_account_list = {
    .steps = {{"account_list", bind_page}},
    .take = take_page,
};
const struct pg_kind pg_account_import = {
    .writes = true,
    .steps = {{"domains_need", bind_domains}, {"account_import", bind_import}},
    .take = take_imported,
};
const struct pg_kind pg_account_count = {
    .steps = {{"account_count", bind_list_domain}},
    .take = take_total,
};
