#include "lite.h"

#include "check.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

/* Statements that a connection may have; the tables of the source are far below. */
enum { STATEMENTS_MAX = 192, BUSY_MS = 2000 };

struct lite {
    sqlite3 *db;
    char error[256];
    size_t count;
    struct {
        const char *sql;
        sqlite3_stmt *statement;
    } statements[STATEMENTS_MAX];
};

static sqlite3_stmt *real(struct lite_statement *statement)
{
    return (sqlite3_stmt *)statement;
}

static enum err outcome_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return ERR_OK;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_CONSTRAINT:
        return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY
                   ? ERR_CONFLICT
                   : ERR_INVALID;
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
        return ERR_INVALID;
    default:
        return ERR_DOWN;
    }
}

static enum err note(struct lite *lite, int code)
{
    enum err err = outcome_of(code);
    if (!err)
        return ERR_OK;
    int number = sqlite3_system_errno(lite->db);
    bool io = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
    snprintf(lite->error, sizeof lite->error, "%s%s%s", sqlite3_errmsg(lite->db),
             io && number ? ": " : "", io && number ? strerror(number) : "");
    return err;
}

/* Makes the file with a mode that keeps secrets (SQLite gives its WAL the same), and finds out what
 * the system has against it: SQLite itself would only say "unable to open". */
static enum err touch(const char *path, char *why, size_t room)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        snprintf(why, room, "%s cannot be opened for writing: %s", path, strerror(errno));
        return ERR_SYSTEM;
    }
    close(fd);
    return ERR_OK;
}

/* FULL: a commit is on the disk when it returns. A checkpoint every 16 MB of WAL writes a page that
 * changed often once; the size limit is for the WAL after a burst. */
static const char writer_pragmas[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                     "PRAGMA foreign_keys=ON; PRAGMA cache_size=-32768;"
                                     "PRAGMA temp_store=MEMORY;"
                                     "PRAGMA wal_autocheckpoint=4000;"
                                     "PRAGMA journal_size_limit=67108864;";
static const char reader_pragmas[] = "PRAGMA query_only=ON; PRAGMA cache_size=-8192;";

static enum err configure(struct lite *lite, bool writer)
{
    sqlite3_busy_timeout(lite->db, BUSY_MS);
    sqlite3_extended_result_codes(lite->db, 1);
    enum err err = lite_exec(lite, writer ? writer_pragmas : reader_pragmas);
    if (err)
        return err;
    /* Reads a page: a file that is no database fails here. Some file systems refuse WAL silently.
     */
    struct lite_statement *mode = lite_start(lite, "PRAGMA journal_mode");
    if (!mode || lite_row(lite, mode))
        return ERR_DOWN;
    bool is_wal = strcmp((const char *)sqlite3_column_text(real(mode), 0), "wal") == 0;
    lite_done(mode);
    if (is_wal)
        return ERR_OK;
    text_copy(lite->error, sizeof lite->error, STR("its file system does not allow WAL mode"));
    return ERR_UNSUPPORTED;
}

/* The library counts its memory under a lock unless told before its first use. Boot thread. */
static void set_up_library(void)
{
    static bool done;
    if (!done)
        CHECK(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
    done = true;
}

enum err lite_open(const char *path, bool writer, struct lite **out, char *why, size_t room)
{
    enum err err = touch(path, why, room);
    if (err)
        return err;
    struct lite *lite = mem_zalloc(sizeof *lite);
    set_up_library();
    int code = sqlite3_open_v2(path, &lite->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    err = code == SQLITE_OK ? configure(lite, writer) : note(lite, code);
    if (!err) {
        *out = lite;
        return ERR_OK;
    }
    snprintf(why, room, "%s cannot be used as a database: %s", path, lite->error);
    lite_close(lite);
    return err;
}

void lite_close(struct lite *lite)
{
    if (!lite)
        return;
    for (size_t i = 0; i < lite->count; i++)
        sqlite3_finalize(lite->statements[i].statement);
    CHECK(sqlite3_close(lite->db) == SQLITE_OK);
    mem_free(lite);
}

const char *lite_error(const struct lite *lite)
{
    return lite->error;
}

enum err lite_exec(struct lite *lite, const char *sql)
{
    return note(lite, sqlite3_exec(lite->db, sql, NULL, NULL, NULL));
}

bool lite_in_transaction(const struct lite *lite)
{
    return !sqlite3_get_autocommit(lite->db);
}

static sqlite3_stmt *prepare(struct lite *lite, const char *sql)
{
    CHECK(lite->count < STATEMENTS_MAX);
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v3(lite->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    if (note(lite, code))
        return NULL;
    lite->statements[lite->count].sql = sql;
    lite->statements[lite->count++].statement = statement;
    return statement;
}

struct lite_statement *lite_start(struct lite *lite, const char *sql)
{
    for (size_t i = 0; i < lite->count; i++)
        if (lite->statements[i].sql == sql)
            return (struct lite_statement *)lite->statements[i].statement;
    return (struct lite_statement *)prepare(lite, sql);
}

/* The outcome of a reset is that of the step before it, which was seen there. */
void lite_done(struct lite_statement *statement)
{
    sqlite3_reset(real(statement));
    sqlite3_clear_bindings(real(statement));
}

/* Binding fails only for a wrong parameter number (a bug) and for sizes over a gigabyte. */
void lite_text(struct lite_statement *statement, int at, struct str text)
{
    int code = sqlite3_bind_text64(real(statement), at, text.at ? text.at : "", text.len,
                                   SQLITE_STATIC, SQLITE_UTF8);
    CHECK(code == SQLITE_OK);
}

void lite_blob(struct lite_statement *statement, int at, struct str bytes)
{
    int code = bytes.len
                   ? sqlite3_bind_blob64(real(statement), at, bytes.at, bytes.len, SQLITE_STATIC)
                   : sqlite3_bind_null(real(statement), at);
    CHECK(code == SQLITE_OK);
}

void lite_number(struct lite_statement *statement, int at, int64_t number)
{
    CHECK(sqlite3_bind_int64(real(statement), at, number) == SQLITE_OK);
}

enum err lite_row(struct lite *lite, struct lite_statement *statement)
{
    int code = sqlite3_step(real(statement));
    return code == SQLITE_DONE ? ERR_NOT_FOUND : note(lite, code);
}

struct str lite_get(struct lite_statement *statement, int at, struct arena *arena)
{
    const char *bytes = sqlite3_column_blob(real(statement), at);
    size_t len = (size_t)sqlite3_column_bytes(real(statement), at);
    return arena_str(arena, (struct str){bytes, len});
}

int64_t lite_get_number(struct lite_statement *statement, int at)
{
    return sqlite3_column_int64(real(statement), at);
}

enum err lite_ask(struct lite *lite, struct lite_statement *statement, int64_t *number)
{
    if (!statement)
        return ERR_DOWN;
    enum err err = lite_row(lite, statement);
    if (!err)
        *number = lite_get_number(statement, 0);
    lite_done(statement);
    return err;
}

enum err lite_run(struct lite *lite, struct lite_statement *statement, uint64_t *changed)
{
    enum err err = note(lite, sqlite3_step(real(statement)));
    *changed = err ? 0 : (uint64_t)sqlite3_changes64(lite->db);
    lite_done(statement);
    return err;
}

enum err lite_change(struct lite *lite, struct lite_statement *statement)
{
    uint64_t changed = 0;
    enum err err = statement ? lite_run(lite, statement, &changed) : ERR_DOWN;
    return err || changed ? err : ERR_NOT_FOUND;
}

const char *lite_version(void)
{
    return sqlite3_libversion();
}
