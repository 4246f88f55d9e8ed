#include "metrics.h"

#include "process.h"
#include "shard.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct metric *metrics_find(const char *name)
{
    for (size_t i = 0; i < metric_total(); i++)
        if (strcmp(metric_at(i)->name, name) == 0)
            return metric_at(i);
    return NULL;
}

/* The shard of a thread by its name (boot.c gives it), -1 for others. */
static int parse_name(const char *name)
{
    static const char prefix[] = "shard ";
    uint64_t id;
    if (strncmp(name, prefix, sizeof prefix - 1) ||
        !text_u64(str_of(name + sizeof prefix - 1), 0, INT32_MAX - 2, &id))
        return -1;
    return (int)id;
}

/* Parsed once a thread: a name never changes. */
static int shard_of_thread(size_t thread)
{
    static _Thread_local int known[METRIC_THREADS_MAX]; /* the shard + 2; 0: not yet */
    const char *name = known[thread] ? NULL : metric_thread_name(thread);
    if (name)
        known[thread] = parse_name(name) + 2;
    return known[thread] ? known[thread] - 2 : -1;
}

/* Sums over threads: those of one shard, or with -1 those of none. */
static int64_t sum_of(const struct metric *metric, int shard)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < metric_thread_count(); i++)
        if (shard_of_thread(i) == shard)
            sum += metric_of(metric, i);
    return (int64_t)sum;
}

int64_t metrics_of_shard(const struct metric *metric, unsigned shard)
{
    return sum_of(metric, (int)shard);
}

int64_t metrics_of_helpers(const struct metric *metric)
{
    return sum_of(metric, -1);
}

static void put_head(struct buf *out, const char *prefix, const char *name, const char *type,
                     const char *help)
{
    buf_format(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", prefix, name, help, prefix, name, type);
}

static void put_buckets(struct buf *out, const struct histogram *histogram, unsigned shard)
{
    const char *name = histogram->metric.name;
    int64_t count = 0;
    for (size_t i = 0; i <= histogram->bound_count; i++) {
        struct metric part = histogram_part(histogram, i);
        count += metrics_of_shard(&part, shard);
        buf_format(out, "ringtail_%s_bucket{shard=\"%u\",le=\"", name, shard);
        if (i < histogram->bound_count)
            buf_format(out, "%" PRIu64 "\"} %" PRId64 "\n", histogram->bounds[i], count);
        else
            buf_format(out, "+Inf\"} %" PRId64 "\n", count);
    }
    struct metric sum = histogram_part(histogram, histogram->bound_count + 1);
    buf_format(out, "ringtail_%s_sum{shard=\"%u\"} %" PRId64 "\n", name, shard,
               metrics_of_shard(&sum, shard));
    buf_format(out, "ringtail_%s_count{shard=\"%u\"} %" PRId64 "\n", name, shard, count);
}

static void put_histogram(struct buf *out, const struct histogram *histogram)
{
    put_head(out, "ringtail_", histogram->metric.name, "histogram", histogram->metric.help);
    for (unsigned i = 0; i < shard_count; i++)
        put_buckets(out, histogram, i);
}

static void put_metric(struct buf *out, const struct metric *metric)
{
    if (metric->kind == METRIC_HISTOGRAM) {
        put_histogram(out, histogram_of(metric));
        return;
    }
    put_head(out, "ringtail_", metric->name, metric->kind == METRIC_COUNTER ? "counter" : "gauge",
             metric->help);
    for (unsigned i = 0; i < shard_count; i++)
        buf_format(out, "ringtail_%s{shard=\"%u\"} %" PRId64 "\n", metric->name, i,
                   metrics_of_shard(metric, i));
    int64_t helpers = metrics_of_helpers(metric);
    if (helpers)
        buf_format(out, "ringtail_%s{shard=\"helpers\"} %" PRId64 "\n", metric->name, helpers);
}

static void put_process(struct buf *out)
{
    uint64_t cpu_us = process_cpu_us(), up_ms = process_uptime_ms();
    put_head(out, "", "process_resident_memory_bytes", "gauge", "Resident memory.");
    buf_format(out, "process_resident_memory_bytes %" PRIu64 "\n", process_resident());
    put_head(out, "", "process_cpu_seconds_total", "counter", "CPU time of all threads.");
    buf_format(out, "process_cpu_seconds_total %" PRIu64 ".%06u\n", cpu_us / 1000000,
               (unsigned)(cpu_us % 1000000));
    put_head(out, "", "process_open_fds", "gauge", "Open descriptors.");
    buf_format(out, "process_open_fds %" PRIu64 "\n", process_descriptors());
    put_head(out, "ringtail_", "uptime_seconds", "gauge", "Time since the start.");
    buf_format(out, "ringtail_uptime_seconds %" PRIu64 ".%03u\n", up_ms / 1000,
               (unsigned)(up_ms % 1000));
    put_head(out, "ringtail_", "build_info", "gauge", "The version, as a label.");
    buf_format(out, "ringtail_build_info{version=\"%s\"} 1\n", RINGTAIL_VERSION);
}

void metrics_write(struct buf *out)
{
    for (size_t i = 0; i < metric_total(); i++)
        put_metric(out, metric_at(i));
    put_process(out);
}
