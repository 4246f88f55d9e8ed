#include "pg_statement.h"
#include "stanza_id.h"
#include "store_backend.h"

/* What the preferences of `owner` say of a peer. */
#define KEEPS(owner, bare, resource)                                                               \
    "coalesce((SELECT p.keeps FROM mam_prefs_jid p WHERE p.owner = " owner " AND p.bare = " bare   \
    " AND p.resource IN ('', " resource ") ORDER BY p.resource DESC LIMIT 1),"                     \
    " (SELECT p.keeps FROM mam_prefs p WHERE p.owner = " owner "), 1)"

/* One side of an archive, between two ids. */
#define SIDE(me, peer, resource, flag, low, high)                                                  \
    "m." me " = (SELECT id FROM o) AND m.flags & " flag " = 0"                                     \
    " AND m.id > " low " AND m.id < " high " AND ($2 = '' OR m." peer                              \
    " = (SELECT id FROM w)) AND ($3 = '' OR m." resource " = $3)"
#define SENT(low, high) SIDE("sender", "recipient", "recipient_resource", "1", low, high)
#define RECEIVED(low, high)                                                                        \
    SIDE("recipient", "sender", "sender_resource", "2", low, high) " AND m.sender <> m.recipient"
#define OWN                                                                                        \
    "(m.sender = (SELECT id FROM o) AND m.flags & 1 = 0"                                           \
    " OR m.recipient = (SELECT id FROM o) AND m.flags & 2 = 0)"
#define COUNT(where) "(SELECT count(*) FROM message m WHERE " where ")"

/* A row without a message says what was found when the page is empty. */
#define PAGE(way)                                                                                  \
    "WITH o AS (SELECT id FROM jid WHERE bare = $1), w AS (SELECT id FROM jid WHERE bare = $2)"    \
    " SELECT c.found, c.total, p.id, p.body FROM (SELECT "                                         \
    "" COUNT(                                                                                      \
        "m.id = ANY ($9::bigint[]) AND " OWN) " AS found,"                                         \
                                              " CASE WHEN $10::bigint = 1 THEN " COUNT(SENT(       \
                                                  "$4",                                            \
                                                  "$5")) " + "                                     \
                                                         "" COUNT(RECEIVED(                        \
                                                             "$4",                                 \
                                                             "$5")) " ELSE 0 END AS total) c"      \
                                                                    " LEFT JOIN (SELECT u.id, "    \
                                                                    "u.body FROM ("                \
                                                                    "(SELECT m.id, m.body FROM "   \
                                                                    "message m WHERE " SENT(       \
                                                                        "$6",                      \
                                                                        "$7") " ORDER BY m.id" way \
                                                                              " LIMIT $8) UNION "  \
                                                                              "ALL"                \
                                                                              " (SELECT m.id, "    \
                                                                              "m.body FROM "       \
                                                                              "message m "         \
                                                                              "WHERE " RECEIVED(   \
                                                                                  "$6",            \
                                                                                  "$7") " ORDER "  \
                                                                                        "BY "      \
                                                                                        "m.id" way \
                                                                                        " LIMIT "  \
                                                                                        "$8)) u "  \
                                                                                        "ORDER "   \
                                                                                        "BY "      \
                                                                                        "u.id" way \
                                                                                        " LIMIT "  \
                                                                                        "$8) p "   \
                                                                                        "ON true"  \
                                                                                        " ORDER "  \
                                                                                        "BY "      \
                                                                                        "p.id" way

#define IDS(way)                                                                                   \
    "WITH o AS (SELECT id FROM jid WHERE bare = $1)"                                               \
    " SELECT c.found, c.found, p.id, p.body FROM (SELECT "                                         \
    "" COUNT(                                                                                      \
        "m.id = ANY ($2::bigint[]) AND " OWN) " AS found) c"                                       \
                                              " LEFT JOIN (SELECT m.id, m.body FROM message m "    \
                                              "WHERE m.id = ANY ($2::bigint[]) AND " OWN           \
                                              " AND m.id > $3 AND m.id < $4 ORDER BY m.id" way     \
                                              " LIMIT $5) p ON true ORDER BY p.id" way

#define END(me, flag, way)                                                                         \
    "(SELECT m.id FROM message m WHERE m." me " = (SELECT id FROM o) AND m.flags & " flag " = 0"   \
    " ORDER BY m.id" way " LIMIT 1)"

/* In a statement of its own the messages see the JIDs that another shard has added meanwhile. The
 * same origin-id may come twice in a batch; of a batch whose commit was not heard of, all are there
 * already. */
const struct pg_statement pg_mam_statements[] = {
    {"jids_need",
     "INSERT INTO jid (bare) SELECT DISTINCT n.bare FROM unnest($1::text[]) AS n (bare)"
     " WHERE NOT EXISTS (SELECT FROM jid j WHERE j.bare = n.bare)"
     " ORDER BY n.bare ON CONFLICT DO NOTHING"},
    {"mam_batch",
     "INSERT INTO message (id, sender, recipient, flags, origin, sender_resource,"
     " recipient_resource, body) SELECT m.* FROM"
     " (SELECT DISTINCT ON (s.id, n.origin IS NULL, coalesce(n.origin, n.id))"
     " n.id, s.id AS sender, r.id AS recipient, n.flags::integer"
     " | CASE WHEN " KEEPS(
         "s.id", "n.recipient",
         "n.recipient_resource") " = 0 THEN 1 ELSE 0 END"
                                 " | CASE WHEN " KEEPS(
                                     "r.id", "n.sender",
                                     "n.sender_resource") " = 0 THEN 2 ELSE 0 END"
                                                          " AS flags, n.origin, n.sender_resource, "
                                                          "n.recipient_resource, n.body"
                                                          " FROM unnest($1::bigint[], $2::text[], "
                                                          "$3::text[], $4::bigint[], $5::bigint[], "
                                                          "$6::text[],"
                                                          " $7::text[], $8::text[]) AS n (id, "
                                                          "sender, recipient, flags, origin, "
                                                          "sender_resource,"
                                                          " recipient_resource, body)"
                                                          " JOIN jid s ON s.bare = n.sender JOIN "
                                                          "jid r ON r.bare = n.recipient"
                                                          " ORDER BY s.id, n.origin IS NULL, "
                                                          "coalesce(n.origin, n.id), n.id) m"
                                                          " WHERE m.flags & 3 <> 3 AND (m.origin "
                                                          "IS NULL OR NOT EXISTS (SELECT FROM "
                                                          "message o"
                                                          " WHERE o.sender = m.sender AND o.origin "
                                                          "= m.origin AND o.id > m.id - "
                                                          "$9::bigint))"
                                                          " ORDER BY m.id ON CONFLICT (id) DO "
                                                          "NOTHING"},
    {"mam_page", PAGE("")},
    {"mam_page_back", PAGE(" DESC")},
    {"mam_ids", IDS("")},
    {"mam_ids_back", IDS(" DESC")},
    {"mam_metadata",
     "WITH o AS (SELECT id FROM jid WHERE bare = $1)"
     " SELECT coalesce(min(e.id), 0), coalesce(max(e.id), 0) FROM"
     " (" END("sender", "1", "") " UNION ALL " END("recipient", "2", "") " UNION ALL " END(
         "sender", "1", " DESC") " UNION ALL "
                                 "" END("recipient", "2", " DESC") ") e"},
    {"mam_unsend", "UPDATE message m SET flags = m.flags | 1 FROM jid j"
                   " WHERE j.bare = $1 AND m.sender = j.id"},
    {"mam_unreceive", "UPDATE message m SET flags = m.flags | 2 FROM jid j"
                      " WHERE j.bare = $1 AND m.recipient = j.id"},
    {"mam_unstore", "DELETE FROM message m USING jid j WHERE j.bare = $1"
                    " AND (m.sender = j.id OR m.recipient = j.id) AND m.flags & 3 = 3"},
    {NULL, NULL},
};

/* --- Batches --- */

static const struct store_message *message_at(const void *ops, size_t index)
{
    return &((struct store_op *const *)ops)[index]->message;
}

static struct str get_sender(const void *ops, size_t index)
{
    return pg_not_null(message_at(ops, index)->sender);
}

static struct str get_recipient(const void *ops, size_t index)
{
    return pg_not_null(message_at(ops, index)->recipient);
}

static struct str get_sender_resource(const void *ops, size_t index)
{
    return pg_not_null(message_at(ops, index)->sender_resource);
}

static struct str get_recipient_resource(const void *ops, size_t index)
{
    return pg_not_null(message_at(ops, index)->recipient_resource);
}

static struct str get_body(const void *ops, size_t index)
{
    return pg_not_null(message_at(ops, index)->body);
}

static struct str get_party(const void *ops, size_t index)
{
    return index % 2 ? get_sender(ops, index / 2) : get_recipient(ops, index / 2);
}

static bool get_id(const void *ops, size_t index, int64_t *number)
{
    *number = (int64_t)message_at(ops, index)->id;
    return true;
}

static bool get_flags(const void *ops, size_t index, int64_t *number)
{
    *number = message_at(ops, index)->flags;
    return true;
}

static bool get_origin(const void *ops, size_t index, int64_t *number)
{
    struct str origin_id = message_at(ops, index)->origin_id;
    *number = origin_id.len ? (int64_t)store_mam_origin(origin_id) : 0;
    return origin_id.len > 0;
}

static void bind_parties(struct store_op *op, struct pq_params *params)
{
    pg_bind_array(params, &op->arena, PG_TEXT, get_party, op->batch.ops, op->batch.count * 2);
}

static void bind_batch(struct store_op *op, struct pq_params *params)
{
    struct arena *arena = &op->arena;
    const void *ops = op->batch.ops;
    size_t count = op->batch.count;
    pg_bind_numbers(params, arena, get_id, ops, count);
    pg_bind_array(params, arena, PG_TEXT, get_sender, ops, count);
    pg_bind_array(params, arena, PG_TEXT, get_recipient, ops, count);
    pg_bind_numbers(params, arena, get_flags, ops, count);
    pg_bind_numbers(params, arena, get_origin, ops, count);
    pg_bind_array(params, arena, PG_TEXT, get_sender_resource, ops, count);
    pg_bind_array(params, arena, PG_TEXT, get_recipient_resource, ops, count);
    pg_bind_array(params, arena, PG_TEXT, get_body, ops, count);
    pq_bind_number(params, arena, (int64_t)stanza_id_span(STORE_MAM_RESENT_US));
}

static enum err take_stored(struct store_op *op, const struct pq_answer *answer)
{
    op->batch.stored = pq_changed(answer);
    return ERR_OK;
}

const struct pg_kind pg_mam_batch = {
    .writes = true,
    .steps = {{"jids_need", bind_parties}, {"mam_batch", bind_batch}},
    .take = take_stored,
};

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
    pq_bind(params, pg_not_null(page->with));
    pq_bind(params, pg_not_null(page->with_resource));
    pq_bind_number(params, arena, (int64_t)page->from);
    pq_bind_number(params, arena, (int64_t)page->to);
    pq_bind_number(params, arena, (int64_t)larger(page->from, page->after));
    pq_bind_number(params, arena, (int64_t)smaller(page->to, page->before));
    pq_bind_number(params, arena, (int64_t)store_mam_fetch(op));
    pg_bind_numbers(params, arena, get_listed, page->ids, page->id_count);
    pq_bind_number(params, arena, page->counted);
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

static enum err take_page(struct store_op *op, const struct pq_answer *answer)
{
    if ((uint64_t)pq_number(answer, 0, 0) < op->page.id_count)
        return ERR_NOT_FOUND;
    store_mam_room(op);
    op->page.total = (uint64_t)pq_number(answer, 0, 1);
    for (int i = 0; i < pq_rows(answer) && pq_cell(answer, i, 2).at; i++)
        op->page.items[op->page.count++] = (struct store_mam_item){
            (uint64_t)pq_number(answer, i, 2), arena_str(&op->arena, pq_cell(answer, i, 3))};
    store_mam_settle(op);
    return ERR_OK;
}

/* By only_ids and backwards. */
const struct pg_kind *pg_mam_page(const struct store_op *op)
{
    static const struct pg_kind kinds[2][2] = {
        {{.steps = {{"mam_page", bind_page}}, .take = take_page},
         {.steps = {{"mam_page_back", bind_page}}, .take = take_page}},
        {{.steps = {{"mam_ids", bind_ids}}, .take = take_page},
         {.steps = {{"mam_ids_back", bind_ids}}, .take = take_page}},
    };
    return &kinds[op->page.only_ids][op->page.backwards];
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
