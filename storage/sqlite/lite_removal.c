#include "lite_removal.h"

#include "text.h"

/* --- What is asked for: it is hidden and queued --- */

static const char account_sql[] =
    "DELETE FROM account"
    " WHERE domain_id = (SELECT id FROM domain WHERE name = ?1) AND name = ?2";
/* What the JID ?1 has apart from the account. */
#define ID " = (SELECT id FROM jid WHERE bare = ?1)"
static const char *const of_jid_sqls[] = {
    "DELETE FROM mam_prefs WHERE owner" ID,
    "DELETE FROM room_blocking WHERE owner" ID,
    "UPDATE room_occupant SET gone = 1 WHERE occupant" ID,
};

/* Of ?1 the archive up to ?2; in this order. */
static const char queue_sql[] =
    "INSERT INTO removal (owner, sent, received, upto)"
    " SELECT id, since, since, ?2 FROM jid WHERE bare = ?1 AND since < ?2"
    " ON CONFLICT (owner) DO UPDATE SET upto = max(upto, excluded.upto)";
static const char hide_sql[] = "UPDATE jid SET since = ?2 WHERE bare = ?1 AND since < ?2";
static const char inbox_sql[] =
    "DELETE FROM inbox WHERE owner = (SELECT id FROM jid WHERE bare = ?1) AND last <= ?2";
static const char *const archive_sqls[] = {queue_sql, hide_sql, inbox_sql};

static const char domain_remove_sql[] =
    "UPDATE domain SET removed = 1, since = max(since, ?2) WHERE name = ?1";
static const char domain_retain_sql[] = "UPDATE domain SET since = ?2, swept = coalesce(swept, '')"
                                        " WHERE name = ?1 AND since < ?2";

static enum err run_with(struct lite *lite, const char *sql, struct str name, uint64_t upto,
                         uint64_t *changed)
{
    struct lite_statement *statement = lite_start(lite, sql);
    if (!statement)
        return ERR_DOWN;
    lite_text(statement, 1, name);
    if (upto)
        lite_number(statement, 2, (int64_t)upto);
    return lite_run(lite, statement, changed);
}

static enum err remove_archive(struct lite *lite, struct str bare, uint64_t upto)
{
    uint64_t changed;
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < COUNT_OF(archive_sqls); i++)
        err = run_with(lite, archive_sqls[i], bare, upto, &changed);
    return err;
}

static enum err remove_account(struct lite *lite, struct arena *arena,
                               const struct store_account *account, uint64_t upto)
{
    struct str bare =
        arena_format(arena, "%.*s@%.*s", STR_ARG(account->user), STR_ARG(account->domain));
    struct lite_statement *drop = lite_start(lite, account_sql);
    uint64_t changed;
    if (!drop)
        return ERR_DOWN;
    lite_text(drop, 1, account->domain);
    lite_text(drop, 2, account->user);
    enum err err = lite_change(lite, drop);
    for (size_t i = 0; !err && i < COUNT_OF(of_jid_sqls); i++)
        err = run_with(lite, of_jid_sqls[i], bare, 0, &changed);
    return err ? err : remove_archive(lite, bare, upto);
}

/* What is below an id is what is up to the one before. */
enum err lite_mam_remove(struct lite *lite, struct store_op *op)
{
    return remove_archive(lite, op->page.owner, op->page.to - 1);
}

enum err lite_account_remove(struct lite *lite, struct store_op *op)
{
    return remove_account(lite, &op->arena, &op->account, op->account.upto);
}

static enum err change_domain(struct lite *lite, const struct store_op *op, const char *sql)
{
    uint64_t changed = 0;
    enum err err = run_with(lite, sql, op->removal.domain, op->removal.upto, &changed);
    return err || changed ? err : ERR_NOT_FOUND;
}

enum err lite_domain_remove(struct lite *lite, struct store_op *op)
{
    return change_domain(lite, op, domain_remove_sql);
}

enum err lite_domain_retain(struct lite *lite, struct store_op *op)
{
    return change_domain(lite, op, domain_retain_sql);
}

/* --- A part of an archive --- */

struct work {
    int64_t owner, done[2], upto; /* done: of what was sent, of what was received */
};

static const char next_sql[] =
    "SELECT owner, sent, received, upto FROM removal ORDER BY owner LIMIT 1";
static const char step_sql[] = "UPDATE removal SET sent = ?2, received = ?3 WHERE owner = ?1";
static const char *const end_sqls[] = {"DELETE FROM inbox WHERE owner = ?1 AND last <= ?2",
                                       "DELETE FROM removal WHERE owner = ?1 AND upto = ?2"};

/* Of one side: ?1 owner, ?2 what is done, ?3 up to where, ?4 rows. */
static const struct side {
    const char *top, *mark, *drop;
} sides[2] = {
    {"SELECT count(*), coalesce(max(id), ?2) FROM (SELECT id FROM message WHERE sender = ?1"
     " AND id > ?2 AND id <= ?3 ORDER BY id LIMIT ?4)",
     "UPDATE message SET flags = flags | 1 WHERE sender = ?1 AND id > ?2 AND id <= ?3",
     "DELETE FROM message WHERE sender = ?1 AND id > ?2 AND id <= ?3 AND flags & 3 = 3"},
    {"SELECT count(*), coalesce(max(id), ?2) FROM (SELECT id FROM message WHERE recipient = ?1"
     " AND id > ?2 AND id <= ?3 ORDER BY id LIMIT ?4)",
     "UPDATE message SET flags = flags | 2 WHERE recipient = ?1 AND id > ?2 AND id <= ?3",
     "DELETE FROM message WHERE recipient = ?1 AND id > ?2 AND id <= ?3 AND flags & 3 = 3"},
};

static struct lite_statement *start(struct lite *lite, const char *sql, const int64_t *numbers,
                                    size_t count)
{
    struct lite_statement *statement = lite_start(lite, sql);
    for (size_t i = 0; statement && i < count; i++)
        lite_number(statement, (int)i + 1, numbers[i]);
    return statement;
}

static enum err run_numbers(struct lite *lite, const char *sql, const int64_t *numbers,
                            size_t count)
{
    struct lite_statement *statement = start(lite, sql, numbers, count);
    uint64_t changed;
    return statement ? lite_run(lite, statement, &changed) : ERR_DOWN;
}

/* Numbers of the first row. ERR_NOT_FOUND: there is none. */
static enum err get_numbers(struct lite *lite, struct lite_statement *statement, int64_t *out,
                            size_t count)
{
    if (!statement)
        return ERR_DOWN;
    enum err err = lite_row(lite, statement);
    for (size_t i = 0; !err && i < count; i++)
        out[i] = lite_get_number(statement, (int)i);
    lite_done(statement);
    return err;
}

/* *all: nothing is left of this side. */
static enum err do_side(struct lite *lite, const struct side *side, struct work *work,
                        int64_t *done, int64_t rows, bool *all)
{
    int64_t asked[] = {work->owner, *done, work->upto, rows}, top[2];
    enum err err = get_numbers(lite, start(lite, side->top, asked, 4), top, 2);
    if (err)
        return err;
    int64_t part[] = {work->owner, *done, top[1]};
    err = run_numbers(lite, side->mark, part, 3);
    if (!err)
        err = run_numbers(lite, side->drop, part, 3);
    *done = top[1];
    *all &= top[0] < rows;
    return err;
}

static enum err end_work(struct lite *lite, const struct work *work)
{
    int64_t numbers[] = {work->owner, work->upto};
    enum err err = run_numbers(lite, end_sqls[0], numbers, 2);
    return err ? err : run_numbers(lite, end_sqls[1], numbers, 2);
}

static enum err do_archive(struct lite *lite, struct work *work, int64_t rows)
{
    bool all = true;
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < COUNT_OF(sides); i++)
        err = do_side(lite, &sides[i], work, &work->done[i], rows, &all);
    if (err)
        return err;
    int64_t done[] = {work->owner, work->done[0], work->done[1]};
    return all ? end_work(lite, work) : run_numbers(lite, step_sql, done, 3);
}

/* --- A part of a domain --- */

struct domain_work {
    int64_t id;
    bool removed;
    uint64_t since;
    struct str name, swept;
};

static const char domain_sql[] = "SELECT id, removed, since, name, swept FROM domain"
                                 " WHERE removed OR swept IS NOT NULL ORDER BY id LIMIT 1";
static const char names_sql[] = "SELECT name FROM account WHERE domain_id = ?1 AND name > ?2"
                                " ORDER BY name LIMIT ?3";
static const char domain_gone_sql[] = "DELETE FROM domain WHERE id = ?1";
static const char swept_sql[] = "UPDATE domain SET swept = ?2 WHERE id = ?1";
static const char all_swept_sql[] = "UPDATE domain SET swept = NULL WHERE id = ?1";

/* True in a row when ?1 has messages up to ?2. */
static const char older_sql[] =
    "SELECT 1 FROM jid j WHERE j.bare = ?1 AND (EXISTS (SELECT 1 FROM message m"
    " WHERE m.sender = j.id AND m.id > j.since AND m.id <= ?2) OR EXISTS (SELECT 1 FROM message m"
    " WHERE m.recipient = j.id AND m.id > j.since AND m.id <= ?2))";

static enum err next_domain(struct lite *lite, struct arena *arena, struct domain_work *work)
{
    struct lite_statement *next = lite_start(lite, domain_sql);
    if (!next)
        return ERR_DOWN;
    enum err err = lite_row(lite, next);
    if (!err)
        *work = (struct domain_work){.id = lite_get_number(next, 0),
                                     .removed = lite_get_number(next, 1) != 0,
                                     .since = (uint64_t)lite_get_number(next, 2),
                                     .name = lite_get(next, 3, arena),
                                     .swept = lite_get(next, 4, arena)};
    lite_done(next);
    return err;
}

static enum err get_names(struct lite *lite, struct arena *arena, const struct domain_work *work,
                          struct str *names, size_t rows, size_t *count)
{
    struct lite_statement *list = lite_start(lite, names_sql);
    enum err err = ERR_OK;
    if (!list)
        return ERR_DOWN;
    lite_number(list, 1, work->id);
    lite_text(list, 2, work->removed ? STR("") : work->swept);
    lite_number(list, 3, (int64_t)rows);
    for (*count = 0; *count < rows && !(err = lite_row(lite, list)); (*count)++)
        names[*count] = lite_get(list, 0, arena);
    lite_done(list);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err retain(struct lite *lite, struct str bare, uint64_t upto)
{
    struct lite_statement *older = lite_start(lite, older_sql);
    if (!older)
        return ERR_DOWN;
    lite_text(older, 1, bare);
    lite_number(older, 2, (int64_t)upto);
    enum err err = lite_row(lite, older);
    lite_done(older);
    if (err)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    return remove_archive(lite, bare, upto);
}

static enum err do_user(struct lite *lite, struct arena *arena, const struct domain_work *work,
                        struct str name)
{
    struct store_account account = {.user = name, .domain = work->name};
    if (work->removed)
        return remove_account(lite, arena, &account, work->since);
    return retain(lite, arena_format(arena, "%.*s@%.*s", STR_ARG(name), STR_ARG(work->name)),
                  work->since);
}

/* `last`: the last name that was done; empty: there are no more. */
static enum err end_part(struct lite *lite, const struct domain_work *work, bool none,
                         struct str last)
{
    int64_t id = work->id;
    if (work->removed)
        return none ? run_numbers(lite, domain_gone_sql, &id, 1) : ERR_OK;
    if (last.len == 0)
        return run_numbers(lite, all_swept_sql, &id, 1);
    struct lite_statement *swept = start(lite, swept_sql, &id, 1);
    if (!swept)
        return ERR_DOWN;
    lite_text(swept, 2, last);
    return lite_change(lite, swept);
}

static enum err do_domain(struct lite *lite, struct store_op *op)
{
    struct domain_work work;
    size_t rows = op->removal.rows, count = 0;
    struct str *names = arena_take(&op->arena, rows * sizeof *names);
    enum err err = next_domain(lite, &op->arena, &work);
    if (!err)
        err = get_names(lite, &op->arena, &work, names, rows, &count);
    for (size_t i = 0; !err && i < count; i++)
        err = do_user(lite, &op->arena, &work, names[i]);
    return err ? err : end_part(lite, &work, count == 0, count < rows ? STR("") : names[count - 1]);
}

enum err lite_removal_step(struct lite *lite, struct store_op *op)
{
    struct work work;
    int64_t row[4];
    enum err err = get_numbers(lite, lite_start(lite, next_sql), row, 4);
    if (!err) {
        work = (struct work){row[0], {row[1], row[2]}, row[3]};
        err = do_archive(lite, &work, (int64_t)op->removal.rows);
    } else if (err == ERR_NOT_FOUND) {
        err = do_domain(lite, op);
    }
    op->removal.left = err == ERR_OK;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}
