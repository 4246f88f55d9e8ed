/*
 * The SQLite back end: one writer thread that does all writes which arrived together in one
 * transaction, and reader threads with connections of their own, which WAL lets work meanwhile. A
 * write is answered after its commit, and a reader starts a transaction for each read: so a read
 * sees each write that was answered before it was asked.
 */
#include "lite.h"
#include "lite_document.h"
#include "lite_inbox.h"
#include "lite_last.h"
#include "lite_mam.h"
#include "lite_offline.h"
#include "lite_pep.h"
#include "lite_privacy.h"
#include "lite_removal.h"
#include "lite_room.h"
#include "lite_roster.h"
#include "lite_search.h"
#include "log.h"
#include "mem.h"
#include "schema.h"
#include "store_backend.h"

#include <pthread.h>
#include <stdio.h>

enum { READERS = 2 };

/* A helper thread and its connection. */
struct sqlite_helper {
    struct lite *lite;
    unsigned helper;
};

/* Of the process; set at boot. */
static struct {
    struct sqlite_helper writer, readers[READERS];
    char path[512], why[512];
} sqlite;

/* Why the last transaction failed; empty while all is well. The writer writes, shards read. */
static struct {
    pthread_mutex_t lock;
    char why[256];
} trouble = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct sqlite_shard {
    unsigned next_reader;
};

static const struct {
    lite_op_fn *run;
    bool writes;
} kinds[STORE_KIND_COUNT] = {
    [STORE_ACCOUNT_GET] = {lite_account_get, false},
    [STORE_ACCOUNT_ADD] = {lite_account_add, true},
    [STORE_ACCOUNT_SET] = {lite_account_set, true},
    [STORE_ACCOUNT_REMOVE] = {lite_account_remove, true},
    [STORE_ACCOUNT_LIST] = {lite_account_list, false},
    [STORE_ACCOUNT_IMPORT] = {lite_account_import, true},
    [STORE_ACCOUNT_COUNT] = {lite_account_count, false},
    [STORE_DOMAIN_REMOVE] = {lite_domain_remove, true},
    [STORE_DOMAIN_RETAIN] = {lite_domain_retain, true},
    [STORE_REMOVAL_STEP] = {lite_removal_step, true},
    [STORE_ROSTER_GET] = {lite_roster_get, false},
    [STORE_ROSTER_SET] = {lite_roster_set, true},
    [STORE_ROSTER_REMOVE] = {lite_roster_remove, true},
    [STORE_ROSTER_IMPORT] = {lite_roster_import, true},
    [STORE_MAM_BATCH] = {lite_mam_batch, true},
    [STORE_MAM_IMPORT] = {lite_mam_batch, true},
    [STORE_MAM_PAGE] = {lite_mam_page, false},
    [STORE_MAM_METADATA] = {lite_mam_metadata, false},
    [STORE_MAM_REMOVE] = {lite_mam_remove, true},
    [STORE_MAM_FIND] = {lite_mam_find, false},
    [STORE_MAM_REPLACE] = {lite_mam_replace, true},
    [STORE_MAM_PREFS_GET] = {lite_mam_prefs_get, false},
    [STORE_MAM_PREFS_SET] = {lite_mam_prefs_set, true},
    [STORE_INBOX_PAGE] = {lite_inbox_page, false},
    [STORE_INBOX_GET] = {lite_inbox_get, false},
    [STORE_INBOX_SET] = {lite_inbox_set, true},
    [STORE_INBOX_READ] = {lite_inbox_read, true},
    [STORE_INBOX_EMPTY_BIN] = {lite_inbox_empty_bin, true},
    [STORE_INBOX_DROP] = {lite_inbox_drop, true},
    [STORE_INBOX_REMOVE] = {lite_inbox_remove, true},
    [STORE_INBOX_IMPORT] = {lite_inbox_import, true},
    [STORE_INBOX_CLEAN] = {lite_inbox_clean, true},
    [STORE_ROOM_CREATE] = {lite_room_create, true},
    [STORE_ROOM_GET] = {lite_room_get, true}, /* in the order of the writer */
    [STORE_ROOM_SET] = {lite_room_set, true},
    [STORE_ROOM_DESTROY] = {lite_room_destroy, true},
    [STORE_ROOM_PAGE] = {lite_room_page, false},
    [STORE_ROOM_GUESTS] = {lite_room_guests, false},
    [STORE_ROOM_BLOCKING] = {lite_room_blocking, false},
    [STORE_ROOM_BLOCK] = {lite_room_block, true},
    [STORE_ROOM_GONE] = {lite_room_gone, false},
    [STORE_UPKEEP] = {lite_mam_upkeep, true},
    [STORE_PRIVACY_GET] = {lite_privacy_get, false},
    [STORE_PRIVACY_SET] = {lite_privacy_set, true},
    [STORE_PRIVACY_REMOVE] = {lite_privacy_remove, true},
    [STORE_PRIVACY_DEFAULT] = {lite_privacy_default, true},
    [STORE_LAST_GET] = {lite_last_get, false},
    [STORE_LAST_SET] = {lite_last_set, true},
    [STORE_DOCUMENT_GET] = {lite_document_get, false},
    [STORE_DOCUMENT_SET] = {lite_document_set, true},
    [STORE_PEP_NODES] = {lite_pep_nodes, false},
    [STORE_PEP_SET] = {lite_pep_set, true},
    [STORE_PEP_PUBLISH] = {lite_pep_publish, true},
    [STORE_PEP_RETRACT] = {lite_pep_retract, true},
    [STORE_PEP_PURGE] = {lite_pep_purge, true},
    [STORE_PEP_DELETE] = {lite_pep_delete, true},
    [STORE_PEP_PICK] = {lite_pep_pick, false},
    [STORE_PEP_PAGE] = {lite_pep_page, false},
    [STORE_OFFLINE_ADD] = {lite_offline_add, true},
    [STORE_OFFLINE_PAGE] = {lite_offline_page, true}, /* in the order of the writer */
    [STORE_OFFLINE_DROP] = {lite_offline_drop, true},
    [STORE_OFFLINE_CLEAN] = {lite_offline_clean, true},
};

static struct store_op *op_of(struct job *job)
{
    return LIST_OWNER(job, struct store_op, job);
}

static void set_trouble(const char *why)
{
    pthread_mutex_lock(&trouble.lock);
    text_copy(trouble.why, sizeof trouble.why, str_of(why));
    pthread_mutex_unlock(&trouble.lock);
}

/* Helpers: the writer. */

/* Runs a statement that is prepared once, which is a third of the price of lite_exec. */
static enum err run(struct lite *lite, const char *sql)
{
    struct lite_statement *statement = lite_start(lite, sql);
    uint64_t changed;
    return statement ? lite_run(lite, statement, &changed) : ERR_DOWN;
}

static const char begin_sql[] = "BEGIN IMMEDIATE";
static const char commit_sql[] = "COMMIT";
static const char savepoint_sql[] = "SAVEPOINT op";
static const char undo_sql[] = "ROLLBACK TO op";
static const char release_sql[] = "RELEASE op";

/* A savepoint an operation: what it did before it failed is undone, and the others stay. False when
 * the failure has taken the whole transaction with it. */
static bool write_one(struct lite *lite, struct store_op *op)
{
    op->result = run(lite, savepoint_sql);
    if (!op->result)
        op->result = kinds[op->kind].run(lite, op);
    bool undo = op->result != ERR_OK && op->result != ERR_CONFLICT && op->result != ERR_NOT_FOUND;
    if (undo && op->result != ERR_INVALID)
        LOG(LOG_WARNING, "store_failed", LF("database", sqlite.path), LF("why", lite_error(lite)));
    if (!lite_in_transaction(lite))
        return false;
    return !(undo && run(lite, undo_sql)) && !run(lite, release_sql);
}

static enum err write_all(struct lite *lite, struct job **jobs, size_t count)
{
    enum err err = run(lite, begin_sql);
    for (size_t i = 0; !err && i < count; i++)
        if (!write_one(lite, op_of(jobs[i])))
            err = op_of(jobs[i])->result ? op_of(jobs[i])->result : ERR_DOWN;
    return err ? err : run(lite, commit_sql);
}

/* Nothing of the batch was kept, so nothing of it is answered with success. */
static void fail_all(struct lite *lite, struct job **jobs, size_t count, enum err err)
{
    LOG(LOG_ERROR, "store_commit_failed", LF("database", sqlite.path), LF("why", lite_error(lite)),
        LF_INT("operations", count));
    set_trouble(lite_error(lite));
    if (lite_in_transaction(lite) && lite_exec(lite, "ROLLBACK"))
        LOG(LOG_ERROR, "store_rollback_failed", LF("why", lite_error(lite)));
    for (size_t i = 0; i < count; i++)
        op_of(jobs[i])->result = err == ERR_FULL ? ERR_FULL : ERR_DOWN;
}

static void on_write(void *own, struct job **jobs, size_t count)
{
    struct sqlite_helper *writer = own;
    static bool failed_before;
    enum err err = write_all(writer->lite, jobs, count);
    if (err) {
        fail_all(writer->lite, jobs, count, err);
    } else {
        metric_count(&store_commits);
        if (failed_before)
            set_trouble("");
    }
    failed_before = err != ERR_OK;
}

/* Helpers: a reader. */

static void on_read(void *own, struct job **jobs, size_t count)
{
    struct sqlite_helper *reader = own;
    for (size_t i = 0; i < count; i++) {
        struct store_op *op = op_of(jobs[i]);
        op->result = kinds[op->kind].run(reader->lite, op);
        if (op->result == ERR_DOWN)
            LOG(LOG_WARNING, "store_failed", LF("database", sqlite.path),
                LF("why", lite_error(reader->lite)));
    }
}

/* Boot. */

static enum err exec(void *own, const char *sql)
{
    return lite_exec(own, sql);
}

static const char *error(void *own)
{
    return lite_error(own);
}

static enum err read_number(void *own, const char *sql, int64_t *number)
{
    struct lite *lite = own;
    return lite_ask(lite, lite_start(lite, sql), number);
}

static enum err read_version(void *own, unsigned *version)
{
    static const char exists_sql[] = "SELECT count(*) FROM sqlite_schema"
                                     " WHERE type = 'table' AND name = 'schema_migration'";
    static const char version_sql[] = "SELECT coalesce(max(version), 0) FROM schema_migration";
    int64_t number = 0;
    enum err err = read_number(own, exists_sql, &number);
    if (!err && number)
        err = read_number(own, version_sql, &number);
    *version = (unsigned)number;
    return err;
}

static struct schema_target target_of(struct lite *lite)
{
    return (struct schema_target){.own = lite,
                                  .where = sqlite.path,
                                  .begin = "BEGIN IMMEDIATE",
                                  .exec = exec,
                                  .number = read_number,
                                  .version = read_version,
                                  .error = error};
}

static enum err migrate(struct lite *lite, bool by_hand)
{
    struct schema_target target = target_of(lite);
    return by_hand ? schema_is_current(&schema_sqlite, &target, sqlite.why, sizeof sqlite.why)
                   : schema_migrate(&schema_sqlite, &target, sqlite.why, sizeof sqlite.why);
}

static void teardown(void)
{
    for (size_t i = 0; i < READERS; i++) {
        lite_close(sqlite.readers[i].lite);
        sqlite.readers[i].lite = NULL;
    }
    lite_close(sqlite.writer.lite);
    sqlite.writer.lite = NULL;
}

static enum err open_all(const struct store_config *config)
{
    enum err err = lite_open(sqlite.path, true, &sqlite.writer.lite, sqlite.why, sizeof sqlite.why);
    if (!err)
        err = migrate(sqlite.writer.lite, config->by_hand);
    if (!err && config->full_text)
        err = lite_search_prepare(sqlite.writer.lite, sqlite.why, sizeof sqlite.why);
    for (size_t i = 0; !err && i < READERS; i++)
        err = lite_open(sqlite.path, false, &sqlite.readers[i].lite, sqlite.why, sizeof sqlite.why);
    return err;
}

static enum err set_path(const struct store_config *config)
{
    int len = snprintf(sqlite.path, sizeof sqlite.path, "%s/ringtail.sqlite", config->data_dir);
    if (len >= 0 && (size_t)len < sizeof sqlite.path)
        return ERR_OK;
    text_copy(sqlite.why, sizeof sqlite.why, STR("data_dir is too long a path"));
    return ERR_TOO_BIG;
}

static enum err setup(const struct store_config *config, const char **why)
{
    *why = sqlite.why;
    enum err err = set_path(config);
    if (err)
        return err;
    err = open_all(config);
    if (err) {
        teardown();
        return err;
    }
    sqlite.writer.helper = helper_declare(
        &(struct helper){.name = "sqlite writer", .own = &sqlite.writer, .batch = on_write});
    for (size_t i = 0; i < READERS; i++)
        sqlite.readers[i].helper = helper_declare(
            &(struct helper){.name = "sqlite reader", .own = &sqlite.readers[i], .batch = on_read});
    return ERR_OK;
}

/* Shards. */

static void *shard_start(struct shard *shard)
{
    struct sqlite_shard *own = mem_zalloc(sizeof *own);
    own->next_reader = shard->id;
    return own;
}

static void shard_stop(void *state)
{
    mem_free(state);
}

static void on_done(struct job *job)
{
    store_finish(op_of(job), op_of(job)->result);
}

static void submit(void *state, struct store_op *op)
{
    struct sqlite_shard *own = state;
    op->job.done = on_done;
    if (kinds[op->kind].writes)
        helper_send(sqlite.writer.helper, &op->job);
    else
        helper_send(sqlite.readers[own->next_reader++ % READERS].helper, &op->job);
}

static bool ready(void *state, const char **why)
{
    (void)state;
    static _Thread_local char text[sizeof trouble.why];
    pthread_mutex_lock(&trouble.lock);
    text_copy(text, sizeof text, str_of(trouble.why));
    pthread_mutex_unlock(&trouble.lock);
    *why = text;
    return text[0] == '\0';
}

static const char *version(void)
{
    static char text[48];
    snprintf(text, sizeof text, "sqlite %s", lite_version());
    return text;
}

/* By hand. */

static enum err open_by_hand(const struct store_config *config, struct schema_target *target,
                             char *why, size_t room)
{
    struct lite *lite;
    enum err err = set_path(config);
    if (err)
        text_copy(why, room, str_of(sqlite.why));
    else
        err = lite_open(sqlite.path, true, &lite, why, room);
    if (!err)
        *target = target_of(lite);
    return err;
}

static void close_by_hand(struct schema_target *target)
{
    lite_close(target->own);
}

static const struct schema_look looks[] = {
    {"SELECT count(*) = 0 FROM pragma_quick_check(1) WHERE quick_check <> 'ok'",
     "the file is whole", "the file is damaged: see `PRAGMA integrity_check`", 1, true},
    {"SELECT count(*) = 0 FROM pragma_foreign_key_check", "references are whole",
     "there are rows whose owner is gone", 1, false},
    {0},
};

const struct store_backend store_sqlite = {
    .name = "sqlite",
    .setup = setup,
    .teardown = teardown,
    .shard_start = shard_start,
    .shard_stop = shard_stop,
    .submit = submit,
    .ready = ready,
    .version = version,
    .schema = &schema_sqlite,
    .looks = looks,
    .open = open_by_hand,
    .close = close_by_hand,
};
