/*
 * A histogram of durations with logarithmic ranges of 64 linear steps each (as HdrHistogram has
 * them): any value is told with an error under 1.6 %, in fixed memory; two can be merged.
 */
#ifndef RT_HIST_H
#define RT_HIST_H

#include <stddef.h>
#include <stdint.h>

enum { HIST_STEPS = 64, HIST_RANGES = 32, HIST_BINS = HIST_STEPS * HIST_RANGES };

/* Zeroed: empty. */
struct hist {
    uint64_t count, max;
    uint64_t bins[HIST_BINS];
};

/* One more value. */
void hist_add(struct hist *hist, uint64_t value);

/* The value that `per_mille` of the values do not exceed (500: the median); 0 when empty. */
uint64_t hist_at(const struct hist *hist, unsigned per_mille);

/* Adds all values of another one. */
void hist_merge(struct hist *hist, const struct hist *more);

/* The largest value of a bin: for those who look at the bins. */
uint64_t hist_top(unsigned bin);

#endif
