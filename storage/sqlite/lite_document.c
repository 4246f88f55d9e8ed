#include "lite_document.h"

static const char owner_sql[] = "SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id"
                                " WHERE d.name = ?1 AND a.name = ?2";

static const char get_sql[] =
    "SELECT body FROM document WHERE account_id = ?1 AND kind = ?2 AND name = ?3";

static const char size_sql[] = "SELECT length(CAST(body AS BLOB)) FROM document"
                               " WHERE account_id = ?1 AND kind = ?2 AND name = ?3";

static const char total_sql[] = "SELECT count(*), coalesce(sum(length(CAST(body AS BLOB))), 0)"
                                " FROM document WHERE account_id = ?1 AND kind = ?2";

static const char set_sql[] =
    "INSERT INTO document (account_id, kind, name, body) VALUES (?1, ?2, ?3, ?4)"
    " ON CONFLICT (account_id, kind, name) DO UPDATE SET body = ?4";

static enum err find_owner(struct lite *lite, const struct store_op *op, int64_t *owner)
{
    struct lite_statement *find = lite_start(lite, owner_sql);
    if (!find)
        return ERR_DOWN;
    lite_text(find, 1, op->documents.domain);
    lite_text(find, 2, op->documents.user);
    return lite_ask(lite, find, owner);
}

static struct lite_statement *start(struct lite *lite, const char *sql, const struct store_op *op,
                                    int64_t owner, const struct store_document *item)
{
    struct lite_statement *statement = lite_start(lite, sql);
    if (!statement)
        return NULL;
    lite_number(statement, 1, owner);
    lite_number(statement, 2, op->documents.kind);
    if (item)
        lite_text(statement, 3, item->name);
    return statement;
}

static enum err get_one(struct lite *lite, struct store_op *op, int64_t owner,
                        struct store_document *item)
{
    struct lite_statement *get = start(lite, get_sql, op, owner, item);
    if (!get)
        return ERR_DOWN;
    enum err err = lite_row(lite, get);
    item->body = err ? (struct str){0} : lite_get(get, 0, &op->arena);
    lite_done(get);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err lite_document_get(struct lite *lite, struct store_op *op)
{
    int64_t owner;
    enum err err = find_owner(lite, op, &owner);
    for (size_t i = 0; !err && i < op->documents.count; i++)
        err = get_one(lite, op, owner, &op->documents.items[i]);
    return err;
}

/* What is there, without those that are to be replaced, and with those that come. */
static enum err add_up(struct lite *lite, struct store_op *op, int64_t owner, uint64_t *count,
                       uint64_t *bytes)
{
    struct lite_statement *total = start(lite, total_sql, op, owner, NULL);
    if (!total)
        return ERR_DOWN;
    enum err err = lite_row(lite, total);
    *count = err ? 0 : (uint64_t)lite_get_number(total, 0);
    *bytes = err ? 0 : (uint64_t)lite_get_number(total, 1);
    lite_done(total);
    for (size_t i = 0; !err && i < op->documents.count; i++) {
        struct lite_statement *size = start(lite, size_sql, op, owner, &op->documents.items[i]);
        if (!size)
            return ERR_DOWN;
        err = lite_row(lite, size);
        *count += err == ERR_NOT_FOUND;
        *bytes += op->documents.items[i].body.len;
        *bytes -= err ? 0 : (uint64_t)lite_get_number(size, 0);
        lite_done(size);
        err = err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    return err;
}

static enum err set_one(struct lite *lite, struct store_op *op, int64_t owner,
                        const struct store_document *item)
{
    struct lite_statement *set = start(lite, set_sql, op, owner, item);
    if (set)
        lite_text(set, 4, item->body);
    return lite_change(lite, set);
}

enum err lite_document_set(struct lite *lite, struct store_op *op)
{
    int64_t owner = 0;
    uint64_t count = 0, bytes = 0;
    enum err err = find_owner(lite, op, &owner);
    if (!err)
        err = add_up(lite, op, owner, &count, &bytes);
    if (!err && (count > op->documents.max_count || bytes > op->documents.max_bytes))
        return ERR_CONFLICT;
    for (size_t i = 0; !err && i < op->documents.count; i++)
        err = set_one(lite, op, owner, &op->documents.items[i]);
    return err;
}
