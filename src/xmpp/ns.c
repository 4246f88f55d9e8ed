#include "ns.h"

#define NS(name, uri) [NS_##name] = {(uri), sizeof(uri) - 1},
static const struct str uris[NS_COUNT] = {
#include "ns.def"
};
#undef NS

struct str ns_uri(enum ns ns)
{
    return (unsigned)ns < NS_COUNT ? uris[ns] : (struct str){NULL, 0};
}

/* Where to look a URI up: an open-addressed table, filled before main and read-only then. Length
 * and three bytes tell the known ones apart well enough. */
enum { SLOTS = 256 };
static uint8_t slots[SLOTS];

static unsigned slot_of(struct str uri)
{
    const uint8_t *at = (const uint8_t *)uri.at;
    size_t last = uri.len - 1;
    return (unsigned)(uri.len * 7 + at[last] * 31u + at[last - last / 4] * 5u + at[uri.len / 2]);
}

__attribute__((constructor)) static void fill_slots(void)
{
    for (unsigned ns = NS_OTHER + 1; ns < NS_COUNT; ns++) {
        unsigned slot = slot_of(uris[ns]);
        while (slots[slot % SLOTS])
            slot++;
        slots[slot % SLOTS] = (uint8_t)ns;
    }
}

enum ns ns_find(struct str uri)
{
    if (uri.len == 0)
        return NS_NONE;
    for (unsigned slot = slot_of(uri); slots[slot % SLOTS]; slot++)
        if (str_eq(uris[slots[slot % SLOTS]], uri))
            return (enum ns)slots[slot % SLOTS];
    return NS_OTHER;
}

_Static_assert(NS_COUNT < SLOTS / 2, "the table must stay sparse");
