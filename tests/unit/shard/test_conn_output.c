/* A connection's output: one send a turn, slow readers, crowded and drained. */
#include "conn_test.h"

enum { CHUNK = 10000 };

static void a_turn_is_one_send(void **state)
{
    (void)state;
    struct buf got = {0};
    open_pair();
    uint64_t before = counted("sends_total");
    for (int i = 0; i < 10; i++)
        conn_write(&owner.conn, STR("0123456789"));
    buf_push_str(conn_out(&owner.conn), STR("end"));
    assert_int_equal(conn_unsent(&owner.conn), 103);
    conn_flush(&owner.conn);
    conn_flush(&owner.conn);
    TURN_UNTIL(peer_reads(&got) || buf_len(&got) == 103);
    assert_int_equal(counted("sends_total") - before, 1);
    assert_int_equal(conn_unsent(&owner.conn), 0);
    buf_fini(&got);
    peer_closes();
    expect_end(ERR_CLOSED);
}

/* Output that gathers while a send is under way follows it. */
static void keeps_the_order(void **state)
{
    (void)state;
    enum { ALL = 200000 };
    struct buf got = {0};
    uint8_t *row = mem_alloc(ALL);
    struct prng prng;
    prng_init(&prng, 3);
    fill_row(row, ALL, 0);
    open_tcp();
    for (size_t at = 0; at < ALL;) {
        size_t len = 1 + prng_below(&prng, 3000);
        len = len < ALL - at ? len : ALL - at;
        conn_write(&owner.conn, (struct str){(char *)row + at, len});
        at += len;
        if (prng_below(&prng, 3) == 0)
            shard_turn(shard, 0);
        if (prng_below(&prng, 3) == 0)
            peer_reads(&got);
    }
    TURN_UNTIL(peer_reads(&got) || buf_len(&got) == ALL);
    assert_row(&got, ALL);
    mem_free(row);
    buf_fini(&got);
    peer_closes();
    expect_end(ERR_CLOSED);
}

/* Small socket buffers, so that what waits does so in the connection. */
static void open_narrow(void)
{
    const int len = 32768;
    int fds[2];
    tcp_pair(fds);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &len, sizeof len);
    setsockopt(fds[1], SOL_SOCKET, SO_RCVBUF, &len, sizeof len);
    owner_init(fds[0], fds[1]);
    conn_start(&owner.conn);
}

/* Writes the row until the connection says that it is enough. */
static size_t write_until_crowded(size_t from)
{
    uint8_t row[CHUNK];
    while (!owner.conn.crowded && !owner.closed) {
        fill_row(row, sizeof row, from);
        conn_write(&owner.conn, (struct str){(char *)row, sizeof row});
        from += sizeof row;
        shard_turn(shard, 0);
    }
    return from;
}

static void a_slow_reader_crowds_and_drains(void **state)
{
    (void)state;
    struct buf got = {0};
    size_t written = 0;
    open_narrow();
    peer_sends(STR("before"));
    TURN_UNTIL(buf_len(&owner.got) == 6);
    for (unsigned round = 1; round <= 3; round++) {
        written = write_until_crowded(written);
        assert_true(conn_unsent(&owner.conn) > LIMIT_OUTPUT_HIGH);
        assert_true(conn_unsent(&owner.conn) <= LIMIT_OUTPUT_HIGH + CHUNK);
        assert_int_equal(owner.conn.paused, CONN_PAUSE_OUTPUT);
        peer_sends(STR("x")); /* what it asks for waits until it reads */
        turn_for(10);
        assert_int_equal(owner.drained, round - 1);
        assert_int_equal(buf_len(&owner.got), 5 + round);
        TURN_UNTIL(peer_reads(&got) || owner.drained == round);
        assert_int_equal(owner.conn.paused, 0);
        TURN_UNTIL(peer_reads(&got) || buf_len(&owner.got) == 6 + round);
    }
    TURN_UNTIL(peer_reads(&got) || buf_len(&got) == written);
    turn_for(5);
    assert_int_equal(owner.drained, 3);
    assert_row(&got, written);
    assert_true(holds_no_memory());
    buf_fini(&got);
    peer_closes();
    expect_end(ERR_CLOSED);
}

static void who_reads_nothing_is_dropped(void **state)
{
    (void)state;
    static const char chunk[CHUNK];
    uint64_t before = counted("slow_readers_dropped_total");
    size_t most = 0;
    open_narrow();
    while (!owner.conn.dead) {
        conn_write(&owner.conn, (struct str){chunk, sizeof chunk});
        most = conn_unsent(&owner.conn) > most ? conn_unsent(&owner.conn) : most;
        shard_turn(shard, 0);
    }
    assert_true(most > LIMIT_OUTPUT_MAX);
    assert_true(most <= LIMIT_OUTPUT_MAX + CHUNK);
    assert_int_equal(counted("slow_readers_dropped_total") - before, 1);
    conn_write(&owner.conn, STR("more")); /* goes nowhere */
    conn_flush(&owner.conn);
    expect_end(ERR_FULL);
}

/* All at once, within a turn. */
static void a_flood_within_a_turn_is_bounded_too(void **state)
{
    (void)state;
    static const char chunk[CHUNK];
    open_pair();
    unsigned writes = 0;
    for (; !owner.conn.dead; writes++)
        conn_write(&owner.conn, (struct str){chunk, sizeof chunk});
    assert_int_equal(writes, LIMIT_OUTPUT_MAX / CHUNK + 1);
    expect_end(ERR_FULL);
}

/* A peer that is gone is found out by sending. */
static void sending_to_nobody_ends_it(void **state)
{
    (void)state;
    open_pair();
    conn_pause(&owner.conn, CONN_PAUSE_OWNER); /* its end is not looked at */
    peer_closes();
    turn_for(5);
    assert_int_equal(owner.closed, 0);
    conn_write(&owner.conn, STR("hello?"));
    expect_end(ERR_CLOSED);
}

static void more_when_drained(struct owner *mine)
{
    conn_write(&mine->conn, STR("answer"));
}

/* What is written inside on_bytes goes out by itself, also when the shard has nothing else to do.
 */
static void an_answer_needs_no_other_event(void **state)
{
    (void)state;
    struct buf got = {0};
    open_pair();
    owner.then = more_when_drained;
    peer_sends(STR("question"));
    while (!owner.calls)
        shard_turn(shard, 100000);
    shard_turn(shard, 1000000);
    shard_turn(shard, 1000000);
    assert_false(peer_reads(&got));
    assert_int_equal(buf_len(&got), 6);
    buf_fini(&got);
    peer_closes();
    expect_end(ERR_CLOSED);
}

int main(void)
{
    metric_register(conn_metrics);
    const struct CMUnitTest tests[] = {
        SHARD_TEST(a_turn_is_one_send),
        SHARD_TEST(keeps_the_order),
        SHARD_TEST(a_slow_reader_crowds_and_drains),
        SHARD_TEST(who_reads_nothing_is_dropped),
        SHARD_TEST(a_flood_within_a_turn_is_bounded_too),
        SHARD_TEST(sending_to_nobody_ends_it),
        SHARD_TEST(an_answer_needs_no_other_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
