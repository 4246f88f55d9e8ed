#include "lite_roster.h"

static const char get_sql[] =
    "SELECT a.roster_version, r.contact, r.name, r.groups, r.flags, r.request"
    " FROM account a JOIN domain d ON d.id = a.domain_id"
    " LEFT JOIN roster r ON r.account_id = a.id"
    " WHERE d.name = ?1 AND a.name = ?2 ORDER BY r.contact";

static const char version_sql[] =
    "UPDATE account SET roster_version = ?3"
    " WHERE domain_id = (SELECT id FROM domain WHERE name = ?1) AND name = ?2";

#define OWNER                                                                                      \
    "(SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id"                              \
    " WHERE d.name = ?1 AND a.name = ?2)"

static const char set_sql[] =
    "INSERT INTO roster (account_id, contact, name, groups, flags, request)"
    " VALUES (" OWNER ", ?3, ?4, ?5, ?6, ?7)"
    " ON CONFLICT (account_id, contact) DO UPDATE SET name = ?4, groups = ?5, flags = ?6,"
    " request = ?7";

static const char import_sql[] =
    "INSERT INTO roster (account_id, contact, name, groups, flags, request)"
    " SELECT a.id, ?3, ?4, ?5, ?6, ?7 FROM account a JOIN domain d ON d.id = a.domain_id"
    " WHERE d.name = ?1 AND a.name = ?2 ON CONFLICT (account_id, contact) DO NOTHING";

static const char count_on_sql[] =
    "UPDATE account SET roster_version = roster_version + ?3"
    " WHERE domain_id = (SELECT id FROM domain WHERE name = ?1) AND name = ?2";

static const char remove_sql[] = "DELETE FROM roster WHERE account_id = " OWNER " AND contact = ?3";

static struct lite_statement *start_with_owner(struct lite *lite, const char *sql,
                                               const struct store_op *op)
{
    struct lite_statement *statement = lite_start(lite, sql);
    if (!statement)
        return NULL;
    lite_text(statement, 1, op->roster.domain);
    lite_text(statement, 2, op->roster.user);
    return statement;
}

static void take_item(struct lite_statement *row, struct store_op *op)
{
    struct store_roster_item *item = &op->roster.items[op->roster.count++];
    item->contact = lite_get(row, 1, &op->arena);
    item->name = lite_get(row, 2, &op->arena);
    item->groups = lite_get(row, 3, &op->arena);
    item->flags = (unsigned)lite_get_number(row, 4);
    item->request = lite_get(row, 5, &op->arena);
}

/* The array doubles; what it leaves behind stays in the arena, which is short-lived. */
static void make_room(struct store_op *op, size_t *room)
{
    if (op->roster.count < *room)
        return;
    *room = *room ? *room * 2 : 32;
    struct store_roster_item *more = arena_zero(&op->arena, *room * sizeof *more);
    if (op->roster.count)
        memcpy(more, op->roster.items, op->roster.count * sizeof *more);
    op->roster.items = more;
}

/* An empty roster is one row without a contact. */
static enum err take_rows(struct lite *lite, struct lite_statement *get, struct store_op *op)
{
    size_t room = 0;
    bool found = false;
    enum err err;
    op->roster.count = 0;
    while ((err = lite_row(lite, get)) == ERR_OK) {
        found = true;
        op->roster.version = (uint64_t)lite_get_number(get, 0);
        make_room(op, &room);
        take_item(get, op);
        if (op->roster.items[op->roster.count - 1].contact.len == 0)
            op->roster.count--;
    }
    return err == ERR_NOT_FOUND && found ? ERR_OK : err;
}

enum err lite_roster_get(struct lite *lite, struct store_op *op)
{
    struct lite_statement *get = start_with_owner(lite, get_sql, op);
    if (!get)
        return ERR_DOWN;
    enum err err = take_rows(lite, get, op);
    lite_done(get);
    return err;
}

static enum err change_version(struct lite *lite, const char *sql, struct store_op *op,
                               uint64_t number)
{
    struct lite_statement *set = start_with_owner(lite, sql, op);
    if (!set)
        return ERR_DOWN;
    lite_number(set, 3, (int64_t)number);
    return lite_change(lite, set);
}

static enum err set_version(struct lite *lite, struct store_op *op)
{
    return change_version(lite, version_sql, op, op->roster.version);
}

static enum err put_item(struct lite *lite, const char *sql, struct store_op *op,
                         const struct store_roster_item *item, uint64_t *changed)
{
    struct lite_statement *set = start_with_owner(lite, sql, op);
    if (!set)
        return ERR_DOWN;
    lite_text(set, 3, item->contact);
    lite_text(set, 4, item->name);
    lite_text(set, 5, item->groups);
    lite_number(set, 6, item->flags);
    lite_text(set, 7, item->request);
    return lite_run(lite, set, changed);
}

enum err lite_roster_set(struct lite *lite, struct store_op *op)
{
    uint64_t changed;
    enum err err = set_version(lite, op);
    return err ? err : put_item(lite, set_sql, op, &op->roster.items[0], &changed);
}

enum err lite_roster_import(struct lite *lite, struct store_op *op)
{
    enum err err = ERR_OK;
    op->roster.added = 0;
    for (size_t i = 0; !err && i < op->roster.count; i++) {
        uint64_t changed = 0;
        err = put_item(lite, import_sql, op, &op->roster.items[i], &changed);
        op->roster.added += changed;
    }
    return err ? err : change_version(lite, count_on_sql, op, op->roster.added);
}

enum err lite_roster_remove(struct lite *lite, struct store_op *op)
{
    enum err err = set_version(lite, op);
    if (err)
        return err;
    struct lite_statement *drop = start_with_owner(lite, remove_sql, op);
    if (!drop)
        return ERR_DOWN;
    lite_text(drop, 3, op->roster.items[0].contact);
    return lite_change(lite, drop);
}
