#include "lite_account.h"

static const char get_sql[] = "SELECT a.credentials, a.pending"
                              " FROM account a JOIN domain d ON d.id = a.domain_id"
                              " WHERE d.name = ?1 AND a.name = ?2";

static const char list_sql[] = "SELECT a.name FROM account a JOIN domain d ON d.id = a.domain_id"
                               " WHERE d.name = ?1 AND a.name > ?2 ORDER BY a.name LIMIT ?3";

static const char count_sql[] = "SELECT count(*) FROM account a JOIN domain d ON d.id = a.domain_id"
                                " WHERE d.name = ?1";

static const char domain_id_sql[] = "SELECT id FROM domain WHERE name = ?1";
static const char domain_add_sql[] = "INSERT INTO domain (name) VALUES (?1)";

static const char add_sql[] = "INSERT INTO account (domain_id, name, credentials, pending)"
                              " SELECT id, ?2, ?3, ?4 FROM domain WHERE id = ?1 AND NOT removed"
                              " ON CONFLICT DO NOTHING";

static const char set_sql[] =
    "UPDATE account SET credentials = ?3, pending = NULL"
    " WHERE domain_id = (SELECT id FROM domain WHERE name = ?1) AND name = ?2";

static struct lite_statement *start_with_name(struct lite *lite, const char *sql,
                                              const struct store_account *account)
{
    struct lite_statement *statement = lite_start(lite, sql);
    if (!statement)
        return NULL;
    lite_text(statement, 1, account->domain);
    lite_text(statement, 2, account->user);
    return statement;
}

enum err lite_account_get(struct lite *lite, struct store_op *op)
{
    struct lite_statement *get = start_with_name(lite, get_sql, &op->account);
    if (!get)
        return ERR_DOWN;
    enum err err = lite_row(lite, get);
    if (!err) {
        op->account.credentials = lite_get(get, 0, &op->arena);
        op->account.pending = lite_get(get, 1, &op->arena);
    }
    lite_done(get);
    return err;
}

static enum err take_items(struct lite *lite, struct lite_statement *list, struct store_op *op,
                           size_t limit)
{
    while (op->list.count < limit) {
        enum err err = lite_row(lite, list);
        if (err)
            return err == ERR_NOT_FOUND ? ERR_OK : err;
        struct store_account *item = &op->list.items[op->list.count++];
        item->user = lite_get(list, 0, &op->arena);
        item->domain = op->list.domain;
    }
    return ERR_OK;
}

enum err lite_account_list(struct lite *lite, struct store_op *op)
{
    size_t limit = op->list.limit < STORE_LIST_MAX ? op->list.limit : STORE_LIST_MAX;
    op->list.items = arena_zero(&op->arena, (limit + 1) * sizeof *op->list.items);
    struct lite_statement *list = lite_start(lite, list_sql);
    if (!list)
        return ERR_DOWN;
    lite_text(list, 1, op->list.domain);
    lite_text(list, 2, op->list.after);
    lite_number(list, 3, (int64_t)limit);
    enum err err = take_items(lite, list, op, limit);
    lite_done(list);
    return err;
}

enum err lite_account_count(struct lite *lite, struct store_op *op)
{
    struct lite_statement *count = lite_start(lite, count_sql);
    if (!count)
        return ERR_DOWN;
    lite_text(count, 1, op->list.domain);
    int64_t total = 0;
    enum err err = lite_ask(lite, count, &total);
    op->list.total = (uint64_t)total;
    return err;
}

static enum err find_domain(struct lite *lite, struct str name, int64_t *id)
{
    struct lite_statement *find = lite_start(lite, domain_id_sql);
    if (!find)
        return ERR_DOWN;
    lite_text(find, 1, name);
    return lite_ask(lite, find, id);
}

/* Only the writer makes domains, so nobody comes between looking and adding. */
static enum err need_domain(struct lite *lite, struct str name, int64_t *id)
{
    enum err err = find_domain(lite, name, id);
    if (err != ERR_NOT_FOUND)
        return err;
    struct lite_statement *add = lite_start(lite, domain_add_sql);
    if (!add)
        return ERR_DOWN;
    lite_text(add, 1, name);
    uint64_t added;
    err = lite_run(lite, add, &added);
    return err ? err : find_domain(lite, name, id);
}

static enum err add_one(struct lite *lite, int64_t domain_id, const struct store_account *account,
                        uint64_t *added)
{
    struct lite_statement *add = lite_start(lite, add_sql);
    if (!add)
        return ERR_DOWN;
    lite_number(add, 1, domain_id);
    lite_text(add, 2, account->user);
    lite_text(add, 3, account->credentials);
    lite_blob(add, 4, account->pending);
    return lite_run(lite, add, added);
}

enum err lite_account_add(struct lite *lite, struct store_op *op)
{
    int64_t domain_id;
    uint64_t added = 0;
    enum err err = need_domain(lite, op->account.domain, &domain_id);
    if (!err)
        err = add_one(lite, domain_id, &op->account, &added);
    return err || added ? err : ERR_CONFLICT;
}

enum err lite_account_set(struct lite *lite, struct store_op *op)
{
    struct lite_statement *set = start_with_name(lite, set_sql, &op->account);
    if (!set)
        return ERR_DOWN;
    lite_text(set, 3, op->account.credentials);
    return lite_change(lite, set);
}

enum err lite_account_import(struct lite *lite, struct store_op *op)
{
    int64_t domain_id = 0;
    op->import.added = 0;
    for (size_t i = 0; i < op->import.count; i++) {
        const struct store_account *account = &op->import.accounts[i];
        uint64_t added = 0;
        bool same = i > 0 && str_eq(account->domain, account[-1].domain);
        enum err err = same ? ERR_OK : need_domain(lite, account->domain, &domain_id);
        if (!err)
            err = add_one(lite, domain_id, account, &added);
        if (err)
            return err;
        op->import.added += added;
    }
    return ERR_OK;
}
