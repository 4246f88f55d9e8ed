/*
 * Counters, gauges and histograms, one value a thread, so that counting is an add to memory of
 * one's own. They are declared as tables (a module's or a floor's), registered at boot, and summed
 * by whoever reads.
 */
#ifndef RT_METRIC_H
#define RT_METRIC_H

#include <stddef.h>
#include <stdint.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
    const char *name; /* Prometheus name without the prefix "ringtail_" */
    const char *help;
    enum metric_kind kind;
    unsigned slot; /* given by metric_register; 0 until then, where adds fall into a dustbin */
};

/* How often values fell between bounds, each with those up to it; more than the last has a count of
 * its own. A table names it by its `metric`, of kind METRIC_HISTOGRAM. */
struct histogram {
    struct metric metric;
    const uint64_t *bounds; /* ascending */
    size_t bound_count;
};

enum { METRIC_MAX = 512, METRIC_THREADS_MAX = 512 };

/* Gives each metric of a NULL-ended table its slot (a histogram: several). At boot, before threads
 * start. Registering one twice is fine. Panics over METRIC_MAX: that is a matter of the build. */
void metric_register(struct metric *const *metrics);

/* Gives the running thread its own values; threads that never call it share a dustbin. `name` must
 * outlive the process ("shard 3"). */
void metric_thread(const char *name);

extern _Thread_local uint64_t *metric_values;

/* Relaxed atomics: readers on other threads see a whole value, a little late. */
static inline void metric_add(const struct metric *metric, int64_t n)
{
    uint64_t *value = &metric_values[metric->slot];
    __atomic_store_n(value, *value + (uint64_t)n, __ATOMIC_RELAXED);
}

static inline void metric_count(const struct metric *metric)
{
    metric_add(metric, 1);
}

static inline void metric_set(const struct metric *metric, int64_t value)
{
    __atomic_store_n(&metric_values[metric->slot], (uint64_t)value, __ATOMIC_RELAXED);
}

/* Counts a value. */
void histogram_add(const struct histogram *histogram, uint64_t value);

/* A part of a histogram as a counter, for the functions below: of bound `index`, bound_count for
 * what is more than the last, bound_count + 1 for the sum of all values. */
struct metric histogram_part(const struct histogram *histogram, size_t index);
const struct histogram *histogram_of(const struct metric *metric); /* NULL: it is none */

/* The sum over all threads. Any thread. */
uint64_t metric_sum(const struct metric *metric);

/* The value of one thread (index below metric_thread_count, in order of metric_thread calls). */
uint64_t metric_of(const struct metric *metric, size_t thread);
size_t metric_thread_count(void);
const char *metric_thread_name(size_t thread); /* NULL: it is just beginning */

/* All registered metrics, in order of registration. */
size_t metric_total(void);
const struct metric *metric_at(size_t index);

#endif
