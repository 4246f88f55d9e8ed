/*
 * The numbers of JIDs that a shard has met (table jid), so that a batch names its parties by
 * numbers alone. Rows of that table never change and never go, so nothing here gets stale. One that
 * is met takes the place of another (LIMIT_PG_JIDS places). Its shard's thread, except where said.
 */
#ifndef RT_PG_JIDS_H
#define RT_PG_JIDS_H

#include "text.h"

#include <stdbool.h>
#include <stdint.h>

struct pg_jid {
    int64_t id;
    bool chooses; /* may have preferences for the archive (XEP-0441) */
};

/* At the begin and end of a shard. */
void pg_jids_start(unsigned shard);
void pg_jids_stop(unsigned shard);

/* False: not met. Of the running shard. */
bool pg_jids_find(struct str bare, struct pg_jid *out);

/* What has been read in a transaction that is committed. */
void pg_jids_keep(struct str bare, struct pg_jid jid);

/* This one sets preferences: from now on `chooses` is true for it on all shards. Any thread. */
void pg_jids_choose(struct str bare);

#endif
