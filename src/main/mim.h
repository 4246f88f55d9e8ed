/*
 * The import from MongooseIM's database: what its parts share. Source rows are read over a blocking
 * connection, page by page, in one snapshot; what they become is asked of this server's storage on
 * a shard of the tool's own, a bounded number of operations at a time. Main thread.
 */
#ifndef RT_MIM_H
#define RT_MIM_H

#include "ctl_link.h"
#include "parser.h"
#include "pg/pq.h"
#include "store.h"

enum {
    MIM_WINDOW = 256, /* operations under way */
    MIM_PAGE = 500,   /* rows read at once */
    MIM_REASONS = 20, /* refused rows of a table that are told one by one */
    MIM_DEADLINE_MS = 120000,
};

/* What became of a table's rows: each that is read is one of the others. */
struct mim_table {
    const char *name;
    uint64_t total; /* before it began */
    uint64_t read, imported, present, refused;
    uint64_t joined; /* with another row: two rows of a message are one here */
    uint64_t left;   /* there is no place for it */
    struct buf reasons;
};

enum {
    MIM_USERS,
    MIM_ROSTERS,
    MIM_MESSAGES,
    MIM_ROOMS,
    MIM_ROOM_BLOCKS,
    MIM_ROOM_MESSAGES,
    MIM_INBOX,
    MIM_PREFS,
    MIM_PRIVACY,
    MIM_LAST,
    MIM_OFFLINE,
    MIM_VCARDS,
    MIM_PRIVATE,
    MIM_PEP,
    MIM_TABLES,
};

struct mim {
    struct config *config;
    struct ctl_link link; /* without a shard in a dry run */
    struct pq *source;
    bool dry_run;
    struct buf domains; /* to import, joined by commas */
    struct buf served;  /* of the configuration, the same way */
    struct mim_table tables[MIM_TABLES];
    struct mim_table *table; /* being imported */
    struct parser *parser;
    struct task wake;
    size_t pending;
    struct buf failure; /* not empty: the import has failed, with this sentence */
    struct buf notes;   /* lines to print at the end */
    uint64_t shown_us, begun_us;
    bool terminal;
};

/* --- Source --- */

/* Runs a statement on the source; NULL: it has failed, and so has the import. */
struct pq_answer *mim_query(struct mim *mim, const char *sql, const struct pq_params *params);

/* The first column of the first row; 0 when there is none, or the import has failed. */
int64_t mim_number(struct mim *mim, const char *sql, const struct pq_params *params);

/* True when the source has that table. */
bool mim_has_table(struct mim *mim, const char *name);

/* A row of a page; texts are views into it. */
struct mim_row {
    const struct pq_answer *answer;
    int at;
};
struct str mim_text(const struct mim_row *row, int column);
int64_t mim_int(const struct mim_row *row, int column); /* a bigint */

/* Reads a table: `count_sql` says how many rows there are, `sql` gives them; both have the domains
 * as $1 (an array). `take` gets each row, and an arena that is emptied behind it. */
typedef void mim_take_fn(struct mim *mim, struct arena *arena, const struct mim_row *row);
void mim_each(struct mim *mim, int table, const char *count_sql, const char *sql,
              mim_take_fn *take);

/* What mim_each is made of, for those that read in another way. */
void mim_begin(struct mim *mim, int table, const char *count_sql);
void mim_end(struct mim *mim);
bool mim_goes_on(const struct mim *mim);
void mim_bind_domains(const struct mim *mim, struct pq_params *params);

/* --- What became of a row --- */

/* The row cannot be imported: `key` names it, `why` is a few words. */
void mim_refuse(struct mim *mim, struct mim_table *table, struct str key, const char *why);

/* The import ends here. */
void mim_fail(struct mim *mim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Tells how far it is, now and then; when rows were read. */
void mim_progress(struct mim *mim);

/* --- Storage; never in a dry run --- */

/* Asks when fewer than `window` are under way. `done` calls mim_answered first. */
void mim_ask(struct mim *mim, struct store_op *op, size_t window);

/* True when the operation has an outcome that says something of the row: ERR_OK, ERR_NOT_FOUND,
 * ERR_CONFLICT, ERR_INVALID. With others the import has failed. */
bool mim_answered(struct mim *mim, const struct store_op *op);

/* The same inside a `done`: without waiting. */
void mim_ask_now(struct mim *mim, struct store_op *op);

/* Asks `add` when the answer to `look` is ERR_NOT_FOUND; counts `rows` either way. */
void mim_add(struct mim *mim, struct store_op *look, struct store_op *add, uint64_t rows,
             struct str key);

/* Waits until all that was asked is answered. */
void mim_wait(struct mim *mim);

/* Prepares the name and domain of a local user. NULL, or what is wrong. */
const char *mim_user(struct arena *arena, struct str user, struct str domain, struct jid *out);

/* The stanza of that XML, or term; NULL: it is none. */
struct element *mim_stanza(struct mim *mim, struct arena *arena, struct str bytes);

/* The stable id of a time in µs since 1970 and a number below MIM_NODES. What is older than ids can
 * tell keeps its order, on the first day of what they can. */
enum { MIM_NODES = 256 };
uint64_t mim_id(uint64_t unix_us, unsigned node);

/* True for a time that mim_id cannot tell. */
bool mim_is_older(uint64_t unix_us);

/* The tables. Each imports one or some; without one of its own mim_left counts what there is no
 * place for, and mim_verify compares what is here with the source. */
typedef void mim_fn(struct mim *mim);
mim_fn mim_users, mim_rosters, mim_messages, mim_inbox, mim_prefs, mim_privacy, mim_last,
    mim_offline, mim_vcards, mim_private, mim_pep, mim_rooms, mim_room_blocks, mim_room_messages,
    mim_left, mim_verify;

#endif
