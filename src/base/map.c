#include "map.h"

#include "check.h"
#include "mem.h"

#include <string.h>

static uint64_t secret[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

void map_seed(const uint8_t bytes[16])
{
    memcpy(secret, bytes, sizeof secret);
}

static inline uint64_t rotl(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v2 = rotl(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

uint64_t map_hash(struct str key)
{
    struct sip s = {secret[0] ^ 0x736f6d6570736575, secret[1] ^ 0x646f72616e646f6d,
                    secret[0] ^ 0x6c7967656e657261, secret[1] ^ 0x7465646279746573};
    size_t whole = key.len & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t word;
        memcpy(&word, key.at + i, 8);
        sip_word(&s, word);
    }
    uint64_t last = (uint64_t)key.len << 56;
    if (key.len & 7)
        memcpy(&last, key.at + whole, key.len & 7);
    sip_word(&s, last);
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

void map_fini(struct map *map)
{
    mem_free(map->buckets);
    *map = (struct map){0};
}

static struct map_node **bucket_of(const struct map *map, uint64_t hash)
{
    return &map->buckets[hash & (map->bucket_count - 1)];
}

struct map_node *map_find(const struct map *map, uint64_t hash, map_eq *eq, const void *key)
{
    if (map->count == 0)
        return NULL;
    for (struct map_node *node = *bucket_of(map, hash); node; node = node->next)
        if (node->hash == hash && eq(node, key))
            return node;
    return NULL;
}

static void insert(struct map *map, struct map_node *node)
{
    struct map_node **bucket = bucket_of(map, node->hash);
    node->next = *bucket;
    *bucket = node;
}

static void resize(struct map *map, size_t bucket_count)
{
    struct map old = *map;
    map->buckets = mem_zalloc(bucket_count * sizeof(struct map_node *));
    map->bucket_count = bucket_count;
    for (size_t i = 0; i < old.bucket_count; i++)
        for (struct map_node *node = old.buckets[i], *next; node; node = next) {
            next = node->next;
            insert(map, node);
        }
    mem_free(old.buckets);
}

/* The table shrinks here and not in map_drop, so that dropping moves nobody whom an iteration has
 * still to see. */
void map_add(struct map *map, struct map_node *node, uint64_t hash)
{
    if (map->count >= map->bucket_count)
        resize(map, map->bucket_count ? map->bucket_count * 2 : 16);
    else if (map->bucket_count > 64 && map->count < map->bucket_count / 8)
        resize(map, map->bucket_count / 4);
    node->hash = hash;
    insert(map, node);
    map->count++;
}

void map_drop(struct map *map, struct map_node *node)
{
    CHECK(map->count);
    struct map_node **at = bucket_of(map, node->hash);
    while (*at && *at != node)
        at = &(*at)->next;
    CHECK(*at);
    *at = node->next;
    node->next = NULL;
    map->count--;
}

struct map_node *map_next(const struct map *map, const struct map_node *node)
{
    if (node && node->next)
        return node->next;
    size_t i = node ? (node->hash & (map->bucket_count - 1)) + 1 : 0;
    for (; i < map->bucket_count; i++)
        if (map->buckets[i])
            return map->buckets[i];
    return NULL;
}
