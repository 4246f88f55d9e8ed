#include "hist.h"

enum { STEP_BITS = 6 }; /* of HIST_STEPS */

/* Values under 64 have a bin each; above, a range doubles and keeps the 6 bits behind the first. */
static size_t bin_of(uint64_t value)
{
    if (value < HIST_STEPS)
        return (size_t)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - STEP_BITS;
    size_t bin = (size_t)(shift + 1) * HIST_STEPS + (size_t)(value >> shift) - HIST_STEPS;
    return bin < HIST_BINS ? bin : HIST_BINS - 1;
}

uint64_t hist_top(unsigned bin)
{
    if (bin < HIST_STEPS)
        return bin;
    unsigned shift = bin / HIST_STEPS - 1;
    return (((uint64_t)bin % HIST_STEPS + HIST_STEPS + 1) << shift) - 1;
}

void hist_add(struct hist *hist, uint64_t value)
{
    hist->bins[bin_of(value)]++;
    hist->count++;
    if (value > hist->max)
        hist->max = value;
}

void hist_merge(struct hist *hist, const struct hist *more)
{
    for (unsigned i = 0; i < HIST_BINS; i++)
        hist->bins[i] += more->bins[i];
    hist->count += more->count;
    if (more->max > hist->max)
        hist->max = more->max;
}

uint64_t hist_at(const struct hist *hist, unsigned per_mille)
{
    uint64_t rank = (hist->count * per_mille + 999) / 1000, seen = 0;
    for (unsigned i = 0; i < HIST_BINS; i++) {
        seen += hist->bins[i];
        if (seen && seen >= rank)
            return hist_top(i) < hist->max ? hist_top(i) : hist->max;
    }
    return 0;
}
