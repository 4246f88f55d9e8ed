/* A connection's input: in pieces, in parts, paused and resumed. Its output: test_conn_output.c. */
#include "conn_test.h"

static void bytes_come_one_by_one(void **state)
{
    (void)state;
    uint8_t row[600];
    open_pair();
    fill_row(row, sizeof row, 0);
    for (size_t i = 0; i < sizeof row; i++) {
        peer_sends((struct str){(char *)row + i, 1});
        TURN_UNTIL(buf_len(&owner.got) == i + 1);
    }
    assert_row(&owner.got, sizeof row);
    assert_int_equal(owner.conn.received_len, sizeof row);
    peer_closes();
    expect_end(ERR_CLOSED);
}

static void nothing_comes_before_the_start(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    owner_init(fds[0], fds[1]);
    peer_sends(STR("early"));
    turn_for(10);
    assert_int_equal(owner.calls, 0);
    conn_start(&owner.conn);
    TURN_UNTIL(buf_len(&owner.got) == 5);
    peer_closes();
    expect_end(ERR_CLOSED);
}

static void what_is_left_comes_again_in_the_next_turn(void **state)
{
    (void)state;
    static const size_t appetites[] = {1, 2, 3, 7, 99, 100, 101};
    uint8_t row[200];
    fill_row(row, sizeof row, 0);
    for (size_t i = 0; i < COUNT_OF(appetites); i++) {
        open_pair();
        owner.appetite = appetites[i];
        peer_sends((struct str){(char *)row, 100});
        TURN_UNTIL(owner.calls == 1);
        peer_sends((struct str){(char *)row + 100, 100}); /* comes while some is left */
        while (buf_len(&owner.got) < sizeof row) {
            unsigned before = owner.calls;
            shard_turn(shard, 1000);
            /* At most once by the task and once by what came: a share of a turn is kept. */
            assert_true(owner.calls <= before + 2);
        }
        assert_row(&owner.got, sizeof row);
        peer_closes();
        expect_end(ERR_CLOSED);
    }
}

/* Who wants more bytes before it takes any is not asked again without them, and the end comes. */
static void what_is_not_taken_waits_for_more(void **state)
{
    (void)state;
    open_pair();
    owner.appetite = 0;
    peer_sends(STR("half"));
    TURN_UNTIL(owner.calls);
    turn_for(20);
    assert_int_equal(owner.calls, 1);
    peer_sends(STR(" and "));
    TURN_UNTIL(owner.calls == 2);
    turn_for(10);
    assert_int_equal(owner.calls, 2);
    owner.appetite = SIZE_MAX;
    peer_sends(STR("half"));
    TURN_UNTIL(owner.calls == 3);
    assert_int_equal(buf_len(&owner.got), 13);
    assert_memory_equal(buf_at(&owner.got), "half and half", 13);
    owner.appetite = 0;
    peer_sends(STR("rest"));
    TURN_UNTIL(owner.calls == 4);
    peer_closes();
    expect_end(ERR_CLOSED);
}

/* --- Pauses --- */

static const enum conn_pause reasons[] = {CONN_PAUSE_LANE, CONN_PAUSE_SHAPER, CONN_PAUSE_OUTPUT,
                                          CONN_PAUSE_OWNER};

enum { FLOOD = 4 << 20, SOCKET_BUFFER = 1 << 18 };

/* The sockets themselves hold less than the flood. */
static void narrow(void)
{
    const int len = SOCKET_BUFFER;
    setsockopt(owner.peer, SOL_SOCKET, SO_SNDBUF, &len, sizeof len);
    setsockopt(owner.conn.fd, SOL_SOCKET, SO_RCVBUF, &len, sizeof len);
}

/* A multishot receive fills many buffers before it can be stopped: the kernel does three rounds of
 * 33 in one wait. */
enum { ONE_READ = 128 * LIMIT_RECV_BUFFER };

/* The peer writes all it can while the shard turns; returns how much has gone. */
static size_t flood(const uint8_t *row, size_t from, size_t to)
{
    unsigned quiet = 0;
    while (from < to && quiet < 50) {
        ssize_t sent = send(owner.peer, row + from, to - from, MSG_NOSIGNAL);
        if (sent > 0)
            from += (size_t)sent;
        quiet = sent > 0 ? 0 : quiet + 1;
        shard_turn(shard, 200);
    }
    return from;
}

static void a_pause_holds_what_comes(void **state)
{
    (void)state;
    uint8_t *row = mem_alloc(FLOOD);
    fill_row(row, FLOOD, 0);
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        open_tcp();
        narrow();
        conn_pause(&owner.conn, reasons[i]);
        size_t sent = flood(row, 0, FLOOD);
        assert_true(sent < FLOOD); /* the socket is not read any more */
        assert_int_equal(owner.calls, 0);
        assert_true(buf_len(&owner.conn.in) >= LIMIT_CONN_HELD);
        assert_true(buf_len(&owner.conn.in) <= LIMIT_CONN_HELD + ONE_READ);
        conn_resume(&owner.conn, reasons[i]);
        assert_int_equal(owner.calls, 0); /* not inside */
        while (sent < FLOOD)
            sent = flood(row, sent, FLOOD);
        TURN_UNTIL(buf_len(&owner.got) == FLOOD);
        assert_row(&owner.got, FLOOD);
        peer_closes();
        expect_end(ERR_CLOSED);
    }
    mem_free(row);
}

static void each_reason_is_cleared_on_its_own(void **state)
{
    (void)state;
    open_pair();
    conn_pause(&owner.conn, CONN_PAUSE_LANE);
    conn_pause(&owner.conn, CONN_PAUSE_SHAPER);
    conn_pause(&owner.conn, CONN_PAUSE_SHAPER);
    conn_resume(&owner.conn, CONN_PAUSE_OWNER); /* was not set */
    peer_sends(STR("x"));
    turn_for(10);
    conn_resume(&owner.conn, CONN_PAUSE_SHAPER);
    turn_for(10);
    assert_int_equal(owner.calls, 0);
    conn_resume(&owner.conn, CONN_PAUSE_LANE);
    TURN_UNTIL(buf_len(&owner.got) == 1);
    peer_closes();
    expect_end(ERR_CLOSED);
}

static void pause_itself(struct owner *mine)
{
    conn_pause(&mine->conn, CONN_PAUSE_OWNER);
}

static void a_pause_inside_on_bytes_holds_the_rest(void **state)
{
    (void)state;
    uint8_t row[50];
    fill_row(row, sizeof row, 0);
    open_pair();
    owner.appetite = 10;
    owner.then = pause_itself;
    peer_sends((struct str){(char *)row, sizeof row});
    for (unsigned part = 1; part <= 5; part++) {
        TURN_UNTIL(owner.calls == part);
        turn_for(10);
        assert_int_equal(owner.calls, part);
        assert_int_equal(buf_len(&owner.got), 10 * part);
        conn_resume(&owner.conn, CONN_PAUSE_OWNER);
    }
    assert_row(&owner.got, sizeof row);
    peer_closes();
    expect_end(ERR_CLOSED);
}

/* The peer has sent and gone while we were paused. */
static void what_came_before_the_end_is_still_given(void **state)
{
    (void)state;
    uint8_t row[10000];
    fill_row(row, sizeof row, 0);
    open_pair();
    owner.appetite = 3000;
    conn_pause(&owner.conn, CONN_PAUSE_OWNER);
    peer_sends((struct str){(char *)row, sizeof row});
    peer_closes();
    turn_for(20);
    assert_int_equal(owner.closed, 0);
    conn_resume(&owner.conn, CONN_PAUSE_OWNER);
    TURN_UNTIL(owner.closed);
    assert_row(&owner.got, sizeof row);
    expect_end(ERR_CLOSED);
}

static void a_resume_of_one_that_is_over_does_nothing(void **state)
{
    (void)state;
    open_pair();
    conn_pause(&owner.conn, CONN_PAUSE_OWNER);
    peer_sends(STR("x"));
    turn_for(5);
    conn_abort(&owner.conn, ERR_FULL);
    conn_resume(&owner.conn, CONN_PAUSE_OWNER);
    expect_end(ERR_FULL);
    assert_int_equal(owner.calls, 0);
}

static void one_that_is_idle_holds_no_memory(void **state)
{
    (void)state;
    open_pair();
    assert_true(holds_no_memory());
    for (int i = 0; i < 3; i++) {
        struct buf echo = {0};
        peer_sends(STR("ping"));
        TURN_UNTIL(buf_len(&owner.got) == 4);
        conn_write(&owner.conn, STR("pong"));
        TURN_UNTIL(peer_reads(&echo) || buf_len(&echo) == 4);
        turn_for(5);
        assert_true(holds_no_memory());
        buf_fini(&owner.got);
        buf_fini(&echo);
    }
    peer_closes();
    expect_end(ERR_CLOSED);
}

static void a_reset_ends_it(void **state)
{
    (void)state;
    const struct linger at_once = {.l_onoff = 1};
    for (int paused = 0; paused < 2; paused++) {
        open_tcp();
        if (paused)
            conn_pause(&owner.conn, CONN_PAUSE_LANE);
        turn_for(2);
        setsockopt(owner.peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        peer_closes();
        expect_end(ERR_CLOSED);
    }
}

int main(void)
{
    metric_register(conn_metrics);
    const struct CMUnitTest tests[] = {
        SHARD_TEST(bytes_come_one_by_one),
        SHARD_TEST(nothing_comes_before_the_start),
        SHARD_TEST(what_is_left_comes_again_in_the_next_turn),
        SHARD_TEST(what_is_not_taken_waits_for_more),
        SHARD_TEST(a_pause_holds_what_comes),
        SHARD_TEST(each_reason_is_cleared_on_its_own),
        SHARD_TEST(a_pause_inside_on_bytes_holds_the_rest),
        SHARD_TEST(what_came_before_the_end_is_still_given),
        SHARD_TEST(a_resume_of_one_that_is_over_does_nothing),
        SHARD_TEST(one_that_is_idle_holds_no_memory),
        SHARD_TEST(a_reset_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
