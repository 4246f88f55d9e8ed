/*
 * The numbers of JIDs that a shard has met (table jid), so that a batch names its parties by
 * numbers alone. Rows of that table never change and never go. One that is met takes the place of
 * another (LIMIT_PG_JIDS places). Its shard's thread, except where said.
 */
#ifndef RT_PG_JIDS_H
#define RT_PG_JIDS_H

#include "text.h"

#include <stdbool.h>
#include <stdint.h>

struct pg_jid {
    int64_t id;
    bool chooses;    /* may have preferences for the archive (XEP-0441) */
    bool registered; /* has an account */
};

/* At the begin and end of a shard. */
void pg_jids_start(unsigned shard);
void pg_jids_stop(unsigned shard);

/* False: not met. Of the running shard. */
bool pg_jids_find(struct str bare, struct pg_jid *out);

/* What has been read in a transaction that is committed. */
void pg_jids_keep(struct str bare, struct pg_jid jid);

/* This one sets preferences, or its account goes: from now on it `chooses` and is not `registered`
 * on all shards, which means that the database is asked. Any thread. */
void pg_jids_doubt(struct str bare);

#endif
