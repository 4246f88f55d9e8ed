#include "pg_statement.h"

/* The account's row is locked first, so two changes of one roster follow each other. */
#define CHANGED                                                                                    \
    "WITH owner AS (UPDATE account a SET roster_version = $3 FROM domain d"                        \
    " WHERE d.id = a.domain_id AND d.name = $1 AND a.name = $2 RETURNING a.id) "

const struct pg_statement pg_roster_statements[] = {
    {"roster_get", "SELECT a.roster_version, r.contact, r.name, r.groups, r.flags, r.request"
                   " FROM account a JOIN domain d ON d.id = a.domain_id"
                   " LEFT JOIN roster r ON r.account_id = a.id"
                   " WHERE d.name = $1 AND a.name = $2 ORDER BY r.contact"},
    {"roster_set", CHANGED "INSERT INTO roster (account_id, contact, name, groups, flags, request)"
                           " SELECT id, $4, $5, $6, $7, $8 FROM owner"
                           " ON CONFLICT (account_id, contact) DO UPDATE SET name = $5,"
                           " groups = $6, flags = $7, request = $8"},
    {"roster_remove", CHANGED "DELETE FROM roster r USING owner"
                              " WHERE r.account_id = owner.id AND r.contact = $4"},
    {"roster_import",
     "WITH owner AS (SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id"
     "  WHERE d.name = $1 AND a.name = $2 FOR UPDATE OF a),"
     " added AS (INSERT INTO roster (account_id, contact, name, groups, flags, request)"
     "  SELECT o.id, n.contact, n.name, n.groups, n.flags, n.request FROM owner o,"
     "  unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[])"
     "   AS n (contact, name, groups, flags, request)"
     "  ORDER BY n.contact ON CONFLICT DO NOTHING RETURNING 1),"
     " counted_on AS (UPDATE account a SET roster_version = a.roster_version +"
     "  (SELECT count(*) FROM added) FROM owner o WHERE a.id = o.id)"
     " SELECT (SELECT count(*) FROM added) FROM owner"},
    {NULL, NULL},
};

static void bind_owner(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->roster.domain);
    pq_bind(params, op->roster.user);
}

static void bind_contact(struct store_op *op, struct pq_params *params)
{
    bind_owner(op, params);
    pq_bind_number(params, &op->arena, (int64_t)op->roster.version);
    pq_bind(params, op->roster.items[0].contact);
}

static void bind_item(struct store_op *op, struct pq_params *params)
{
    const struct store_roster_item *item = &op->roster.items[0];
    bind_contact(op, params);
    pq_bind(params, pg_not_null(item->name));
    pq_bind(params, pg_not_null(item->groups));
    pq_bind_number(params, &op->arena, item->flags);
    pq_bind(params, pg_not_null(item->request));
}

static const struct store_roster_item *item_at(const void *items, size_t index)
{
    return &((const struct store_roster_item *)items)[index];
}

static struct str get_contact(const void *items, size_t index)
{
    return pg_not_null(item_at(items, index)->contact);
}

static struct str get_name(const void *items, size_t index)
{
    return pg_not_null(item_at(items, index)->name);
}

static struct str get_groups(const void *items, size_t index)
{
    return pg_not_null(item_at(items, index)->groups);
}

static struct str get_request(const void *items, size_t index)
{
    return pg_not_null(item_at(items, index)->request);
}

static bool get_flags(const void *items, size_t index, int64_t *number)
{
    *number = item_at(items, index)->flags;
    return true;
}

static void bind_items(struct store_op *op, struct pq_params *params)
{
    const struct store_roster_item *items = op->roster.items;
    size_t count = op->roster.count;
    bind_owner(op, params);
    pg_bind_array(params, &op->arena, PG_TEXT, get_contact, items, count);
    pg_bind_array(params, &op->arena, PG_TEXT, get_name, items, count);
    pg_bind_array(params, &op->arena, PG_TEXT, get_groups, items, count);
    pg_bind_numbers(params, &op->arena, get_flags, items, count);
    pg_bind_array(params, &op->arena, PG_TEXT, get_request, items, count);
}

static enum err take_added(struct store_op *op, const struct pq_answer *answer)
{
    if (pq_rows(answer) == 0)
        return ERR_NOT_FOUND;
    op->roster.added = (uint64_t)pq_number(answer, 0, 0);
    return ERR_OK;
}

static void take_item(struct store_op *op, const struct pq_answer *answer, int row)
{
    struct store_roster_item *item = &op->roster.items[op->roster.count++];
    item->contact = arena_str(&op->arena, pq_cell(answer, row, 1));
    item->name = arena_str(&op->arena, pq_cell(answer, row, 2));
    item->groups = arena_str(&op->arena, pq_cell(answer, row, 3));
    item->flags = (unsigned)pq_number(answer, row, 4);
    item->request = arena_str(&op->arena, pq_cell(answer, row, 5));
}

/* An empty roster is one row without a contact. */
static enum err take_roster(struct store_op *op, const struct pq_answer *answer)
{
    int rows = pq_rows(answer);
    if (rows == 0)
        return ERR_NOT_FOUND;
    op->roster.version = (uint64_t)pq_number(answer, 0, 0);
    op->roster.count = 0;
    op->roster.items = arena_zero(&op->arena, (size_t)rows * sizeof *op->roster.items);
    for (int i = 0; i < rows; i++)
        if (pq_cell(answer, i, 1).len)
            take_item(op, answer, i);
    return ERR_OK;
}

const struct pg_kind pg_roster_get = {
    .steps = {{"roster_get", bind_owner}},
    .take = take_roster,
};
const struct pg_kind pg_roster_set = {
    .writes = true,
    .steps = {{"roster_set", bind_item}},
    .take = pg_take_found,
};
const struct pg_kind pg_roster_remove = {
    .writes = true,
    .steps = {{"roster_remove", bind_contact}},
    .take = pg_take_found,
};
const struct pg_kind pg_roster_import = {
    .writes = true,
    .steps = {{"roster_import", bind_items}},
    .take = take_added,
};
