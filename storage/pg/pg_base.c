#include "pg_base.h"

#include "clock.h"
#include "limits.h"
#include "log.h"
#include "schema.h"
#include "stanza_id.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

/* When a hundred connections are lost at once they ask for a hundred visits: one answer is good for
 * so long. */
enum { VISIT_KEEPS_US = 1000000 };

static struct {
    struct pq_target *target;
    uint64_t partition_ms;
    unsigned helper;
    char why[512];
    atomic_bool schema_seen;
    atomic_int server;
} base;

/* The latest visit; the helper's own. */
static struct {
    uint64_t at_us;
    struct pg_visit result;
} latest;

static const char where[] = "the PostgreSQL database";

static enum err exec(void *own, const char *sql)
{
    return pq_exec(own, sql, NULL);
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

static enum err migrate(struct pq *pq, char *why, size_t room)
{
    struct schema_target target = {.own = pq,
                                   .where = where,
                                   .begin = begin,
                                   .exec = exec,
                                   .version = read_version,
                                   .error = error};
    return schema_migrate(&schema_pg, &target, why, room);
}

/* A message needs its partition from the first one on; later ones are made by upkeep.h. */
static enum err make_partitions(struct pq *pq, char *why, size_t room)
{
    char sql[160];
    int64_t made = 0;
    snprintf(sql, sizeof sql, "SELECT made FROM message_upkeep(%" PRIu64 ", %" PRIu64 ", %d, 0)",
             stanza_id_at(clock_unix_us()), stanza_id_span(base.partition_ms * 1000),
             LIMIT_PARTITIONS_AHEAD);
    enum err err = pq_exec(pq, sql, &made);
    if (err)
        snprintf(why, room, "%s: making partitions of the archive failed: %s", where, pq_error(pq));
    else if (made)
        LOG(LOG_INFO, "partitions_made", LF_INT("count", made));
    return err;
}

/* ERR_DOWN: nobody is there; *refused: it is there, but cannot be used. */
static enum err look(char *why, size_t room, bool *refused)
{
    struct pq *pq;
    *refused = false;
    enum err err = pq_open(base.target, &pq, why, room);
    if (err)
        return err;
    pg_base_server(pq_server_version(pq));
    err = migrate(pq, why, room);
    if (!err)
        err = make_partitions(pq, why, room);
    *refused = err != ERR_OK;
    atomic_store(&base.schema_seen, !err);
    pq_close(pq);
    return err;
}

/* The helper. */

static void visit_anew(struct pg_visit *visit)
{
    struct resolve_request names = pq_target_hosts(base.target);
    bool refused;
    *visit = (struct pg_visit){.has_hosts = names.hosts != NULL};
    if (names.hosts)
        visit->outcome = resolve_hosts(names, &visit->hosts, visit->why, sizeof visit->why);
    if (!visit->outcome && !atomic_load(&base.schema_seen))
        visit->outcome = look(visit->why, sizeof visit->why, &refused);
}

static void on_visit(struct job *job)
{
    struct pg_visit *visit = (struct pg_visit *)job;
    bool fresh = latest.at_us && clock_monotonic_us() - latest.at_us < VISIT_KEEPS_US;
    if (!fresh || (!latest.result.outcome && !atomic_load(&base.schema_seen))) {
        visit_anew(&latest.result);
        latest.at_us = clock_monotonic_us();
    }
    visit->outcome = latest.result.outcome;
    visit->has_hosts = latest.result.has_hosts;
    visit->hosts = latest.result.hosts;
    memcpy(visit->why, latest.result.why, sizeof visit->why);
}

/* Boot. */

enum err pg_base_setup(const struct store_config *config, const char **why)
{
    const char *conninfo = config->conninfo;
    bool refused;
    *why = base.why;
    char reason[256];
    enum err err = pq_target_new(conninfo ? conninfo : "", &base.target, reason, sizeof reason);
    if (err) {
        snprintf(base.why, sizeof base.why, "storage.conninfo is not understood: %s", reason);
        return err;
    }
    base.partition_ms = config->partition_ms;
    atomic_store(&base.schema_seen, false);
    atomic_store(&base.server, 0);
    latest.at_us = 0;
    err = look(base.why, sizeof base.why, &refused);
    if (err && refused) {
        pg_base_teardown();
        return err;
    }
    if (err)
        LOG(LOG_WARNING, "store_down", LF("database", where), LF("why", base.why));
    base.helper = helper_declare(&(struct helper){.name = "postgresql helper"});
    return ERR_OK;
}

void pg_base_teardown(void)
{
    pq_target_free(base.target);
    base.target = NULL;
}

const struct pq_target *pg_base_target(void)
{
    return base.target;
}

bool pg_base_needs_visit(void)
{
    return !atomic_load(&base.schema_seen) || pq_target_hosts(base.target).hosts;
}

void pg_base_visit(struct pg_visit *visit, void (*done)(struct job *job))
{
    visit->job.work = on_visit;
    visit->job.done = done;
    helper_send(base.helper, &visit->job);
}

void pg_base_doubt(void)
{
    atomic_store(&base.schema_seen, false);
}

bool pg_base_schema_fits(unsigned version, char *why, size_t room)
{
    if (schema_check(&schema_pg, where, version, why, room))
        return false;
    if (version == schema_latest(&schema_pg))
        return true;
    snprintf(why, room, "%s has schema version %u, older than %u", where, version,
             schema_latest(&schema_pg));
    return false;
}

void pg_base_server(int version)
{
    atomic_store(&base.server, version);
}

const char *pg_base_version(void)
{
    static _Thread_local char text[64];
    int server = atomic_load(&base.server);
    if (server)
        snprintf(text, sizeof text, "%s (server %d.%d)", pq_version(), server / 10000,
                 server % 10000);
    else
        text_copy(text, sizeof text, str_of(pq_version()));
    return text;
}
