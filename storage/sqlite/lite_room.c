#include "lite_room.h"

#include "lite_jid.h"
#include "store_backend.h"

static const char create_sql[] =
    "INSERT INTO room (id, host, name, version, config) VALUES (?1, ?2, ?3, ?4, ?5)";
static const char occupy_sql[] =
    "INSERT INTO room_occupant (room, occupant, affiliation) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (room, occupant) DO UPDATE SET affiliation = ?3";
static const char leave_sql[] = "DELETE FROM room_occupant WHERE room = ?1 AND occupant = ?2";
static const char get_sql[] = "SELECT version, config, host, name FROM room WHERE id = ?1";
static const char count_occupants_sql[] = "SELECT count(*) FROM room_occupant WHERE room = ?1";
static const char occupants_sql[] =
    "SELECT j.bare, o.affiliation FROM room_occupant o JOIN jid j ON j.id = o.occupant"
    " WHERE o.room = ?1";
static const char set_sql[] = "UPDATE room SET version = ?2, config = coalesce(?3, config)"
                              " WHERE id = ?1";
static const char destroy_sql[] = "DELETE FROM room WHERE id = ?1";

/* ?1 owner, -1: all; ?2 host, ?3 ?4 names, ?5 how many. */
#define IN_SET                                                                                     \
    "r.host = ?2 AND (?1 = -1 OR EXISTS (SELECT 1 FROM room_occupant o"                            \
    " WHERE o.room = r.id AND o.occupant = ?1))"
#define PAGE(way)                                                                                  \
    "SELECT j.bare, r.host, r.name, r.version, r.config,"                                          \
    " (SELECT count(*) FROM room_occupant o WHERE o.room = r.id)"                                  \
    " FROM room r JOIN jid j ON j.id = r.id WHERE " IN_SET                                         \
    " AND r.name > ?3 AND (?4 = '' OR r.name < ?4) ORDER BY r.name" way " LIMIT ?5"
static const char page_sql[] = PAGE("");
static const char page_back_sql[] = PAGE(" DESC");
static const char total_sql[] = "SELECT count(*) FROM room r WHERE " IN_SET;

static const char guest_sql[] =
    "SELECT EXISTS (SELECT 1 FROM room_blocking WHERE owner = ?1"
    "  AND (is_room = 0 AND peer = ?2 OR is_room = 1 AND peer = ?3))"
    " OR (SELECT count(*) FROM room_occupant WHERE occupant = ?1) >= ?4";

static const char blocking_sql[] = "SELECT is_room, peer FROM room_blocking WHERE owner = ?1"
                                   " ORDER BY is_room, peer LIMIT ?2";
static const char block_sql[] = "INSERT INTO room_blocking (owner, is_room, peer)"
                                " VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
static const char allow_sql[] =
    "DELETE FROM room_blocking WHERE owner = ?1 AND is_room = ?2 AND peer = ?3";
static const char count_blocks_sql[] = "SELECT count(*) FROM room_blocking WHERE owner = ?1";
static const char gone_sql[] =
    "SELECT b.bare, j.bare FROM room_occupant o JOIN jid b ON b.id = o.room"
    " JOIN jid j ON j.id = o.occupant WHERE o.gone AND (o.room, o.occupant)"
    "  > (coalesce((SELECT id FROM jid WHERE bare = ?1), 0),"
    "   coalesce((SELECT id FROM jid WHERE bare = ?2), 0))"
    " ORDER BY o.room, o.occupant LIMIT ?3";

static struct lite_statement *start_with(struct lite *lite, const char *sql, int64_t number)
{
    struct lite_statement *statement = lite_start(lite, sql);
    if (statement)
        lite_number(statement, 1, number);
    return statement;
}

static enum err run(struct lite *lite, struct lite_statement *statement)
{
    uint64_t changed;
    return statement ? lite_run(lite, statement, &changed) : ERR_DOWN;
}

static enum err take_count(struct lite *lite, const char *sql, int64_t number, int64_t *count)
{
    return lite_ask(lite, start_with(lite, sql, number), count);
}

/* --- Changes --- */

/* ?2 would join ?1, and is in ?3 rooms already. */
static const char crowded_sql[] =
    "SELECT NOT EXISTS (SELECT 1 FROM room_occupant WHERE room = ?1 AND occupant = ?2)"
    " AND (SELECT count(*) FROM room_occupant WHERE occupant = ?2) >= ?3";

static enum err look_at_joiner(struct lite *lite, int64_t room, struct store_op *op, size_t at)
{
    const struct store_occupant *occupant = &op->room.occupants[at];
    int64_t id;
    if (occupant->affiliation == STORE_ROOM_NONE)
        return ERR_OK;
    enum err err = lite_find_jid(lite, occupant->bare, &id);
    struct lite_statement *look = err ? NULL : start_with(lite, crowded_sql, room);
    if (!look)
        return err == ERR_NOT_FOUND ? ERR_OK : err ? err : ERR_DOWN;
    lite_number(look, 2, id);
    lite_number(look, 3, (int64_t)op->room.max_rooms);
    err = lite_row(lite, look);
    op->room.crowded |= !err && lite_get_number(look, 0);
    lite_done(look);
    return err;
}

static enum err look_at_joiners(struct lite *lite, int64_t room, struct store_op *op)
{
    enum err err = ERR_OK;
    op->room.crowded = false;
    for (size_t i = 0; !err && op->room.max_rooms && i < op->room.count; i++)
        err = look_at_joiner(lite, room, op, i);
    return !err && op->room.crowded ? ERR_CONFLICT : err;
}

static enum err set_occupant(struct lite *lite, int64_t room, const struct store_occupant *item)
{
    int64_t occupant;
    bool leaves = item->affiliation == STORE_ROOM_NONE;
    enum err err = lite_need_jid(lite, item->bare, &occupant);
    if (err)
        return err;
    struct lite_statement *set = start_with(lite, leaves ? leave_sql : occupy_sql, room);
    if (!set)
        return ERR_DOWN;
    lite_number(set, 2, occupant);
    if (!leaves)
        lite_number(set, 3, (int64_t)item->affiliation);
    return run(lite, set);
}

static enum err set_occupants(struct lite *lite, int64_t room, const struct store_op *op)
{
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < op->room.count; i++)
        err = set_occupant(lite, room, &op->room.occupants[i]);
    return err;
}

enum err lite_room_create(struct lite *lite, struct store_op *op)
{
    int64_t room;
    enum err err = lite_need_jid(lite, op->room.bare, &room);
    if (!err)
        err = look_at_joiners(lite, room, op);
    struct lite_statement *create = err ? NULL : start_with(lite, create_sql, room);
    if (!create)
        return err ? err : ERR_DOWN;
    lite_text(create, 2, op->room.host);
    lite_text(create, 3, op->room.name);
    lite_text(create, 4, op->room.version);
    lite_text(create, 5, op->room.config);
    err = run(lite, create);
    return err ? err : set_occupants(lite, room, op);
}

enum err lite_room_set(struct lite *lite, struct store_op *op)
{
    int64_t room;
    enum err err = lite_find_jid(lite, op->room.bare, &room);
    if (!err)
        err = look_at_joiners(lite, room, op);
    if (err)
        return err;
    struct lite_statement *set = start_with(lite, set_sql, room);
    if (!set)
        return ERR_DOWN;
    lite_text(set, 2, op->room.version);
    if (op->room.config.at) /* else it stays NULL */
        lite_text(set, 3, op->room.config);
    err = lite_change(lite, set);
    return err ? err : set_occupants(lite, room, op);
}

enum err lite_room_destroy(struct lite *lite, struct store_op *op)
{
    int64_t room;
    enum err err = lite_find_jid(lite, op->room.bare, &room);
    return err ? err : lite_change(lite, start_with(lite, destroy_sql, room));
}

/* --- A room --- */

static enum err take_occupants(struct lite *lite, struct store_op *op, int64_t room)
{
    int64_t total = 0;
    enum err err = take_count(lite, count_occupants_sql, room, &total);
    struct lite_statement *rows = err ? NULL : start_with(lite, occupants_sql, room);
    if (!rows)
        return err ? err : ERR_DOWN;
    op->room.occupants = arena_zero(&op->arena, ((size_t)total + 1) * sizeof *op->room.occupants);
    while (op->room.count < (size_t)total && !(err = lite_row(lite, rows)))
        op->room.occupants[op->room.count++] = (struct store_occupant){
            lite_get(rows, 0, &op->arena), (enum store_affiliation)lite_get_number(rows, 1)};
    lite_done(rows);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err take_room(struct lite *lite, struct store_op *op, int64_t room)
{
    struct lite_statement *get = start_with(lite, get_sql, room);
    if (!get)
        return ERR_DOWN;
    enum err err = lite_row(lite, get);
    if (!err) {
        op->room.version = lite_get(get, 0, &op->arena);
        op->room.config = lite_get(get, 1, &op->arena);
        op->room.host = lite_get(get, 2, &op->arena);
        op->room.name = lite_get(get, 3, &op->arena);
    }
    lite_done(get);
    return err;
}

enum err lite_room_get(struct lite *lite, struct store_op *op)
{
    int64_t room;
    op->room.count = 0;
    enum err err = lite_find_jid(lite, op->room.bare, &room);
    if (!err)
        err = take_room(lite, op, room);
    return err ? err : take_occupants(lite, op, room);
}

/* --- Pages --- */

static struct lite_statement *start_set(struct lite *lite, const char *sql,
                                        const struct store_op *op, int64_t owner)
{
    struct lite_statement *statement = start_with(lite, sql, owner);
    if (statement)
        lite_text(statement, 2, op->room_page.host);
    return statement;
}

static enum err take_total(struct lite *lite, struct store_op *op, int64_t owner)
{
    struct lite_statement *total = start_set(lite, total_sql, op, owner);
    if (!total)
        return ERR_DOWN;
    enum err err = lite_row(lite, total);
    if (!err)
        op->room_page.total = (uint64_t)lite_get_number(total, 0);
    lite_done(total);
    return err;
}

static void take_item(struct store_op *op, struct lite_statement *row)
{
    op->room_page.items[op->room_page.count++] =
        (struct store_room){.bare = lite_get(row, 0, &op->arena),
                            .host = lite_get(row, 1, &op->arena),
                            .name = lite_get(row, 2, &op->arena),
                            .version = lite_get(row, 3, &op->arena),
                            .config = lite_get(row, 4, &op->arena),
                            .count = (size_t)lite_get_number(row, 5)};
}

static enum err take_items(struct lite *lite, struct store_op *op, int64_t owner)
{
    const char *sql = op->room_page.backwards ? page_back_sql : page_sql;
    struct lite_statement *rows = start_set(lite, sql, op, owner);
    if (!rows)
        return ERR_DOWN;
    lite_text(rows, 3, op->room_page.after);
    lite_text(rows, 4, op->room_page.before);
    lite_number(rows, 5, (int64_t)store_room_fetch(op));
    enum err err;
    while (!(err = lite_row(lite, rows)))
        take_item(op, rows);
    lite_done(rows);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err lite_room_page(struct lite *lite, struct store_op *op)
{
    int64_t owner = -1;
    enum err err = ERR_OK;
    store_room_room(op);
    if (op->room_page.owner.len)
        err = lite_find_jid(lite, op->room_page.owner, &owner);
    if (!err && op->room_page.counted)
        err = take_total(lite, op, owner);
    if (!err)
        err = take_items(lite, op, owner);
    if (!err)
        store_room_settle(op);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* --- Blocking --- */

static enum err look_at_guest(struct lite *lite, const struct store_room_guests *guests, size_t at)
{
    int64_t guest;
    enum err err = lite_find_jid(lite, guests->bares[at], &guest);
    guests->prevented[at] = false;
    if (err && err != ERR_NOT_FOUND)
        return err;
    struct lite_statement *look = start_with(lite, guest_sql, guest);
    if (!look)
        return ERR_DOWN;
    lite_text(look, 2, guests->inviter);
    lite_text(look, 3, guests->room);
    lite_number(look, 4, guests->max_rooms > INT64_MAX ? INT64_MAX : (int64_t)guests->max_rooms);
    err = lite_row(lite, look);
    if (!err)
        guests->prevented[at] = lite_get_number(look, 0) != 0;
    lite_done(look);
    return err;
}

enum err lite_room_guests(struct lite *lite, struct store_op *op)
{
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < op->guests.count; i++)
        err = look_at_guest(lite, &op->guests, i);
    return err;
}

enum err lite_room_blocking(struct lite *lite, struct store_op *op)
{
    struct store_room_blocking *list = &op->blocking;
    int64_t owner;
    list->count = 0;
    enum err err = lite_find_jid(lite, list->owner, &owner);
    if (err)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    struct lite_statement *rows = start_with(lite, blocking_sql, owner);
    if (!rows)
        return ERR_DOWN;
    list->items = arena_zero(&op->arena, STORE_ROOM_BLOCKING_MAX * sizeof *list->items);
    lite_number(rows, 2, STORE_ROOM_BLOCKING_MAX);
    while (!(err = lite_row(lite, rows)))
        list->items[list->count++] =
            (struct store_room_block){.is_room = lite_get_number(rows, 0) != 0,
                                      .denied = true,
                                      .jid = lite_get(rows, 1, &op->arena)};
    lite_done(rows);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err change(struct lite *lite, int64_t owner, const struct store_room_block *item)
{
    struct lite_statement *change = start_with(lite, item->denied ? block_sql : allow_sql, owner);
    if (!change)
        return ERR_DOWN;
    lite_number(change, 2, item->is_room);
    lite_text(change, 3, item->jid);
    return run(lite, change);
}

enum err lite_room_block(struct lite *lite, struct store_op *op)
{
    int64_t owner, count = 0;
    enum err err = lite_need_jid(lite, op->blocking.owner, &owner);
    for (size_t i = 0; !err && i < op->blocking.count; i++)
        err = change(lite, owner, &op->blocking.items[i]);
    if (!err)
        err = take_count(lite, count_blocks_sql, owner, &count);
    return !err && count > STORE_ROOM_BLOCKING_MAX ? ERR_INVALID : err;
}

/* --- Occupants who have to leave --- */

enum err lite_room_gone(struct lite *lite, struct store_op *op)
{
    struct store_room_gone *gone = &op->gone;
    struct lite_statement *rows = lite_start(lite, gone_sql);
    if (!rows)
        return ERR_DOWN;
    gone->count = 0;
    gone->items = arena_zero(&op->arena, (gone->limit + 1) * sizeof *gone->items);
    lite_text(rows, 1, gone->after.room);
    lite_text(rows, 2, gone->after.bare);
    lite_number(rows, 3, (int64_t)gone->limit);
    enum err err;
    while (!(err = lite_row(lite, rows)))
        gone->items[gone->count++] =
            (struct store_room_goner){lite_get(rows, 0, &op->arena), lite_get(rows, 1, &op->arena)};
    lite_done(rows);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}
