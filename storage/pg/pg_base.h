/*
 * What all connections to PostgreSQL share: where it is, whether its schema was looked at, and the
 * helper thread for what blocks (names, migrations). Any thread after boot.
 */
#ifndef RT_PG_BASE_H
#define RT_PG_BASE_H

#include "helper.h"
#include "pq.h"
#include "store.h"

/* A job for the helper before a connection is made: looks host names up, and migrates a database
 * that nobody has looked at yet. */
struct pg_visit {
    struct job job;
    enum err outcome;
    bool has_hosts;
    struct resolved hosts;
    char why[256];
};

/* At boot. A database that is not there is fine: shards go on trying. Anything else that is wrong
 * (conninfo, rights, a newer schema) is told in *why. */
RT_NODISCARD enum err pg_base_setup(const struct store_config *config, const char **why);
void pg_base_teardown(void);

/* Where to connect to; read-only after setup. */
const struct pq_target *pg_base_target(void);

/* True when a connection must not be made without a visit. */
bool pg_base_needs_visit(void);
void pg_base_visit(struct pg_visit *visit, void (*done)(struct job *job));

/* Something was wrong with the schema: the next visit looks at it again. */
void pg_base_doubt(void);

/* Is `version`, found on a connection, the one that this binary works with? Else `why` tells. */
bool pg_base_schema_fits(unsigned version, char *why, size_t room);

/* The version of the server for `ringtaild --version` and the status, 0: not known. */
void pg_base_server(int version);
const char *pg_base_version(void);

#endif
