/* From a process to running shards: CPUs, descriptors, threads, and the way back. */
#ifndef RT_BOOT_H
#define RT_BOOT_H

#include "shard.h"

/* CPUs that this process may use: its affinity, bounded by the cgroup's quota (rounded up). Writes
 * up to `room` CPU numbers; returns how many shards fit. */
unsigned boot_cpus(unsigned *cpus, unsigned room);

/* Raises the limit of descriptors to the hard limit and returns it. */
uint64_t boot_descriptors(void);

struct boot {
    unsigned shards;
    bool pin;
    bool spin;                          /* a busy shard looks for work a little before it sleeps */
    void (*start)(struct shard *shard); /* on each shard's thread, when all of them are there */
    void (*stop)(struct shard *shard);  /* on each shard's thread, at its end */
};

/* Runs the shards and the helpers declared so far, and returns when boot_stop was called and all
 * have ended. ERR_UNSUPPORTED, ERR_SYSTEM: a ring could not be made. */
RT_NODISCARD enum err boot_run(const struct boot *boot);

/* Ends all shards. From a shard; again is fine. */
void boot_stop(void);

/* One shard on the running thread, for tools and tests: it is turned by hand. */
RT_NODISCARD enum err boot_single(struct shard **out);
void boot_single_end(struct shard *shard);

#endif
