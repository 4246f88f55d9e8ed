/*
 * What the kernel tells of programs under test (Linux): CPU time, memory, bytes written. A program
 * is given by process ids, each with all its descendants (a PostgreSQL, an Erlang node), or by a
 * control group (v2).
 */
#ifndef RT_PROBE_H
#define RT_PROBE_H

#include <stdint.h>

struct probe {
    const char *pids;   /* comma-separated ids or names; NULL or empty: none */
    const char *cgroup; /* its folder; NULL: none */
    /* NULL, or of a database inside of the server's processes: what its threads' names begin with.
     */
    const char *threads;
};

struct probe_usage {
    double cpu_us;            /* so far; of children that have ended, too */
    double rss, pss, private; /* bytes; of a control group only rss: memory.current */
    double written;           /* bytes so far that went, or will go, to storage */
};

/* All zero where nothing is given or nothing can be read. Takes some milliseconds. */
struct probe_usage probe_read(const struct probe *probe);

/* CPU time so far of the threads of those processes whose names begin with `prefix`. */
double probe_threads_cpu_us(const struct probe *probe, const char *prefix);

/* True when something is given. */
static inline int probe_is_set(const struct probe *probe)
{
    return (probe->pids && *probe->pids) || probe->cgroup || probe->threads;
}

/* Microseconds on a CPU of our own process, and of the running thread, so far. */
double probe_own_cpu_us(void);
double probe_thread_cpu_us(void);

#endif
