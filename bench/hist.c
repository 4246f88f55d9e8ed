#include "hist.h"

enum { STEP_BITS = 6 }; /* of HIST_STEPS */

/* Values under 64 have a bin each; above, a range doubles and keeps the 6 bits behind the first. */
static size_t bin_of(uint64_t value)
{
    if (value < HIST_STEPS)
        return (size_t)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - STEP_BITS;
    size_t bin = (size_t)(shift + 1) * HIST_STEPS + (size_t)(value >> shift) - HIST_STEPS;
    size_t last = (size_t)HIST_RANGES * HIST_STEPS - 1;
    return bin < last ? bin : last;
}

/* The largest value of a bin. */
static uint64_t top_of(size_t bin)
{
    if (bin < HIST_STEPS)
        return bin;
    unsigned shift = (unsigned)(bin / HIST_STEPS) - 1;
    return ((bin % HIST_STEPS + HIST_STEPS + 1) << shift) - 1;
}

void hist_add(struct hist *hist, uint64_t value)
{
    hist->bins[bin_of(value)]++;
    hist->count++;
    if (value > hist->max)
        hist->max = value;
}

uint64_t hist_at(const struct hist *hist, unsigned per_mille)
{
    uint64_t rank = (hist->count * per_mille + 999) / 1000, seen = 0;
    for (size_t i = 0; i < (size_t)HIST_RANGES * HIST_STEPS; i++) {
        seen += hist->bins[i];
        if (seen && seen >= rank)
            return top_of(i) < hist->max ? top_of(i) : hist->max;
    }
    return 0;
}
