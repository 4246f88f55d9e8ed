/*
 * The first byte chooses the mechanism, the second what the connection offers; then come the
 * client's messages, each ended by a line feed. Nobody is let in who is not known. The same bytes
 * are also read as stored credentials and as a server's challenge.
 */
#include "sasl.h"
#include "scram_client.h"

#include <stdio.h>
#include <stdlib.h>

#define DEMAND(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum { KNOWN = 1, PLUS_OFFERED = 2, EXPORTER = 4, END_POINT = 8, ONE_HASH = 16 };

static struct credentials all, one;

static enum sasl_want answer(struct sasl *sasl, enum sasl_want want, uint8_t flags)
{
    if (want == SASL_WANT_ACCOUNT) {
        DEMAND(sasl->username.len > 0);
        want = sasl_account(sasl, flags & ONE_HASH ? &one : &all, flags & KNOWN);
    }
    if (want == SASL_WANT_CHECK) {
        sasl_check(sasl);
        want = sasl_checked(sasl);
    }
    return want;
}

static void converse(struct arena *arena, struct str messages, uint8_t choice, uint8_t flags)
{
    struct sasl sasl = {.arena = arena, .domain = STR("example.org")};
    sasl.server_nonce = STR("server");
    sasl.plus_offered = flags & PLUS_OFFERED;
    if (flags & EXPORTER)
        sasl.binding.tls_exporter = STR("exporter");
    if (flags & END_POINT)
        sasl.binding.tls_server_end_point = STR("certificate");
    struct str message = str_cut(messages, '\n', &messages);
    enum sasl_want want =
        answer(&sasl, sasl_start(&sasl, choice % SASL_MECHANISM_COUNT, message), flags);
    for (int turn = 0; turn < 4 && messages.at && want == SASL_WANT_RESPONSE; turn++) {
        message = str_cut(messages, '\n', &messages);
        want = answer(&sasl, sasl_step(&sasl, message), flags);
    }
    DEMAND(want != SASL_SUCCESS || flags & KNOWN);
    DEMAND(want != SASL_FAILURE || sasl.error != SASL_NO_ERROR);
}

static void check_credentials(struct arena *arena, struct str text)
{
    struct credentials read, again;
    if (credentials_parse(text, &read))
        return;
    struct str written = credentials_write(arena, &read);
    DEMAND(credentials_parse(written, &again) == ERR_OK);
    DEMAND(str_eq(written, credentials_write(arena, &again)));
}

static void check_client(struct arena *arena, struct str challenge)
{
    struct scram_client client = {.digest = DIGEST_SHA256,
                                  .arena = arena,
                                  .username = challenge,
                                  .password = STR("pencil"),
                                  .gs2_header = STR("n,,"),
                                  .nonce = STR("n")};
    struct str out, first = scram_client_first(&client);
    DEMAND(first.len > 3);
    /* a server's count of iterations would only waste time */
    if (!memchr(challenge.at, 'i', challenge.len))
        DEMAND(scram_client_final(&client, challenge, &out) == ERR_INVALID);
    DEMAND(!scram_client_verify(&client, challenge));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    DEMAND(credentials_derive(STR("pencil"), 1, &all) == ERR_OK);
    DEMAND(credentials_derive_one(DIGEST_SHA1, STR("pencil"), STR("salt"), 1, &one) == ERR_OK);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    if (size < 2)
        return 0;
    struct str text = {(const char *)data + 2, size - 2};
    arena_init(&arena);
    converse(&arena, text, data[0], data[1]);
    check_credentials(&arena, text);
    check_client(&arena, text);
    arena_fini(&arena);
    return 0;
}
