/* TLS over memory: handshakes in pieces, names, protocols, records, ends, and what is no TLS. */
#include "tls_test.h"

#include "log.h"

#include <errno.h>

enum { BIG = 1 << 20, RECORD = 16384, RECORD_EXTRA = 22 };

static struct tls_context *context, *guest;

static int up(void **state)
{
    (void)state;
    const char *why = "";
    log_threshold = LOG_NONE;
    make_folder();
    make_certificate("one.test", "-sha256");
    make_certificate("two.test", "-sha384");
    make_certificate("three.test", "-sha512");
    context = server_context("one.test", "xmpp-client");
    assert_int_equal(tls_context_add(context, "two.test", in_folder("two.test.pem"),
                                     in_folder("two.test.key"), &why),
                     ERR_OK);
    assert_int_equal(tls_context_add(context, "three.test", in_folder("three.test.pem"),
                                     in_folder("three.test.key"), &why),
                     ERR_OK);
    guest = tls_context_client("xmpp-client");
    return 0;
}

static int down(void **state)
{
    (void)state;
    tls_context_free(context);
    tls_context_free(guest);
    tls_context_free(NULL);
    tls_free(NULL);
    drop_folder();
    return 0;
}

static int pair_down(void **state)
{
    (void)state;
    side_fini(&server);
    side_fini(&client);
    return 0;
}

static void meet(const char *name, struct tls_context *with)
{
    side_fini(&server);
    side_fini(&client);
    server.tls = tls_new(context);
    client.tls = tls_new_client(with, name, &client.out);
}

static void shake_hands(const char *name, size_t piece)
{
    meet(name, guest);
    talk(piece);
    assert_int_equal(server.err, ERR_OK);
    assert_int_equal(client.err, ERR_OK);
    assert_true(server.secured);
    assert_true(client.secured);
}

static void say(struct side *from, struct side *to, size_t len, size_t piece)
{
    uint8_t *text = mem_alloc(len);
    for (size_t i = 0; i < len; i++)
        text[i] = (uint8_t)(i * 31 + len);
    assert_int_equal(tls_output(from->tls, (struct str){(char *)text, len}, &from->out), ERR_OK);
    pump(from, to, piece);
    assert_int_equal(to->err, ERR_OK);
    assert_int_equal(buf_len(&to->plain), len);
    assert_memory_equal(buf_at(&to->plain), text, len);
    buf_fini(&to->plain);
    mem_free(text);
}

static void in_pieces_of_every_size(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= 300; piece++) {
        shake_hands("one.test", piece);
        say(&client, &server, 300, piece);
        say(&server, &client, 300, piece);
    }
}

/* The ClientHello in two parts, cut at every place. */
static void the_hello_cut_at_every_place(void **state)
{
    (void)state;
    meet("two.test", guest);
    size_t len = buf_len(&client.out);
    assert_true(len > 100);
    for (size_t cut = 1; cut < len; cut++) {
        meet("two.test", guest);
        struct str hello = buf_str(&client.out);
        assert_int_equal(tls_input(server.tls, (struct str){hello.at, cut}, &server.plain,
                                   &server.out, &server.secured),
                         ERR_OK);
        buf_pop(&client.out, cut);
        talk(SIZE_MAX);
        assert_true(server.secured && client.secured);
        assert_int_equal(tls_server_end_point(server.tls).len, 48);
    }
}

/* What came before the ClientHello may be nothing (a PROXY header that stood alone). */
static void no_bytes_are_not_a_hello(void **state)
{
    (void)state;
    meet("one.test", guest);
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            tls_input(server.tls, STR(""), &server.plain, &server.out, &server.secured), ERR_OK);
    assert_false(server.secured);
    assert_int_equal(buf_len(&server.out), 0);
    talk(SIZE_MAX);
    assert_true(server.secured && client.secured);
    assert_int_equal(tls_input(server.tls, STR(""), &server.plain, &server.out, &server.secured),
                     ERR_OK);
}

/* --- Which certificate --- */

static void expect_end_point(const char *name, const char *digest, size_t len)
{
    char pem[64];
    uint8_t want[64];
    snprintf(pem, sizeof pem, "%s.pem", name);
    RUN("openssl", "x509", "-in", in_folder(pem), "-outform", "DER", "-out", in_folder("der"));
    RUN("openssl", "dgst", digest, "-binary", "-out", in_folder("hash"), in_folder("der"));
    FILE *file = fopen(in_folder("hash"), "r");
    assert_non_null(file);
    assert_int_equal(fread(want, 1, sizeof want, file), len);
    fclose(file);
    struct str point = tls_server_end_point(server.tls);
    assert_int_equal(point.len, len);
    assert_memory_equal(point.at, want, len);
}

static void the_name_chooses_the_certificate(void **state)
{
    (void)state;
    shake_hands("one.test", SIZE_MAX);
    expect_end_point("one.test", "-sha256", 32);
    shake_hands("two.test", SIZE_MAX);
    expect_end_point("two.test", "-sha384", 48);
    shake_hands("TWO.Test", SIZE_MAX);
    expect_end_point("two.test", "-sha384", 48);
    shake_hands("three.test", SIZE_MAX);
    expect_end_point("three.test", "-sha512", 64);
    shake_hands("unknown.test", SIZE_MAX);
    expect_end_point("one.test", "-sha256", 32);
    shake_hands("", SIZE_MAX); /* none at all */
    expect_end_point("one.test", "-sha256", 32);
    assert_int_equal(tls_server_end_point(client.tls).len, 0);
}

/* --- Channel binding --- */

static void both_sides_export_the_same(void **state)
{
    (void)state;
    uint8_t first[32];
    shake_hands("one.test", SIZE_MAX);
    struct str ours = tls_exporter(server.tls), theirs = tls_exporter(client.tls);
    assert_int_equal(ours.len, 32);
    assert_int_equal(theirs.len, 32);
    assert_memory_equal(ours.at, theirs.at, 32);
    memcpy(first, ours.at, 32);
    tls_settle(server.tls);
    tls_settle(server.tls);
    assert_int_equal(tls_exporter(server.tls).len, 0);
    assert_int_equal(tls_exporter(client.tls).len, 32);
    shake_hands("one.test", SIZE_MAX);
    assert_memory_not_equal(tls_exporter(server.tls).at, first, 32);
}

static void nothing_is_exported_before_the_end(void **state)
{
    (void)state;
    meet("one.test", guest);
    assert_int_equal(tls_exporter(server.tls).len, 0);
    assert_int_equal(tls_server_end_point(server.tls).len, 0);
    assert_string_equal(tls_describe(server.tls), "handshake");
    pump(&client, &server, SIZE_MAX);
    assert_int_equal(tls_exporter(server.tls).len, 0);
    assert_string_equal(tls_describe(server.tls), "handshake");
    talk(SIZE_MAX);
    assert_memory_equal(tls_describe(server.tls), "TLSv1.3 ", 8);
    assert_non_null(strstr(tls_version(), "wolfSSL "));
}

/* --- Protocols --- */

static void another_protocol_is_refused(void **state)
{
    (void)state;
    struct tls_context *other = tls_context_client("h2"), *none = tls_context_client(NULL);
    meet("one.test", other);
    talk(SIZE_MAX);
    assert_false(server.secured || client.secured);
    assert_int_equal(server.err, ERR_INVALID);
    assert_int_equal(client.err, ERR_INVALID); /* it was told so */
    meet("one.test", none);
    talk(SIZE_MAX);
    assert_true(server.secured && client.secured);
    pair_down(state);
    tls_context_free(other);
    tls_context_free(none);
}

/* --- Records --- */

static void big_messages(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, RECORD - 1, RECORD, RECORD + 1, 2 * RECORD, BIG, BIG + 5};
    shake_hands("one.test", SIZE_MAX);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        uint8_t *text = mem_zalloc(sizes[i]);
        size_t records = (sizes[i] + RECORD - 1) / RECORD;
        assert_int_equal(tls_output(server.tls, (struct str){(char *)text, sizes[i]}, &server.out),
                         ERR_OK);
        assert_in_range(buf_len(&server.out), sizes[i], sizes[i] + records * RECORD_EXTRA);
        pump(&server, &client, SIZE_MAX);
        assert_int_equal(buf_len(&client.plain), sizes[i]);
        buf_fini(&client.plain);
        mem_free(text);
        say(&client, &server, sizes[i] ? sizes[i] : 1, 1000);
    }
}

static void many_small_ones(void **state)
{
    (void)state;
    shake_hands("one.test", SIZE_MAX);
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(tls_output(client.tls, STR("<presence/>"), &client.out), ERR_OK);
    pump(&client, &server, 4096);
    assert_int_equal(buf_len(&server.plain), 3000 * 11);
}

/* --- Ends --- */

static void a_close_is_told(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        struct side *from = turn ? &server : &client, *to = turn ? &client : &server;
        shake_hands("one.test", SIZE_MAX);
        assert_int_equal(tls_output(from->tls, STR("last words"), &from->out), ERR_OK);
        tls_close(from->tls, &from->out);
        pump(from, to, SIZE_MAX);
        assert_int_equal(to->err, ERR_CLOSED);
        assert_int_equal(buf_len(&to->plain), 10); /* what stood before it is still given */
        tls_close(to->tls, &to->out);
        tls_close(to->tls, &to->out);
    }
}

static void a_close_without_handshake_says_nothing(void **state)
{
    (void)state;
    meet("one.test", guest);
    tls_close(server.tls, &server.out);
    assert_int_equal(buf_len(&server.out), 0);
    pump(&client, &server, 7); /* but it does no harm */
    buf_fini(&server.out);
    tls_close(server.tls, &server.out);
    assert_int_equal(buf_len(&server.out), 0);
}

/* --- What is no TLS --- */

static enum err feed(struct str bytes)
{
    return tls_input(server.tls, bytes, &server.plain, &server.out, &server.secured);
}

static void garbage_is_refused(void **state)
{
    (void)state;
    static const char *const beginnings[] = {
        "GET / HTTP/1.1\r\nHost: one.test\r\n\r\n",
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='one.test'>",
        "\x16\x03\x01\x01\x01\x02\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01",
        "\x80\x2e\x01\x03\x01\x01\x15\x01\x01\x01\x10\x01\x01\x01\x01\x01\x01\x01\x01\x01",
    };
    for (size_t i = 0; i < COUNT_OF(beginnings); i++) {
        char bytes[4096];
        meet("one.test", guest);
        memset(bytes, 0x41, sizeof bytes);
        memcpy(bytes, beginnings[i], strlen(beginnings[i]));
        enum err err = feed((struct str){bytes, sizeof bytes});
        for (int more = 0; more < 10 && !err; more++)
            err = feed((struct str){bytes, sizeof bytes});
        assert_int_equal(err, ERR_INVALID);
        assert_false(server.secured);
        assert_int_equal(buf_len(&server.plain), 0);
    }
}

/* A hello that never ends is held up to a record's length, no more, whatever length it tells. */
static void a_hello_without_end_is_refused(void **state)
{
    (void)state;
    static const char *const heads[] = {"\x16\x03\x01\x40", "\x16\x03\x01\xff"};
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        enum err err = ERR_OK;
        size_t fed = 5;
        meet("one.test", guest);
        assert_int_equal(feed((struct str){heads[i], 5}), ERR_OK);
        for (; !err && fed < 3 * RECORD; fed++)
            err = feed((struct str){fed == 5 ? "\x01" : fed == 7 ? "\x3f" : "\0", 1});
        assert_int_equal(err, ERR_INVALID);
        assert_true(fed <= RECORD + 64);
    }
}

/* Each byte of a record, changed: refused, and nothing of it is given out. */
static void a_changed_record_is_refused(void **state)
{
    (void)state;
    for (size_t at = 5; at < 5 + 11 + 17; at += 3) {
        shake_hands("one.test", SIZE_MAX);
        assert_int_equal(tls_output(client.tls, STR("<presence/>"), &client.out), ERR_OK);
        assert_true(at < buf_len(&client.out));
        buf_at(&client.out)[at] ^= 1;
        pump(&client, &server, SIZE_MAX);
        assert_int_equal(server.err, ERR_INVALID);
        assert_int_equal(buf_len(&server.plain), 0);
        assert_int_equal(feed(STR("more")), ERR_INVALID);
    }
}

/* --- Files --- */

static void expect_sentence(const char *certificate, const char *key, const char *beginning,
                            const char *ending)
{
    struct tls_context *none = NULL;
    const char *why = NULL;
    assert_int_equal(tls_context_new(certificate, key, NULL, &none, &why), ERR_INVALID);
    assert_non_null(why);
    if (strncmp(why, beginning, strlen(beginning)) != 0 || !strstr(why, ending))
        fail_msg("said: %s", why);
    mem_free((char *)why);
    assert_int_equal(tls_context_add(context, "four.test", certificate, key, &why), ERR_INVALID);
    mem_free((char *)why);
}

static void write_file(const char *name, size_t len)
{
    FILE *file = fopen(in_folder(name), "w");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), (off_t)len), 0);
    fclose(file);
}

static void wrong_files_are_named(void **state)
{
    (void)state;
    char pem[128], key[128];
    text_copy(pem, sizeof pem, str_of(in_folder("one.test.pem")));
    text_copy(key, sizeof key, str_of(in_folder("one.test.key")));
    write_file("empty", 0);
    write_file("large", (1 << 20) + 1);
    expect_sentence(in_folder("none"), key, "cannot read /", ": No such file or directory");
    expect_sentence(pem, in_folder("none"), "cannot read /", ": No such file or directory");
    expect_sentence(key, key, "no certificate chain in PEM in /", "one.test.key: ");
    expect_sentence(in_folder("empty"), key, "no certificate chain in PEM in /", "empty: ");
    expect_sentence(tls_folder, key, "no certificate chain in PEM in /", ": ");
    expect_sentence(pem, pem, "no private key in PEM in /", "one.test.pem: ");
    expect_sentence(pem, in_folder("two.test.key"), "the private key in /",
                    "two.test.key: is not that of the certificate");
    errno = ENOENT; /* what failed before is not the reason */
    expect_sentence(in_folder("large"), key, "cannot read /", ": larger than 1 MiB");
}

#define PAIR_TEST(name) cmocka_unit_test_teardown(name, pair_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(in_pieces_of_every_size),
        PAIR_TEST(the_hello_cut_at_every_place),
        PAIR_TEST(no_bytes_are_not_a_hello),
        PAIR_TEST(the_name_chooses_the_certificate),
        PAIR_TEST(both_sides_export_the_same),
        PAIR_TEST(nothing_is_exported_before_the_end),
        PAIR_TEST(another_protocol_is_refused),
        PAIR_TEST(big_messages),
        PAIR_TEST(many_small_ones),
        PAIR_TEST(a_close_is_told),
        PAIR_TEST(a_close_without_handshake_says_nothing),
        PAIR_TEST(garbage_is_refused),
        PAIR_TEST(a_hello_without_end_is_refused),
        PAIR_TEST(a_changed_record_is_refused),
        PAIR_TEST(wrong_files_are_named),
    };
    return cmocka_run_group_tests(tests, up, down);
}
