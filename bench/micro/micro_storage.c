/* What a message needs before it goes to a back end. */
#include "inbox_merge.h"
#include "micro.h"
#include "pack.h"
#include "stanza_id.h"

enum { EVENTS = 128, OWNERS = 16 };

static struct arena kept;
static struct packed packed;

static void compress(void)
{
    arena_init(&kept);
    pack_setup(true);
    packed = pack_body(&kept, STR(MICRO_STANZA));
    CHECK(packed.dictionary);
}

static void forget(void)
{
    arena_fini(&kept);
}

static uint64_t run_pack(uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct arena arena;
        arena_init(&arena);
        sum += pack_body(&arena, STR(MICRO_STANZA)).bytes.len;
        arena_fini(&arena);
    }
    return sum;
}

static uint64_t run_unpack(uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct arena arena;
        struct str body;
        arena_init(&arena);
        CHECK(unpack_body(&arena, packed, &body) == ERR_OK);
        sum += body.len;
        arena_fini(&arena);
    }
    return sum;
}

static uint64_t run_stanza_id(uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct arena arena;
        arena_init(&arena);
        sum += stanza_id_text(&arena, stanza_id_next(1, 1700000000000000 + i)).len;
        arena_fini(&arena);
    }
    return sum;
}

/* A batch of 64 messages among few: 128 events that become some changes. */
static uint64_t run_inbox_merge(uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i += EVENTS) {
        struct inbox_event events[EVENTS], *at = events;
        size_t left = EVENTS;
        struct inbox_change change;
        for (int j = 0; j < EVENTS; j++)
            events[j] = (struct inbox_event){.owner = j * 7 % OWNERS,
                                             .peer = j % 3,
                                             .id = i + (uint64_t)j + 1,
                                             .own = j % 2 == 0,
                                             .counts = j % 2 == 1};
        inbox_sort(events, EVENTS);
        while (inbox_merge(&at, &left, &change))
            sum += change.last;
    }
    return sum;
}

const struct micro micro_storage[] = {
    {"pack", "a stanza compressed with the dictionary", compress, run_pack, forget, 500, false},
    {"unpack", "and decompressed", compress, run_unpack, forget, 2000, false},
    {"stanza_id", "an id made and sealed", NULL, run_stanza_id, NULL, 5000, false},
    {"inbox_merge", "an inbox event of a batch, merged", NULL, run_inbox_merge, NULL, 12800, false},
    {0},
};
