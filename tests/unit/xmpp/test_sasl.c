#include "sasl.h"

#include "limits.h"
#include "mem.h"
#include "scram_client.h"
#include "xmpp_test.h"

static struct sasl sasl;
static struct credentials known[1];

static void begin(void)
{
    sasl = (struct sasl){.arena = &arena, .domain = STR("example.org")};
}

/* Credentials as in the examples of the RFCs. */
static void know(enum digest digest, const char *salt64, uint32_t iterations)
{
    uint8_t salt[64];
    size_t len;
    assert_int_equal(base64_decode(str_of(salt64), salt, &len), ERR_OK);
    assert_int_equal(credentials_derive_one(digest, STR("pencil"),
                                            (struct str){(const char *)salt, len}, iterations,
                                            known),
                     ERR_OK);
}

static void assert_failed(enum sasl_want want, enum sasl_error error)
{
    assert_int_equal(want, SASL_FAILURE);
    assert_string_equal(sasl_error_name(sasl.error), sasl_error_name(error));
    assert_null(sasl.out.at);
}

static void mechanisms(void **state)
{
    (void)state;
    enum sasl_mechanism mechanism;
    for (int i = 0; i < SASL_MECHANISM_COUNT; i++) {
        const char *name = sasl_mechanism_name((enum sasl_mechanism)i);
        assert_true(sasl_mechanism_find(str_of(name), &mechanism));
        assert_int_equal(mechanism, i);
        assert_int_equal(sasl_mechanism_is_plus(mechanism), strstr(name, "-PLUS") != NULL);
    }
    assert_false(sasl_mechanism_find(STR("plain"), &mechanism));
    assert_false(sasl_mechanism_find(STR("DIGEST-MD5"), &mechanism));
    assert_false(sasl_mechanism_find(STR(""), &mechanism));
}

/* RFC 5802 section 5. */
static void the_example_of_sha_1(void **state)
{
    (void)state;
    begin();
    know(DIGEST_SHA1, "QSXCR+Q6sek8bf92", 4096);
    sasl.server_nonce = STR("3rfcNHYJY1ZVvWVs7j");
    assert_int_equal(
        sasl_start(&sasl, SASL_SCRAM_SHA_1, STR("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")),
        SASL_WANT_ACCOUNT);
    assert_str(sasl.username, "user");
    assert_int_equal(sasl_account(&sasl, known, true), SASL_WANT_RESPONSE);
    assert_str(sasl.out, "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096");
    assert_int_equal(sasl_step(&sasl, STR("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
                                          "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")),
                     SASL_SUCCESS);
    assert_str(sasl.out, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
    /* the same once more is out of turn */
    assert_failed(sasl_step(&sasl, STR("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
                                       "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")),
                  SASL_MALFORMED_REQUEST);
}

/* RFC 7677 section 3. */
static void the_example_of_sha_256(void **state)
{
    (void)state;
    begin();
    know(DIGEST_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==", 4096);
    sasl.server_nonce = STR("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    assert_int_equal(sasl_start(&sasl, SASL_SCRAM_SHA_256, STR("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")),
                     SASL_WANT_ACCOUNT);
    assert_int_equal(sasl_account(&sasl, known, true), SASL_WANT_RESPONSE);
    assert_int_equal(
        sasl_step(&sasl, STR("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                             "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")),
        SASL_SUCCESS);
    assert_str(sasl.out, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

static const enum digest digest_of[] = {DIGEST_SHA512, DIGEST_SHA256, DIGEST_SHA1,
                                        DIGEST_SHA512, DIGEST_SHA256, DIGEST_SHA1};

/* A whole exchange against the client's side. */
static enum sasl_want exchange(enum sasl_mechanism mechanism, struct scram_client *client,
                               bool is_known)
{
    struct str final;
    client->arena = &arena;
    client->digest = digest_of[mechanism];
    enum sasl_want want = sasl_start(&sasl, mechanism, scram_client_first(client));
    if (want != SASL_WANT_ACCOUNT)
        return want;
    want = sasl_account(&sasl, known, is_known);
    assert_int_equal(want, SASL_WANT_RESPONSE);
    assert_int_equal(scram_client_final(client, sasl.out, &final), ERR_OK);
    want = sasl_step(&sasl, final);
    if (want == SASL_SUCCESS)
        assert_true(scram_client_verify(client, sasl.out));
    return want;
}

static struct scram_client client_of(const char *gs2_header, struct str binding)
{
    return (struct scram_client){.username = STR("user"),
                                 .password = STR("pencil"),
                                 .gs2_header = str_of(gs2_header),
                                 .binding = binding};
}

/* What a client keeps of one login serves the next, and is left alone when the salt is another. */
static void keys_that_are_kept(void **state)
{
    (void)state;
    struct scram_kept kept = {0}, first = {0};
    for (int round = 0; round < 3; round++) {
        struct scram_client client = client_of("n,,", STR(""));
        client.kept = &kept;
        if (round != 1) /* a salt of its own each time */
            assert_int_equal(credentials_derive(STR("pencil"), 20, known), ERR_OK);
        if (round == 1)
            client.password = STR("nobody asks for it");
        begin();
        assert_int_equal(exchange(SASL_SCRAM_SHA_1, &client, true), SASL_SUCCESS);
        assert_int_equal(kept.iterations, 20);
        assert_int_equal(memcmp(&kept, &first, sizeof kept) == 0, round == 1);
        first = kept;
    }
}

static void each_hash_and_binding(void **state)
{
    (void)state;
    assert_int_equal(credentials_derive(STR("pencil"), 20, known), ERR_OK);
    for (int i = 0; i < SASL_PLAIN; i++) {
        enum sasl_mechanism mechanism = (enum sasl_mechanism)i;
        bool plus = sasl_mechanism_is_plus(mechanism);
        begin();
        sasl.binding.tls_exporter = STR("exported\0key");
        sasl.binding.tls_server_end_point = STR("hash of the certificate");
        sasl.plus_offered = plus;
        struct scram_client client = client_of(plus ? "p=tls-exporter,," : "n,,",
                                               plus ? sasl.binding.tls_exporter : STR(""));
        assert_int_equal(exchange(mechanism, &client, true), SASL_SUCCESS);
        if (plus) {
            client = client_of("p=tls-server-end-point,,", sasl.binding.tls_server_end_point);
            assert_int_equal(exchange(mechanism, &client, true), SASL_SUCCESS);
        }
        client = client_of(plus ? "p=tls-exporter,," : "n,,",
                           plus ? sasl.binding.tls_exporter : STR(""));
        client.password = STR("pencils");
        assert_failed(exchange(mechanism, &client, true), SASL_NOT_AUTHORIZED);
    }
}

static void bindings_that_do_not_fit(void **state)
{
    (void)state;
    static const struct {
        enum sasl_mechanism mechanism;
        const char *header;
        bool plus_offered, has_exporter;
        enum sasl_error error;
    } cases[] = {
        {SASL_SCRAM_SHA_1, "n,,", true, true, SASL_NO_ERROR},
        {SASL_SCRAM_SHA_1, "y,,", false, false, SASL_NO_ERROR},
        {SASL_SCRAM_SHA_1, "y,,", true, true, SASL_NOT_AUTHORIZED},
        {SASL_SCRAM_SHA_1, "p=tls-exporter,,", true, true, SASL_NOT_AUTHORIZED},
        {SASL_SCRAM_SHA_1_PLUS, "n,,", true, true, SASL_NOT_AUTHORIZED},
        {SASL_SCRAM_SHA_1_PLUS, "y,,", true, true, SASL_NOT_AUTHORIZED},
        {SASL_SCRAM_SHA_1_PLUS, "p=tls-unique,,", true, true, SASL_NOT_AUTHORIZED},
        {SASL_SCRAM_SHA_1_PLUS, "p=tls-exporter,,", false, false, SASL_NOT_AUTHORIZED},
        {SASL_SCRAM_SHA_1_PLUS, "p=tls-server-end-point,,", true, true, SASL_NOT_AUTHORIZED},
        {SASL_SCRAM_SHA_1_PLUS, "p=,,", true, true, SASL_MALFORMED_REQUEST},
        {SASL_SCRAM_SHA_1, "x,,", true, true, SASL_MALFORMED_REQUEST},
        {SASL_SCRAM_SHA_1, ",,", true, true, SASL_MALFORMED_REQUEST},
        {SASL_SCRAM_SHA_1, "n,", true, true, SASL_MALFORMED_REQUEST},
        {SASL_SCRAM_SHA_1, "N,,", true, true, SASL_MALFORMED_REQUEST},
    };
    assert_int_equal(credentials_derive(STR("pencil"), 5, known), ERR_OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin();
        sasl.plus_offered = cases[i].plus_offered;
        if (cases[i].has_exporter)
            sasl.binding.tls_exporter = STR("key");
        struct scram_client client = client_of(cases[i].header, STR(""));
        enum sasl_want want = exchange(cases[i].mechanism, &client, true);
        if (cases[i].error)
            assert_failed(want, cases[i].error);
        else
            assert_int_equal(want, SASL_SUCCESS);
    }
    /* the right type with other data, and the header of another type */
    begin();
    sasl.binding = (struct sasl_binding){STR("key"), STR("cert")};
    struct scram_client client = client_of("p=tls-exporter,,", STR("kez"));
    assert_failed(exchange(SASL_SCRAM_SHA_1_PLUS, &client, true), SASL_NOT_AUTHORIZED);
}

static void first_messages(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        enum sasl_error error;
        const char *username;
    } cases[] = {
        {"n,,n=User,r=x", SASL_NO_ERROR, "user"},
        {"n,,n=\xc3\x9cser,r=x", SASL_NO_ERROR, "\xc3\xbcser"},
        {"n,,n=a=2Cb=3Dc,r=x", SASL_NO_ERROR, "a,b=c"},
        {"n,a=user@example.org,n=user,r=x", SASL_NO_ERROR, "user"},
        {"n,a=USER@Example.ORG,n=user,r=x", SASL_NO_ERROR, "user"},
        {"n,a=a=2Cb@example.org,n=a=2Cb,r=x", SASL_NO_ERROR, "a,b"},
        {"n,,n=user,r=x,e=ignored,Z=y", SASL_NO_ERROR, "user"},
        {"n,,n=user,r=!~", SASL_NO_ERROR, "user"},
        {"n,a=other@example.org,n=user,r=x", SASL_INVALID_AUTHZID, NULL},
        {"n,a=user@example.com,n=user,r=x", SASL_INVALID_AUTHZID, NULL},
        {"n,a=user@example.org/r,n=user,r=x", SASL_INVALID_AUTHZID, NULL},
        {"n,a=user,n=user,r=x", SASL_INVALID_AUTHZID, NULL},
        {"n,a=@,n=user,r=x", SASL_INVALID_AUTHZID, NULL},
        {"n,a=,n=user,r=x", SASL_MALFORMED_REQUEST, NULL},
        {"n,user,n=user,r=x", SASL_MALFORMED_REQUEST, NULL},
        {"n,a=a=2cb@example.org,n=user,r=x", SASL_MALFORMED_REQUEST, NULL},
        {"n,,m=ext,n=user,r=x", SASL_MALFORMED_REQUEST, NULL},
        {"n,,n=a=b,r=x", SASL_MALFORMED_REQUEST, NULL},
        {"n,,n=a=2C=,r=x", SASL_MALFORMED_REQUEST, NULL},
        {"n,,n=a=3,r=x", SASL_MALFORMED_REQUEST, NULL},
        {"n,,n=a=3d,r=x", SASL_MALFORMED_REQUEST, NULL},
        {"n,,n=,r=x", SASL_MALFORMED_REQUEST, NULL},
        {"n,,r=x,n=user", SASL_MALFORMED_REQUEST, NULL},
        {"n,,n=user", SASL_MALFORMED_REQUEST, NULL},
        {"n,,n=user,r=", SASL_MALFORMED_REQUEST, NULL},
        {"n,,n=user,r=a b", SASL_MALFORMED_REQUEST, NULL},
        {"n,,n=user,r=\xc3\xa4", SASL_MALFORMED_REQUEST, NULL},
        {"n,,n=user,r=x,", SASL_MALFORMED_REQUEST, NULL},
        {"n,,n=user,r=x,1=y", SASL_MALFORMED_REQUEST, NULL},
        {"n,,n=user,r=x,e", SASL_MALFORMED_REQUEST, NULL},
        {"n,,n=\xff,r=x", SASL_MALFORMED_REQUEST, NULL},
        {"n,,", SASL_MALFORMED_REQUEST, NULL},
        {"n", SASL_MALFORMED_REQUEST, NULL},
        {"", SASL_MALFORMED_REQUEST, NULL},
        {"n,,n=a@b,r=x", SASL_NOT_AUTHORIZED, NULL},
        {"n,,n=a b,r=x", SASL_NOT_AUTHORIZED, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin();
        print_message("%s\n", cases[i].message);
        enum sasl_want want = sasl_start(&sasl, SASL_SCRAM_SHA_256, str_of(cases[i].message));
        if (cases[i].error) {
            assert_failed(want, cases[i].error);
            continue;
        }
        assert_int_equal(want, SASL_WANT_ACCOUNT);
        assert_str(sasl.username, cases[i].username);
    }
    begin();
    assert_failed(sasl_start(&sasl, SASL_SCRAM_SHA_1, STR("n,,n=user,r=x,e=a\0b")),
                  SASL_MALFORMED_REQUEST);
}

/* A2: anything but the right bytes in the last message. */
static void final_messages(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        enum sasl_error error;
    } cases[] = {
        {"c=biws,r=cs,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SASL_NOT_AUTHORIZED},
        {"c=biws,r=c,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SASL_NOT_AUTHORIZED},
        {"c=biws,r=css,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SASL_NOT_AUTHORIZED},
        {"c=biws,r=,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SASL_NOT_AUTHORIZED},
        {"c=eSws,r=cs,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SASL_NOT_AUTHORIZED},
        {"c=biw=,r=cs,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SASL_NOT_AUTHORIZED},
        {"c=,r=cs,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SASL_NOT_AUTHORIZED},
        {"c=biws,r=cs,x=y,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SASL_NOT_AUTHORIZED},
        {"c=biws,r=cs,p=v0X8v3Bz2T0CJGbJQyF0X+HI4T=", SASL_MALFORMED_REQUEST},
        {"c=biws,r=cs,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Tt=", SASL_MALFORMED_REQUEST},
        {"c=biws,r=cs,p=v0X8v3Bz2T0CJGbJQyF0X HI4Ts=", SASL_MALFORMED_REQUEST},
        {"c=biws,r=cs,p=", SASL_MALFORMED_REQUEST},
        {"c=biws,r=cs", SASL_MALFORMED_REQUEST},
        {"r=cs,c=biws,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SASL_MALFORMED_REQUEST},
        {"c=biws,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SASL_MALFORMED_REQUEST},
        {"c=biws,r=cs,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=,x=y", SASL_MALFORMED_REQUEST},
        {"c=biws,r=cs,x,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SASL_MALFORMED_REQUEST},
        {"p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", SASL_MALFORMED_REQUEST},
        {"", SASL_MALFORMED_REQUEST},
        {",", SASL_MALFORMED_REQUEST},
    };
    know(DIGEST_SHA1, "QSXCR+Q6sek8bf92", 5);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin();
        print_message("%s\n", cases[i].message);
        sasl.server_nonce = STR("s");
        assert_int_equal(sasl_start(&sasl, SASL_SCRAM_SHA_1, STR("n,,n=user,r=c")),
                         SASL_WANT_ACCOUNT);
        assert_int_equal(sasl_account(&sasl, known, true), SASL_WANT_RESPONSE);
        assert_failed(sasl_step(&sasl, str_of(cases[i].message)), cases[i].error);
    }
}

/* Each byte of a right final message matters. */
static void no_byte_can_be_changed(void **state)
{
    (void)state;
    struct str final = {NULL, 0};
    know(DIGEST_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==", 3);
    for (size_t i = 0; final.at == NULL || i < final.len; i++) {
        begin();
        sasl.server_nonce = STR("servers");
        struct scram_client client = client_of("n,,", STR(""));
        client.arena = &arena;
        client.digest = DIGEST_SHA256;
        client.nonce = STR("clients");
        assert_int_equal(sasl_start(&sasl, SASL_SCRAM_SHA_256, scram_client_first(&client)),
                         SASL_WANT_ACCOUNT);
        assert_int_equal(sasl_account(&sasl, known, true), SASL_WANT_RESPONSE);
        assert_int_equal(scram_client_final(&client, sasl.out, &final), ERR_OK);
        ((char *) final.at)[i] ^= 1;
        assert_int_equal(sasl_step(&sasl, final), SASL_FAILURE);
    }
}

static void nonces_are_fresh(void **state)
{
    (void)state;
    struct str first = {NULL, 0};
    know(DIGEST_SHA1, "QSXCR+Q6sek8bf92", 5);
    for (int i = 0; i < 2; i++) {
        begin();
        assert_int_equal(sasl_start(&sasl, SASL_SCRAM_SHA_1, STR("n,,n=user,r=client")),
                         SASL_WANT_ACCOUNT);
        assert_int_equal(sasl_account(&sasl, known, true), SASL_WANT_RESPONSE);
        assert_memory_equal(sasl.out.at, "r=client", 8);
        struct str rest, nonce = str_cut(sasl.out, ',', &rest);
        assert_true(nonce.len >= 8 + 18);
        assert_false(str_eq(nonce, first));
        first = nonce;
    }
}

/* Somebody who does not exist, and somebody who lacks the hash, look like anybody. */
static void unknown_users(void **state)
{
    (void)state;
    uint8_t secret[DIGEST_SEAL_KEY] = {1};
    begin();
    credentials_fake(secret, STR("user@example.org"), 20, known);
    struct scram_client client = client_of("n,,", STR(""));
    assert_failed(exchange(SASL_SCRAM_SHA_256, &client, false), SASL_NOT_AUTHORIZED);
    assert_null(sasl.text);

    know(DIGEST_SHA1, "QSXCR+Q6sek8bf92", 20);
    begin();
    client = client_of("n,,", STR(""));
    assert_failed(exchange(SASL_SCRAM_SHA_512, &client, true), SASL_NOT_AUTHORIZED);
    assert_null(sasl.text);
    struct str salt = arena_str(&arena, sasl.server_first);
    begin();
    client = client_of("n,,", STR(""));
    client.nonce = STR("n");
    assert_failed(exchange(SASL_SCRAM_SHA_512, &client, true), SASL_NOT_AUTHORIZED);
    assert_string_equal(strstr(salt.at, ",s="), strstr(sasl.server_first.at, ",s="));
}

/* Whoever knows the made-up keys does not get in either. */
static void made_up_keys_open_nothing(void **state)
{
    (void)state;
    begin();
    assert_int_equal(credentials_derive(STR("pencil"), 5, known), ERR_OK);
    struct scram_client client = client_of("n,,", STR(""));
    assert_failed(exchange(SASL_SCRAM_SHA_256, &client, false), SASL_NOT_AUTHORIZED);
    client = client_of("n,,", STR(""));
    assert_int_equal(exchange(SASL_SCRAM_SHA_256, &client, true), SASL_SUCCESS);
}

static enum sasl_want plain(struct str message, bool is_known)
{
    begin();
    enum sasl_want want = sasl_start(&sasl, SASL_PLAIN, message);
    if (want != SASL_WANT_ACCOUNT)
        return want;
    want = sasl_account(&sasl, known, is_known);
    assert_int_equal(want, SASL_WANT_CHECK);
    sasl_check(&sasl);
    assert_null(sasl.password.at);
    return sasl_checked(&sasl);
}

static void plain_passwords(void **state)
{
    (void)state;
    assert_int_equal(credentials_derive(STR("pencil"), 20, known), ERR_OK);
    assert_int_equal(plain(STR("\0user\0pencil"), true), SASL_SUCCESS);
    assert_str(sasl.username, "user");
    assert_null(sasl.out.at);
    assert_int_equal(plain(STR("user@example.org\0user\0pencil"), true), SASL_SUCCESS);
    assert_int_equal(plain(STR("\0User\0pencil"), true), SASL_SUCCESS);
    assert_str(sasl.username, "user");
    assert_failed(plain(STR("\0user\0pencils"), true), SASL_NOT_AUTHORIZED);
    assert_failed(plain(STR("\0user\0pencil"), false), SASL_NOT_AUTHORIZED);
}

/* A1 */
static void plain_attacks(void **state)
{
    (void)state;
    assert_failed(plain(STR("victim@example.org\0user\0pencil"), true), SASL_INVALID_AUTHZID);
    assert_failed(plain(STR("victim\0user\0pencil"), true), SASL_INVALID_AUTHZID);
    assert_failed(plain(STR("user@example.org/r\0user\0pencil"), true), SASL_INVALID_AUTHZID);
    assert_failed(plain(STR("user\0pencil"), true), SASL_MALFORMED_REQUEST);
    assert_failed(plain(STR("pencil"), true), SASL_MALFORMED_REQUEST);
    assert_failed(plain(STR(""), true), SASL_MALFORMED_REQUEST);
    assert_failed(plain(STR("\0user\0pencil\0"), true), SASL_MALFORMED_REQUEST);
    assert_failed(plain(STR("\0user\0pen\0cil"), true), SASL_MALFORMED_REQUEST);
    assert_failed(plain(STR("\0\0user\0pencil"), true), SASL_MALFORMED_REQUEST);
    assert_failed(plain(STR("\0\0pencil"), true), SASL_MALFORMED_REQUEST);
    assert_failed(plain(STR("\0user\0"), true), SASL_NOT_AUTHORIZED);
    assert_failed(plain(STR("\0us er\0pencil"), true), SASL_NOT_AUTHORIZED);
    assert_failed(plain(STR("\0user\0\xff"), true), SASL_MALFORMED_REQUEST);
    assert_failed(plain(STR("\0user@example.org\0pencil"), true), SASL_NOT_AUTHORIZED);
    char *big = mem_zalloc(1000000);
    memset(big, 'x', 1000000);
    memcpy(big, "\0user", 6);
    assert_failed(plain((struct str){big, 1000000}, true), SASL_MALFORMED_REQUEST);
    assert_failed(plain((struct str){big, LIMIT_SASL_MESSAGE}, true), SASL_NOT_AUTHORIZED);
    mem_free(big);
}

static void without_an_initial_response(void **state)
{
    (void)state;
    begin();
    know(DIGEST_SHA1, "QSXCR+Q6sek8bf92", 5);
    assert_int_equal(sasl_start(&sasl, SASL_SCRAM_SHA_1, (struct str){NULL, 0}),
                     SASL_WANT_RESPONSE);
    assert_int_equal(sasl.out.len, 0);
    assert_int_equal(sasl_step(&sasl, STR("n,,n=user,r=x")), SASL_WANT_ACCOUNT);
    assert_failed(sasl_step(&sasl, STR("c=biws,r=x,p=x")), SASL_MALFORMED_REQUEST);
    assert_int_equal(sasl_start(&sasl, SASL_PLAIN, (struct str){NULL, 0}), SASL_WANT_RESPONSE);
    assert_int_equal(sasl_step(&sasl, STR("\0user\0pencil")), SASL_WANT_ACCOUNT);
}

static void aborts(void **state)
{
    (void)state;
    begin();
    assert_int_equal(sasl_start(&sasl, SASL_SCRAM_SHA_1, STR("n,,n=user,r=x")), SASL_WANT_ACCOUNT);
    assert_failed(sasl_fail(&sasl, SASL_TEMPORARY_AUTH_FAILURE, "store"),
                  SASL_TEMPORARY_AUTH_FAILURE);
    assert_string_equal(sasl.text, "store");
    assert_failed(sasl_step(&sasl, STR("n,,n=user,r=x")), SASL_MALFORMED_REQUEST);
    /* and the next attempt goes through */
    know(DIGEST_SHA1, "QSXCR+Q6sek8bf92", 5);
    struct scram_client client = client_of("n,,", STR(""));
    assert_int_equal(exchange(SASL_SCRAM_SHA_1, &client, true), SASL_SUCCESS);
    assert_int_equal(sasl.error, SASL_NO_ERROR);
}

static void clients_check_the_server(void **state)
{
    (void)state;
    struct str out;
    struct scram_client client = client_of("n,,", STR(""));
    client.arena = &arena;
    client.digest = DIGEST_SHA1;
    client.username = STR("a=b,c");
    client.nonce = STR("mine");
    assert_str(scram_client_first(&client), "n,,n=a=3Db=2Cc,r=mine");
    const char *const wrong[] = {"",
                                 "r=mine,s=c2FsdA==,i=1",
                                 "r=theirs,s=c2FsdA==,i=1",
                                 "r=minetheirs,s=c2FsdA=,i=1",
                                 "r=minetheirs,s=,i=1",
                                 "r=minetheirs,s=c2FsdA==,i=0",
                                 "r=minetheirs,s=c2FsdA==,i=-1",
                                 "r=minetheirs,s=c2FsdA==",
                                 "s=c2FsdA==,r=minetheirs,i=1"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(scram_client_final(&client, str_of(wrong[i]), &out), ERR_INVALID);
    assert_int_equal(scram_client_final(&client, STR("r=minetheirs,s=c2FsdA==,i=1,x=y"), &out),
                     ERR_OK);
    assert_false(scram_client_verify(&client, STR("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")));
    assert_false(scram_client_verify(&client, STR("e=invalid-proof")));
    assert_false(scram_client_verify(&client, STR("v=")));
    assert_false(scram_client_verify(&client, STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(mechanisms),
        TEST(the_example_of_sha_1),
        TEST(the_example_of_sha_256),
        TEST(keys_that_are_kept),
        TEST(each_hash_and_binding),
        TEST(bindings_that_do_not_fit),
        TEST(first_messages),
        TEST(final_messages),
        TEST(no_byte_can_be_changed),
        TEST(nonces_are_fresh),
        TEST(unknown_users),
        TEST(made_up_keys_open_nothing),
        TEST(plain_passwords),
        TEST(plain_attacks),
        TEST(without_an_initial_response),
        TEST(aborts),
        TEST(clients_check_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
