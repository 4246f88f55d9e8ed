/* The schema in PostgreSQL: over a blocking connection, at boot, on a helper, or by hand. */
#ifndef RT_PG_SCHEMA_H
#define RT_PG_SCHEMA_H

#include "pq.h"
#include "schema.h"
#include "store_config.h"

/* Brings it up to date, or, by hand only, sees that it is; then makes partitions of the archive,
 * since a message needs one from the first on (later ones: upkeep.h). */
RT_NODISCARD enum err pg_schema_prepare(struct pq *pq, const struct store_config *config, char *why,
                                        size_t room);

/* For sentences. */
extern const char pg_schema_where[];

/* For store_backend. */
extern const struct schema_look pg_schema_looks[];
RT_NODISCARD enum err pg_schema_open(const struct store_config *config,
                                     struct schema_target *target, char *why, size_t room);
void pg_schema_close(struct schema_target *target);

#endif
