/*
 * What time does to the archive: partitions made ahead, messages past their retention dropped. One
 * shard of the process looks now and then; its thread. Nodes that share a database may all do so.
 */
#ifndef RT_UPKEEP_H
#define RT_UPKEEP_H

#include "store.h"

struct upkeep {
    struct timer timer;
    struct store_op *op; /* under way */
    uint64_t partition_us, retention_us;
};

/* At the begin and end of that shard; the first look is one after partitions were made at boot. */
void upkeep_start(struct upkeep *upkeep, const struct store_config *config);
void upkeep_stop(struct upkeep *upkeep);

extern struct metric *const upkeep_metrics[];

#endif
