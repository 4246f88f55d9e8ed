/* Rooms. The number of a room is that of its JID. */
#include "pg_statement.h"
#include "store_backend.h"

/* clang-format off */

#define ROOM    "(SELECT b.id FROM jid b WHERE b.bare = $1)"
#define OWNER   "(SELECT u.id FROM jid u WHERE u.bare = $1)"
#define CHANGES(bares, affiliations)                                                               \
    "unnest(" bares "::text[], " affiliations "::bigint[]) AS n (bare, affiliation)"               \
    " JOIN jid j ON j.bare = n.bare"

/* $1 who joins or changes: two shards that bring the same user into rooms follow each other. In a
 * statement of its own, so that the next one sees what the other has written. */
static const char lock_sql[] = "SELECT count(*) FROM (SELECT FROM jid j"
                               " WHERE j.bare = ANY ($1::text[]) ORDER BY j.id FOR UPDATE) j";

/* Those of a change who join the room, and are in so many rooms already. */
#define CROWDED(bares, affiliations, max)                                                          \
    "crowded AS MATERIALIZED (SELECT j.id FROM " CHANGES(bares, affiliations)                      \
    "  WHERE " max "::bigint > 0 AND n.affiliation <> 0"                                           \
    "  AND NOT EXISTS (SELECT FROM room_occupant o WHERE o.room = " ROOM " AND o.occupant = j.id)" \
    "  AND (SELECT count(*) FROM room_occupant o WHERE o.occupant = j.id) >= " max ")"

/* $2 host, $3 name, $4 version, $5 config, $6 $7 occupants, $8 how many rooms are too many. */
static const char create_sql[] =
    "WITH " CROWDED("$6", "$7", "$8") ","
    " fresh AS (INSERT INTO room (id, host, name, version, config)"
    "  SELECT b.id, $2, $3, $4, $5 FROM jid b WHERE b.bare = $1"
    "   AND NOT EXISTS (SELECT FROM crowded) ON CONFLICT DO NOTHING RETURNING id),"
    " there AS (INSERT INTO room_occupant (room, occupant, affiliation)"
    "  SELECT f.id, j.id, n.affiliation FROM fresh f CROSS JOIN " CHANGES("$6", "$7") ")"
    " SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM crowded)";

/* $2 version, $3 whether there is $4 config, $5 $6 who changes, $7 how many rooms are too many. */
static const char set_sql[] =
    "WITH " CROWDED("$5", "$6", "$7") ","
    " changed AS (UPDATE room r SET version = $2,"
    "  config = CASE WHEN $3::bigint = 1 THEN $4 ELSE r.config END"
    "  WHERE r.id = " ROOM " AND NOT EXISTS (SELECT FROM crowded) RETURNING r.id),"
    " change AS MATERIALIZED (SELECT c.id AS room, j.id AS occupant, n.affiliation FROM changed c"
    "  CROSS JOIN " CHANGES("$5", "$6") "),"
    " gone AS (DELETE FROM room_occupant o USING change n WHERE n.affiliation = 0"
    "  AND o.room = n.room AND o.occupant = n.occupant),"
    " there AS (INSERT INTO room_occupant (room, occupant, affiliation)"
    "  SELECT n.room, n.occupant, n.affiliation FROM change n WHERE n.affiliation <> 0"
    "  ON CONFLICT (room, occupant) DO UPDATE SET affiliation = excluded.affiliation)"
    " SELECT (SELECT count(*) FROM changed), (SELECT count(*) FROM crowded)";

static const char get_sql[] =
    "SELECT r.host, r.name, r.version, r.config, j.bare, o.affiliation FROM room r"
    " LEFT JOIN room_occupant o ON o.room = r.id LEFT JOIN jid j ON j.id = o.occupant"
    " WHERE r.id = " ROOM;

/* $1 owner, $2 host, $3 $4 names, $5 how many. The rooms of one user are few: they are found by
 * him, not by the host. */
#define ALL     "FROM room r WHERE $1::text = '' AND r.host = $2"
#define OF_USER                                                                                    \
    "FROM room_occupant o JOIN room r ON r.id = o.room"                                            \
    " WHERE o.occupant = " OWNER " AND r.host = $2"
#define PAGE(set, way)                                                                             \
    "SELECT j.bare, r.host, r.name, r.version, r.config,"                                          \
    " (SELECT count(*) FROM room_occupant c WHERE c.room = r.id)"                                  \
    " FROM (SELECT r.* " set " AND r.name > $3 AND ($4 = '' OR r.name < $4)"                       \
    "  ORDER BY r.name" way " LIMIT $5) r JOIN jid j ON j.id = r.id ORDER BY r.name" way

/* $1 who, $2 inviter, $3 room, $4 how many rooms are too many. */
static const char guests_sql[] =
    "SELECT n.place FROM unnest($1::text[]) WITH ORDINALITY AS n (bare, place)"
    " JOIN jid j ON j.bare = n.bare"
    " WHERE EXISTS (SELECT FROM room_blocking k WHERE k.owner = j.id"
    "   AND (k.is_room = 0 AND k.peer = $2 OR k.is_room = 1 AND k.peer = $3))"
    "  OR (SELECT count(*) FROM (SELECT FROM room_occupant o WHERE o.occupant = j.id LIMIT $4) o)"
    "   >= $4"
    " UNION ALL SELECT n.place FROM unnest($1::text[]) WITH ORDINALITY AS n (bare, place)"
    "  WHERE $4 = 0";

/* $2 kinds, $3 peers, $4 denied, $5 how many there may be; 1 when there would be more, and nothing
 * is done. The owner's row is locked, so two changes of one list follow each other. */
static const char block_sql[] =
    "WITH o AS (SELECT u.id FROM jid u WHERE u.bare = $1 FOR UPDATE),"
    " n AS MATERIALIZED (SELECT DISTINCT o.id AS owner, n.* FROM o CROSS JOIN"
    "  unnest($2::bigint[], $3::text[], $4::bigint[]) AS n (is_room, peer, denied)),"
    " full_up AS MATERIALIZED (SELECT (SELECT count(*) FROM room_blocking k, o"
    "   WHERE k.owner = o.id)"
    "  + (SELECT count(*) FROM n WHERE n.denied = 1 AND NOT EXISTS (SELECT FROM room_blocking k"
    "    WHERE k.owner = n.owner AND k.is_room = n.is_room AND k.peer = n.peer))"
    "  - (SELECT count(*) FROM n JOIN room_blocking k"
    "    ON k.owner = n.owner AND k.is_room = n.is_room AND k.peer = n.peer"
    "    WHERE n.denied = 0) > $5 AS so),"
    " gone AS (DELETE FROM room_blocking k USING n, full_up f WHERE NOT f.so AND n.denied = 0"
    "  AND k.owner = n.owner AND k.is_room = n.is_room AND k.peer = n.peer),"
    " fresh AS (INSERT INTO room_blocking (owner, is_room, peer)"
    "  SELECT n.owner, n.is_room, n.peer FROM n, full_up f WHERE NOT f.so AND n.denied = 1"
    "  ON CONFLICT DO NOTHING)"
    " SELECT so::int FROM full_up";

/* $1 $2 the last one of the page before; in the order of their numbers, which the index has. */
static const char gone_sql[] =
    "SELECT b.bare, j.bare FROM (SELECT o.room, o.occupant FROM room_occupant o WHERE o.gone"
    "  AND (o.room, o.occupant) > (coalesce((SELECT a.id FROM jid a WHERE a.bare = $1), 0),"
    "   coalesce((SELECT a.id FROM jid a WHERE a.bare = $2), 0))"
    "  ORDER BY o.room, o.occupant LIMIT $3) o"
    " JOIN jid b ON b.id = o.room JOIN jid j ON j.id = o.occupant ORDER BY o.room, o.occupant";

const struct pg_statement pg_room_statements[] = {
    {"room_lock", lock_sql},
    {"room_create", create_sql},
    {"room_get", get_sql},
    {"room_set", set_sql},
    {"room_destroy", "DELETE FROM room WHERE id = " ROOM},
    {"room_page", PAGE(ALL, "")},
    {"room_page_back", PAGE(ALL, " DESC")},
    {"room_page_of", PAGE(OF_USER, "")},
    {"room_page_of_back", PAGE(OF_USER, " DESC")},
    {"room_total", "SELECT count(*) " ALL},
    {"room_total_of", "SELECT count(*) " OF_USER},
    {"room_guests", guests_sql},
    {"room_blocking", "SELECT k.is_room, k.peer FROM room_blocking k WHERE k.owner = " OWNER
                      " ORDER BY k.is_room, k.peer LIMIT $2"},
    {"room_block", block_sql},
    {"room_gone", gone_sql},
    {NULL, NULL},
};

/* clang-format on */

/* --- Changes --- */

/* The room, then its occupants. */
static struct str get_name(const void *op, size_t index)
{
    const struct store_room *room = &((const struct store_op *)op)->room;
    return index == 0 ? room->bare : room->occupants[index - 1].bare;
}

static struct str get_occupant(const void *op, size_t index)
{
    return ((const struct store_op *)op)->room.occupants[index].bare;
}

static bool get_affiliation(const void *op, size_t index, int64_t *number)
{
    *number = ((const struct store_op *)op)->room.occupants[index].affiliation;
    return true;
}

static void bind_names(struct store_op *op, struct pq_params *params)
{
    pg_bind_array(params, &op->arena, PG_TEXT, get_name, op, op->room.count + 1);
}

static void bind_occupants(struct store_op *op, struct pq_params *params)
{
    pg_bind_array(params, &op->arena, PG_TEXT, get_occupant, op, op->room.count);
    pg_bind_numbers(params, &op->arena, get_affiliation, op, op->room.count);
}

static void bind_occupant_names(struct store_op *op, struct pq_params *params)
{
    pg_bind_array(params, &op->arena, PG_TEXT, get_occupant, op, op->room.count);
}

static void bind_create(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->room.bare);
    pq_bind(params, op->room.host);
    pq_bind(params, op->room.name);
    pq_bind(params, pg_not_null(op->room.version));
    pq_bind(params, pg_not_null(op->room.config));
    bind_occupants(op, params);
    pq_bind_number(params, &op->arena, (int64_t)op->room.max_rooms);
}

static void bind_set(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->room.bare);
    pq_bind(params, pg_not_null(op->room.version));
    pq_bind_number(params, &op->arena, op->room.config.at != NULL);
    pq_bind(params, pg_not_null(op->room.config));
    bind_occupants(op, params);
    pq_bind_number(params, &op->arena, (int64_t)op->room.max_rooms);
}

static void bind_room(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->room.bare);
}

static enum err take_created(struct store_op *op, const struct pq_answer *answer)
{
    op->room.crowded = pq_number(answer, 0, 1) != 0;
    return pq_number(answer, 0, 0) ? ERR_OK : ERR_CONFLICT;
}

static enum err take_set(struct store_op *op, const struct pq_answer *answer)
{
    op->room.crowded = pq_number(answer, 0, 1) != 0;
    if (op->room.crowded)
        return ERR_CONFLICT;
    return pq_number(answer, 0, 0) ? ERR_OK : ERR_NOT_FOUND;
}

/* A row for each occupant. */
static enum err take_room(struct store_op *op, const struct pq_answer *answer)
{
    struct store_room *room = &op->room;
    size_t rows = (size_t)pq_rows(answer);
    if (!rows)
        return ERR_NOT_FOUND;
    room->host = arena_str(&op->arena, pq_cell(answer, 0, 0));
    room->name = arena_str(&op->arena, pq_cell(answer, 0, 1));
    room->version = arena_str(&op->arena, pq_cell(answer, 0, 2));
    room->config = arena_str(&op->arena, pq_cell(answer, 0, 3));
    room->occupants = arena_zero(&op->arena, rows * sizeof *room->occupants);
    for (room->count = 0; room->count < rows && pq_cell(answer, (int)room->count, 4).at;
         room->count++)
        room->occupants[room->count] =
            (struct store_occupant){arena_str(&op->arena, pq_cell(answer, (int)room->count, 4)),
                                    (enum store_affiliation)pq_number(answer, (int)room->count, 5)};
    return ERR_OK;
}

/* By whether there is a limit of rooms. */
const struct pg_kind *pg_room_create(struct store_op *op)
{
    static const struct pg_kind kinds[] = {
        {.writes = true,
         .steps = {{"jids_need", bind_names}, {"room_create", bind_create}},
         .take = take_created},
        {.writes = true,
         .steps = {{"jids_need", bind_names},
                   {"room_lock", bind_occupant_names},
                   {"room_create", bind_create}},
         .take = take_created},
    };
    return &kinds[op->room.max_rooms > 0];
}

const struct pg_kind *pg_room_set(struct store_op *op)
{
    static const struct pg_kind kinds[] = {
        {.writes = true,
         .steps = {{"jids_need", bind_names}, {"room_set", bind_set}},
         .take = take_set},
        {.writes = true,
         .steps = {{"jids_need", bind_names},
                   {"room_lock", bind_occupant_names},
                   {"room_set", bind_set}},
         .take = take_set},
    };
    return &kinds[op->room.max_rooms > 0];
}

const struct pg_kind pg_room_get = {
    .writes = true, /* behind the changes that were asked for before */
    .steps = {{"room_get", bind_room}},
    .take = take_room,
};
const struct pg_kind pg_room_destroy = {
    .writes = true,
    .steps = {{"room_destroy", bind_room}},
    .take = pg_take_found,
};

/* --- Pages --- */

static void bind_set_of_page(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, pg_not_null(op->room_page.owner));
    pq_bind(params, op->room_page.host);
}

static void bind_page(struct store_op *op, struct pq_params *params)
{
    bind_set_of_page(op, params);
    pq_bind(params, pg_not_null(op->room_page.after));
    pq_bind(params, pg_not_null(op->room_page.before));
    pq_bind_number(params, &op->arena, (int64_t)store_room_fetch(op));
}

static void note_total(struct store_op *op, const struct pq_answer *answer, unsigned step)
{
    (void)step;
    op->room_page.total = (uint64_t)pq_number(answer, 0, 0);
}

static enum err take_page(struct store_op *op, const struct pq_answer *answer)
{
    store_room_room(op);
    for (int i = 0; i < pq_rows(answer); i++)
        op->room_page.items[op->room_page.count++] =
            (struct store_room){.bare = arena_str(&op->arena, pq_cell(answer, i, 0)),
                                .host = arena_str(&op->arena, pq_cell(answer, i, 1)),
                                .name = arena_str(&op->arena, pq_cell(answer, i, 2)),
                                .version = arena_str(&op->arena, pq_cell(answer, i, 3)),
                                .config = arena_str(&op->arena, pq_cell(answer, i, 4)),
                                .count = (size_t)pq_number(answer, i, 5)};
    store_room_settle(op);
    return ERR_OK;
}

/* By whether there is an owner, whether it goes backwards, and whether it is counted. */
const struct pg_kind *pg_room_page(struct store_op *op)
{
#define PAGES(page, total)                                                                         \
    {                                                                                              \
        {.steps = {{page, bind_page}}, .take = take_page},                                         \
        {                                                                                          \
            .steps = {{total, bind_set_of_page}, {page, bind_page}}, .note = note_total,           \
            .take = take_page                                                                      \
        }                                                                                          \
    }
    static const struct pg_kind kinds[2][2][2] = {
        {PAGES("room_page", "room_total"), PAGES("room_page_back", "room_total")},
        {PAGES("room_page_of", "room_total_of"), PAGES("room_page_of_back", "room_total_of")},
    };
    return &kinds[op->room_page.owner.len > 0][op->room_page.backwards][op->room_page.counted];
}

/* --- Blocking --- */

static struct str get_guest(const void *op, size_t index)
{
    return ((const struct store_op *)op)->guests.bares[index];
}

static void bind_guests(struct store_op *op, struct pq_params *params)
{
    uint64_t max = op->guests.max_rooms;
    pg_bind_array(params, &op->arena, PG_TEXT, get_guest, op, op->guests.count);
    pq_bind(params, pg_not_null(op->guests.inviter));
    pq_bind(params, pg_not_null(op->guests.room));
    pq_bind_number(params, &op->arena, max > INT64_MAX ? INT64_MAX : (int64_t)max);
}

static enum err take_guests(struct store_op *op, const struct pq_answer *answer)
{
    memset(op->guests.prevented, 0, op->guests.count * sizeof *op->guests.prevented);
    for (int i = 0; i < pq_rows(answer); i++)
        op->guests.prevented[pq_number(answer, i, 0) - 1] = true;
    return ERR_OK;
}

const struct pg_kind pg_room_guests = {
    .steps = {{"room_guests", bind_guests}},
    .take = take_guests,
};

static const struct store_room_block *item_of(const void *op, size_t index)
{
    return &((const struct store_op *)op)->blocking.items[index];
}

static bool get_is_room(const void *op, size_t index, int64_t *number)
{
    *number = item_of(op, index)->is_room;
    return true;
}

static bool get_denied(const void *op, size_t index, int64_t *number)
{
    *number = item_of(op, index)->denied;
    return true;
}

static struct str get_peer(const void *op, size_t index)
{
    return item_of(op, index)->jid;
}

static struct str get_owner(const void *op, size_t index)
{
    (void)index;
    return ((const struct store_op *)op)->blocking.owner;
}

static void bind_need_owner(struct store_op *op, struct pq_params *params)
{
    pg_bind_array(params, &op->arena, PG_TEXT, get_owner, op, 1);
}

static void bind_owner(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, op->blocking.owner);
}

static void bind_list(struct store_op *op, struct pq_params *params)
{
    bind_owner(op, params);
    pq_bind_number(params, &op->arena, STORE_ROOM_BLOCKING_MAX);
}

static void bind_block(struct store_op *op, struct pq_params *params)
{
    bind_owner(op, params);
    pg_bind_numbers(params, &op->arena, get_is_room, op, op->blocking.count);
    pg_bind_array(params, &op->arena, PG_TEXT, get_peer, op, op->blocking.count);
    pg_bind_numbers(params, &op->arena, get_denied, op, op->blocking.count);
    pq_bind_number(params, &op->arena, STORE_ROOM_BLOCKING_MAX);
}

static enum err take_blocking(struct store_op *op, const struct pq_answer *answer)
{
    struct store_room_blocking *list = &op->blocking;
    list->count = (size_t)pq_rows(answer);
    list->items = arena_zero(&op->arena, (list->count + 1) * sizeof *list->items);
    for (size_t i = 0; i < list->count; i++)
        list->items[i] =
            (struct store_room_block){.is_room = pq_number(answer, (int)i, 0) != 0,
                                      .denied = true,
                                      .jid = arena_str(&op->arena, pq_cell(answer, (int)i, 1))};
    return ERR_OK;
}

static enum err take_blocked(struct store_op *op, const struct pq_answer *answer)
{
    (void)op;
    return pq_number(answer, 0, 0) ? ERR_INVALID : ERR_OK;
}

const struct pg_kind pg_room_blocking = {
    .steps = {{"room_blocking", bind_list}},
    .take = take_blocking,
};
const struct pg_kind pg_room_block = {
    .writes = true,
    .steps = {{"jids_need", bind_need_owner}, {"room_block", bind_block}},
    .take = take_blocked,
};

/* --- Occupants who have to leave --- */

static void bind_gone(struct store_op *op, struct pq_params *params)
{
    pq_bind(params, pg_not_null(op->gone.after.room));
    pq_bind(params, pg_not_null(op->gone.after.bare));
    pq_bind_number(params, &op->arena, (int64_t)op->gone.limit);
}

static enum err take_gone(struct store_op *op, const struct pq_answer *answer)
{
    struct store_room_gone *gone = &op->gone;
    gone->count = (size_t)pq_rows(answer);
    gone->items = arena_zero(&op->arena, (gone->count + 1) * sizeof *gone->items);
    for (size_t i = 0; i < gone->count; i++)
        gone->items[i] =
            (struct store_room_goner){arena_str(&op->arena, pq_cell(answer, (int)i, 0)),
                                      arena_str(&op->arena, pq_cell(answer, (int)i, 1))};
    return ERR_OK;
}

const struct pg_kind pg_room_gone = {
    .steps = {{"room_gone", bind_gone}},
    .take = take_gone,
};
