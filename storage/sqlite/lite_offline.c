#include "lite_offline.h"

#include "lite_jid.h"
#include "lite_keeps.h"
#include "pack.h"
#include "store_backend.h"

static const char account_sql[] = "SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id"
                                  " WHERE d.name = ?1 AND a.name = ?2";

/* ?6 archived, ?7 the stanza, ?8 the owner's number in the archive, ?9 ?10 the peer, ?13 the
 * room. */
static const char add_sql[] =
    "INSERT INTO offline_message (account_id, number, message, stamp_us, expires_us, room, body)"
    " SELECT ?1, ?2, ?3, ?4, ?5, ?13, CASE WHEN ?13 IS NOT NULL OR ?6 = 1 AND " LITE_KEEPS(
        "?8", "?9",
        "?10") " <> 0 THEN NULL ELSE ?7 END"
               " WHERE (SELECT count(*) FROM (SELECT 1 FROM offline_message"
               "  WHERE account_id = ?1 AND (expires_us = 0 OR expires_us > ?11) LIMIT ?12)) < ?12";

static const char page_sql[] =
    "SELECT o.number, o.message, o.stamp_us, o.body, m.body, m.packed, o.room"
    " FROM offline_message o LEFT JOIN message m ON o.body IS NULL AND m.id = o.message"
    "  AND m.id > (SELECT j.since FROM jid j WHERE j.id = m.recipient)"
    " WHERE o.account_id = ?1 AND o.number > ?2 AND (o.expires_us = 0 OR o.expires_us > ?3)"
    " ORDER BY o.number LIMIT ?4";

static const char drop_sql[] = "DELETE FROM offline_message WHERE account_id = ?1 AND number = ?2";
static const char clean_sql[] =
    "DELETE FROM offline_message WHERE rowid IN (SELECT rowid FROM offline_message"
    " WHERE expires_us <> 0 AND expires_us <= ?1 LIMIT ?2)";

static enum err find_account(struct lite *lite, const struct store_op *op, int64_t *account)
{
    struct lite_statement *find = lite_start(lite, account_sql);
    if (!find)
        return ERR_DOWN;
    lite_text(find, 1, op->offline.domain);
    lite_text(find, 2, op->offline.user);
    return lite_ask(lite, find, account);
}

static void bind_add(struct lite_statement *add, const struct store_offline *offline,
                     int64_t account, int64_t owner)
{
    lite_number(add, 1, account);
    lite_number(add, 2, (int64_t)offline->item.number);
    lite_number(add, 3, (int64_t)offline->item.message);
    lite_number(add, 4, (int64_t)offline->item.stamp_us);
    lite_number(add, 5, (int64_t)offline->add.expires_us);
    lite_number(add, 6, offline->add.archived);
    lite_text(add, 7, offline->item.body);
    lite_number(add, 8, owner);
    lite_text(add, 9, offline->add.peer);
    lite_text(add, 10, offline->add.peer_resource);
    lite_number(add, 11, (int64_t)offline->now_us);
    lite_number(add, 12, (int64_t)offline->add.max);
    if (offline->item.room.len)
        lite_text(add, 13, offline->item.room);
}

enum err lite_offline_add(struct lite *lite, struct store_op *op)
{
    int64_t account, owner;
    uint64_t added;
    enum err err = find_account(lite, op, &account);
    if (err)
        return err;
    err = lite_find_jid(lite, op->offline.bare, &owner); /* 0: it has no preferences */
    if (err && err != ERR_NOT_FOUND)
        return err;
    struct lite_statement *add = lite_start(lite, add_sql);
    if (!add)
        return ERR_DOWN;
    bind_add(add, &op->offline, account, owner);
    err = lite_run(lite, add, &added);
    return err || added ? err : ERR_CONFLICT;
}

static enum err take_body(struct lite_statement *row, struct arena *arena, struct str *out)
{
    struct packed body = {(unsigned)lite_get_number(row, 5), lite_get(row, 4, arena)};
    *out = lite_get(row, 3, arena);
    if (out->len)
        return ERR_OK;
    *out = (struct str){NULL, 0};
    return body.bytes.len ? unpack_body(arena, body, out) : ERR_OK;
}

static enum err take_rows(struct lite *lite, struct lite_statement *rows, struct store_op *op)
{
    enum err err;
    while (!(err = lite_row(lite, rows))) {
        struct store_offline_item item = {.number = (uint64_t)lite_get_number(rows, 0),
                                          .message = (uint64_t)lite_get_number(rows, 1),
                                          .stamp_us = (uint64_t)lite_get_number(rows, 2),
                                          .room = lite_get(rows, 6, &op->arena)};
        if ((err = take_body(rows, &op->arena, &item.body)) || !store_offline_push(op, item))
            break;
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err lite_offline_page(struct lite *lite, struct store_op *op)
{
    int64_t account;
    store_offline_room(op);
    enum err err = find_account(lite, op, &account);
    if (err)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    struct lite_statement *rows = lite_start(lite, page_sql);
    if (!rows)
        return ERR_DOWN;
    lite_number(rows, 1, account);
    lite_number(rows, 2, (int64_t)op->offline.after);
    lite_number(rows, 3, (int64_t)op->offline.now_us);
    lite_number(rows, 4, (int64_t)store_offline_fetch(op));
    err = take_rows(lite, rows, op);
    lite_done(rows);
    return err;
}

static enum err drop_one(struct lite *lite, int64_t account, uint64_t number)
{
    struct lite_statement *drop = lite_start(lite, drop_sql);
    uint64_t dropped;
    if (!drop)
        return ERR_DOWN;
    lite_number(drop, 1, account);
    lite_number(drop, 2, (int64_t)number);
    return lite_run(lite, drop, &dropped);
}

enum err lite_offline_drop(struct lite *lite, struct store_op *op)
{
    int64_t account;
    enum err err = find_account(lite, op, &account);
    for (size_t i = 0; !err && i < op->offline.number_count; i++)
        err = drop_one(lite, account, op->offline.numbers[i]);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err lite_offline_clean(struct lite *lite, struct store_op *op)
{
    struct lite_statement *clean = lite_start(lite, clean_sql);
    if (!clean)
        return ERR_DOWN;
    lite_number(clean, 1, (int64_t)op->offline.now_us);
    lite_number(clean, 2, STORE_OFFLINE_CLEAN_MAX);
    return lite_run(lite, clean, &op->offline.dropped);
}
