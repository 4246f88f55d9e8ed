/* Processes with their descendants, and the CPU time of one (Linux /proc). */
#ifndef RT_PROCESSES_H
#define RT_PROCESSES_H

enum { PROCESSES_MAX = 1024 };

/* The processes of a comma-separated list of ids and names, and all that descend from them. Returns
 * how many were written. `list` may be NULL. */
unsigned processes_of(const char *list, unsigned pids[PROCESSES_MAX]);

/* Microseconds on a CPU so far: all threads that the process has now, and its children that have
 * ended (those in clock ticks). 0: cannot be read. */
double process_cpu_us(unsigned pid);

/* The same of those threads alone whose names begin with `prefix`. */
double process_threads_cpu_us(unsigned pid, const char *prefix);

#endif
