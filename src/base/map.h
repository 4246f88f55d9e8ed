/*
 * A hash map whose nodes live inside the members. The caller hashes keys (map_hash, keyed by a
 * secret of the process so that nobody outside can build collisions) and compares them. Not thread
 * safe.
 */
#ifndef RT_MAP_H
#define RT_MAP_H

#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_node {
    struct map_node *next;
    uint64_t hash;
};

struct map {
    struct map_node **buckets;
    size_t bucket_count, count;
};

/* True when the member at `node` has the key. */
typedef bool map_eq(const struct map_node *node, const void *key);

#define MAP_OWNER(node_, type, field) ((type *)((char *)(node_)-offsetof(type, field)))

/* SipHash-1-3 with the process's secret. The same for all threads. */
uint64_t map_hash(struct str key);

/* Sets the secret (16 bytes); at boot from the system's random bytes, in the simulator from the
 * seed. Until then it is a constant. */
void map_seed(const uint8_t secret[16]);

/* A zeroed map is empty; no init is needed. Frees the buckets; members are the caller's. */
void map_fini(struct map *map);

/* The first member with this hash that `eq` accepts, or NULL. */
struct map_node *map_find(const struct map *map, uint64_t hash, map_eq *eq, const void *key);

/* Adds a member; the caller made sure that the key is not there. */
void map_add(struct map *map, struct map_node *node, uint64_t hash);

/* Takes a member out; it must be one. */
void map_drop(struct map *map, struct map_node *node);

/* Iteration: NULL starts, NULL ends. The member at hand may be dropped if `next` was taken first.
 */
struct map_node *map_next(const struct map *map, const struct map_node *node);

#endif
