/* The statements of the message archive, apart from what binds and reads them. */
#include "pg_statement.h"

/* clang-format off */

/* --- Batches (pg_mam_batch.c) --- */

/* What the preferences of `owner` say of a peer. */
#define KEEPS(owner, bare, resource) "mam_keeps(" owner ", " bare ", " resource ")"

/* OFFSET 0: looked up for each row, rather than made a hash table of all that are there. */
#define HAS_ACCOUNT(bare)                                                                          \
    "EXISTS (SELECT FROM account a JOIN domain d ON d.id = a.domain_id"                            \
    " WHERE a.name = split_part(" bare ", '@', 1) AND d.name = split_part(" bare ", '@', 2)"       \
    " OFFSET 0)"

/* A party whose number is not known yet is named. */
#define PARTY(number, bare) "coalesce(" number ", (SELECT j.id FROM jid j WHERE j.bare = " bare "))"

/* Marks above the flags (pg_mam_batch.c): 8, 16: the sender, the recipient may have chosen not to
 * keep it; 32, 64: it goes to the inbox of the sender, of the recipient; 128: the recipient keeps
 * it only with an account. */
#define STORE                                                                                      \
    "INSERT INTO message (id, sender, recipient, origin, client_id, flags, packed,"                \
    " sender_resource, recipient_resource, body, words)"                                           \
    " SELECT m.id, m.sender, m.recipient, m.origin, m.client_id, m.flags, m.packed,"               \
    "  m.sender_resource, m.recipient_resource, m.body, to_tsvector('simple', m.text)"             \
    " FROM (SELECT p.*, (p.marks & 7"                                                              \
    "   | CASE WHEN p.marks & 8 <> 0 AND "                                                         \
    KEEPS("p.sender", "p.recipient_bare", "p.recipient_resource") " = 0 THEN 1 ELSE 0 END"         \
    "   | CASE WHEN p.marks & 16 <> 0 AND "                                                        \
    KEEPS("p.recipient", "p.sender_bare", "p.sender_resource") " = 0 THEN 2 ELSE 0 END"            \
    "   | CASE WHEN p.marks & 128 <> 0 AND NOT " HAS_ACCOUNT("p.recipient_bare")                   \
    "  THEN 2 ELSE 0 END"                                                                          \
    "  )::smallint AS flags"                                                                       \
    "  FROM (SELECT n.id, n.origin, n.client_id, n.marks, n.packed::smallint AS packed, n.body,"   \
    "    n.text,"                                                                                  \
    "    n.sender_bare, n.recipient_bare, n.sender_resource, n.recipient_resource,"                \
    "    " PARTY("n.sender", "n.sender_bare") " AS sender,"                                        \
    "    " PARTY("n.recipient", "n.recipient_bare") " AS recipient"                                \
    "   FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[],"             \
    "    $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bytea[],"         \
    "    $12::bigint[], $14::text[])"                                                              \
    "   AS n (id, sender, recipient, sender_bare, recipient_bare, sender_resource,"                \
    "    recipient_resource, origin, marks, packed, body, client_id, text) OFFSET 0) p"            \
    "   OFFSET 0) m"                                                                               \
    " WHERE m.flags & 3 <> 3 AND (m.origin IS NULL OR NOT EXISTS"                                  \
    "  (SELECT FROM message o WHERE o.sender = m.sender AND o.origin = m.origin AND o.id > $13"    \
    "   OFFSET 0))"                                                                                \
    " ORDER BY m.id ON CONFLICT (sender, id) DO NOTHING"

static const char batch_sql[] = STORE;

/* What those that were stored do to inboxes, one change a conversation: its newest message, the
 * newest of the owner's own (0: none), and how many behind that count. Mostly what is added is
 * newer than all that is there. If not (two shards commit in another order than the ids say),
 * `unread` becomes -1, to be counted when it is asked for: here it cannot be, since a message of
 * the other shard may change the row and yet not be seen by this statement. Rows are locked in an
 * order, so that two shards do not wait for each other. A peer may be a room and yet somebody to
 * whom a chat message went: the room refuses that, but a sender whose host has no rooms archives it
 * first. It is one conversation, of a room. */
#define EVENT                                                                                      \
    "SELECT v.* FROM stored s"                                                                     \
    "  JOIN unnest($1::bigint[], $9::bigint[]) AS n (id, marks) ON n.id = s.id"                    \
    "  CROSS JOIN LATERAL (VALUES"                                                                 \
    "   (s.sender, s.recipient, s.id, s.id, false, 0, n.marks & 32 <> 0 AND s.flags & 1 = 0),"     \
    "   (s.recipient, s.sender, s.id, 0, s.flags & 4 <> 0, 0,"                                     \
    "    n.marks & 64 <> 0 AND s.flags & 2 = 0)"                                                   \
    "  ) v (owner, peer, id, own, counts, room, listed) WHERE v.listed"
#define LIST                                                                                       \
    " change AS (SELECT f.owner, f.peer, max(f.room) AS room, max(f.id) AS last,"                  \
    "   max(f.own) AS read_to,"                                                                    \
    "   count(*) FILTER (WHERE f.counts AND f.id > f.read_to) AS unread"                           \
    "  FROM (SELECT e.*, max(e.own) OVER (PARTITION BY e.owner, e.peer) AS read_to"                \
    "   FROM event e) f GROUP BY f.owner, f.peer),"                                                \
    " listed AS (INSERT INTO inbox"                                                                \
    "   (owner, peer, box, last, read_to, unread, muted_until, expires, room)"                     \
    "  SELECT c.owner, c.peer, 0, c.last, c.read_to, c.unread, 0, 0, c.room FROM change c"         \
    "  ORDER BY c.owner, c.peer ON CONFLICT (owner, peer) DO UPDATE SET"                           \
    "  unread = CASE WHEN excluded.read_to >= inbox.last THEN excluded.unread"                     \
    "   WHEN excluded.read_to = 0 AND inbox.unread >= 0"                                           \
    "    AND inbox.read_to < (SELECT min(e.id) FROM event e)"                                      \
    "    THEN inbox.unread + excluded.unread ELSE -1 END,"                                         \
    "  read_to = greatest(inbox.read_to, excluded.read_to),"                                       \
    "  last = greatest(inbox.last, excluded.last),"                                                \
    "  box = CASE inbox.box WHEN 1 THEN 0 ELSE inbox.box END)"                                     \
    " SELECT count(*) FROM stored"

static const char batch_inbox_sql[] = "WITH stored AS (" STORE
                                      " RETURNING id, sender, recipient, flags),"
                                      " event AS MATERIALIZED (" EVENT ")," LIST;

/* With rooms: $15 ids, $16 $17 whose inboxes, $18 $19 rooms, $20 marks: 1 the author's own, 2 it
 * counts, 4 the account has to be looked for, 8 the message was in an operation before, which may
 * have been written in an earlier try. */
static const char batch_rooms_sql[] =
    "WITH stored AS (" STORE " RETURNING id, sender, recipient, flags),"
    " party AS MATERIALIZED (SELECT n.id, n.marks, " PARTY("n.owner", "n.owner_bare") " AS owner,"
    "   " PARTY("n.room", "n.room_bare") " AS room"
    "  FROM unnest($15::bigint[], $16::bigint[], $17::text[], $18::bigint[], $19::text[],"
    "   $20::bigint[]) AS n (id, owner, owner_bare, room, room_bare, marks)"
    "  WHERE n.marks & 4 = 0 OR " HAS_ACCOUNT("n.owner_bare") "),"
    " event AS MATERIALIZED (" EVENT " UNION ALL"
    "  SELECT p.owner, p.room, p.id, CASE WHEN p.marks & 1 <> 0 THEN p.id ELSE 0 END,"
    "   p.marks & 3 = 2, 1, true FROM party p WHERE p.id IN (SELECT s.id FROM stored s)"
    "   OR p.marks & 8 <> 0 AND NOT EXISTS (SELECT FROM inbox i"
    "     WHERE i.owner = p.owner AND i.peer = p.room AND i.last >= p.id)"
    "    AND EXISTS (SELECT FROM message m WHERE m.recipient = p.room AND m.id = p.id))," LIST;

/* In a statement of its own, so that the next sees what another shard has added meanwhile. */
static const char need_sql[] =
    "INSERT INTO jid (bare) SELECT DISTINCT n.bare FROM unnest($1::text[]) AS n (bare)"
    " WHERE NOT EXISTS (SELECT FROM jid j WHERE j.bare = n.bare)"
    " ORDER BY n.bare ON CONFLICT DO NOTHING";

static const char find_sql[] =
    "SELECT j.bare, j.id, (p.owner IS NOT NULL)::int, " HAS_ACCOUNT("j.bare") "::int FROM jid j"
    " LEFT JOIN mam_prefs p ON p.owner = j.id WHERE j.bare = ANY ($1::text[])";

const struct pg_statement pg_mam_batch_statements[] = {
    {"jids_need", need_sql},
    {"jids_find", find_sql},
    {"mam_batch", batch_sql},
    {"mam_batch_inbox", batch_inbox_sql},
    {"mam_batch_rooms", batch_rooms_sql},
    {NULL, NULL},
};

/* --- Pages (pg_mam.c): $1 owner, $2 $3 between which ids, $4 rows; of a conversation: $5 with
 * whom, $6 their resource --- */

#define JID(name, bare) name " AS (SELECT id, since FROM jid WHERE bare = " bare ")"
#define OWNER "(SELECT id FROM o)"
#define OWN   "(m.sender = " OWNER " AND m.flags & 1 = 0"                                          \
              " OR m.recipient = " OWNER " AND m.flags & 2 = 0)"
#define SINCE "(SELECT since FROM o)"
#define BETWEEN " AND m.id > greatest($2, " SINCE ") AND m.id < $3"
#define ROW "m.id, m.packed::integer, m.body"

/* One side of an archive. A note to oneself is of the sender's side. */
#define SENT     "m.sender = " OWNER " AND m.flags & 1 = 0"
#define RECEIVED "m.recipient = " OWNER " AND m.flags & 2 = 0 AND m.sender <> m.recipient"
#define SIDE(where, way)                                                                           \
    "(SELECT " ROW " FROM message m WHERE " where BETWEEN " ORDER BY m.id" way " LIMIT $4)"
#define ALL(way)                                                                                   \
    "WITH " JID("o", "$1") " SELECT * FROM (" SIDE(SENT, way) " UNION ALL " SIDE(RECEIVED, way)    \
    ") u ORDER BY u.id" way " LIMIT $4"

/* One conversation, of which both sides are in one index. */
#define PAIR(resource)                                                                             \
    "least(m.sender, m.recipient) = (SELECT least(o.id, w.id) FROM o, w)"                          \
    " AND greatest(m.sender, m.recipient) = (SELECT greatest(o.id, w.id) FROM o, w) AND " OWN      \
    " AND (" resource " = '' OR " resource " = CASE WHEN m.sender = " OWNER                        \
    "  THEN m.recipient_resource ELSE m.sender_resource END)"
#define WITH(way)                                                                                  \
    "WITH " JID("o", "$1") ", " JID("w", "$5") " " SIDE(PAIR("$6"), way)

#define IDS(way)                                                                                   \
    "WITH " JID("o", "$1") " SELECT " ROW " FROM message m"                                        \
    " WHERE m.id = ANY ($5::bigint[]) AND " OWN BETWEEN " ORDER BY m.id" way " LIMIT $4"

#define COUNT "SELECT count(*) FROM message m WHERE "

#define END(me, flag, way)                                                                         \
    "(SELECT m.id FROM message m WHERE m." me " = " OWNER " AND m.flags & " flag " = 0"            \
    " AND m.id > " SINCE                                                                           \
    " ORDER BY m.id" way " LIMIT 1)"

/* What has all words of $5; $6 with whom, '' for anybody, $7 their resource. */
#define PEER "CASE WHEN m.sender = " OWNER " THEN m.recipient ELSE m.sender END"
#define PEER_RESOURCE                                                                              \
    "CASE WHEN m.sender = " OWNER " THEN m.recipient_resource ELSE m.sender_resource END"
#define HITS(what, text, with, resource)                                                           \
    "WITH " JID("o", "$1") " SELECT " what " FROM message m"                                       \
    " WHERE m.words @@ plainto_tsquery('simple', " text ") AND " OWN                               \
    " AND (" with " = '' OR " PEER " = (SELECT w.id FROM jid w WHERE w.bare = " with "))"          \
    " AND (" resource " = '' OR " PEER_RESOURCE " = " resource ")"
#define SEARCH(way) HITS(ROW, "$5", "$6", "$7") BETWEEN " ORDER BY m.id" way " LIMIT $4"

/* $2 with whom, $3 hash of the client id, $4 how many to look at, $5 rows. */
#define FIND                                                                                       \
    "WITH " JID("o", "$1") ", " JID("w", "$2") " SELECT f.id, f.packed::integer, f.body FROM"      \
    " (SELECT m.id, m.client_id, m.packed, m.body FROM message m"                                  \
    "  WHERE least(m.sender, m.recipient) = (SELECT least(o.id, w.id) FROM o, w)"                  \
    "  AND greatest(m.sender, m.recipient) = (SELECT greatest(o.id, w.id) FROM o, w)"              \
    "  AND m.sender = " OWNER " AND m.id > " SINCE " ORDER BY m.id DESC LIMIT $4) f"               \
    " WHERE f.client_id = $3 ORDER BY f.id DESC LIMIT $5"

const struct pg_statement pg_mam_statements[] = {
    {"mam_page", ALL("")},
    {"mam_page_back", ALL(" DESC")},
    {"mam_with", WITH("")},
    {"mam_with_back", WITH(" DESC")},
    {"mam_ids", IDS("")},
    {"mam_ids_back", IDS(" DESC")},
    {"mam_found", "WITH " JID("o", "$1") " " COUNT
     "m.id = ANY ($2::bigint[]) AND m.id > " SINCE " AND " OWN},
    {"mam_count", "WITH " JID("o", "$1")
     " SELECT (" COUNT SENT BETWEEN ") + (" COUNT RECEIVED BETWEEN ")"},
    {"mam_count_with", "WITH " JID("o", "$1") ", " JID("w", "$4") " " COUNT PAIR("$5") BETWEEN},
    {"mam_metadata",
     "WITH " JID("o", "$1")
     " SELECT coalesce(min(e.id), 0), coalesce(max(e.id), 0) FROM"
     " (" END("sender", "1", "") " UNION ALL " END("recipient", "2", "")
     " UNION ALL " END("sender", "1", " DESC") " UNION ALL " END("recipient", "2", " DESC") ") e"},
    {"mam_search", SEARCH("")},
    {"mam_search_back", SEARCH(" DESC")},
    {"mam_search_count", HITS("count(*)", "$4", "$5", "$6") BETWEEN},
    {"mam_find", FIND},
    {"mam_replace",
     "UPDATE message m SET packed = $3::bigint::smallint, body = $4, words = NULL FROM jid j"
     " WHERE j.bare = $1 AND m.sender = j.id AND m.id = $2"},
    {"mam_upkeep", "SELECT made, dropped FROM message_upkeep($1, $2, $3::bigint::integer, $4)"},
    {NULL, NULL},
};
