#include "probe.h"

#include "processes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The number behind `key` in a file of lines "key number"; 0 without. */
static double number_of(const char *path, const char *key)
{
    char line[256];
    uint64_t value = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0 &&
            sscanf(line + strlen(key), "%" SCNu64, &value) == 1)
            break;
    fclose(file);
    return (double)value;
}

static double of_process(unsigned pid, const char *name, const char *key)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/%s", pid, name);
    return number_of(path, key);
}

/* Clean private pages are left out: they are files, and count or not depending on who else runs the
 * same program. The kernel writes kB. */
static void add_process(struct probe_usage *usage, unsigned pid)
{
    usage->cpu_us += process_cpu_us(pid);
    usage->rss += of_process(pid, "status", "VmRSS:") * 1024;
    usage->pss += of_process(pid, "smaps_rollup", "Pss:") * 1024;
    usage->private += of_process(pid, "smaps_rollup", "Private_Dirty:") * 1024;
    usage->written += of_process(pid, "io", "write_bytes:");
}

static void add_cgroup(struct probe_usage *usage, const char *folder)
{
    char path[512];
    snprintf(path, sizeof path, "%s/cpu.stat", folder);
    usage->cpu_us += number_of(path, "usage_usec ");
    snprintf(path, sizeof path, "%s/memory.current", folder);
    usage->rss += number_of(path, "");
}

struct probe_usage probe_read(const struct probe *probe)
{
    struct probe_usage usage = {0};
    unsigned pids[PROCESSES_MAX];
    unsigned count = processes_of(probe->pids, pids);
    for (unsigned i = 0; i < count; i++)
        add_process(&usage, pids[i]);
    if (probe->cgroup)
        add_cgroup(&usage, probe->cgroup);
    return usage;
}

double probe_threads_cpu_us(const struct probe *probe, const char *prefix)
{
    double sum = 0;
    unsigned pids[PROCESSES_MAX];
    unsigned count = processes_of(probe->pids, pids);
    for (unsigned i = 0; i < count; i++)
        sum += process_threads_cpu_us(pids[i], prefix);
    return sum;
}

static double cpu_of(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

double probe_own_cpu_us(void)
{
    return cpu_of(CLOCK_PROCESS_CPUTIME_ID);
}

double probe_thread_cpu_us(void)
{
    return cpu_of(CLOCK_THREAD_CPUTIME_ID);
}
