/*
 * Numbered migrations inside the binary: schema/<database>/NNN_<name>.sql is the source, and
 * schema/embed.sh makes schema/schema_*.c of it (a test says when that was forgotten). Boot and
 * helper threads only: migrating blocks.
 */
#ifndef RT_SCHEMA_H
#define RT_SCHEMA_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct schema_step {
    unsigned version; /* 1, 2, 3 … without gaps */
    const char *name, *sql;
};

struct schema {
    const char *database; /* the folder */
    const struct schema_step *steps;
    size_t count;
};

extern const struct schema schema_sqlite, schema_pg;

/* What a migration needs of a database. All of it happens in one transaction. `number` is for
 * looking: the first column of the first row. */
struct schema_target {
    void *own;
    const char *where; /* for sentences */
    const char *begin; /* SQL that opens the transaction and keeps other migrations out */
    enum err (*exec)(void *own, const char *sql);
    enum err (*number)(void *own, const char *sql, int64_t *number);
    enum err (*version)(void *own, unsigned *version); /* 0: nothing there yet */
    const char *(*error)(void *own);                   /* of the last call that failed */
};

/* Something that should be so in a database: a query whose number is at least `least`. */
struct schema_look {
    const char *sql, *fine, *wrong; /* sentences */
    int64_t least;
    bool needed; /* else a server works without it, but not as well */
};

/* The version that this binary brings. */
unsigned schema_latest(const struct schema *schema);

/* Brings a database up to that. ERR_UNSUPPORTED: it is newer than this binary; else what the
 * database answered. `why` gets a sentence for the operator. */
RT_NODISCARD enum err schema_migrate(const struct schema *schema,
                                     const struct schema_target *target, char *why, size_t room);

/* What a server may find at its start when it must not migrate by itself: ERR_INVALID and a
 * sentence when the database is older than this binary. */
RT_NODISCARD enum err schema_is_current(const struct schema *schema,
                                        const struct schema_target *target, char *why, size_t room);

/* ERR_UNSUPPORTED with the same sentence when `version` is newer than this binary. */
RT_NODISCARD enum err schema_check(const struct schema *schema, const char *where, unsigned version,
                                   char *why, size_t room);

#endif
