/* SCRAM-SHA-1 (RFC 5802) with fixed nonces, so that what the client says is always the same. */
#include "micro.h"
#include "sasl.h"
#include "scram_client.h"

enum { ITERATIONS = 4096 };

static struct arena kept;
static struct credentials known;
static struct str first, final;

static const struct str password = STR("pencil"), salt = STR("0123456789abcdef"),
                        server_nonce = STR("3rfcNHYJY1ZVvWVs7j");

static struct sasl begin(struct arena *arena)
{
    return (struct sasl){
        .arena = arena, .domain = STR("example.org"), .server_nonce = server_nonce};
}

static void know(void)
{
    arena_init(&kept);
    CHECK(credentials_derive_one(DIGEST_SHA1, password, salt, ITERATIONS, &known) == ERR_OK);
    struct scram_client client = {.digest = DIGEST_SHA1,
                                  .arena = &kept,
                                  .username = STR("user"),
                                  .password = password,
                                  .gs2_header = STR("n,,"),
                                  .nonce = STR("fyko+d2lbbFgONRv9qkxdawL")};
    struct sasl sasl = begin(&kept);
    first = scram_client_first(&client);
    CHECK(sasl_start(&sasl, SASL_SCRAM_SHA_1, first) == SASL_WANT_ACCOUNT);
    CHECK(sasl_account(&sasl, &known, true) == SASL_WANT_RESPONSE);
    CHECK(scram_client_final(&client, sasl.out, &final) == ERR_OK);
}

static void forget(void)
{
    arena_fini(&kept);
}

static uint64_t run_scram(uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct arena arena;
        arena_init(&arena);
        struct sasl sasl = begin(&arena);
        CHECK(sasl_start(&sasl, SASL_SCRAM_SHA_1, first) == SASL_WANT_ACCOUNT);
        CHECK(sasl_account(&sasl, &known, true) == SASL_WANT_RESPONSE);
        CHECK(sasl_step(&sasl, final) == SASL_SUCCESS);
        sum += sasl.out.len;
        arena_fini(&arena);
    }
    return sum;
}

static uint64_t run_derive(uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        CHECK(credentials_derive_one(DIGEST_SHA1, password, salt, ITERATIONS, &known) == ERR_OK);
        sum += known.keys[DIGEST_SHA1].stored[0];
    }
    return sum;
}

const struct micro micro_login[] = {
    {"scram", "the server's side of a SCRAM-SHA-1 login", know, run_scram, forget, 500, false},
    {"scram_derive", "a key from a password, 4,096 rounds (a helper thread's work)", NULL,
     run_derive, NULL, 5, false},
    {0},
};
