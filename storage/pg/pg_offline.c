/* What waits for its user. Pages are read on the connection for writes, in the order of what was
 * added and dropped before. */
#include "pack.h"
#include "pg_statement.h"
#include "store_backend.h"

/* clang-format off */

#define OWNER                                                                                      \
    "(SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id"                              \
    " WHERE d.name = $1 AND a.name = $2)"

/* $3 the bare JID, $4 now, $5 number, $6 message, $7 stamp, $8 when it expires, $9 archived, $10
 * the stanza, $11 $12 the peer, $13 how many there may be, $14 the room. Counts the accounts and
 * the rows added. */
static const char add_sql[] =
    "WITH owner AS (SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id"
    "  WHERE d.name = $1 AND a.name = $2),"
    " known AS (SELECT j.id FROM jid j WHERE j.bare = $3),"
    " added AS (INSERT INTO offline_message"
    "   (account_id, number, message, stamp_us, expires_us, room, body)"
    "  SELECT w.id, $5::bigint, $6::bigint, $7::bigint, $8::bigint, $14::text,"
    "   CASE WHEN $14 IS NOT NULL"
    "    OR $9::bigint = 1 AND mam_keeps((SELECT k.id FROM known k), $11, $12) <> 0"
    "    THEN NULL ELSE $10::text END FROM owner w"
    "  WHERE (SELECT count(*) FROM (SELECT FROM offline_message o WHERE o.account_id = w.id"
    "    AND (o.expires_us = 0 OR o.expires_us > $4) LIMIT $13::bigint) c) < $13::bigint"
    "  RETURNING number)"
    " SELECT (SELECT count(*) FROM owner), (SELECT count(*) FROM added)";

/* $5 after, $6 rows. */
static const char page_sql[] =
    "SELECT o.number, o.message, o.stamp_us, o.body, m.packed::integer, m.body, o.room"
    " FROM (SELECT w.* FROM offline_message w WHERE w.account_id = " OWNER
    "   AND w.number > $5 AND (w.expires_us = 0 OR w.expires_us > $4)"
    "   ORDER BY w.number LIMIT $6) o"
    " LEFT JOIN LATERAL (SELECT n.packed, n.body FROM jid j JOIN message n"
    "   ON n.recipient = j.id AND n.id = o.message AND n.id > j.since"
    "   WHERE o.body IS NULL AND j.bare = coalesce(o.room, $3) LIMIT 1) m ON true"
    " ORDER BY o.number";

const struct pg_statement pg_offline_statements[] = {
    {"offline_add", add_sql},
    {"offline_page", page_sql},
    {"offline_drop", "DELETE FROM offline_message o WHERE o.account_id = " OWNER
                     " AND o.number = ANY ($3::bigint[])"},
    {"offline_clean", "DELETE FROM offline_message WHERE (account_id, number) IN"
                      " (SELECT o.account_id, o.number FROM offline_message o"
                      " WHERE o.expires_us <> 0 AND o.expires_us <= $1 LIMIT $2)"},
    {NULL, NULL},
};

/* clang-format on */

static void bind_owner(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->offline.domain);
    pq_bind(params, op->offline.user);
}

static void bind_whose(struct store_op *op, struct pq_params *params)
{
    bind_owner(op, params);
    pq_bind(params, op->offline.bare);
    pq_bind_number(params, &op->arena, (int64_t)op->offline.now_us);
}

static void bind_add(struct store_op *op, struct pq_params *params)
{
    const struct store_offline *offline = &op->offline;
    bind_whose(op, params);
    pq_bind_number(params, &op->arena, (int64_t)offline->item.number);
    pq_bind_number(params, &op->arena, (int64_t)offline->item.message);
    pq_bind_number(params, &op->arena, (int64_t)offline->item.stamp_us);
    pq_bind_number(params, &op->arena, (int64_t)offline->add.expires_us);
    pq_bind_number(params, &op->arena, offline->add.archived);
    pq_bind(params, offline->item.body);
    pq_bind(params, pg_not_null(offline->add.peer));
    pq_bind(params, pg_not_null(offline->add.peer_resource));
    pq_bind_number(params, &op->arena, (int64_t)offline->add.max);
    if (offline->item.room.len)
        pq_bind(params, offline->item.room);
    else
        pq_bind_null(params);
}

static enum err take_added(struct store_op *op, const struct pq_answer *answer)
{
    (void)op;
    if (pq_number(answer, 0, 0) == 0)
        return ERR_NOT_FOUND;
    return pq_number(answer, 0, 1) ? ERR_OK : ERR_CONFLICT;
}

static void bind_page(struct store_op *op, struct pq_params *params)
{
    bind_whose(op, params);
    pq_bind_number(params, &op->arena, (int64_t)op->offline.after);
    pq_bind_number(params, &op->arena, (int64_t)store_offline_fetch(op));
}

static enum err take_body(struct arena *arena, const struct pq_answer *answer, int row,
                          struct str *out)
{
    struct str text = pq_cell(answer, row, 3);
    *out = text.at ? arena_str(arena, text) : text;
    if (text.at || !pq_cell(answer, row, 5).at)
        return ERR_OK;
    struct packed body = {(unsigned)pq_number(answer, row, 4), pq_cell(answer, row, 5)};
    return unpack_body(arena, body, out);
}

static enum err take_page(struct store_op *op, const struct pq_answer *answer)
{
    store_offline_room(op);
    for (int i = 0; i < pq_rows(answer); i++) {
        struct store_offline_item item = {.number = (uint64_t)pq_number(answer, i, 0),
                                          .message = (uint64_t)pq_number(answer, i, 1),
                                          .stamp_us = (uint64_t)pq_number(answer, i, 2),
                                          .room = arena_str(&op->arena, pq_cell(answer, i, 6))};
        enum err err = take_body(&op->arena, answer, i, &item.body);
        if (err)
            return err;
        if (!store_offline_push(op, item))
            break;
    }
    return ERR_OK;
}

static bool get_number(const void *numbers, size_t index, int64_t *number)
{
    *number = (int64_t)((const uint64_t *)numbers)[index];
    return true;
}

static void bind_drop(struct store_op *op, struct pq_params *params)
{
    bind_owner(op, params);
    pg_bind_numbers(params, &op->arena, get_number, op->offline.numbers, op->offline.number_count);
}

static enum err take_dropped(struct store_op *op, const struct pq_answer *answer)
{
    op->offline.dropped = pq_changed(answer);
    return ERR_OK;
}

static void bind_clean(struct store_op *op, struct pq_params *params)
{
    pq_bind_number(params, &op->arena, (int64_t)op->offline.now_us);
    pq_bind_number(params, &op->arena, STORE_OFFLINE_CLEAN_MAX);
}

const struct pg_kind pg_offline_add = {
    .writes = true, .steps = {{"offline_add", bind_add}}, .take = take_added};
const struct pg_kind pg_offline_page = {
    .writes = true, .steps = {{"offline_page", bind_page}}, .take = take_page};
const struct pg_kind pg_offline_drop = {
    .writes = true, .steps = {{"offline_drop", bind_drop}}, .take = take_dropped};
const struct pg_kind pg_offline_clean = {
    .writes = true, .steps = {{"offline_clean", bind_clean}}, .take = take_dropped};
