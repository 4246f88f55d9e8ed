#include "pg_before.h"

#include "clock.h"
#include "limits.h"
#include "log.h"
#include "map.h"
#include "pg_schema.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { LOOK_MS = 20, GIVEN_LEN = 30 };

/* PostgreSQL cuts names at 63 bytes. */
static char name[64], own_prefix[56];

/* The operator's own name for connections goes in front, without what would need quoting. */
static void put_given(char *out, const char *given)
{
    size_t len = 0;
    for (; *given && len < GIVEN_LEN; given++)
        if (isalnum((unsigned char)*given) || *given == '-' || *given == '_')
            out[len++] = *given;
    out[len] = '\0';
}

void pg_before_name(struct pq_target *target, const struct store_config *config)
{
    char given[GIVEN_LEN + 1];
    const char *wanted = pq_target_application(target);
    uint64_t server = config->data_dir ? map_hash(str_of(config->data_dir)) : 0;
    put_given(given, wanted ? wanted : "ringtail");
    snprintf(own_prefix, sizeof own_prefix, "%s/%08" PRIx32 "/", given,
             (uint32_t)(server ^ server >> 32));
    snprintf(name, sizeof name, "%s%08" PRIx32, own_prefix, (uint32_t)(clock_unix_us() / 1000));
    pq_target_set_application(target, name);
    if (!config->data_dir) /* of tests: nobody else is meant */
        own_prefix[0] = '\0';
}

static enum err count_old(struct pq *pq, const char *what, int64_t *count)
{
    char sql[400];
    snprintf(sql, sizeof sql,
             "SELECT count(%s) FROM pg_stat_activity WHERE usename = current_user"
             " AND datname = current_database() AND starts_with(application_name, '%s')"
             " AND application_name <> '%s'",
             what, own_prefix, name);
    return pq_exec(pq, sql, count);
}

static void pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
}

enum err pg_before_wait(struct pq *pq, char *why, size_t room)
{
    int64_t left = 0, ended = 0;
    uint64_t start_us = clock_monotonic_us(), most_us = LIMIT_PG_BEFORE * 1000ull;
    enum err err = own_prefix[0] ? count_old(pq, "*", &left) : ERR_OK;
    while (!err && left) {
        uint64_t waited_us = clock_monotonic_us() - start_us;
        if (waited_us > most_us)
            break;
        if (waited_us > most_us / 2 && !ended) {
            LOG(LOG_WARNING, "old_connections_ended", LF_INT("count", left));
            err = count_old(pq, "pg_terminate_backend(pid)", &ended);
        }
        pause_a_little();
        if (!err)
            err = count_old(pq, "*", &left);
    }
    if (err)
        snprintf(why, room, "%s: %s", pg_schema_where, pq_error(pq));
    else if (left)
        snprintf(why, room, "%s: connections of the server that was here before are not gone",
                 pg_schema_where);
    return err || left ? ERR_DOWN : ERR_OK;
}
