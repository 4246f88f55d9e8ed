#include "pg_jids.h"

#include "limits.h"
#include "map.h"
#include "mem.h"
#include "shard.h"

#include <stdatomic.h>

/* A place for each hash: who comes last has it. */
struct met {
    struct pg_jid jid;
    size_t len;
    char bare[];
};

static struct met **places[LIMIT_BATCH_SHARDS];

/* A bit for each hash of those of whom something has changed since the start. One too many costs a
 * look at the database; mail to all shards for each change would cost more. */
enum { DOUBTS = 65536 };
static atomic_uint_fast64_t doubts[DOUBTS / 64];

void pg_jids_start(unsigned shard)
{
    places[shard] = mem_zalloc(LIMIT_PG_JIDS * sizeof(struct met *));
}

void pg_jids_stop(unsigned shard)
{
    for (size_t i = 0; i < LIMIT_PG_JIDS; i++)
        mem_free(places[shard][i]);
    mem_free(places[shard]);
    places[shard] = NULL;
}

static struct met **place_of(uint64_t hash)
{
    return &places[shard_self->id][hash % LIMIT_PG_JIDS];
}

static bool is_doubted(uint64_t hash)
{
    uint64_t bits = atomic_load_explicit(&doubts[hash % DOUBTS / 64], memory_order_acquire);
    return bits & 1ull << (hash & 63);
}

bool pg_jids_find(struct str bare, struct pg_jid *out)
{
    uint64_t hash = map_hash(bare);
    const struct met *met = *place_of(hash);
    if (!met || !str_eq((struct str){met->bare, met->len}, bare))
        return false;
    *out = met->jid;
    if (is_doubted(hash))
        *out = (struct pg_jid){.id = met->jid.id, .chooses = true};
    return true;
}

void pg_jids_keep(struct str bare, struct pg_jid jid)
{
    struct met **place = place_of(map_hash(bare));
    struct met *met = mem_realloc(*place, sizeof *met + bare.len);
    met->jid = jid;
    met->len = bare.len;
    memcpy(met->bare, bare.at, bare.len);
    *place = met;
}

void pg_jids_doubt(struct str bare)
{
    uint64_t hash = map_hash(bare);
    atomic_fetch_or_explicit(&doubts[hash % DOUBTS / 64], 1ull << (hash & 63),
                             memory_order_acq_rel);
}
