#include "pg_statement.h"

/* The account's row is locked first, so that two changes of one user's documents follow each other.
 */
const struct pg_statement pg_document_statements[] = {
    {"document_get", "SELECT n.place, doc.body FROM account a JOIN domain d ON d.id = a.domain_id"
                     " LEFT JOIN (document doc JOIN unnest($4::text[]) WITH ORDINALITY"
                     "  AS n (name, place) ON n.name = doc.name)"
                     "  ON doc.account_id = a.id AND doc.kind = $3::bigint"
                     " WHERE d.name = $1 AND a.name = $2"},
    {"document_set",
     "WITH owner AS (SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id"
     "  WHERE d.name = $1 AND a.name = $2 FOR UPDATE OF a),"
     " wanted AS (SELECT * FROM unnest($4::text[], $5::text[]) AS n (name, body)),"
     " afterwards AS (SELECT count(*) AS count, coalesce(sum(octet_length(body)), 0) AS bytes"
     "  FROM (SELECT body FROM wanted UNION ALL SELECT doc.body FROM document doc, owner"
     "   WHERE doc.account_id = owner.id AND doc.kind = $3::bigint"
     "   AND doc.name <> ALL ($4::text[])) AS bodies),"
     " put AS (INSERT INTO document (account_id, kind, name, body)"
     "  SELECT owner.id, $3::bigint, wanted.name, wanted.body FROM owner, wanted, afterwards"
     "  WHERE afterwards.count <= $6::bigint AND afterwards.bytes <= $7::bigint"
     "  ON CONFLICT (account_id, kind, name) DO UPDATE SET body = excluded.body)"
     " SELECT (afterwards.count <= $6::bigint AND afterwards.bytes <= $7::bigint)::int::bigint"
     " FROM owner, afterwards"},
    {NULL, NULL},
};

static struct str get_name(const void *items, size_t index)
{
    return pg_not_null(((const struct store_document *)items)[index].name);
}

static struct str get_body(const void *items, size_t index)
{
    return pg_not_null(((const struct store_document *)items)[index].body);
}

static void bind_names(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->documents.domain);
    pq_bind(params, op->documents.user);
    pq_bind_number(params, &op->arena, op->documents.kind);
    pg_bind_array(params, &op->arena, PG_TEXT, get_name, op->documents.items, op->documents.count);
}

static void bind_documents(struct store_op *op, struct pq_params *params)
{
    bind_names(op, params);
    pg_bind_array(params, &op->arena, PG_TEXT, get_body, op->documents.items, op->documents.count);
    pq_bind_number(params, &op->arena, (int64_t)op->documents.max_count);
    pq_bind_number(params, &op->arena, (int64_t)op->documents.max_bytes);
}

/* Without documents there is one row without a place, which is 0 then. */
static enum err take_documents(struct store_op *op, const struct pq_answer *answer)
{
    int rows = pq_rows(answer);
    for (size_t i = 0; i < op->documents.count; i++)
        op->documents.items[i].body = (struct str){0};
    for (int row = 0; row < rows && pq_cell(answer, row, 0).at; row++) {
        size_t place = (size_t)pq_number(answer, row, 0) - 1;
        if (place < op->documents.count)
            op->documents.items[place].body = arena_str(&op->arena, pq_cell(answer, row, 1));
    }
    return rows ? ERR_OK : ERR_NOT_FOUND;
}

static enum err take_set(struct store_op *op, const struct pq_answer *answer)
{
    (void)op;
    if (pq_rows(answer) == 0)
        return ERR_NOT_FOUND;
    return pq_number(answer, 0, 0) ? ERR_OK : ERR_CONFLICT;
}

const struct pg_kind pg_document_get = {
    .steps = {{"document_get", bind_names}},
    .take = take_documents,
};
const struct pg_kind pg_document_set = {
    .writes = true,
    .steps = {{"document_set", bind_documents}},
    .take = take_set,
};
