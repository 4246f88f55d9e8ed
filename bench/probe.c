#include "probe.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The first number of schedstat: nanoseconds on a CPU. */
static double thread_cpu_us(uint64_t pid, const char *thread)
{
    char path[320];
    uint64_t ns = 0;
    snprintf(path, sizeof path, "/proc/%" PRIu64 "/task/%s/schedstat", pid, thread);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%" SCNu64, &ns) != 1)
        ns = 0;
    fclose(file);
    return (double)ns / 1e3;
}

double probe_cpu_us(uint64_t pid)
{
    char path[64];
    double sum = 0;
    snprintf(path, sizeof path, "/proc/%" PRIu64 "/task", pid);
    DIR *tasks = pid ? opendir(path) : NULL;
    if (!tasks)
        return 0;
    for (struct dirent *entry; (entry = readdir(tasks));)
        if (entry->d_name[0] != '.')
            sum += thread_cpu_us(pid, entry->d_name);
    closedir(tasks);
    return sum;
}

double probe_own_cpu_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* The line that begins with `key`; the kernel writes kB. */
static double bytes_of(uint64_t pid, const char *name, const char *key)
{
    char path[64], line[256];
    uint64_t kb = 0;
    snprintf(path, sizeof path, "/proc/%" PRIu64 "/%s", pid, name);
    FILE *file = pid ? fopen(path, "re") : NULL;
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0 &&
            sscanf(line + strlen(key), "%" SCNu64, &kb) == 1)
            break;
    fclose(file);
    return (double)kb * 1024;
}

struct probe_memory probe_memory(uint64_t pid)
{
    return (struct probe_memory){.rss = bytes_of(pid, "status", "VmRSS:"),
                                 .pss = bytes_of(pid, "smaps_rollup", "Pss:"),
                                 .private = bytes_of(pid, "smaps_rollup", "Private_Dirty:")};
}
