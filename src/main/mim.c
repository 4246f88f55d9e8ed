#include "mim.h"

#include "accounts.h"
#include "clock.h"
#include "etf.h"
#include "stanza_id.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHOW_US = 200000, SHOW_LINE_US = 10000000 };

void mim_fail(struct mim *mim, const char *format, ...)
{
    char text[1024];
    va_list args;
    if (buf_len(&mim->failure))
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_push_str(&mim->failure, str_of(text));
}

bool mim_goes_on(const struct mim *mim)
{
    return buf_len(&mim->failure) == 0;
}

/* --- Source --- */

struct pq_answer *mim_query(struct mim *mim, const char *sql, const struct pq_params *params)
{
    struct pq_answer *answer = NULL;
    if (mim_goes_on(mim) && pq_query(mim->source, sql, params, &answer))
        mim_fail(mim, "MongooseIM's database: %s", pq_error(mim->source));
    return answer;
}

int64_t mim_number(struct mim *mim, const char *sql, const struct pq_params *params)
{
    struct pq_answer *answer = mim_query(mim, sql, params);
    int64_t number = answer && pq_rows(answer) ? pq_number(answer, 0, 0) : 0;
    pq_answer_free(answer);
    return number;
}

bool mim_has_table(struct mim *mim, const char *name)
{
    struct pq_params params = {0};
    pq_bind(&params, str_of(name));
    return mim_number(mim, "SELECT (to_regclass($1::text) IS NOT NULL)::int", &params) != 0;
}

struct str mim_text(const struct mim_row *row, int column)
{
    return pq_cell(row->answer, row->at, column);
}

int64_t mim_int(const struct mim_row *row, int column)
{
    return pq_number(row->answer, row->at, column);
}

void mim_bind_domains(const struct mim *mim, struct pq_params *params)
{
    pq_bind(params, buf_str(&mim->domains));
}

/* --- How far it is --- */

static void show(const struct mim *mim, bool last)
{
    const struct mim_table *table = mim->table;
    uint64_t us = clock_monotonic_us() - mim->begun_us;
    uint64_t rate = us ? table->read * 1000000 / us : 0;
    fprintf(stderr, "%s%s: %" PRIu64 " of %" PRIu64 " rows, %" PRIu64 " a second%s%s",
            mim->terminal ? "\r" : "", table->name, table->read, table->total, rate,
            mim->terminal ? "\33[K" : "", !mim->terminal || last ? "\n" : "");
    fflush(stderr);
}

void mim_progress(struct mim *mim)
{
    uint64_t now_us = clock_monotonic_us();
    if (now_us - mim->shown_us < (mim->terminal ? SHOW_US : SHOW_LINE_US))
        return;
    mim->shown_us = now_us;
    show(mim, false);
}

void mim_begin(struct mim *mim, int table, const char *count_sql)
{
    struct pq_params params = {0};
    mim->table = &mim->tables[table];
    mim_bind_domains(mim, &params);
    mim->table->total = (uint64_t)mim_number(mim, count_sql, &params);
    mim->begun_us = mim->shown_us = clock_monotonic_us();
}

void mim_end(struct mim *mim)
{
    mim_wait(mim);
    show(mim, true);
}

static void take_page(struct mim *mim, const struct pq_answer *page, mim_take_fn *take)
{
    struct mim_row row = {.answer = page};
    struct arena arena;
    for (; row.at < pq_rows(page) && mim_goes_on(mim); row.at++) {
        arena_init(&arena);
        take(mim, &arena, &row);
        arena_fini(&arena);
        mim_progress(mim);
    }
}

static bool declare(struct mim *mim, const char *sql)
{
    struct pq_params params = {0};
    struct buf declared = {0};
    mim_bind_domains(mim, &params);
    buf_format(&declared, "DECLARE rows NO SCROLL CURSOR FOR %s%c", sql, '\0');
    struct pq_answer *answer = mim_query(mim, (const char *)buf_at(&declared), &params);
    pq_answer_free(answer);
    buf_fini(&declared);
    return answer != NULL;
}

static void take_all(struct mim *mim, mim_take_fn *take)
{
    char fetch[40];
    int got = 1;
    snprintf(fetch, sizeof fetch, "FETCH %d FROM rows", MIM_PAGE);
    while (got && mim_goes_on(mim)) {
        struct pq_answer *page = mim_query(mim, fetch, NULL);
        got = page ? pq_rows(page) : 0;
        if (page)
            take_page(mim, page, take);
        pq_answer_free(page);
    }
}

void mim_each(struct mim *mim, int table, const char *count_sql, const char *sql, mim_take_fn *take)
{
    mim_begin(mim, table, count_sql);
    if (declare(mim, sql)) {
        take_all(mim, take);
        pq_answer_free(mim_query(mim, "CLOSE rows", NULL));
    }
    mim_end(mim);
}

/* --- What became of a row --- */

void mim_refuse(struct mim *mim, struct mim_table *table, struct str key, const char *why)
{
    (void)mim;
    if (table->refused++ < MIM_REASONS)
        buf_format(&table->reasons, "  %s: %.*s: %s\n", table->name, STR_ARG(key), why);
}

const char *mim_user(struct arena *arena, struct str user, struct str domain, struct jid *out)
{
    struct str name, host;
    if (jid_prep_user(arena, user, &name) || jid_prep_domain(arena, domain, &host))
        return "that is not a JID";
    jid_make(arena, name, host, STR(""), out);
    return NULL;
}

static enum err read_stanza(struct mim *mim, struct arena *arena, struct str bytes,
                            struct element **out)
{
    struct buf xml = {0};
    if (!etf_is_term(bytes))
        return parser_element(mim->parser, arena, bytes, out);
    enum err err = etf_write_xml(arena, bytes, &xml);
    if (!err)
        err = parser_element(mim->parser, arena, arena_str(arena, buf_str(&xml)), out);
    buf_fini(&xml);
    return err;
}

struct element *mim_stanza(struct mim *mim, struct arena *arena, struct str bytes)
{
    struct element *element = NULL;
    return bytes.len <= LIMIT_IMPORT_STANZA && !read_stanza(mim, arena, bytes, &element) ? element
                                                                                         : NULL;
}

/* --- Ids --- */

/* Above the numbers that shards have: what comes from there never has the id of a live message. */
enum { FIRST_WRITER = STANZA_ID_WRITERS / 2, OLD_US_PER_ID = 5 };

bool mim_is_older(uint64_t unix_us)
{
    return unix_us <= stanza_id_us(0);
}

/* All the time from 1970 to then, in steps of 5 µs, is not quite a day of ids. */
uint64_t mim_id(uint64_t unix_us, unsigned node)
{
    if (mim_is_older(unix_us))
        return unix_us / OLD_US_PER_ID + 1;
    return stanza_id_at(unix_us) | (FIRST_WRITER + node % MIM_NODES);
}

/* --- Storage --- */

/* While a task is there a turn does not wait. */
static void on_wake(struct task *task)
{
    shard_soon(task);
}

static void turn_until(struct mim *mim, size_t fewer_than)
{
    mim->wake.run = on_wake;
    while (mim->pending >= fewer_than)
        shard_turn(mim->link.shard, UINT64_MAX);
    if (mim->link.shard)
        task_drop(&mim->wake);
}

void mim_ask_now(struct mim *mim, struct store_op *op)
{
    mim->pending++;
    store_ask(op, MIM_DEADLINE_MS);
}

void mim_ask(struct mim *mim, struct store_op *op, size_t window)
{
    turn_until(mim, window);
    mim_ask_now(mim, op);
}

void mim_wait(struct mim *mim)
{
    turn_until(mim, 1);
}

bool mim_answered(struct mim *mim, const struct store_op *op)
{
    mim->pending--;
    shard_soon(&mim->wake);
    if (op->outcome == ERR_OK || op->outcome == ERR_NOT_FOUND || op->outcome == ERR_CONFLICT ||
        op->outcome == ERR_INVALID)
        return true;
    mim_fail(mim, "%s", account_why(op->outcome));
    return false;
}

/* In the arena of `add`. */
struct addition {
    struct mim *mim;
    struct mim_table *table;
    struct store_op *add;
    uint64_t rows;
    struct str key;
};

static void on_added(struct store_op *op)
{
    struct addition *addition = op->owner;
    if (!mim_answered(addition->mim, op))
        return;
    if (!op->outcome) {
        addition->table->imported += addition->rows;
        return;
    }
    addition->table->refused += addition->rows - 1;
    mim_refuse(addition->mim, addition->table, addition->key, account_why(op->outcome));
}

static void on_looked(struct store_op *op)
{
    struct addition *addition = op->owner;
    bool answered = mim_answered(addition->mim, op);
    if (answered && op->outcome == ERR_NOT_FOUND) {
        mim_ask_now(addition->mim, addition->add);
        return;
    }
    addition->table->present += answered ? addition->rows : 0;
    store_revoke(addition->add);
}

void mim_add(struct mim *mim, struct store_op *look, struct store_op *add, uint64_t rows,
             struct str key)
{
    struct addition *addition = arena_zero(&add->arena, sizeof *addition);
    *addition = (struct addition){mim, mim->table, add, rows, arena_str(&add->arena, key)};
    add->done = on_added;
    look->done = on_looked;
    add->owner = look->owner = addition;
    mim_ask(mim, look, MIM_WINDOW);
}
