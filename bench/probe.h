/* What the kernel tells of a process: CPU time and memory (Linux /proc). */
#ifndef RT_PROBE_H
#define RT_PROBE_H

#include <stdint.h>

/* Microseconds on a CPU so far: all threads that the process has now. 0: cannot be read. */
double probe_cpu_us(uint64_t pid);

/* The same of our own process. */
double probe_own_cpu_us(void);

struct probe_memory {
    double rss, pss, private; /* bytes */
};

/* VmRSS of status; Pss and Private_Dirty of smaps_rollup. Clean private pages are left out: they
 * are files, and count or not depending on who else runs the same program. */
struct probe_memory probe_memory(uint64_t pid);

#endif
