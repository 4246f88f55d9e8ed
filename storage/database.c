#include "database.h"

#include "schema.h"
#include "store_backend.h"

#include <stdio.h>

/* A database that is open. */
struct database {
    const struct store_backend *backend;
    struct schema_target target;
    unsigned version;
    char why[512];
};

static enum err fail(struct buf *out, const struct database *database, enum err err)
{
    buf_format(out, "%s\n", database->why);
    return err;
}

static enum err open_database(const struct store_config *config, struct database *database,
                              struct buf *out)
{
    *database = (struct database){.backend = store_backend_of(config->backend)};
    if (!database->backend->schema) {
        buf_format(out, "the %s backend has no database\n", database->backend->name);
        return ERR_INVALID;
    }
    enum err err =
        database->backend->open(config, &database->target, database->why, sizeof database->why);
    if (err)
        return fail(out, database, err);
    err = database->target.version(database->target.own, &database->version);
    if (err)
        snprintf(database->why, sizeof database->why, "%s: reading the schema version failed: %s",
                 database->target.where, database->target.error(database->target.own));
    else
        err = schema_check(database->backend->schema, database->target.where, database->version,
                           database->why, sizeof database->why);
    if (!err)
        return ERR_OK;
    database->backend->close(&database->target);
    return fail(out, database, err);
}

static void tell_version(const struct database *database, struct buf *out)
{
    unsigned latest = schema_latest(database->backend->schema);
    if (database->version == 0)
        buf_format(out, "%s has no schema yet\n", database->target.where);
    else
        buf_format(out, "%s has schema version %u\n", database->target.where, database->version);
    if (database->version == latest)
        buf_format(out, "this is what ringtaild %s works with: there is nothing to do\n",
                   RINGTAIL_VERSION);
}

typedef enum err look_fn(struct database *database, struct buf *out);

static enum err with_database(const struct store_config *config, struct buf *out, look_fn *look)
{
    struct database database;
    enum err err = open_database(config, &database, out);
    if (err)
        return err;
    tell_version(&database, out);
    err = look(&database, out);
    database.backend->close(&database.target);
    return err;
}

static enum err plan(struct database *database, struct buf *out)
{
    const struct schema *schema = database->backend->schema;
    for (size_t i = database->version; i < schema->count; i++)
        buf_format(out, "\n-- step %u, %s\n%s", schema->steps[i].version, schema->steps[i].name,
                   schema->steps[i].sql);
    return ERR_OK;
}

static enum err migrate(struct database *database, struct buf *out)
{
    unsigned latest = schema_latest(database->backend->schema);
    if (database->version == latest)
        return ERR_OK;
    enum err err = schema_migrate(database->backend->schema, &database->target, database->why,
                                  sizeof database->why);
    if (err)
        return fail(out, database, err);
    buf_format(out, "it has version %u now\n", latest);
    return ERR_OK;
}

/* False: a server cannot work with this. */
static bool is_fine(struct database *database, const struct schema_look *look, struct buf *out)
{
    int64_t number = 0;
    bool asked = database->target.number(database->target.own, look->sql, &number) == ERR_OK;
    bool fine = asked && number >= look->least;
    buf_format(out, "%s: %s\n",
               fine           ? "ok"
               : look->needed ? "PROBLEM"
                              : "warning",
               fine ? look->fine : look->wrong);
    if (!asked)
        buf_format(out, "         %s\n", database->target.error(database->target.own));
    return fine || !look->needed;
}

static enum err check(struct database *database, struct buf *out)
{
    unsigned latest = schema_latest(database->backend->schema);
    bool fine = database->version == latest;
    if (!fine)
        buf_format(out,
                   "PROBLEM: version %u is wanted: `ringtailctl db migrate`, or start the server\n",
                   latest);
    for (const struct schema_look *look = database->backend->looks; look->sql; look++)
        fine &= is_fine(database, look, out);
    return fine ? ERR_OK : ERR_INVALID;
}

enum err database_plan(const struct store_config *config, struct buf *out)
{
    return with_database(config, out, plan);
}

enum err database_migrate(const struct store_config *config, struct buf *out)
{
    return with_database(config, out, migrate);
}

enum err database_check(const struct store_config *config, struct buf *out)
{
    return with_database(config, out, check);
}
