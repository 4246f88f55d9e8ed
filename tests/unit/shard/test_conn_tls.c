/* A connection with TLS in it: STARTTLS, direct, cut at every byte, ends, and openssl(1) as peer.
 */
#include "conn_test.h"
#include "tls_test.h"

static struct tls_context *context, *guest;

static int up(void **state)
{
    (void)state;
    make_folder();
    make_certificate("one.test", "-sha256");
    context = server_context("one.test", "xmpp-client");
    guest = tls_context_client("xmpp-client");
    return 0;
}

static int down(void **state)
{
    (void)state;
    tls_context_free(context);
    tls_context_free(guest);
    drop_folder();
    return 0;
}

/* --- The peer: `client` of tls_test.h over the socket --- */

static bool client_reads(void)
{
    struct buf cipher = {0};
    bool over = peer_reads(&cipher);
    if (buf_len(&cipher) && !client.err)
        client.err =
            tls_input(client.tls, buf_str(&cipher), &client.plain, &client.out, &client.secured);
    buf_fini(&cipher);
    return over;
}

/* Sends what the client has to say, `piece` bytes a turn. */
static void client_sends(size_t piece)
{
    while (buf_len(&client.out)) {
        size_t len = buf_len(&client.out) < piece ? buf_len(&client.out) : piece;
        peer_sends((struct str){(char *)buf_at(&client.out), len});
        buf_pop(&client.out, len);
        shard_turn(shard, 100);
    }
}

static void client_writes(struct str text)
{
    assert_int_equal(tls_output(client.tls, text, &client.out), ERR_OK);
    client_sends(SIZE_MAX);
}

/* Goes on until both sides say that they are done. */
static void client_goes_on(size_t piece)
{
    for (int turn = 0; turn < 2000 && !(client.secured && owner.secured); turn++) {
        client_sends(piece);
        shard_turn(shard, 100);
        client_reads();
    }
    client_sends(piece);
    assert_true(client.secured);
    assert_int_equal(owner.secured, 1);
}

static void client_begins(void)
{
    side_fini(&client);
    client.tls = tls_new_client(guest, "one.test", &client.out);
}

static void client_shakes_hands(size_t piece)
{
    client_begins();
    client_goes_on(piece);
}

static void open_direct(void)
{
    int fds[2];
    tcp_pair(fds);
    owner_init(fds[0], fds[1]);
    conn_start_tls(&owner.conn, tls_new(context), false);
    conn_start(&owner.conn);
}

static void exchange(void)
{
    client_writes(STR("question"));
    TURN_UNTIL(buf_len(&owner.got) == 8);
    assert_memory_equal(buf_at(&owner.got), "question", 8);
    conn_write(&owner.conn, STR("answer"));
    TURN_UNTIL(client_reads() || buf_len(&client.plain) == 6);
    assert_memory_equal(buf_at(&client.plain), "answer", 6);
    buf_fini(&client.plain);
}

static void end_with_close_notify(void)
{
    tls_close(client.tls, &client.out);
    client_sends(SIZE_MAX);
    expect_end(ERR_CLOSED);
    side_fini(&client);
}

/* --- Direct --- */

static void direct_byte_by_byte(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 5, 6, 100, SIZE_MAX};
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        open_direct();
        client_shakes_hands(pieces[i]);
        exchange();
        turn_for(3);
        assert_true(holds_no_memory());
        end_with_close_notify();
    }
}

/* What is said before the handshake is over waits for it, and never goes out in the clear. */
static void what_is_said_too_early_is_said_later(void **state)
{
    struct buf got = {0};
    (void)state;
    open_direct();
    conn_write(&owner.conn, STR("answer"));
    turn_for(5);
    assert_false(peer_reads(&got));
    assert_int_equal(buf_len(&got), 0);
    client_shakes_hands(SIZE_MAX);
    TURN_UNTIL(client_reads() || buf_len(&client.plain) == 6);
    assert_memory_equal(buf_at(&client.plain), "answer", 6);
    buf_fini(&client.plain);
    end_with_close_notify();
    open_direct();
    conn_write(&owner.conn, STR("answer"));
    conn_close(&owner.conn);
    TURN_UNTIL(peer_reads(&got));
    assert_null(memmem(buf_at(&got), buf_len(&got), "answer", 6));
    peer_closes();
    expect_end(ERR_OK);
    buf_fini(&got);
}

/* --- STARTTLS --- */

static bool keep_rest;

/* Takes "<starttls/>" and puts the filter in. */
static void start_tls(struct owner *mine)
{
    if (mine->conn.tls || buf_len(&mine->got) < 11)
        return;
    conn_write(&mine->conn, STR("<proceed/>"));
    conn_start_tls(&mine->conn, tls_new(context), !keep_rest);
    buf_fini(&mine->got);
}

static void expect_proceed(void)
{
    struct buf got = {0};
    TURN_UNTIL(peer_reads(&got) || buf_len(&got) == 10);
    assert_memory_equal(buf_at(&got), "<proceed/>", 10); /* in the clear */
    buf_fini(&got);
}

static void what_is_injected_is_dropped(void **state)
{
    (void)state;
    static const struct str injected[] = {{"<starttls/>", 11},
                                          {"<starttls/><auth>injected</auth>", 32},
                                          {"<starttls/>\x16\x03\x01", 14}};
    keep_rest = false;
    for (size_t i = 0; i < COUNT_OF(injected); i++)
        for (int held = 0; held < 2; held++) { /* as it came, or after a pause */
            open_tcp();
            owner.appetite = 11;
            owner.then = start_tls;
            if (held)
                conn_pause(&owner.conn, CONN_PAUSE_LANE);
            peer_sends(injected[i]);
            turn_for(3);
            conn_resume(&owner.conn, CONN_PAUSE_LANE);
            expect_proceed();
            owner.appetite = SIZE_MAX;
            client_shakes_hands(SIZE_MAX);
            exchange();
            end_with_close_notify();
        }
}

/* The same injected behind the switch, in a read of its own, is no TLS. */
static void plaintext_behind_the_switch_ends_it(void **state)
{
    (void)state;
    keep_rest = false;
    open_tcp();
    owner.then = start_tls;
    peer_sends(STR("<starttls/>"));
    expect_proceed();
    peer_sends(STR("<auth>injected</auth>"));
    struct buf got = {0};
    TURN_UNTIL(peer_reads(&got));
    assert_int_equal(buf_len(&owner.got), 0);
    assert_int_equal(owner.secured, 0);
    buf_fini(&got);
    peer_closes();
    expect_end(ERR_OK);
}

/* A PROXY header before direct TLS: what follows it is the ClientHello, or its beginning. */
static void the_rest_may_be_the_hello(void **state)
{
    (void)state;
    keep_rest = true;
    for (size_t extra = 0; extra < 12; extra++) {
        struct buf bytes = {0};
        open_tcp();
        owner.appetite = 11;
        owner.then = start_tls;
        client_begins();
        size_t with = extra < 11 ? extra : buf_len(&client.out);
        buf_push_str(&bytes, STR("PROXY x y\r\n"));
        buf_push(&bytes, buf_at(&client.out), with);
        buf_pop(&client.out, with);
        peer_sends(buf_str(&bytes));
        buf_fini(&bytes);
        TURN_UNTIL(peer_reads(&bytes) || buf_len(&bytes) >= 10);
        buf_pop(&bytes, 10);
        assert_int_equal(
            tls_input(client.tls, buf_str(&bytes), &client.plain, &client.out, &client.secured),
            ERR_OK);
        buf_fini(&bytes);
        owner.appetite = SIZE_MAX;
        client_goes_on(SIZE_MAX);
        exchange();
        end_with_close_notify();
    }
}

/* --- Much, slowly, and ends --- */

static void much_in_both_directions(void **state)
{
    (void)state;
    enum { ALL = 1 << 20, PART = 50000 };
    uint8_t *row = mem_alloc(ALL);
    fill_row(row, ALL, 0);
    open_direct();
    client_shakes_hands(SIZE_MAX);
    owner.appetite = 7777;
    for (size_t at = 0; at < ALL; at += PART) {
        size_t len = PART < ALL - at ? PART : ALL - at;
        conn_write(&owner.conn, (struct str){(char *)row + at, len});
        client_writes((struct str){(char *)row + at, len});
        client_reads();
    }
    TURN_UNTIL(client_reads() || (buf_len(&client.plain) == ALL && buf_len(&owner.got) == ALL));
    assert_row(&client.plain, ALL);
    assert_row(&owner.got, ALL);
    mem_free(row);
    end_with_close_notify();
}

static void a_pause_holds_plaintext(void **state)
{
    (void)state;
    open_direct();
    client_shakes_hands(SIZE_MAX);
    conn_pause(&owner.conn, CONN_PAUSE_OWNER);
    client_writes(STR("held"));
    turn_for(5);
    assert_int_equal(owner.calls, 0);
    tls_close(client.tls, &client.out);
    client_sends(SIZE_MAX);
    turn_for(5);
    assert_int_equal(owner.closed, 0);
    conn_resume(&owner.conn, CONN_PAUSE_OWNER);
    expect_end(ERR_CLOSED);
    assert_int_equal(owner.calls, 1);
    side_fini(&client);
}

static void we_close(void **state)
{
    (void)state;
    open_direct();
    client_shakes_hands(SIZE_MAX);
    conn_write(&owner.conn, STR("bye"));
    conn_close(&owner.conn);
    TURN_UNTIL(client_reads());
    assert_int_equal(client.err, ERR_CLOSED); /* close_notify, then FIN */
    assert_int_equal(buf_len(&client.plain), 3);
    tls_close(client.tls, &client.out);
    client_sends(SIZE_MAX);
    peer_closes();
    expect_end(ERR_OK);
    side_fini(&client);
}

static void garbage_gets_an_alert(void **state)
{
    (void)state;
    struct buf got = {0};
    open_direct();
    peer_sends(STR("GET / HTTP/1.1\r\nHost: one.test\r\n\r\n"));
    TURN_UNTIL(peer_reads(&got));
    assert_true(buf_len(&got) == 0 || buf_at(&got)[0] == 0x15);
    assert_int_equal(owner.secured + owner.calls, 0);
    buf_fini(&got);
    peer_closes();
    expect_end(ERR_OK);
}

static void an_end_within_the_handshake(void **state)
{
    (void)state;
    for (int closed = 0; closed < 2; closed++) {
        open_direct();
        peer_sends(STR("\x16\x03\x01"));
        turn_for(5);
        if (closed)
            conn_close(&owner.conn);
        peer_closes();
        expect_end(closed ? ERR_OK : ERR_CLOSED);
    }
}

/* --- Another library's client --- */

static void answer(struct owner *mine)
{
    conn_write(&mine->conn, STR("well received\n"));
    conn_close(&mine->conn);
}

static unsigned exporter_len;

static void look_at_the_binding(struct owner *mine)
{
    exporter_len = (unsigned)tls_exporter(mine->conn.tls).len;
    answer(mine);
}

/* openssl s_client sends a line, gets one, and ends well. */
static void openssl_talks_to_it(const char *version)
{
    int ends[2], fd, status;
    struct sockaddr_in at = loopback(0);
    socklen_t len = sizeof at;
    char place[32];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    snprintf(place, sizeof place, "127.0.0.1:%u", ntohs(at.sin_port));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 0);
        dup2(ends[1], 1);
        dup2(open("/dev/null", O_WRONLY), 2);
        execlp("openssl", "openssl", "s_client", "-quiet", "-connect", place, "-servername",
               "one.test", "-alpn", "xmpp-client", "-CAfile", in_folder("one.test.pem"),
               "-verify_return_error", version, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    close(listener);
    owner_init(fd, ends[0]);
    owner.then = look_at_the_binding;
    conn_start_tls(&owner.conn, tls_new(context), false);
    conn_start(&owner.conn);
    struct buf got = {0};
    peer_sends(STR("hello\n"));
    TURN_UNTIL(peer_reads(&got));
    assert_int_equal(buf_len(&got), 14);
    assert_memory_equal(buf_at(&got), "well received\n", 14);
    assert_memory_equal(buf_at(&owner.got), "hello\n", 6);
    buf_fini(&got);
    expect_end(ERR_OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void openssl_is_served(void **state)
{
    (void)state;
    openssl_talks_to_it("-tls1_3");
    assert_int_equal(exporter_len, 32);
    openssl_talks_to_it("-tls1_2");
    assert_int_equal(exporter_len, 0); /* RFC 9266 wants TLS 1.3 here */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHARD_TEST(direct_byte_by_byte),         SHARD_TEST(what_is_said_too_early_is_said_later),
        SHARD_TEST(what_is_injected_is_dropped), SHARD_TEST(plaintext_behind_the_switch_ends_it),
        SHARD_TEST(the_rest_may_be_the_hello),   SHARD_TEST(much_in_both_directions),
        SHARD_TEST(a_pause_holds_plaintext),     SHARD_TEST(we_close),
        SHARD_TEST(garbage_gets_an_alert),       SHARD_TEST(an_end_within_the_handshake),
        SHARD_TEST(openssl_is_served),
    };
    return cmocka_run_group_tests(tests, up, down);
}
