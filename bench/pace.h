/*
 * The open loop's timetable: when which message is due, whatever the server does meanwhile. Latency
 * counts from these times, so that a server that stalls cannot make the load stall with it
 * (coordinated omission). Threads and machines share one timetable: part k of n has its lines k,
 * k+n, k+2n …
 */
#ifndef RT_PACE_H
#define RT_PACE_H

#include <stdint.h>

struct pace {
    uint64_t start_us, measure_us, end_us; /* monotonic: warm-up, measured part, end */
    uint64_t rate, burst, tick_us;         /* rate and burst in messages, of all parts */
    uint64_t part, parts;
    uint64_t writes; /* how many this part has: each of `burst` messages */
};

/* Sets the times and the number of writes; the rest is set already. */
void pace_init(struct pace *pace, uint64_t start_us, uint64_t warmup_us, uint64_t measured_us);

/* When write `index` of this part is due; UINT64_MAX behind the last one. */
uint64_t pace_due_us(const struct pace *pace, uint64_t index);

#endif
