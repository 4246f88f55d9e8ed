#include "process.h"

#include "clock.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t begun_us;

void process_begin(void)
{
    begun_us = clock_monotonic_us();
}

uint64_t process_uptime_ms(void)
{
    return (clock_monotonic_us() - begun_us) / 1000;
}

uint64_t process_resident(void)
{
    unsigned long long total, resident;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    int got = fscanf(file, "%llu %llu", &total, &resident);
    fclose(file);
    return got == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t us_of(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

uint64_t process_cpu_us(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) ? 0 : us_of(usage.ru_utime) + us_of(usage.ru_stime);
}

uint64_t process_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    uint64_t count = 0;
    if (!dir)
        return 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count < 3 ? 0 : count - 3; /* ".", ".." and the folder itself */
}
