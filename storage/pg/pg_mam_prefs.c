#include "pg_jids.h"
#include "pg_statement.h"

const struct pg_statement pg_mam_prefs_statements[] = {
    {"jid_need", "INSERT INTO jid (bare)"
                 " SELECT $1 WHERE NOT EXISTS (SELECT FROM jid WHERE bare = $1)"
                 " ON CONFLICT DO NOTHING"},
    {"mam_prefs_get", "SELECT p.keeps, l.bare, l.resource, l.keeps"
                      " FROM jid j JOIN mam_prefs p ON p.owner = j.id"
                      " LEFT JOIN mam_prefs_jid l ON l.owner = p.owner"
                      " WHERE j.bare = $1 ORDER BY l.bare, l.resource"},
    {"mam_prefs_drop", "DELETE FROM mam_prefs p USING jid j WHERE j.bare = $1 AND p.owner = j.id"},
    {"mam_prefs_add", "INSERT INTO mam_prefs (owner, keeps) SELECT id, $2::bigint FROM jid"
                      " WHERE bare = $1 ON CONFLICT (owner) DO UPDATE SET keeps = excluded.keeps"},
    {"mam_prefs_fill", "INSERT INTO mam_prefs_jid (owner, bare, resource, keeps)"
                       " SELECT j.id, n.bare, n.resource, n.keeps FROM jid j,"
                       " unnest($2::text[], $3::text[], $4::bigint[]) AS n (bare, resource, keeps)"
                       " WHERE j.bare = $1 ON CONFLICT DO NOTHING"},
    {NULL, NULL},
};

static void bind_owner(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->prefs.owner);
}

/* Told to batches before it can be read: one that looks too early does no harm. */
static void bind_default(struct store_op *op, struct pq_params *params)
{
    pg_jids_doubt(op->prefs.owner);
    pq_bind(params, op->prefs.owner);
    pq_bind_number(params, &op->arena, op->prefs.keeps);
}

static struct str get_bare(const void *items, size_t index)
{
    return ((const struct store_mam_pref *)items)[index].bare;
}

static struct str get_resource(const void *items, size_t index)
{
    struct str resource = ((const struct store_mam_pref *)items)[index].resource;
    return resource.at ? resource : STR("");
}

static bool get_keeps(const void *items, size_t index, int64_t *number)
{
    *number = ((const struct store_mam_pref *)items)[index].keeps;
    return true;
}

static void bind_list(struct store_op *op, struct pq_params *params)
{
    const struct store_mam_pref *items = op->prefs.items;
    pq_bind(params, op->prefs.owner);
    pg_bind_array(params, &op->arena, PG_TEXT, get_bare, items, op->prefs.count);
    pg_bind_array(params, &op->arena, PG_TEXT, get_resource, items, op->prefs.count);
    pg_bind_numbers(params, &op->arena, get_keeps, items, op->prefs.count);
}

static enum err take_prefs(struct store_op *op, const struct pq_answer *answer)
{
    size_t rows = (size_t)pq_rows(answer);
    if (rows == 0)
        return ERR_NOT_FOUND;
    op->prefs.keeps = (int)pq_number(answer, 0, 0);
    op->prefs.items = arena_zero(&op->arena, rows * sizeof *op->prefs.items);
    op->prefs.count = 0;
    for (int i = 0; i < (int)rows && pq_cell(answer, i, 1).at; i++)
        op->prefs.items[op->prefs.count++] = (struct store_mam_pref){
            arena_str(&op->arena, pq_cell(answer, i, 1)),
            arena_str(&op->arena, pq_cell(answer, i, 2)), pq_number(answer, i, 3) != 0};
    return ERR_OK;
}

static enum err take_nothing(struct store_op *op, const struct pq_answer *answer)
{
    (void)op;
    (void)answer;
    return ERR_OK;
}

const struct pg_kind pg_mam_prefs_get = {
    .steps = {{"mam_prefs_get", bind_owner}},
    .take = take_prefs,
};
const struct pg_kind pg_mam_prefs_set = {
    .writes = true,
    .steps = {{"jid_need", bind_owner},
              {"mam_prefs_drop", bind_owner},
              {"mam_prefs_add", bind_default},
              {"mam_prefs_fill", bind_list}},
    .take = take_nothing,
};
