/* Publish-subscribe nodes of accounts. Each change ends with the node as it is then. */
#include "pg_statement.h"

/* clang-format off */

#define ACCOUNT " FROM account a JOIN domain d ON d.id = a.domain_id"                              \
                " WHERE d.name = $1 AND a.name = $2"
#define NODE "(SELECT n.id FROM pep_node n WHERE n.name = $3 AND n.account_id ="                   \
             " (SELECT a.id" ACCOUNT "))"

/* $3 the node or '', $4 the longest body that is given. */
static const char state_sql[] =
    "SELECT n.name, n.settings, t.count, coalesce(t.bytes, 0), coalesce(l.number, 0), l.name,"
    " CASE WHEN octet_length(l.body) <= $4::bigint THEN l.body END"
    " FROM account a JOIN domain d ON d.id = a.domain_id"
    " LEFT JOIN pep_node n ON n.account_id = a.id AND ($3 = '' OR n.name = $3)"
    " LEFT JOIN LATERAL (SELECT count(*) AS count, sum(octet_length(i.body)) AS bytes"
    "  FROM pep_item i WHERE i.node_id = n.id) t ON true"
    " LEFT JOIN LATERAL (SELECT i.number, i.name, i.body FROM pep_item i"
    "  WHERE i.node_id = n.id ORDER BY i.number DESC LIMIT 1) l ON true"
    " WHERE d.name = $1 AND a.name = $2 ORDER BY n.name";

/* $4 the item that it begins at, or '', $5 backwards, $6 rows. */
static const char page_sql[] =
    "WITH node AS (SELECT " NODE " AS id),"
    " origin AS (SELECT i.number FROM pep_item i JOIN node ON i.node_id = node.id"
    "  WHERE i.name = $4)"
    " SELECT (SELECT count(*) FROM pep_item i WHERE i.node_id = node.id),"
    " ($4 = '' OR EXISTS (SELECT FROM origin))::int::bigint, p.name, p.number, p.body"
    " FROM node LEFT JOIN LATERAL (SELECT i.name, i.number, i.body FROM pep_item i"
    "  WHERE i.node_id = node.id AND CASE WHEN $5::bigint = 1"
    "   THEN i.number > coalesce((SELECT number FROM origin), -1)"
    "   ELSE i.number < coalesce((SELECT number FROM origin), 9223372036854775807) END"
    "  ORDER BY CASE WHEN $5::bigint = 1 THEN i.number ELSE -i.number END LIMIT $6::bigint) p"
    "  ON true WHERE node.id IS NOT NULL ORDER BY p.number DESC";

const struct pg_statement pg_pep_statements[] = {
    {"pep_state", state_sql},
    {"pep_page", page_sql},
    {"pep_set", "INSERT INTO pep_node (account_id, name, settings) SELECT a.id, $3, $4" ACCOUNT
                " ON CONFLICT (account_id, name) DO UPDATE SET settings = excluded.settings"},
    {"pep_need", "INSERT INTO pep_node (account_id, name, settings) SELECT a.id, $3, $4" ACCOUNT
                 " ON CONFLICT (account_id, name) DO NOTHING"},
    {"pep_put", "INSERT INTO pep_item (node_id, name, number, body)"
                " SELECT n.id, $4, $5::bigint, $6 FROM pep_node n WHERE n.id = " NODE
                " ON CONFLICT (node_id, name) DO UPDATE SET number = excluded.number,"
                " body = excluded.body"},
    {"pep_prune", "DELETE FROM pep_item i WHERE i.node_id = " NODE " AND i.number <="
                  " (SELECT o.number FROM pep_item o WHERE o.node_id = " NODE
                  " ORDER BY o.number DESC LIMIT 1 OFFSET $4::bigint)"},
    {"pep_retract", "DELETE FROM pep_item i WHERE i.node_id = " NODE
                    " AND i.name = ANY ($4::text[])"},
    {"pep_purge", "DELETE FROM pep_item i WHERE i.node_id = " NODE},
    {"pep_delete", "DELETE FROM pep_node n WHERE n.id = " NODE},
    {"pep_pick", "SELECT i.name, i.number, i.body FROM pep_item i WHERE i.node_id = " NODE
                 " AND i.name = ANY ($4::text[]) ORDER BY i.number DESC"},
    {"pep_node_there", "SELECT " NODE},
    {NULL, NULL},
};

/* clang-format on */

static void bind_node(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->pep.domain);
    pq_bind(params, op->pep.user);
    pq_bind(params, pg_not_null(op->pep.node));
}

static void bind_state(struct store_op *op, struct pq_params *params)
{
    bind_node(op, params);
    pq_bind_number(params, &op->arena, STORE_PEP_LAST_MAX);
}

static void bind_settings(struct store_op *op, struct pq_params *params)
{
    bind_node(op, params);
    pq_bind(params, pg_not_null(op->pep.settings));
}

static void bind_item(struct store_op *op, struct pq_params *params)
{
    const struct store_pep_item *item = &op->pep.items[0];
    bind_node(op, params);
    pq_bind(params, pg_not_null(item->name));
    pq_bind_number(params, &op->arena, (int64_t)item->number);
    pq_bind(params, pg_not_null(item->body));
}

static void bind_keep(struct store_op *op, struct pq_params *params)
{
    bind_node(op, params);
    pq_bind_number(params, &op->arena,
                   op->pep.keep > INT64_MAX ? INT64_MAX : (int64_t)op->pep.keep);
}

static struct str get_name(const void *items, size_t index)
{
    return pg_not_null(((const struct store_pep_item *)items)[index].name);
}

static void bind_names(struct store_op *op, struct pq_params *params)
{
    bind_node(op, params);
    pg_bind_array(params, &op->arena, PG_TEXT, get_name, op->pep.items, op->pep.count);
}

static void bind_page(struct store_op *op, struct pq_params *params)
{
    uint64_t limit = op->pep.limit;
    bind_node(op, params);
    pq_bind(params, pg_not_null(op->pep.from));
    pq_bind_number(params, &op->arena, op->pep.backwards);
    pq_bind_number(params, &op->arena, limit > INT64_MAX ? INT64_MAX : (int64_t)limit);
}

static void note_changed(struct store_op *op, const struct pq_answer *answer, unsigned step)
{
    if (step == 0)
        op->pep.changed = pq_changed(answer);
}

static struct str cell(struct store_op *op, const struct pq_answer *answer, int row, int column)
{
    struct str text = pq_cell(answer, row, column);
    return text.at ? arena_str(&op->arena, text) : text;
}

static void take_node(struct store_op *op, const struct pq_answer *answer, int row)
{
    struct store_pep_node *node = &op->pep.nodes[op->pep.node_count++];
    *node = (struct store_pep_node){.name = cell(op, answer, row, 0),
                                    .settings = cell(op, answer, row, 1),
                                    .count = (uint64_t)pq_number(answer, row, 2),
                                    .bytes = (uint64_t)pq_number(answer, row, 3),
                                    .last.number = (uint64_t)pq_number(answer, row, 4),
                                    .last.name = cell(op, answer, row, 5),
                                    .last.body = cell(op, answer, row, 6)};
}

/* An account without nodes is one row without a name. */
static enum err take_nodes(struct store_op *op, const struct pq_answer *answer)
{
    int rows = pq_rows(answer);
    op->pep.node_count = 0;
    op->pep.nodes = arena_zero(&op->arena, ((size_t)rows + 1) * sizeof *op->pep.nodes);
    for (int row = 0; row < rows; row++)
        if (pq_cell(answer, row, 0).len)
            take_node(op, answer, row);
    return rows ? ERR_OK : ERR_NOT_FOUND;
}

static enum err take_one(struct store_op *op, const struct pq_answer *answer)
{
    enum err err = take_nodes(op, answer);
    return err || op->pep.node_count ? err : ERR_NOT_FOUND;
}

static enum err take_retracted(struct store_op *op, const struct pq_answer *answer)
{
    enum err err = take_one(op, answer);
    return err || op->pep.changed ? err : ERR_NOT_FOUND;
}

static void take_items(struct store_op *op, const struct pq_answer *answer, int column)
{
    int rows = pq_rows(answer);
    op->pep.count = 0;
    op->pep.items = arena_zero(&op->arena, ((size_t)rows + 1) * sizeof *op->pep.items);
    for (int row = 0; row < rows; row++) {
        if (!pq_cell(answer, row, column).at)
            continue;
        op->pep.items[op->pep.count++] =
            (struct store_pep_item){.name = cell(op, answer, row, column),
                                    .number = (uint64_t)pq_number(answer, row, column + 1),
                                    .body = cell(op, answer, row, column + 2)};
    }
}

static void note_there(struct store_op *op, const struct pq_answer *answer, unsigned step)
{
    (void)step;
    op->pep.changed = pq_rows(answer) && pq_cell(answer, 0, 0).at;
}

static enum err take_picked(struct store_op *op, const struct pq_answer *answer)
{
    take_items(op, answer, 0);
    return op->pep.changed ? ERR_OK : ERR_NOT_FOUND;
}

/* A node without items is one row without a name. */
static enum err take_page(struct store_op *op, const struct pq_answer *answer)
{
    if (pq_rows(answer) == 0)
        return ERR_NOT_FOUND;
    op->pep.total = (uint64_t)pq_number(answer, 0, 0);
    take_items(op, answer, 2);
    return pq_number(answer, 0, 1) ? ERR_OK : ERR_NOT_FOUND;
}

const struct pg_kind pg_pep_nodes = {
    .steps = {{"pep_state", bind_state}},
    .take = take_nodes,
};
const struct pg_kind pg_pep_set = {
    .writes = true,
    .steps = {{"pep_set", bind_settings}, {"pep_prune", bind_keep}, {"pep_state", bind_state}},
    .take = take_one,
};
const struct pg_kind pg_pep_publish = {
    .writes = true,
    .steps = {{"pep_need", bind_settings},
              {"pep_put", bind_item},
              {"pep_prune", bind_keep},
              {"pep_state", bind_state}},
    .take = take_one,
};
const struct pg_kind pg_pep_retract = {
    .writes = true,
    .steps = {{"pep_retract", bind_names}, {"pep_state", bind_state}},
    .note = note_changed,
    .take = take_retracted,
};
const struct pg_kind pg_pep_purge = {
    .writes = true,
    .steps = {{"pep_purge", bind_node}, {"pep_state", bind_state}},
    .take = take_one,
};
const struct pg_kind pg_pep_delete = {
    .writes = true,
    .steps = {{"pep_delete", bind_node}},
    .take = pg_take_found,
};
const struct pg_kind pg_pep_pick = {
    .steps = {{"pep_node_there", bind_node}, {"pep_pick", bind_names}},
    .note = note_there,
    .take = take_picked,
};
const struct pg_kind pg_pep_page = {
    .steps = {{"pep_page", bind_page}},
    .take = take_page,
};
