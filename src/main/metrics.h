/* Counters and gauges as text for Prometheus, and by name. Any thread. */
#ifndef RT_METRICS_H
#define RT_METRICS_H

#include "buf.h"
#include "metric.h"

/* The text format 0.0.4: all registered metrics with a label for each shard, and of the process. */
void metrics_write(struct buf *out);

/* The registered metric of that name, or NULL. */
const struct metric *metrics_find(const char *name);

/* The value of shard `shard`, and of all threads that are no shards. */
int64_t metrics_of_shard(const struct metric *metric, unsigned shard);
int64_t metrics_of_helpers(const struct metric *metric);

#endif
