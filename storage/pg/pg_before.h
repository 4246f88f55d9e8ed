/*
 * The server that was here before. When one is killed, PostgreSQL may still be at work on what it
 * was sent; who has no acknowledgement sends the same again to the next server, and two
 * transactions that do not see each other would store it twice. So the next one waits until the
 * connections of the one before are gone. They are known by their names: that of the server (its
 * data folder), and of the run.
 */
#ifndef RT_PG_BEFORE_H
#define RT_PG_BEFORE_H

#include "pq.h"
#include "store_config.h"

/* At boot, before any connection is made: names those of this run. */
void pg_before_name(struct pq_target *target, const struct store_config *config);

/* Blocking, for LIMIT_PG_BEFORE at most; after half of it the old connections are ended. ERR_DOWN:
 * they are not gone; `why` gets a sentence. */
RT_NODISCARD enum err pg_before_wait(struct pq *pq, char *why, size_t room);

#endif
