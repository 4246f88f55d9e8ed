/* The inbox: what reads and changes it by request. Messages come with their batch (pg_mam_sql.c).
 */
#include "pack.h"
#include "pg_statement.h"
#include "stanza_id.h"
#include "store_backend.h"

/* clang-format off */

/* The conversation of $1 with $2. */
#define ONE                                                                                        \
    "i.owner = (SELECT o.id FROM jid o WHERE o.bare = $1)"                                         \
    " AND i.peer = (SELECT p.id FROM jid p WHERE p.bare = $2)"

/* The newest message by the index of the pair: there is none of the id alone. */
#define PAIR                                                                                       \
    "least(m.sender, m.recipient) = least(i.owner, i.peer)"                                        \
    " AND greatest(m.sender, m.recipient) = greatest(i.owner, i.peer)"
#define NEWEST(wanted)                                                                             \
    " LEFT JOIN LATERAL (SELECT m.packed, m.body FROM message m WHERE " wanted " = 1"              \
    "  AND i.room = 0 AND m.id = i.last AND " PAIR                                                 \
    " UNION ALL SELECT m.packed, m.body FROM message m WHERE " wanted " = 1"                       \
    "  AND i.room = 1 AND m.id = i.last AND m.recipient = i.peer) n ON true"
#define ENTRY                                                                                      \
    "i.bare, i.box_name, i.last, i.unread, i.muted_until, n.packed::integer, n.body, i.room"

/* What the owner has got from the peer, and how many of those behind a message count. */
#define RECEIVED PAIR " AND m.recipient = i.owner AND m.flags & 2 = 0"
#define IN_ROOM  "m.recipient = i.peer AND m.sender <> i.owner"
#define SINCE    "(SELECT s.since FROM jid s WHERE s.id = i.owner)"
#define COUNT(received, id)                                                                        \
    "(SELECT count(*) FROM message m WHERE " received " AND m.flags & 4 <> 0"                      \
    " AND m.id > greatest(" id ", " SINCE "))"
#define BEHIND(id)                                                                                 \
    "CASE i.room WHEN 0 THEN " COUNT(RECEIVED, id) " ELSE " COUNT(IN_ROOM, id) " END"

/* Rows with names, and with what is unread even if it has to be counted. */
#define NAMED                                                                                      \
    "SELECT i.owner, i.peer, i.box, i.last, i.muted_until, i.room, p.bare, b.name AS box_name,"    \
    "  CASE WHEN i.unread < 0 THEN " BEHIND("i.read_to") " ELSE i.unread END AS unread"            \
    " FROM inbox i JOIN jid p ON p.id = i.peer JOIN inbox_box b ON b.id = i.box WHERE "

/* In a statement of its own, so that the next sees what was committed before the lock was given. */
static const char lock_sql[] = "SELECT i.owner FROM inbox i WHERE " ONE " FOR UPDATE";

/* $3 id, $4 hash of the client id, $5 all, $6 how many to look at. */
static const char read_sql[] =
    "WITH row AS MATERIALIZED (SELECT i.* FROM inbox i WHERE " ONE "),"
    " found AS MATERIALIZED (SELECT i.*, CASE WHEN $5::bigint = 1 THEN i.last"
    "   WHEN i.unread <> 0 THEN (SELECT max(f.id) FROM"
    "    ((SELECT m.id, m.client_id FROM message m WHERE i.room = 0 AND " RECEIVED
    "       ORDER BY m.id DESC LIMIT $6)"
    "     UNION ALL (SELECT m.id, m.client_id FROM message m WHERE i.room = 1 AND " IN_ROOM
    "       ORDER BY m.id DESC LIMIT $6)) f"
    "     WHERE f.id = $3 OR f.client_id = $4) END AS id FROM row i),"
    " mark AS MATERIALIZED (SELECT i.owner, i.peer, i.room, i.unread,"
    "   greatest(i.read_to, i.id) AS id"
    "  FROM found i WHERE i.id IS NOT NULL),"
    " left_over AS MATERIALIZED (SELECT i.*, " BEHIND("i.id") " AS count FROM mark i),"
    " changed AS (UPDATE inbox i SET read_to = l.id, unread ="
    "  CASE WHEN l.unread < 0 THEN l.count ELSE least(l.unread, l.count) END"
    "  FROM left_over l WHERE i.owner = l.owner AND i.peer = l.peer)"
    " SELECT count(*) FROM row";

/* $3 box, $4 when it expires, $5 $6 whether and until when it is muted, $7 read. */
static const char set_sql[] =
    "UPDATE inbox i SET"
    " box = CASE $3::text WHEN '' THEN i.box ELSE (SELECT b.id FROM inbox_box b WHERE b.name = $3)"
    "  END,"
    " expires = CASE $3::text WHEN '' THEN i.expires ELSE $4 END,"
    " muted_until = CASE $5::bigint WHEN 1 THEN $6 ELSE i.muted_until END,"
    " read_to = CASE $7::bigint WHEN 1 THEN i.last ELSE i.read_to END,"
    " unread = CASE $7::bigint WHEN 1 THEN 0 WHEN 2 THEN greatest(1,"
    "  CASE WHEN i.unread < 0 THEN " BEHIND("i.read_to") " ELSE i.unread END) ELSE i.unread END"
    " WHERE " ONE;

/* $3 box, $4 the last if there is none, $5 unread, $6 muted until, $7 when it expires, $8 room.
 * What is counted anew later gives the same, if so many messages are there. */
#define NTH(received)                                                                              \
    "(SELECT m.id - 1 FROM message m WHERE " received                                              \
    " AND m.flags & 4 <> 0 ORDER BY m.id DESC LIMIT 1 OFFSET greatest($5 - 1, 0))"
static const char import_sql[] =
    "INSERT INTO inbox (owner, peer, box, last, read_to, unread, muted_until, expires, room)"
    " SELECT i.owner, i.peer, b.id, coalesce(n.id, $4), CASE WHEN $5::bigint = 0"
    "  THEN coalesce(n.id, $4) WHEN i.room = 1 THEN coalesce(" NTH(IN_ROOM) ", 0)"
    "  ELSE coalesce(" NTH(RECEIVED) ", 0) END, $5, $6, $7, i.room"
    " FROM (SELECT o.id AS owner, p.id AS peer, $8::bigint AS room FROM jid o, jid p"
    "  WHERE o.bare = $1 AND p.bare = $2) i"
    " JOIN inbox_box b ON b.name = $3"
    " LEFT JOIN LATERAL ((SELECT m.id FROM message m WHERE i.room = 0 AND " PAIR
    "  AND (m.sender = i.owner AND m.flags & 1 = 0 OR m.recipient = i.owner AND m.flags & 2 = 0)"
    "  ORDER BY m.id DESC LIMIT 1) UNION ALL (SELECT m.id FROM message m WHERE i.room = 1"
    "  AND m.recipient = i.peer ORDER BY m.id DESC LIMIT 1)) n ON true ON CONFLICT DO NOTHING";

/* $2 box, $3 without the bin, $4 only unread, $5 bodies, $6 $7 above, $8 $9 below, $10 rows. Places
 * are compared by the microseconds in the id, which are in front of STANZA_ID_WRITERS. */
#define OF_OWNER "i.owner = (SELECT o.id FROM jid o WHERE o.bare = $1)"
#define IN_SET                                                                                     \
    "($2 = '' OR i.box_name = $2) AND NOT ($3::bigint = 1 AND i.box = 2)"                          \
    " AND NOT ($4::bigint = 1 AND i.unread = 0)"
#define PAGE(way)                                                                                  \
    "WITH own AS MATERIALIZED (" NAMED OF_OWNER ")"                                                \
    " SELECT c.*, " ENTRY " FROM (SELECT count(*) FILTER (WHERE " IN_SET "),"                      \
    "  count(*) FILTER (WHERE i.box <> 2), count(*) FILTER (WHERE i.box <> 2 AND i.unread > 0),"   \
    "  coalesce(sum(i.unread) FILTER (WHERE i.box <> 2), 0)::bigint FROM own i) c"                 \
    " LEFT JOIN (SELECT i.* FROM own i WHERE " IN_SET                                              \
    "  AND (i.last / 4096, i.bare) > ($6, $7) AND (i.last / 4096, i.bare) < ($8, $9)"              \
    "  ORDER BY i.last / 4096" way ", i.bare" way " LIMIT $10) i ON true" NEWEST("$5::bigint")     \
    " ORDER BY i.last / 4096" way ", i.bare" way

const struct pg_statement pg_inbox_statements[] = {
    {"inbox_get", "SELECT " ENTRY " FROM (" NAMED ONE ") i" NEWEST("$3::bigint")},
    {"inbox_lock", lock_sql},
    {"inbox_read", read_sql},
    {"inbox_box_need",
     "INSERT INTO inbox_box (name) SELECT $1 WHERE $1 <> ''"
     " AND NOT EXISTS (SELECT FROM inbox_box b WHERE b.name = $1) ON CONFLICT DO NOTHING"},
    {"inbox_set", set_sql},
    {"inbox_import", import_sql},
    {"inbox_page", PAGE("")},
    {"inbox_page_down", PAGE(" DESC")},
    {"inbox_empty_bin", "DELETE FROM inbox i WHERE " OF_OWNER " AND i.box = 2"},
    {"inbox_drop", "DELETE FROM inbox i WHERE " ONE " AND ($3::bigint = 0 OR i.last <= $3)"},
    {"inbox_remove", "DELETE FROM inbox i WHERE " OF_OWNER},
    {"inbox_clean",
     "DELETE FROM inbox WHERE (owner, peer) IN (SELECT i.owner, i.peer FROM inbox i"
     " WHERE i.expires <> 0 AND i.expires < $1 LIMIT $2)"},
    {NULL, NULL},
};

/* clang-format on */

/* A row whose columns from `at` on are an entry. */
static enum err take_entry(struct arena *arena, const struct pq_answer *answer, int row, int at,
                           struct store_inbox_entry *entry)
{
    *entry = (struct store_inbox_entry){.peer = arena_str(arena, pq_cell(answer, row, at)),
                                        .box = arena_str(arena, pq_cell(answer, row, at + 1)),
                                        .room = pq_number(answer, row, at + 7) != 0,
                                        .last = (uint64_t)pq_number(answer, row, at + 2),
                                        .unread = (uint64_t)pq_number(answer, row, at + 3),
                                        .muted_until_us = (uint64_t)pq_number(answer, row, at + 4)};
    if (!pq_cell(answer, row, at + 6).at)
        return ERR_OK;
    struct packed body = {(unsigned)pq_number(answer, row, at + 5), pq_cell(answer, row, at + 6)};
    return unpack_body(arena, body, &entry->body);
}

/* --- One conversation --- */

static void bind_both(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->inbox.owner);
    pq_bind(params, op->inbox.peer);
}

static void bind_get(struct store_op *op, struct pq_params *params)
{
    bind_both(op, params);
    pq_bind_number(params, &op->arena, op->inbox.bodies);
}

static void bind_box(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, pg_not_null(op->inbox.set.box));
}

static void bind_set(struct store_op *op, struct pq_params *params)
{
    bind_both(op, params);
    pq_bind(params, pg_not_null(op->inbox.set.box));
    pq_bind_number(params, &op->arena, (int64_t)op->inbox.set.expires_us);
    pq_bind_number(params, &op->arena, op->inbox.set.mutes);
    pq_bind_number(params, &op->arena, (int64_t)op->inbox.set.muted_until_us);
    pq_bind_number(params, &op->arena, op->inbox.set.read);
}

/* 0 is the hash of no client id. */
static void bind_read(struct store_op *op, struct pq_params *params)
{
    struct str client_id = op->inbox.up_to.client_id;
    bind_both(op, params);
    pq_bind_number(params, &op->arena, (int64_t)op->inbox.up_to.id);
    pq_bind_number(params, &op->arena, client_id.len ? (int64_t)store_mam_origin(client_id) : 0);
    pq_bind_number(params, &op->arena, op->inbox.up_to.all);
    pq_bind_number(params, &op->arena, STORE_INBOX_LOOK);
}

static enum err take_one(struct store_op *op, const struct pq_answer *answer)
{
    if (pq_rows(answer) == 0)
        return ERR_NOT_FOUND;
    return take_entry(&op->arena, answer, 0, 0, &op->inbox.entry);
}

const struct pg_kind pg_inbox_get = {
    .steps = {{"inbox_get", bind_get}},
    .take = take_one,
};
const struct pg_kind pg_inbox_set = {
    .writes = true,
    .steps = {{"inbox_box_need", bind_box},
              {"inbox_lock", bind_both},
              {"inbox_set", bind_set},
              {"inbox_get", bind_get}},
    .take = take_one,
};
const struct pg_kind pg_inbox_read = {
    .writes = true,
    .steps = {{"inbox_lock", bind_both}, {"inbox_read", bind_read}},
    .take = pg_take_number,
};

/* --- Import --- */

static struct str get_party(const void *inbox, size_t index)
{
    const struct store_inbox *both = inbox;
    return pg_not_null(index ? both->peer : both->owner);
}

static void bind_parties(struct store_op *op, struct pq_params *params)
{
    bool self = str_eq(op->inbox.owner, op->inbox.peer);
    pg_bind_array(params, &op->arena, PG_TEXT, get_party, &op->inbox, self ? 1 : 2);
}

static void bind_entry_box(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, pg_not_null(op->inbox.entry.box));
}

static void bind_import(struct store_op *op, struct pq_params *params)
{
    const struct store_inbox_entry *entry = &op->inbox.entry;
    bind_both(op, params);
    bind_entry_box(op, params);
    pq_bind_number(params, &op->arena, (int64_t)entry->last);
    pq_bind_number(params, &op->arena, (int64_t)entry->unread);
    pq_bind_number(params, &op->arena, (int64_t)entry->muted_until_us);
    pq_bind_number(params, &op->arena, (int64_t)op->inbox.set.expires_us);
    pq_bind_number(params, &op->arena, entry->room);
}

static enum err take_added(struct store_op *op, const struct pq_answer *answer)
{
    (void)op;
    return pq_changed(answer) ? ERR_OK : ERR_CONFLICT;
}

const struct pg_kind pg_inbox_import = {
    .writes = true,
    .steps = {{"jids_need", bind_parties},
              {"inbox_box_need", bind_entry_box},
              {"inbox_import", bind_import}},
    .take = take_added,
};

/* --- All that fit --- */

static void bind_owner(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->inbox.owner);
}

static void bind_clean(struct store_op *op, struct pq_params *params)
{
    pq_bind_number(params, &op->arena, (int64_t)op->inbox.now_us);
    pq_bind_number(params, &op->arena, STORE_INBOX_CLEAN_MAX);
}

static enum err take_count(struct store_op *op, const struct pq_answer *answer)
{
    op->inbox.count = pq_changed(answer);
    return ERR_OK;
}

static void bind_drop(struct store_op *op, struct pq_params *params)
{
    bind_both(op, params);
    pq_bind_number(params, &op->arena, (int64_t)op->inbox.up_to.id);
}

const struct pg_kind pg_inbox_empty_bin = {
    .writes = true, .steps = {{"inbox_empty_bin", bind_owner}}, .take = take_count};
const struct pg_kind pg_inbox_drop = {
    .writes = true, .steps = {{"inbox_drop", bind_drop}}, .take = pg_take_found};
const struct pg_kind pg_inbox_remove = {
    .writes = true, .steps = {{"inbox_remove", bind_owner}}, .take = take_count};
const struct pg_kind pg_inbox_clean = {
    .writes = true, .steps = {{"inbox_clean", bind_clean}}, .take = take_count};

/* --- Pages --- */

static void bind_place(struct store_op *op, struct pq_params *params,
                       struct store_inbox_place place)
{
    uint64_t at = stanza_id_at(place.us) / STANZA_ID_WRITERS;
    pq_bind_number(params, &op->arena, (int64_t)at);
    pq_bind(params, pg_not_null(place.peer));
}

static void bind_page(struct store_op *op, struct pq_params *params)
{
    const struct store_inbox_page *page = &op->inbox_page;
    pq_bind(params, page->owner);
    pq_bind(params, pg_not_null(page->box));
    pq_bind_number(params, &op->arena, page->without_bin);
    pq_bind_number(params, &op->arena, page->only_unread);
    pq_bind_number(params, &op->arena, page->bodies);
    bind_place(op, params, page->above);
    bind_place(op, params, page->below);
    pq_bind_number(params, &op->arena, (int64_t)store_inbox_fetch(op));
}

/* An empty page is one row without a conversation. */
static enum err take_page(struct store_op *op, const struct pq_answer *answer)
{
    struct store_inbox_page *page = &op->inbox_page;
    enum err err = ERR_OK;
    store_inbox_room(op);
    page->total = (uint64_t)pq_number(answer, 0, 0);
    page->all.conversations = (uint64_t)pq_number(answer, 0, 1);
    page->all.active = (uint64_t)pq_number(answer, 0, 2);
    page->all.unread = (uint64_t)pq_number(answer, 0, 3);
    for (int i = 0; !err && i < pq_rows(answer) && pq_cell(answer, i, 4).at; i++)
        err = take_entry(&op->arena, answer, i, 4, &page->items[page->count++]);
    store_inbox_settle(op);
    return err;
}

const struct pg_kind *pg_inbox_page(struct store_op *op)
{
    static const struct pg_kind kinds[2] = {
        {.steps = {{"inbox_page", bind_page}}, .take = take_page},
        {.steps = {{"inbox_page_down", bind_page}}, .take = take_page},
    };
    return &kinds[store_inbox_falls(op)];
}
