#include "status.h"

#include "core.h"
#include "mem.h"
#include "metrics.h"
#include "process.h"
#include "store.h"
#include "users.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

void status_each(struct gather *gather, struct gather_part *part)
{
    const char *why = "";
    (void)gather;
    LIST_EACH (session_list(), link)
        part->number[STATUS_STREAMS]++;
    part->number[STATUS_USERS] = users_count();
    part->number[STATUS_TIMERS] = shard_self->wheel.count;
    part->number[STATUS_PENDING] = store_pending(shard_self);
    part->number[STATUS_STORE_READY] = store_ready(shard_self, &why);
    if (!part->number[STATUS_STORE_READY])
        buf_push_str(&part->text, str_of(why ? why : "down"));
}

void status_busy(uint64_t *out)
{
    const struct metric *busy = metrics_find("shard_busy_microseconds_total");
    for (unsigned i = 0; i < shard_count; i++)
        out[i] = busy ? (uint64_t)metrics_of_shard(busy, i) : 0;
}

bool status_storage_ready(const struct gather *gather, struct buf *reasons)
{
    bool ready = true;
    for (unsigned i = 0; i < gather->count; i++) {
        const struct gather_part *part = &gather->parts[i];
        if (part->answered && part->number[STATUS_STORE_READY])
            continue;
        ready = false;
        if (part->answered)
            buf_format(reasons, "storage of shard %u: %.*s\n", part->shard,
                       STR_ARG(buf_str(&part->text)));
        else
            buf_format(reasons, "shard %u is stopping\n", part->shard);
    }
    return ready;
}

/* In tenths of a per cent. */
static unsigned permille(uint64_t part, uint64_t whole)
{
    return whole ? (unsigned)(part * 1000 / whole) : 0;
}

static uint64_t busy_now(const struct status *status, const uint64_t *busy, unsigned shard)
{
    return permille(busy[shard] - status->busy_before[shard], status->window_us);
}

static const char *state(void)
{
    return core_is_draining() ? "draining" : "running";
}

/* --- For people --- */

static void put_uptime(struct buf *out, uint64_t ms)
{
    uint64_t s = ms / 1000;
    buf_format(out, "%" PRIu64 "d %02u:%02u:%02u", s / 86400, (unsigned)(s / 3600 % 24),
               (unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

static void put_summary(struct buf *out, const struct gather *gather)
{
    struct buf reasons = {0};
    bool ready = status_storage_ready(gather, &reasons);
    buf_format(out, "ringtail %s, pid %d, %s, up ", RINGTAIL_VERSION, (int)getpid(), state());
    put_uptime(out, process_uptime_ms());
    buf_format(out, "\nstreams %" PRIu64 ", users online %" PRIu64 ", resident %" PRIu64 " KiB\n",
               gather_sum(gather, STATUS_STREAMS), gather_sum(gather, STATUS_USERS),
               process_resident() / 1024);
    buf_format(out, "storage %s, %" PRIu64 " operations under way\n%.*s\n",
               ready ? "ready" : "not ready", gather_sum(gather, STATUS_PENDING),
               STR_ARG(buf_str(&reasons)));
    buf_fini(&reasons);
}

static void put_shards(struct buf *out, const struct status *status, const uint64_t *busy)
{
    const struct metric *turns = metrics_find("shard_turns_total");
    uint64_t up_us = process_uptime_ms() * 1000;
    buf_format(out, "%5s %8s %8s %12s %8s %8s %8s %8s\n", "shard", "busy", "overall", "turns",
               "streams", "users", "timers", "pending");
    for (unsigned i = 0; i < status->gather->count; i++) {
        const uint64_t *number = status->gather->parts[i].number;
        unsigned now = (unsigned)busy_now(status, busy, i), ever = permille(busy[i], up_us);
        buf_format(out,
                   "%5u %6u.%u%% %6u.%u%% %11" PRId64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
                   " %8" PRIu64 "\n",
                   i, now / 10, now % 10, ever / 10, ever % 10,
                   turns ? metrics_of_shard(turns, i) : 0, number[STATUS_STREAMS],
                   number[STATUS_USERS], number[STATUS_TIMERS], number[STATUS_PENDING]);
    }
}

static void put_metrics(struct buf *out)
{
    char name[32];
    buf_format(out, "\n%-34s %14s", "metric", "total");
    for (unsigned i = 0; i < shard_count; i++) {
        snprintf(name, sizeof name, "shard %u", i);
        buf_format(out, " %14s", name);
    }
    buf_format(out, " %14s\n", "helpers");
    for (size_t i = 0; i < metric_total(); i++) {
        const struct metric *metric = metric_at(i);
        if (metric->kind == METRIC_HISTOGRAM)
            continue;
        buf_format(out, "%-34s %14" PRId64, metric->name, (int64_t)metric_sum(metric));
        for (unsigned k = 0; k < shard_count; k++)
            buf_format(out, " %14" PRId64, metrics_of_shard(metric, k));
        buf_format(out, " %14" PRId64 "\n", metrics_of_helpers(metric));
    }
}

static uint64_t part_of(const struct histogram *histogram, size_t index)
{
    struct metric part = histogram_part(histogram, index);
    return metric_sum(&part);
}

/* The bound that so many per cent of the values do not exceed. */
static void put_percentile(struct buf *out, const struct histogram *histogram, uint64_t count,
                           unsigned percent)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < histogram->bound_count; i++) {
        seen += part_of(histogram, i);
        if (seen * 100 >= count * percent) {
            buf_format(out, " %12" PRIu64, count ? histogram->bounds[i] : 0);
            return;
        }
    }
    buf_format(out, " %12s", "more");
}

static void put_histograms(struct buf *out)
{
    buf_format(out, "\n%-34s %14s %12s %12s %12s\n", "at most", "count", "p50", "p90", "p99");
    for (size_t i = 0; i < metric_total(); i++) {
        const struct histogram *histogram = histogram_of(metric_at(i));
        if (!histogram)
            continue;
        uint64_t count = 0;
        for (size_t k = 0; k <= histogram->bound_count; k++)
            count += part_of(histogram, k);
        buf_format(out, "%-34s %14" PRIu64, histogram->metric.name, count);
        put_percentile(out, histogram, count, 50);
        put_percentile(out, histogram, count, 90);
        put_percentile(out, histogram, count, 99);
        buf_push_str(out, STR("\n"));
    }
}

void status_print(struct buf *out, const struct status *status)
{
    uint64_t *busy = mem_zalloc(shard_count * sizeof *busy);
    status_busy(busy);
    put_summary(out, status->gather);
    put_shards(out, status, busy);
    put_metrics(out);
    put_histograms(out);
    mem_free(busy);
}

/* --- For machines --- */

static void put_json_text(struct buf *out, struct str text)
{
    buf_push_str(out, STR("\""));
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c == '"' || c == '\\')
            buf_format(out, "\\%c", c);
        else if (c < 0x20)
            buf_format(out, "\\u%04x", c);
        else
            buf_push(out, &c, 1);
    }
    buf_push_str(out, STR("\""));
}

static void put_json_shards(struct buf *out, const struct status *status, const uint64_t *busy)
{
    static const char *const names[STATUS_NUMBERS] = {[STATUS_STREAMS] = "streams",
                                                      [STATUS_USERS] = "users",
                                                      [STATUS_TIMERS] = "timers",
                                                      [STATUS_PENDING] = "store_pending",
                                                      [STATUS_STORE_READY] = "store_ready"};
    for (unsigned i = 0; i < status->gather->count; i++) {
        const struct gather_part *part = &status->gather->parts[i];
        buf_format(out, "%s{\"shard\":%u,\"busy_permille\":%" PRIu64, i ? "," : "", i,
                   busy_now(status, busy, i));
        for (int k = 0; k < STATUS_NUMBERS; k++)
            buf_format(out, ",\"%s\":%" PRIu64, names[k], part->number[k]);
        buf_push_str(out, STR(",\"store_why\":"));
        put_json_text(out, buf_str(&part->text));
        buf_push_str(out, STR("}"));
    }
}

static void put_json_histograms(struct buf *out)
{
    const char *comma = "";
    for (size_t i = 0; i < metric_total(); i++) {
        const struct histogram *histogram = histogram_of(metric_at(i));
        if (!histogram)
            continue;
        size_t more = histogram->bound_count;
        buf_format(out, "%s\"%s\":{\"buckets\":[", comma, histogram->metric.name);
        for (size_t k = 0; k < more; k++)
            buf_format(out, "[%" PRIu64 ",%" PRIu64 "],", histogram->bounds[k],
                       part_of(histogram, k));
        buf_format(out, "[null,%" PRIu64 "]],\"sum\":%" PRIu64 "}", part_of(histogram, more),
                   part_of(histogram, more + 1));
        comma = ",";
    }
}

static void put_json_metrics(struct buf *out)
{
    const char *comma = "";
    for (size_t i = 0; i < metric_total(); i++) {
        const struct metric *metric = metric_at(i);
        if (metric->kind == METRIC_HISTOGRAM)
            continue;
        buf_format(out, "%s\"%s\":{\"total\":%" PRId64 ",\"shards\":[", comma, metric->name,
                   (int64_t)metric_sum(metric));
        comma = ",";
        for (unsigned k = 0; k < shard_count; k++)
            buf_format(out, "%s%" PRId64, k ? "," : "", metrics_of_shard(metric, k));
        buf_format(out, "],\"helpers\":%" PRId64 "}", metrics_of_helpers(metric));
    }
}

void status_print_json(struct buf *out, const struct status *status)
{
    uint64_t *busy = mem_zalloc(shard_count * sizeof *busy);
    status_busy(busy);
    buf_format(out,
               "{\"version\":\"%s\",\"pid\":%d,\"state\":\"%s\",\"uptime_ms\":%" PRIu64
               ",\"resident_bytes\":%" PRIu64 ",\"cpu_us\":%" PRIu64 ",\"descriptors\":%" PRIu64
               ",\"shards\":[",
               RINGTAIL_VERSION, (int)getpid(), state(), process_uptime_ms(), process_resident(),
               process_cpu_us(), process_descriptors());
    put_json_shards(out, status, busy);
    buf_push_str(out, STR("],\"metrics\":{"));
    put_json_metrics(out);
    buf_push_str(out, STR("},\"histograms\":{"));
    put_json_histograms(out);
    buf_push_str(out, STR("}}\n"));
    mem_free(busy);
}
