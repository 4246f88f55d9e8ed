#include "lite_last.h"

static const char get_sql[] = "SELECT l.stamp_us, l.status FROM account a"
                              " JOIN domain d ON d.id = a.domain_id"
                              " JOIN last_activity l ON l.account_id = a.id"
                              " WHERE d.name = ?1 AND a.name = ?2";

static const char set_sql[] =
    "INSERT INTO last_activity (account_id, stamp_us, status)"
    " SELECT a.id, ?3, ?4 FROM account a JOIN domain d ON d.id = a.domain_id"
    " WHERE d.name = ?1 AND a.name = ?2"
    " ON CONFLICT (account_id) DO UPDATE SET stamp_us = ?3, status = ?4";

static struct lite_statement *start(struct lite *lite, const char *sql, const struct store_op *op)
{
    struct lite_statement *statement = lite_start(lite, sql);
    if (!statement)
        return NULL;
    lite_text(statement, 1, op->last.domain);
    lite_text(statement, 2, op->last.user);
    return statement;
}

enum err lite_last_get(struct lite *lite, struct store_op *op)
{
    struct lite_statement *get = start(lite, get_sql, op);
    if (!get)
        return ERR_DOWN;
    enum err err = lite_row(lite, get);
    if (!err) {
        op->last.stamp_us = (uint64_t)lite_get_number(get, 0);
        op->last.status = lite_get(get, 1, &op->arena);
    }
    lite_done(get);
    return err;
}

enum err lite_last_set(struct lite *lite, struct store_op *op)
{
    struct lite_statement *set = start(lite, set_sql, op);
    if (!set)
        return ERR_DOWN;
    lite_number(set, 3, (int64_t)op->last.stamp_us);
    lite_text(set, 4, op->last.status);
    return lite_change(lite, set);
}
