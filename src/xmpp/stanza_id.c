#include "stanza_id.h"

#include "digest.h"

#include <endian.h>

enum { WRITER_BITS = 12, ROUNDS = 27 };

static const uint64_t epoch_us = 1577836800000000; /* 2020-01-01T00:00:00Z */

static uint32_t round_keys[ROUNDS];

uint64_t stanza_id_at(uint64_t unix_us)
{
    uint64_t since_us = unix_us > epoch_us ? unix_us - epoch_us : 0;
    if (since_us >> 51)
        return STANZA_ID_MAX;
    return since_us << WRITER_BITS;
}

uint64_t stanza_id_us(uint64_t id)
{
    return (id >> WRITER_BITS) + epoch_us;
}

uint64_t stanza_id_span(uint64_t us)
{
    return us << WRITER_BITS;
}

/* A clock that stands still or goes back, and more than one id in a microsecond: the time is
 * counted on by hand. */
uint64_t stanza_id_next(unsigned writer, uint64_t unix_us)
{
    static _Thread_local uint64_t last_us;
    last_us = unix_us > last_us ? unix_us : last_us + 1;
    return stanza_id_at(last_us) | (writer % STANZA_ID_WRITERS);
}

/* --- Sealing: Speck64/128 (Beaulieu and others, 2013), which has a block of just 64 bits. It hides
 * time and order; nothing depends on nobody ever breaking it. --- */

static uint32_t left(uint32_t word, int by)
{
    return word << by | word >> (32 - by);
}

static void turn(uint32_t *x, uint32_t *y, uint32_t key)
{
    *x = (left(*x, 24) + *y) ^ key;
    *y = left(*y, 3) ^ *x;
}

static void turn_back(uint32_t *x, uint32_t *y, uint32_t key)
{
    *y = left(*x ^ *y, 29);
    *x = left((*x ^ key) - *y, 8);
}

void stanza_id_key(struct str secret)
{
    uint8_t mac[DIGEST_MAX_LEN];
    uint32_t words[4];
    digest_hmac(DIGEST_SHA256, secret, STR("stanza id"), mac);
    memcpy(words, mac, sizeof words);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        round_keys[i] = words[0];
        uint32_t *other = &words[1 + i % 3];
        turn(other, &words[0], i);
    }
}

struct str stanza_id_text(struct arena *arena, uint64_t id)
{
    uint32_t x = (uint32_t)(id >> 32), y = (uint32_t)id;
    for (int i = 0; i < ROUNDS; i++)
        turn(&x, &y, round_keys[i]);
    uint64_t sealed = htobe64((uint64_t)x << 32 | y);
    char *text = arena_take(arena, STANZA_ID_LEN + 1);
    hex_encode(&sealed, sizeof sealed, text);
    text[STANZA_ID_LEN] = '\0';
    return (struct str){text, STANZA_ID_LEN};
}

bool stanza_id_parse(struct str text, uint64_t *id)
{
    uint64_t sealed;
    if (text.len != STANZA_ID_LEN || hex_decode(text, (uint8_t *)&sealed))
        return false;
    sealed = be64toh(sealed);
    uint32_t x = (uint32_t)(sealed >> 32), y = (uint32_t)sealed;
    for (int i = ROUNDS - 1; i >= 0; i--)
        turn_back(&x, &y, round_keys[i]);
    *id = (uint64_t)x << 32 | y;
    return *id > 0 && *id <= STANZA_ID_MAX;
}
