#include "lite_mam.h"

#include "limits.h"
#include "lite_jid.h"
#include "lite_search.h"
#include "pack.h"
#include "store_backend.h"

/* What is up to this is not the owner's any more. */
#define SINCE "(SELECT j.since FROM jid j WHERE j.id = ?1)"

/* One side of an archive. */
#define SIDE(me, peer, resource, flag)                                                             \
    me " = ?1 AND flags & " flag " = 0 AND id > max(?2, " SINCE ") AND id < ?3"                    \
       " AND (?4 = 0 OR " peer " = ?4)"                                                            \
       " AND (?5 = '' OR " resource " = ?5)"
#define SENT     SIDE("sender", "recipient", "recipient_resource", "1")
#define RECEIVED SIDE("recipient", "sender", "sender_resource", "2") " AND sender <> recipient"
#define PAGE(way)                                                                                  \
    "SELECT id, body, packed FROM (SELECT * FROM (SELECT id, body, packed FROM message "           \
    "WHERE " SENT " ORDER BY id" way                                                               \
    " LIMIT ?6) UNION ALL SELECT * FROM (SELECT id, body, packed FROM message WHERE "              \
    "" RECEIVED " ORDER BY id" way " LIMIT ?6)) ORDER BY id" way " LIMIT ?6"

static const char page_sql[] = PAGE("");
static const char page_back_sql[] = PAGE(" DESC");
static const char count_sql[] = "SELECT (SELECT count(*) FROM message WHERE " SENT
                                ") + (SELECT count(*) FROM message WHERE " RECEIVED ")";
static const char one_sql[] = "SELECT body, packed FROM message WHERE id = ?2 AND"
                              " id > " SINCE " AND"
                              " (sender = ?1 AND flags & 1 = 0 OR"
                              " recipient = ?1 AND flags & 2 = 0)";

#define END(way, me, flag)                                                                         \
    "(SELECT id FROM message WHERE " me " = ?1 AND flags & " flag " = 0 AND id > " SINCE           \
    " ORDER BY id" way " LIMIT 1)"
static const char first_sql[] = "SELECT min(coalesce(" END(
    "", "sender", "1") ", 9223372036854775807),"
                       " coalesce(" END("", "recipient", "2") ", 9223372036854775807))";
static const char last_sql[] = "SELECT max(coalesce(" END(
    " DESC", "sender", "1") ", 0),"
                            " coalesce(" END(" DESC", "recipient", "2") ", 0))";

/* What has all words of ?7. */
#define PEER          "CASE WHEN sender = ?1 THEN recipient ELSE sender END"
#define PEER_RESOURCE "CASE WHEN sender = ?1 THEN recipient_resource ELSE sender_resource END"
#define HITS(what)                                                                                 \
    "SELECT " what " FROM message WHERE id IN"                                                     \
    " (SELECT rowid FROM message_words WHERE message_words MATCH ?7)"                              \
    " AND (sender = ?1 AND flags & 1 = 0 OR recipient = ?1 AND flags & 2 = 0)"                     \
    " AND id > max(?2, " SINCE ") AND id < ?3 AND (?4 = 0 OR " PEER " = ?4)"                       \
    " AND (?5 = '' OR " PEER_RESOURCE " = ?5)"
static const char search_sql[] = HITS("id, body, packed") " ORDER BY id LIMIT ?6";
static const char search_back_sql[] = HITS("id, body, packed") " ORDER BY id DESC LIMIT ?6";
static const char search_count_sql[] = HITS("count(*)");

static const char find_sql[] =
    "SELECT id, body, packed FROM (SELECT m.id, m.client_id, m.body, m.packed FROM message m"
    " WHERE min(m.sender, m.recipient) = min(?1, ?2) AND max(m.sender, m.recipient) = max(?1, ?2)"
    " AND m.sender = ?1 AND m.id > " SINCE " ORDER BY m.id DESC LIMIT ?4)"
    " WHERE client_id = ?3 ORDER BY id DESC";
static const char replace_sql[] = "UPDATE message SET packed = ?3, body = ?4 WHERE id = ?1"
                                  " AND sender = (SELECT id FROM jid WHERE bare = ?2)";

static const char expire_sql[] = "DELETE FROM message WHERE id IN"
                                 " (SELECT id FROM message WHERE id < ?1 ORDER BY id LIMIT ?2)";

static const char prefs_sql[] = "SELECT keeps FROM mam_prefs WHERE owner = ?1";
static const char prefs_jids_sql[] = "SELECT bare, resource, keeps FROM mam_prefs_jid"
                                     " WHERE owner = ?1 ORDER BY bare, resource";
static const char prefs_drop_sql[] = "DELETE FROM mam_prefs WHERE owner = ?1";
static const char prefs_add_sql[] = "INSERT INTO mam_prefs (owner, keeps) VALUES (?1, ?2)";
static const char prefs_jid_add_sql[] =
    "INSERT OR REPLACE INTO mam_prefs_jid (owner, bare, resource, keeps) VALUES (?1, ?2, ?3, ?4)";

enum err lite_mam_upkeep(struct lite *lite, struct store_op *op)
{
    struct lite_statement *expire = lite_start(lite, expire_sql);
    if (!expire)
        return ERR_DOWN;
    lite_number(expire, 1, (int64_t)op->upkeep.keep);
    lite_number(expire, 2, LIMIT_UPKEEP_ROWS);
    return lite_run(lite, expire, &op->upkeep.dropped);
}

/* --- Reading --- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A row whose columns from `at` on are a body and its dictionary. */
static enum err push_item(struct store_op *op, uint64_t id, struct lite_statement *row, int at)
{
    struct store_mam_item *item = &op->page.items[op->page.count++];
    struct packed body = {(unsigned)lite_get_number(row, at + 1), lite_get(row, at, &op->arena)};
    item->id = id;
    return unpack_body(&op->arena, body, &item->body);
}

static enum err take_one(struct lite *lite, struct store_op *op, int64_t owner, uint64_t id)
{
    struct lite_statement *one = lite_start(lite, one_sql);
    if (!one)
        return ERR_DOWN;
    lite_number(one, 1, owner);
    lite_number(one, 2, (int64_t)id);
    enum err err = lite_row(lite, one);
    bool wanted = op->page.only_ids && op->page.count < store_mam_fetch(op) &&
                  id > op->page.after && id < op->page.before;
    if (!err && wanted)
        err = push_item(op, id, one, 0);
    lite_done(one);
    return err;
}

/* Each must be there; they are in order. */
static enum err take_ids(struct lite *lite, struct store_op *op, int64_t owner)
{
    size_t count = op->page.id_count;
    for (size_t i = 0; i < count; i++) {
        uint64_t id = op->page.ids[op->page.backwards ? count - 1 - i : i];
        enum err err = take_one(lite, op, owner, id);
        if (err)
            return err;
    }
    return ERR_OK;
}

static struct lite_statement *start_side(struct lite *lite, const char *sql,
                                         const struct store_op *op, int64_t owner, int64_t with)
{
    struct lite_statement *statement = lite_start(lite, sql);
    if (!statement)
        return NULL;
    lite_number(statement, 1, owner);
    lite_number(statement, 4, with);
    lite_text(statement, 5, op->page.with_resource);
    if (op->page.text.len)
        lite_text(statement, 7, op->page.text);
    return statement;
}

static enum err take_page(struct lite *lite, struct store_op *op, int64_t owner, int64_t with)
{
    static const char *const sqls[2][2] = {{page_sql, page_back_sql},
                                           {search_sql, search_back_sql}};
    const char *sql = sqls[op->page.text.len > 0][op->page.backwards];
    struct lite_statement *page = start_side(lite, sql, op, owner, with);
    if (!page)
        return ERR_DOWN;
    lite_number(page, 2, (int64_t)larger(op->page.from, op->page.after));
    lite_number(page, 3, (int64_t)smaller(op->page.to, op->page.before));
    lite_number(page, 6, (int64_t)store_mam_fetch(op));
    enum err err;
    while (!(err = lite_row(lite, page)))
        if ((err = push_item(op, (uint64_t)lite_get_number(page, 0), page, 1)))
            break;
    lite_done(page);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err take_total(struct lite *lite, struct store_op *op, int64_t owner, int64_t with)
{
    const char *sql = op->page.text.len ? search_count_sql : count_sql;
    struct lite_statement *count = start_side(lite, sql, op, owner, with);
    if (!count)
        return ERR_DOWN;
    lite_number(count, 2, (int64_t)op->page.from);
    lite_number(count, 3, (int64_t)op->page.to);
    enum err err = lite_row(lite, count);
    if (!err)
        op->page.total = (uint64_t)lite_get_number(count, 0);
    lite_done(count);
    return err;
}

static enum err take_set(struct lite *lite, struct store_op *op, int64_t owner)
{
    int64_t with = 0;
    enum err err = take_ids(lite, op, owner);
    op->page.total = op->page.id_count;
    if (err || op->page.only_ids)
        return err;
    if (op->page.text.len)
        op->page.text = lite_search_query(&op->arena, op->page.text);
    if (op->page.with.len && lite_find_jid(lite, op->page.with, &with))
        with = -1; /* nobody */
    err = take_page(lite, op, owner, with);
    op->page.total = 0;
    return err || !op->page.counted ? err : take_total(lite, op, owner, with);
}

enum err lite_mam_page(struct lite *lite, struct store_op *op)
{
    int64_t owner;
    store_mam_room(op);
    enum err err = lite_find_jid(lite, op->page.owner, &owner);
    if (!err)
        err = take_set(lite, op, owner);
    else if (err == ERR_NOT_FOUND && op->page.id_count == 0)
        err = ERR_OK;
    if (!err)
        store_mam_settle(op);
    return err;
}

static enum err take_number(struct lite *lite, const char *sql, int64_t owner, int64_t *out)
{
    struct lite_statement *statement = lite_start(lite, sql);
    if (statement)
        lite_number(statement, 1, owner);
    return lite_ask(lite, statement, out);
}

enum err lite_mam_metadata(struct lite *lite, struct store_op *op)
{
    int64_t owner, first = 0, last = 0;
    enum err err = lite_find_jid(lite, op->page.owner, &owner);
    if (!err)
        err = take_number(lite, last_sql, owner, &last);
    if (!err && last)
        err = take_number(lite, first_sql, owner, &first);
    op->page.first = (uint64_t)first;
    op->page.last = (uint64_t)last;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* --- Finding and replacing one message --- */

static enum err find(struct lite *lite, struct store_op *op, int64_t owner, int64_t with)
{
    struct lite_statement *find = lite_start(lite, find_sql);
    enum err err = ERR_OK;
    if (!find)
        return ERR_DOWN;
    lite_number(find, 1, owner);
    lite_number(find, 2, with);
    lite_number(find, 3, (int64_t)store_mam_origin(op->page.client_id));
    lite_number(find, 4, STORE_MAM_LOOK);
    while (op->page.count < STORE_MAM_FOUND && !(err = lite_row(lite, find)))
        if ((err = push_item(op, (uint64_t)lite_get_number(find, 0), find, 1)))
            break;
    lite_done(find);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err lite_mam_find(struct lite *lite, struct store_op *op)
{
    int64_t owner, with;
    op->page.count = 0;
    op->page.items = arena_zero(&op->arena, STORE_MAM_FOUND * sizeof *op->page.items);
    enum err err = lite_find_jid(lite, op->page.owner, &owner);
    if (!err)
        err = lite_find_jid(lite, op->page.with, &with);
    if (err)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    return find(lite, op, owner, with);
}

enum err lite_mam_replace(struct lite *lite, struct store_op *op)
{
    struct packed body = pack_body(&op->arena, op->message.body);
    struct lite_statement *replace = lite_start(lite, replace_sql);
    if (!replace)
        return ERR_DOWN;
    lite_number(replace, 1, (int64_t)op->message.id);
    lite_text(replace, 2, op->message.sender);
    lite_number(replace, 3, body.dictionary);
    lite_blob(replace, 4, body.bytes);
    return lite_change(lite, replace);
}

/* --- Preferences --- */

static enum err take_prefs(struct lite *lite, struct store_op *op, int64_t owner)
{
    struct lite_statement *jids = lite_start(lite, prefs_jids_sql);
    if (!jids)
        return ERR_DOWN;
    lite_number(jids, 1, owner);
    op->prefs.items = arena_zero(&op->arena, STORE_MAM_PREFS_MAX * sizeof *op->prefs.items);
    enum err err = ERR_OK;
    while (op->prefs.count < STORE_MAM_PREFS_MAX && !(err = lite_row(lite, jids))) {
        struct store_mam_pref *item = &op->prefs.items[op->prefs.count++];
        item->bare = lite_get(jids, 0, &op->arena);
        item->resource = lite_get(jids, 1, &op->arena);
        item->keeps = lite_get_number(jids, 2) != 0;
    }
    lite_done(jids);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err lite_mam_prefs_get(struct lite *lite, struct store_op *op)
{
    int64_t owner, keeps = 1;
    enum err err = lite_find_jid(lite, op->prefs.owner, &owner);
    if (!err)
        err = take_number(lite, prefs_sql, owner, &keeps);
    op->prefs.keeps = (int)keeps;
    op->prefs.count = 0;
    return err ? err : take_prefs(lite, op, owner);
}

static enum err put_numbers(struct lite *lite, const char *sql, int64_t owner, int64_t keeps)
{
    struct lite_statement *statement = lite_start(lite, sql);
    uint64_t changed;
    if (!statement)
        return ERR_DOWN;
    lite_number(statement, 1, owner);
    if (keeps >= 0)
        lite_number(statement, 2, keeps);
    return lite_run(lite, statement, &changed);
}

static enum err put_jid(struct lite *lite, int64_t owner, const struct store_mam_pref *item)
{
    struct lite_statement *add = lite_start(lite, prefs_jid_add_sql);
    uint64_t changed;
    if (!add)
        return ERR_DOWN;
    lite_number(add, 1, owner);
    lite_text(add, 2, item->bare);
    lite_text(add, 3, item->resource);
    lite_number(add, 4, item->keeps);
    return lite_run(lite, add, &changed);
}

enum err lite_mam_prefs_set(struct lite *lite, struct store_op *op)
{
    int64_t owner;
    enum err err = lite_need_jid(lite, op->prefs.owner, &owner);
    if (!err)
        err = put_numbers(lite, prefs_drop_sql, owner, -1);
    if (!err)
        err = put_numbers(lite, prefs_add_sql, owner, op->prefs.keeps);
    for (size_t i = 0; !err && i < op->prefs.count; i++)
        err = put_jid(lite, owner, &op->prefs.items[i]);
    return err;
}
