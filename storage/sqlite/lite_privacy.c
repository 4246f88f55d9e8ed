#include "lite_privacy.h"

#define OWNER                                                                                      \
    "(SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id"                              \
    " WHERE d.name = ?1 AND a.name = ?2)"

static const char get_sql[] = "SELECT l.name, l.items, l.is_default"
                              " FROM account a JOIN domain d ON d.id = a.domain_id"
                              " LEFT JOIN privacy_list l ON l.account_id = a.id"
                              " WHERE d.name = ?1 AND a.name = ?2 ORDER BY l.name";

static const char set_sql[] = "INSERT INTO privacy_list (account_id, name, items, is_default)"
                              " SELECT id, ?3, ?4, 0 FROM account WHERE id = " OWNER
                              " ON CONFLICT (account_id, name) DO UPDATE SET items = ?4";

static const char remove_sql[] =
    "DELETE FROM privacy_list WHERE account_id = " OWNER " AND name = ?3";

static const char has_sql[] = "SELECT 1 FROM account a WHERE a.id = " OWNER
                              " AND (?3 = '' OR EXISTS (SELECT 1 FROM privacy_list"
                              " WHERE account_id = a.id AND name = ?3))";

static const char default_sql[] =
    "UPDATE privacy_list SET is_default = (name = ?3) WHERE account_id = " OWNER;

static struct lite_statement *start_with_owner(struct lite *lite, const char *sql,
                                               const struct store_op *op)
{
    struct lite_statement *statement = lite_start(lite, sql);
    if (!statement)
        return NULL;
    lite_text(statement, 1, op->privacy.domain);
    lite_text(statement, 2, op->privacy.user);
    return statement;
}

static struct lite_statement *start_with_list(struct lite *lite, const char *sql,
                                              const struct store_op *op)
{
    struct lite_statement *statement = start_with_owner(lite, sql, op);
    if (statement)
        lite_text(statement, 3, op->privacy.lists[0].name);
    return statement;
}

/* The array doubles; what it leaves behind stays in the arena, which is short-lived. */
static struct store_privacy_list *next_list(struct store_op *op, size_t *room)
{
    if (op->privacy.count == *room) {
        *room = *room ? *room * 2 : 8;
        struct store_privacy_list *more = arena_zero(&op->arena, *room * sizeof *more);
        if (op->privacy.count)
            memcpy(more, op->privacy.lists, op->privacy.count * sizeof *more);
        op->privacy.lists = more;
    }
    return &op->privacy.lists[op->privacy.count];
}

/* Without lists there is one row without a name. */
static enum err take_rows(struct lite *lite, struct lite_statement *get, struct store_op *op)
{
    size_t room = 0;
    bool found = false;
    enum err err;
    op->privacy.count = 0;
    while ((err = lite_row(lite, get)) == ERR_OK) {
        struct store_privacy_list *list = next_list(op, &room);
        found = true;
        list->name = lite_get(get, 0, &op->arena);
        list->items = lite_get(get, 1, &op->arena);
        list->is_default = lite_get_number(get, 2) != 0;
        op->privacy.count += list->name.len > 0;
    }
    return err == ERR_NOT_FOUND && found ? ERR_OK : err;
}

enum err lite_privacy_get(struct lite *lite, struct store_op *op)
{
    struct lite_statement *get = start_with_owner(lite, get_sql, op);
    if (!get)
        return ERR_DOWN;
    enum err err = take_rows(lite, get, op);
    lite_done(get);
    return err;
}

enum err lite_privacy_set(struct lite *lite, struct store_op *op)
{
    struct lite_statement *set = start_with_list(lite, set_sql, op);
    if (set)
        lite_text(set, 4, op->privacy.lists[0].items);
    return lite_change(lite, set);
}

enum err lite_privacy_remove(struct lite *lite, struct store_op *op)
{
    return lite_change(lite, start_with_list(lite, remove_sql, op));
}

enum err lite_privacy_default(struct lite *lite, struct store_op *op)
{
    struct lite_statement *has = start_with_list(lite, has_sql, op);
    if (!has)
        return ERR_DOWN;
    enum err err = lite_row(lite, has);
    lite_done(has);
    if (err)
        return err;
    uint64_t changed;
    struct lite_statement *set = start_with_list(lite, default_sql, op);
    return set ? lite_run(lite, set, &changed) : ERR_DOWN;
}
