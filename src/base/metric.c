#include "metric.h"

#include "check.h"
#include "mem.h"

#include <stdatomic.h>

static struct metric *registered[METRIC_MAX];
static size_t registered_count;
static size_t slot_count = 1; /* slot 0 is the dustbin of unregistered metrics */

static uint64_t dustbin[METRIC_MAX];
_Thread_local uint64_t *metric_values = dustbin;

static struct {
    const char *name;
    uint64_t *values;
} threads[METRIC_THREADS_MAX];
static atomic_size_t thread_count;

const struct histogram *histogram_of(const struct metric *metric)
{
    return metric->kind == METRIC_HISTOGRAM ? (const struct histogram *)metric : NULL;
}

static size_t slots_of(const struct metric *metric)
{
    const struct histogram *histogram = histogram_of(metric);
    return histogram ? histogram->bound_count + 2 : 1;
}

void metric_register(struct metric *const *metrics)
{
    for (; metrics && *metrics; metrics++) {
        if ((*metrics)->slot)
            continue;
        CHECK(slot_count + slots_of(*metrics) <= METRIC_MAX);
        (*metrics)->slot = (unsigned)slot_count;
        slot_count += slots_of(*metrics);
        registered[registered_count++] = *metrics;
    }
}

void metric_thread(const char *name)
{
    size_t index = atomic_fetch_add(&thread_count, 1);
    CHECK(index < METRIC_THREADS_MAX);
    uint64_t *values = mem_zalloc(METRIC_MAX * sizeof *values);
    threads[index].name = name;
    __atomic_store_n(&threads[index].values, values, __ATOMIC_RELEASE);
    metric_values = values;
}

uint64_t metric_of(const struct metric *metric, size_t thread)
{
    uint64_t *values = __atomic_load_n(&threads[thread].values, __ATOMIC_ACQUIRE);
    return values ? __atomic_load_n(&values[metric->slot], __ATOMIC_RELAXED) : 0;
}

uint64_t metric_sum(const struct metric *metric)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < metric_thread_count(); i++)
        sum += metric_of(metric, i);
    return sum;
}

size_t metric_thread_count(void)
{
    return atomic_load(&thread_count);
}

const char *metric_thread_name(size_t thread)
{
    /* The values are published last: with them the name is there. */
    return __atomic_load_n(&threads[thread].values, __ATOMIC_ACQUIRE) ? threads[thread].name : NULL;
}

size_t metric_total(void)
{
    return registered_count;
}

const struct metric *metric_at(size_t index)
{
    CHECK(index < metric_total());
    return registered[index];
}

struct metric histogram_part(const struct histogram *histogram, size_t index)
{
    struct metric part = histogram->metric;
    part.kind = METRIC_COUNTER;
    part.slot += part.slot ? (unsigned)index : 0;
    return part;
}

void histogram_add(const struct histogram *histogram, uint64_t value)
{
    size_t index = 0;
    while (index < histogram->bound_count && value > histogram->bounds[index])
        index++;
    struct metric bucket = histogram_part(histogram, index);
    struct metric sum = histogram_part(histogram, histogram->bound_count + 1);
    metric_count(&bucket);
    metric_add(&sum, (int64_t)value);
}
