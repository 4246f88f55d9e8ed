/* Arenas, buffers and maps. */
#include "blob.h"
#include "map.h"
#include "micro.h"

#include <stdio.h>

enum { MEMBERS = 1024, TAKEN = 40, TAKE_LEN = 48 };

static uint64_t run_arena(uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct arena arena;
        arena_init(&arena);
        for (int j = 0; j < TAKEN; j++)
            sum += (uintptr_t)arena_take(&arena, TAKE_LEN) & 1;
        arena_fini(&arena);
    }
    return sum;
}

/* A connection's output: gathered, sent, empty again. */
static uint64_t run_buf(uint64_t count)
{
    struct buf buf = {0};
    for (uint64_t i = 0; i < count; i++) {
        buf_push_str(&buf, STR(MICRO_STANZA));
        buf_pop(&buf, buf_len(&buf));
    }
    buf_fini(&buf);
    return count;
}

static uint64_t run_hash(uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += map_hash(STR("somebody@localhost"));
    return sum;
}

static struct member {
    struct map_node node;
    char name[24];
} members[MEMBERS];
static struct map map;

static bool has_name(const struct map_node *node, const void *key)
{
    return str_eq(str_of(MAP_OWNER(node, struct member, node)->name), *(const struct str *)key);
}

static void fill_map(void)
{
    for (int i = 0; i < MEMBERS; i++) {
        snprintf(members[i].name, sizeof members[i].name, "u%d@localhost", i);
        map_add(&map, &members[i].node, map_hash(str_of(members[i].name)));
    }
}

static void empty_map(void)
{
    map_fini(&map);
}

static uint64_t run_find(uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct str key = str_of(members[i % MEMBERS].name);
        sum += map_find(&map, map_hash(key), has_name, &key) != NULL;
    }
    return sum;
}

static uint64_t run_blob(uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct blob *blob = blob_new(STR(MICRO_STANZA));
        sum += blob != NULL;
        blob_unref(&blob);
    }
    return sum;
}

const struct micro micro_base[] = {
    {"arena", "an arena, 40 takes of 48 bytes, freed", NULL, run_arena, NULL, 20000, false},
    {"buf", "a stanza appended, and all taken away", NULL, run_buf, NULL, 20000, false},
    {"hash", "a bare JID hashed", NULL, run_hash, NULL, 20000, false},
    {"map_find", "one of 1,024 by its bare JID, hashed", fill_map, run_find, empty_map, 20000,
     false},
    {"blob", "a stanza as a blob, made and freed", NULL, run_blob, NULL, 20000, false},
    {0},
};
