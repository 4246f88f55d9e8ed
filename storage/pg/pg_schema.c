#include "pg_schema.h"

#include "clock.h"
#include "limits.h"
#include "log.h"
#include "stanza_id.h"

#include <inttypes.h>
#include <stdio.h>

const char pg_schema_where[] = "the PostgreSQL database";

static enum err exec(void *own, const char *sql)
{
    return pq_exec(own, sql, NULL);
}

static enum err read_number(void *own, const char *sql, int64_t *number)
{
    return pq_exec(own, sql, number);
}

static const char *error(void *own)
{
    return pq_error(own);
}

static enum err read_version(void *own, unsigned *version)
{
    int64_t number = 0;
    enum err err =
        pq_exec(own, "SELECT (to_regclass('schema_migration') IS NOT NULL)::int", &number);
    if (!err && number)
        err = pq_exec(own, "SELECT coalesce(max(version), 0) FROM schema_migration", &number);
    *version = (unsigned)number;
    return err;
}

/* The lock is for nodes that start together; it ends with the transaction. */
static const char begin[] = "BEGIN; SET LOCAL lock_timeout = '60s';"
                            " SELECT pg_advisory_xact_lock(8245073129468)";

static struct schema_target target_of(struct pq *pq)
{
    return (struct schema_target){.own = pq,
                                  .where = pg_schema_where,
                                  .begin = begin,
                                  .exec = exec,
                                  .number = read_number,
                                  .version = read_version,
                                  .error = error};
}

static enum err make_partitions(struct pq *pq, uint64_t partition_ms, char *why, size_t room)
{
    char sql[160];
    int64_t made = 0;
    snprintf(sql, sizeof sql, "SELECT made FROM message_upkeep(%" PRIu64 ", %" PRIu64 ", %d, 0)",
             stanza_id_at(clock_unix_us()), stanza_id_span(partition_ms * 1000),
             LIMIT_PARTITIONS_AHEAD);
    enum err err = pq_exec(pq, sql, &made);
    if (err)
        snprintf(why, room, "%s: making partitions of the archive failed: %s", pg_schema_where,
                 pq_error(pq));
    else if (made)
        LOG(LOG_INFO, "partitions_made", LF_INT("count", made));
    return err;
}

/* On a large archive that takes its time, once. */
static enum err make_search(struct pq *pq, char *why, size_t room)
{
    enum err err = pq_exec(
        pq, "CREATE INDEX IF NOT EXISTS message_by_words ON message USING gin (words)", NULL);
    if (err)
        snprintf(why, room, "%s: making the index for full text search failed: %s", pg_schema_where,
                 pq_error(pq));
    return err;
}

enum err pg_schema_prepare(struct pq *pq, const struct store_config *config, char *why, size_t room)
{
    struct schema_target target = target_of(pq);
    enum err err = config->by_hand ? schema_is_current(&schema_pg, &target, why, room)
                                   : schema_migrate(&schema_pg, &target, why, room);
    if (!err && config->full_text)
        err = make_search(pq, why, room);
    return err ? err : make_partitions(pq, config->partition_ms, why, room);
}

/* --- By hand --- */

enum err pg_schema_open(const struct store_config *config, struct schema_target *target, char *why,
                        size_t room)
{
    struct pq_target *where;
    struct pq *pq;
    enum err err = pq_target_new(config->conninfo ? config->conninfo : "", &where, why, room);
    if (err)
        return err;
    err = pq_open(where, &pq, why, room);
    pq_target_free(where);
    if (!err)
        *target = target_of(pq);
    return err;
}

void pg_schema_close(struct schema_target *target)
{
    pq_close(target->own);
}

/* What may be done with all tables that are there, those of the archive's partitions too. */
#define MAY_ALL                                                                                    \
    "SELECT coalesce(bool_and(has_table_privilege(c.oid, 'SELECT, INSERT')"                        \
    " AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')), true)"   \
    "::int FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace ="                     \
    " current_schema()::regnamespace"

const struct schema_look pg_schema_looks[] = {
    {"SELECT current_setting('server_version_num')::bigint", "PostgreSQL is new enough",
     "PostgreSQL 15 or newer is needed", 150000, true},
    {"SELECT (current_setting('server_encoding') = 'UTF8')::int", "the database is in UTF-8",
     "the database must have the encoding UTF8", 1, true},
    {"SELECT has_schema_privilege(current_schema(), 'CREATE')::int",
     "tables and partitions can be made here",
     "the role lacks the privilege CREATE on its schema, for migrations and partitions", 1, true},
    {MAY_ALL, "rows can be read and written", "the role lacks privileges on some of the tables", 1,
     true},
    {"SELECT coalesce(bool_and(pg_has_role(c.relowner, 'USAGE')), true)::int FROM pg_class c"
     " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace",
     "the tables are the role's own",
     "some of the tables are another role's: they cannot be migrated, nor partitions made", 1,
     true},
    {"SELECT (current_setting('fsync') = 'on')::int", "fsync is on",
     "fsync is off: a crash of the machine can destroy the database", 1, false},
    {"SELECT (current_setting('synchronous_commit') <> 'off')::int", "synchronous_commit is on",
     "synchronous_commit is off: what was acknowledged can be lost", 1, false},
    {"SELECT (NOT pg_is_in_recovery())::int", "it takes writes", "it is a standby: read-only", 1,
     true},
    {NULL, NULL, NULL, 0, false},
};
