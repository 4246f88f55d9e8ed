#include "schema.h"

#include "log.h"

#include <stdio.h>

unsigned schema_latest(const struct schema *schema)
{
    return schema->steps[schema->count - 1].version;
}

enum err schema_check(const struct schema *schema, const char *where, unsigned version, char *why,
                      size_t room)
{
    if (version <= schema_latest(schema))
        return ERR_OK;
    snprintf(
        why, room,
        "%s has schema version %u, and this ringtaild knows versions up to %u: start the newer "
        "ringtaild that made it",
        where, version, schema_latest(schema));
    return ERR_UNSUPPORTED;
}

static enum err apply(const struct schema_target *target, const struct schema_step *step)
{
    LOG(LOG_INFO, "schema_migration", LF("database", target->where), LF("name", step->name),
        LF_INT("version", step->version));
    enum err err = target->exec(target->own, step->sql);
    if (err)
        return err;
    char sql[80];
    snprintf(sql, sizeof sql, "INSERT INTO schema_migration (version) VALUES (%u)", step->version);
    return target->exec(target->own, sql);
}

static enum err apply_missing(const struct schema *schema, const struct schema_target *target,
                              unsigned version)
{
    for (size_t i = 0; i < schema->count; i++) {
        enum err err =
            schema->steps[i].version > version ? apply(target, &schema->steps[i]) : ERR_OK;
        if (err)
            return err;
    }
    return target->exec(target->own, "COMMIT");
}

static enum err refuse(const struct schema_target *target, enum err err)
{
    enum err ignored = target->exec(target->own, "ROLLBACK");
    (void)ignored; /* the connection is closed next */
    return err;
}

static enum err explain(const struct schema_target *target, const char *what, enum err err,
                        char *why, size_t room)
{
    snprintf(why, room, "%s: %s failed: %s", target->where, what, target->error(target->own));
    return refuse(target, err);
}

enum err schema_migrate(const struct schema *schema, const struct schema_target *target, char *why,
                        size_t room)
{
    unsigned version = 0;
    enum err err = target->exec(target->own, target->begin);
    if (err)
        return explain(target, "locking the schema", err, why, room);
    err = target->version(target->own, &version);
    if (err)
        return explain(target, "reading the schema version", err, why, room);
    err = schema_check(schema, target->where, version, why, room);
    if (err)
        return refuse(target, err);
    err = apply_missing(schema, target, version);
    return err ? explain(target, "migrating the schema", err, why, room) : ERR_OK;
}

enum err schema_is_current(const struct schema *schema, const struct schema_target *target,
                           char *why, size_t room)
{
    unsigned version = 0, latest = schema_latest(schema);
    enum err err = target->version(target->own, &version);
    if (err) {
        snprintf(why, room, "%s: reading the schema version failed: %s", target->where,
                 target->error(target->own));
        return err;
    }
    if (version >= latest)
        return schema_check(schema, target->where, version, why, room);
    snprintf(why, room,
             "%s has schema version %u, and %u is wanted: run `ringtailctl db plan`, then `db "
             "migrate`, or set storage.migrate_by_hand to false",
             target->where, version, latest);
    return ERR_INVALID;
}
