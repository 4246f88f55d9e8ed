/*
 * The database looked at and brought up to date by hand, for `ringtailctl db`: without shards, and
 * blocking. Each says what it finds, line by line. The main thread of a tool.
 */
#ifndef RT_DATABASE_H
#define RT_DATABASE_H

#include "buf.h"
#include "store.h"

/* What database_migrate would do; it does nothing. ERR_DOWN: the database is not there;
 * ERR_UNSUPPORTED: it is newer than this binary. */
RT_NODISCARD enum err database_plan(const struct store_config *config, struct buf *out);

/* Brings the schema up to this binary, in one transaction: all of it happens, or nothing. Asked
 * again after any end it goes on from what is there. */
RT_NODISCARD enum err database_migrate(const struct store_config *config, struct buf *out);

/* Whether a server could work with it: version, privileges, settings. ERR_INVALID: not as it is. */
RT_NODISCARD enum err database_check(const struct store_config *config, struct buf *out);

#endif
