#include "pg_base.h"

#include "clock.h"
#include "log.h"
#include "pg_before.h"
#include "pg_schema.h"

#include <stdatomic.h>
#include <stdio.h>

/* When a hundred connections are lost at once they ask for a hundred visits: one answer is good for
 * so long. */
enum { VISIT_KEEPS_US = 1000000 };

static struct {
    struct pq_target *target;
    const struct store_config *config;
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

/* ERR_DOWN: nobody is there; *refused: it is there, but cannot be used. */
static enum err look(char *why, size_t room, bool *refused)
{
    struct pq *pq;
    *refused = false;
    enum err err = pq_open(base.target, &pq, why, room);
    if (err)
        return err;
    pg_base_server(pq_server_version(pq));
    err = pg_before_wait(pq, why, room);
    if (!err) {
        err = pg_schema_prepare(pq, base.config, why, room);
        *refused = err != ERR_OK;
    }
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
    base.config = config;
    pg_before_name(base.target, config);
    atomic_store(&base.schema_seen, false);
    atomic_store(&base.server, 0);
    latest.at_us = 0;
    err = look(base.why, sizeof base.why, &refused);
    if (err && refused) {
        pg_base_teardown();
        return err;
    }
    if (err)
        LOG(LOG_WARNING, "store_down", LF("database", pg_schema_where), LF("why", base.why));
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
    if (schema_check(&schema_pg, pg_schema_where, version, why, room))
        return false;
    if (version == schema_latest(&schema_pg))
        return true;
    snprintf(why, room, "%s has schema version %u, older than %u", pg_schema_where, version,
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
