/*
 * One connection to an SQLite database, with its prepared statements; the only part that knows the
 * library. One thread at a time.
 */
#ifndef RT_LITE_H
#define RT_LITE_H

#include "arena.h"
#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct lite;
struct lite_statement;

/* Outcomes: ERR_INVALID (a constraint or type refused the values), ERR_CONFLICT (a unique one),
 * ERR_FULL (no space on the disk), ERR_DOWN (all else: locked for too long, I/O, corrupt). */

/* `writer` creates the file if it is not there, mode 0600; others only read. `why` gets a sentence
 * with the path. */
RT_NODISCARD enum err lite_open(const char *path, bool writer, struct lite **out, char *why,
                                size_t room);
void lite_close(struct lite *lite);

/* What the last failed call said. */
const char *lite_error(const struct lite *lite);

/* Runs SQL of any number of statements, without results. */
RT_NODISCARD enum err lite_exec(struct lite *lite, const char *sql);

/* False when an error has rolled back the whole transaction. */
bool lite_in_transaction(const struct lite *lite);

/* A prepared statement, made at first use. `sql` is a constant: its address is the key. Between
 * this and lite_done it is the caller's. NULL: it cannot be prepared. */
struct lite_statement *lite_start(struct lite *lite, const char *sql);
void lite_done(struct lite_statement *statement);

/* Parameters count from 1; the bytes must stay until lite_done. A `blob` that is empty is NULL. */
void lite_text(struct lite_statement *statement, int at, struct str text);
void lite_blob(struct lite_statement *statement, int at, struct str bytes);
void lite_number(struct lite_statement *statement, int at, int64_t number);

/* ERR_OK: a row; ERR_NOT_FOUND: no more rows. */
RT_NODISCARD enum err lite_row(struct lite *lite, struct lite_statement *statement);

/* Columns of the row count from 0. */
struct str lite_get(struct lite_statement *statement, int at, struct arena *arena);
int64_t lite_get_number(struct lite_statement *statement, int at);

/* For a query of one number: the first column of its first row, then it ends. ERR_NOT_FOUND: no
 * row, and *number is what it was. NULL (from lite_start): ERR_DOWN. */
RT_NODISCARD enum err lite_ask(struct lite *lite, struct lite_statement *statement,
                               int64_t *number);

/* For statements without rows: runs, ends (lite_done) and says how many rows changed. */
RT_NODISCARD enum err lite_run(struct lite *lite, struct lite_statement *statement,
                               uint64_t *changed);

/* The same for one that must change a row, or else ERR_NOT_FOUND; NULL (from lite_start): ERR_DOWN.
 */
RT_NODISCARD enum err lite_change(struct lite *lite, struct lite_statement *statement);

/* For --version. */
const char *lite_version(void);

#endif
