/*
 * Pseudo-random numbers: fast and repeatable from a seed (jitter, the simulator). Secrets and ids
 * that go out come from digest_random (xmpp floor) instead.
 */
#ifndef RT_PRNG_H
#define RT_PRNG_H

#include <stdint.h>

struct prng {
    uint64_t s[4];
};

/* The same seed gives the same numbers. */
void prng_init(struct prng *prng, uint64_t seed);

/* 64 random bits. */
uint64_t prng_u64(struct prng *prng);

/* A number in [0, below); below > 0. */
uint64_t prng_below(struct prng *prng, uint64_t below);

#endif
