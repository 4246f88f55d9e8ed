/* The machine that a run runs on, and how quiet it is. */
#ifndef RT_MACHINE_H
#define RT_MACHINE_H

#include "buf.h"
#include "report.h"

/* CPU time of all CPUs so far, in µs: spent on anything, and taken by the host of a virtual
 * machine. */
struct machine_time {
    double busy_us, stolen_us;
};

/* Zero when it cannot be read. */
struct machine_time machine_time(void);

/* One small piece of work again and again, for 100 ms: adds how long it takes (noise_p50_us,
 * noise_p99_us, noise_max_us). On a quiet machine all are the same; what is above is not the
 * server's. */
void machine_noise(struct report *report);

/* {"cpu": …, "cpus": …, "memory_bytes": …, "kernel": …} */
void machine_write(struct buf *out);

#endif
