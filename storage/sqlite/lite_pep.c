#include "lite_pep.h"

static const char account_sql[] = "SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id"
                                  " WHERE d.name = ?1 AND a.name = ?2";

static const char find_sql[] = "SELECT id FROM pep_node WHERE account_id = ?1 AND name = ?2";

/* ?1 the account, ?2 the node or '', ?3 the longest body that is given. */
static const char state_sql[] =
    "SELECT n.name, n.settings, (SELECT count(*) FROM pep_item i WHERE i.node_id = n.id),"
    " (SELECT coalesce(sum(length(CAST(i.body AS BLOB))), 0) FROM pep_item i"
    "  WHERE i.node_id = n.id),"
    " coalesce(l.number, 0), coalesce(l.name, ''), coalesce(length(CAST(l.body AS BLOB)), 0) > ?3,"
    " CASE WHEN length(CAST(l.body AS BLOB)) <= ?3 THEN l.body ELSE '' END"
    " FROM pep_node n LEFT JOIN pep_item l ON l.node_id = n.id"
    "  AND l.number = (SELECT max(number) FROM pep_item i WHERE i.node_id = n.id)"
    " WHERE n.account_id = ?1 AND (?2 = '' OR n.name = ?2) ORDER BY n.name";

static const char set_sql[] =
    "INSERT INTO pep_node (account_id, name, settings) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (account_id, name) DO UPDATE SET settings = ?3";
static const char need_sql[] =
    "INSERT INTO pep_node (account_id, name, settings) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (account_id, name) DO NOTHING";
static const char delete_sql[] = "DELETE FROM pep_node WHERE account_id = ?1 AND name = ?2";

static const char put_sql[] = "INSERT INTO pep_item (node_id, name, number, body)"
                              " VALUES (?1, ?2, ?3, ?4)"
                              " ON CONFLICT (node_id, name) DO UPDATE SET number = ?3, body = ?4";
static const char prune_sql[] =
    "DELETE FROM pep_item WHERE node_id = ?1 AND number <= (SELECT number FROM pep_item"
    " WHERE node_id = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)";
static const char retract_sql[] = "DELETE FROM pep_item WHERE node_id = ?1 AND name = ?2";
static const char purge_sql[] = "DELETE FROM pep_item WHERE node_id = ?1";

static const char pick_sql[] =
    "SELECT name, number, body FROM pep_item WHERE node_id = ?1 AND name = ?2";
static const char total_sql[] = "SELECT count(*) FROM pep_item WHERE node_id = ?1";
static const char forwards_sql[] = "SELECT name, number, body FROM pep_item WHERE node_id = ?1"
                                   " AND number < ?2 ORDER BY number DESC LIMIT ?3";
static const char backwards_sql[] =
    "SELECT * FROM (SELECT name, number, body FROM pep_item WHERE node_id = ?1"
    " AND number > ?2 ORDER BY number LIMIT ?3) ORDER BY number DESC";

/* --- Finding --- */

static enum err find_account(struct lite *lite, const struct store_op *op, int64_t *account)
{
    struct lite_statement *statement = lite_start(lite, account_sql);
    if (statement) {
        lite_text(statement, 1, op->pep.domain);
        lite_text(statement, 2, op->pep.user);
    }
    return lite_ask(lite, statement, account);
}

static enum err find_node(struct lite *lite, const struct store_op *op, int64_t account,
                          int64_t *node)
{
    struct lite_statement *statement = lite_start(lite, find_sql);
    if (statement) {
        lite_number(statement, 1, account);
        lite_text(statement, 2, op->pep.node);
    }
    return lite_ask(lite, statement, node);
}

static enum err find_both(struct lite *lite, const struct store_op *op, int64_t *account,
                          int64_t *node)
{
    enum err err = find_account(lite, op, account);
    return err ? err : find_node(lite, op, *account, node);
}

/* --- Nodes as they are --- */

static void take_node(struct lite_statement *row, struct store_op *op, struct store_pep_node *node)
{
    node->name = lite_get(row, 0, &op->arena);
    node->settings = lite_get(row, 1, &op->arena);
    node->count = (uint64_t)lite_get_number(row, 2);
    node->bytes = (uint64_t)lite_get_number(row, 3);
    node->last.number = (uint64_t)lite_get_number(row, 4);
    node->last.name = lite_get(row, 5, &op->arena);
    if (node->last.number && !lite_get_number(row, 6))
        node->last.body = lite_get(row, 7, &op->arena);
}

/* The array doubles; what it leaves behind stays in the arena, which is short-lived. */
static struct store_pep_node *next_node(struct store_op *op, size_t *room)
{
    struct store_pep *pep = &op->pep;
    if (pep->node_count == *room) {
        *room = *room ? *room * 2 : 8;
        struct store_pep_node *more = arena_zero(&op->arena, *room * sizeof *more);
        if (pep->node_count)
            memcpy(more, pep->nodes, pep->node_count * sizeof *more);
        pep->nodes = more;
    }
    return &pep->nodes[pep->node_count++];
}

static enum err tell(struct lite *lite, struct store_op *op, int64_t account, struct str name)
{
    struct lite_statement *state = lite_start(lite, state_sql);
    size_t room = 0;
    enum err err;
    if (!state)
        return ERR_DOWN;
    lite_number(state, 1, account);
    lite_text(state, 2, name);
    lite_number(state, 3, STORE_PEP_LAST_MAX);
    op->pep.node_count = 0;
    while ((err = lite_row(lite, state)) == ERR_OK)
        take_node(state, op, next_node(op, &room));
    lite_done(state);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err lite_pep_nodes(struct lite *lite, struct store_op *op)
{
    int64_t account = 0;
    enum err err = find_account(lite, op, &account);
    return err ? err : tell(lite, op, account, STR(""));
}

/* --- Changes --- */

static enum err put_node(struct lite *lite, const char *sql, struct store_op *op, int64_t account)
{
    struct lite_statement *put = lite_start(lite, sql);
    uint64_t changed;
    if (!put)
        return ERR_DOWN;
    lite_number(put, 1, account);
    lite_text(put, 2, op->pep.node);
    lite_text(put, 3, op->pep.settings);
    return lite_run(lite, put, &changed);
}

static enum err prune(struct lite *lite, const struct store_op *op, int64_t node)
{
    struct lite_statement *statement = lite_start(lite, prune_sql);
    uint64_t changed;
    if (!statement)
        return ERR_DOWN;
    lite_number(statement, 1, node);
    lite_number(statement, 2, op->pep.keep > INT64_MAX ? INT64_MAX : (int64_t)op->pep.keep);
    return lite_run(lite, statement, &changed);
}

enum err lite_pep_set(struct lite *lite, struct store_op *op)
{
    int64_t account = 0, node = 0;
    enum err err = find_account(lite, op, &account);
    if (!err)
        err = put_node(lite, set_sql, op, account);
    if (!err)
        err = find_node(lite, op, account, &node);
    if (!err)
        err = prune(lite, op, node);
    return err ? err : tell(lite, op, account, op->pep.node);
}

static enum err put_item(struct lite *lite, struct store_op *op, int64_t node)
{
    struct lite_statement *put = lite_start(lite, put_sql);
    uint64_t changed;
    if (!put)
        return ERR_DOWN;
    lite_number(put, 1, node);
    lite_text(put, 2, op->pep.items[0].name);
    lite_number(put, 3, (int64_t)op->pep.items[0].number);
    lite_text(put, 4, op->pep.items[0].body);
    return lite_run(lite, put, &changed);
}

enum err lite_pep_publish(struct lite *lite, struct store_op *op)
{
    int64_t account = 0, node = 0;
    enum err err = find_account(lite, op, &account);
    if (!err)
        err = put_node(lite, need_sql, op, account);
    if (!err)
        err = find_node(lite, op, account, &node);
    if (!err)
        err = put_item(lite, op, node);
    if (!err)
        err = prune(lite, op, node);
    return err ? err : tell(lite, op, account, op->pep.node);
}

static enum err drop_item(struct lite *lite, int64_t node, struct str name, uint64_t *dropped)
{
    struct lite_statement *drop = lite_start(lite, retract_sql);
    uint64_t changed = 0;
    if (!drop)
        return ERR_DOWN;
    lite_number(drop, 1, node);
    lite_text(drop, 2, name);
    enum err err = lite_run(lite, drop, &changed);
    *dropped += changed;
    return err;
}

enum err lite_pep_retract(struct lite *lite, struct store_op *op)
{
    int64_t account = 0, node = 0;
    uint64_t dropped = 0;
    enum err err = find_both(lite, op, &account, &node);
    for (size_t i = 0; !err && i < op->pep.count; i++)
        err = drop_item(lite, node, op->pep.items[i].name, &dropped);
    if (!err)
        err = tell(lite, op, account, op->pep.node);
    return err || dropped ? err : ERR_NOT_FOUND;
}

enum err lite_pep_purge(struct lite *lite, struct store_op *op)
{
    int64_t account = 0, node = 0;
    uint64_t changed;
    enum err err = find_both(lite, op, &account, &node);
    struct lite_statement *purge = err ? NULL : lite_start(lite, purge_sql);
    if (err || !purge)
        return err ? err : ERR_DOWN;
    lite_number(purge, 1, node);
    err = lite_run(lite, purge, &changed);
    return err ? err : tell(lite, op, account, op->pep.node);
}

enum err lite_pep_delete(struct lite *lite, struct store_op *op)
{
    int64_t account = 0;
    enum err err = find_account(lite, op, &account);
    struct lite_statement *drop = err ? NULL : lite_start(lite, delete_sql);
    if (err)
        return err;
    if (drop) {
        lite_number(drop, 1, account);
        lite_text(drop, 2, op->pep.node);
    }
    return lite_change(lite, drop);
}

/* --- Items --- */

static void take_item(struct lite_statement *row, struct store_op *op, struct store_pep_item *item)
{
    item->name = lite_get(row, 0, &op->arena);
    item->number = (uint64_t)lite_get_number(row, 1);
    item->body = lite_get(row, 2, &op->arena);
}

static enum err pick_one(struct lite *lite, struct store_op *op, int64_t node, struct str name,
                         struct store_pep_item *item)
{
    struct lite_statement *pick = lite_start(lite, pick_sql);
    if (!pick)
        return ERR_DOWN;
    lite_number(pick, 1, node);
    lite_text(pick, 2, name);
    enum err err = lite_row(lite, pick);
    if (!err)
        take_item(pick, op, item);
    lite_done(pick);
    return err;
}

/* Few are asked for at once: each finds its place among those before it. */
static void sort_in(struct store_pep_item *items, size_t count)
{
    struct store_pep_item item = items[count];
    while (count && items[count - 1].number < item.number) {
        items[count] = items[count - 1];
        count--;
    }
    items[count] = item;
}

enum err lite_pep_pick(struct lite *lite, struct store_op *op)
{
    int64_t account = 0, node = 0;
    size_t wanted = op->pep.count;
    struct store_pep_item *items = arena_zero(&op->arena, (wanted + 1) * sizeof *items);
    enum err err = find_both(lite, op, &account, &node);
    op->pep.count = 0;
    for (size_t i = 0; !err && i < wanted; i++) {
        err = pick_one(lite, op, node, op->pep.items[i].name, &items[op->pep.count]);
        if (!err)
            sort_in(items, op->pep.count++);
        err = err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    op->pep.items = items;
    return err;
}

static enum err find_from(struct lite *lite, struct store_op *op, int64_t node, int64_t *from)
{
    struct store_pep_item item = {0};
    *from = op->pep.backwards ? -1 : INT64_MAX;
    if (!op->pep.from.len)
        return ERR_OK;
    enum err err = pick_one(lite, op, node, op->pep.from, &item);
    *from = (int64_t)item.number;
    return err;
}

static enum err take_page(struct lite *lite, struct store_op *op, int64_t node, int64_t from)
{
    struct lite_statement *page =
        lite_start(lite, op->pep.backwards ? backwards_sql : forwards_sql);
    uint64_t limit = op->pep.limit < op->pep.total ? op->pep.limit : op->pep.total;
    enum err err = ERR_OK;
    if (!page)
        return ERR_DOWN;
    lite_number(page, 1, node);
    lite_number(page, 2, from);
    lite_number(page, 3, (int64_t)limit);
    op->pep.items = arena_zero(&op->arena, (limit + 1) * sizeof *op->pep.items);
    op->pep.count = 0;
    while (op->pep.count < limit && (err = lite_row(lite, page)) == ERR_OK)
        take_item(page, op, &op->pep.items[op->pep.count++]);
    lite_done(page);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err lite_pep_page(struct lite *lite, struct store_op *op)
{
    int64_t account = 0, node = 0, from = 0, total = 0;
    enum err err = find_both(lite, op, &account, &node);
    struct lite_statement *count = err ? NULL : lite_start(lite, total_sql);
    if (count)
        lite_number(count, 1, node);
    if (!err)
        err = lite_ask(lite, count, &total);
    op->pep.total = (uint64_t)total;
    if (!err)
        err = find_from(lite, op, node, &from);
    return err ? err : take_page(lite, op, node, from);
}
