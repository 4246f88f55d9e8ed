/* What goes little by little (removal.h): the work is done by functions of the schema. */
#include "pg_statement.h"

const struct pg_statement pg_removal_statements[] = {
    {"archive_remove", "SELECT archive_remove($1, $2)"},
    {"domain_remove", "UPDATE domain SET removed = true, since = greatest(since, $2)"
                      " WHERE name = $1"},
    {"domain_retain", "UPDATE domain SET since = $2, swept = coalesce(swept, '')"
                      " WHERE name = $1 AND since < $2"},
    {"removal_step", "SELECT removal_step($1::bigint::integer)"},
    {NULL, NULL},
};

/* What is below an id is what is up to the one before. */
static void bind_archive(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->page.owner);
    pq_bind_number(params, &op->arena, (int64_t)op->page.to - 1);
}

static void bind_domain(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->removal.domain);
    pq_bind_number(params, &op->arena, (int64_t)op->removal.upto);
}

static void bind_rows(struct store_op *op, struct pq_params *params)
{
    pq_bind_number(params, &op->arena, (int64_t)op->removal.rows);
}

static enum err take_nothing(struct store_op *op, const struct pq_answer *answer)
{
    (void)op;
    (void)answer;
    return ERR_OK;
}

static enum err take_step(struct store_op *op, const struct pq_answer *answer)
{
    op->removal.left = pq_number(answer, 0, 0) != 0;
    return ERR_OK;
}

const struct pg_kind pg_mam_remove = {
    .writes = true, .steps = {{"archive_remove", bind_archive}}, .take = take_nothing};
const struct pg_kind pg_domain_remove = {
    .writes = true, .steps = {{"domain_remove", bind_domain}}, .take = pg_take_found};
const struct pg_kind pg_domain_retain = {
    .writes = true, .steps = {{"domain_retain", bind_domain}}, .take = pg_take_found};
const struct pg_kind pg_removal_step = {
    .writes = true, .steps = {{"removal_step", bind_rows}}, .take = take_step};
