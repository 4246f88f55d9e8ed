/* How a connection ends: by us, by the peer, by both, and when nobody helps. */
#include "conn_test.h"

enum { MUCH = 2000000 };

static uint8_t row[MUCH];

static void write_much(void)
{
    fill_row(row, sizeof row, 0);
    conn_write(&owner.conn, (struct str){(char *)row, sizeof row});
}

/* All of it comes, and then the end. */
static void expect_much(void)
{
    struct buf got = {0};
    TURN_UNTIL(peer_reads(&got));
    assert_row(&got, sizeof row);
    buf_fini(&got);
}

static void we_close_and_the_peer_follows(void **state)
{
    (void)state;
    open_tcp();
    write_much();
    conn_close(&owner.conn);
    conn_close(&owner.conn);
    conn_write(&owner.conn, STR("after the end")); /* goes nowhere */
    expect_much();
    assert_int_equal(owner.closed, 0); /* it waits for the peer */
    peer_sends(STR("not read any more"));
    turn_for(5);
    assert_int_equal(owner.calls, 0);
    peer_closes();
    expect_end(ERR_OK);
}

static void we_close_with_nothing_to_say(void **state)
{
    (void)state;
    struct buf got = {0};
    open_pair();
    conn_close(&owner.conn);
    TURN_UNTIL(peer_reads(&got));
    assert_int_equal(buf_len(&got), 0);
    buf_fini(&got);
    peer_closes();
    expect_end(ERR_OK);
}

static void close_at_once(struct owner *mine)
{
    conn_write(&mine->conn, STR("bye"));
    conn_close(&mine->conn);
}

/* The peer says good-bye and shuts its side at once: what we say to that still goes out. */
static void the_last_words_reach_who_has_shut_its_side(void **state)
{
    (void)state;
    struct buf got = {0};
    open_tcp();
    owner.then = close_at_once;
    peer_sends(STR("close, please"));
    shutdown(owner.peer, SHUT_WR);
    usleep(1000);
    TURN_UNTIL(peer_reads(&got));
    assert_int_equal(buf_len(&got), 3);
    buf_fini(&got);
    expect_end(ERR_OK);
}

static void on_end(struct conn *conn)
{
    struct owner *mine = (struct owner *)conn;
    assert_int_equal(mine->closed, 0);
    mine->ended++;
}

/* An owner that wants to know of the end answers when it likes, and all of it goes out. */
static void who_has_shut_its_side_is_answered_later(void **state)
{
    (void)state;
    struct conn_events curious = conn_test_events;
    curious.on_end = on_end;
    for (int paused = 0; paused < 2; paused++) {
        open_tcp();
        owner.conn.events = &curious;
        if (paused)
            conn_pause(&owner.conn, CONN_PAUSE_OWNER);
        peer_sends(STR("a question"));
        shutdown(owner.peer, SHUT_WR);
        turn_for(5);
        assert_int_equal(owner.ended, !paused);
        conn_resume(&owner.conn, CONN_PAUSE_OWNER);
        turn_for(5);
        assert_int_equal(owner.ended, 1);
        assert_int_equal(buf_len(&owner.got), 10);
        write_much();
        conn_close(&owner.conn);
        expect_much();
        assert_int_equal(owner.ended, 1);
        expect_end(ERR_OK);
    }
}

/* The same when much of it has to wait for a peer that reads slowly. */
static void all_goes_out_before_the_end(void **state)
{
    (void)state;
    open_tcp();
    write_much();
    conn_close(&owner.conn);
    shutdown(owner.peer, SHUT_WR);
    expect_much();
    expect_end(ERR_OK);
}

/* Paused, for whatever reason, is no reason to wait at the end. */
static void a_paused_one_ends_as_well(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct buf got = {0};
        open_tcp();
        conn_pause(&owner.conn, CONN_PAUSE_OWNER);
        peer_sends(STR("held"));
        turn_for(5);
        if (first)
            peer_closes();
        conn_close(&owner.conn);
        if (!first) {
            TURN_UNTIL(peer_reads(&got));
            peer_closes();
        }
        uint64_t begun = clock_monotonic_us();
        expect_end(ERR_OK);
        assert_true(clock_monotonic_us() - begun < 1000000);
        assert_int_equal(owner.calls, 0);
        buf_fini(&got);
    }
}

static void take_one_and_close(struct owner *mine)
{
    conn_close(&mine->conn);
}

/* What the owner did not take when it closed is nobody's, also when the peer is gone already. */
static void closing_inside_on_bytes_drops_the_rest(void **state)
{
    (void)state;
    for (int paused = 0; paused < 2; paused++) {
        open_tcp();
        owner.appetite = 1;
        owner.then = take_one_and_close;
        if (paused)
            conn_pause(&owner.conn, CONN_PAUSE_OWNER);
        peer_sends(STR("rest"));
        peer_closes();
        turn_for(5);
        if (paused)
            conn_resume(&owner.conn, CONN_PAUSE_OWNER);
        uint64_t begun = clock_monotonic_us();
        expect_end(ERR_OK);
        assert_true(clock_monotonic_us() - begun < 1000000);
        assert_int_equal(owner.calls, 1);
    }
}

static void the_peer_closes(void **state)
{
    (void)state;
    open_tcp();
    peer_sends(STR("bye"));
    shutdown(owner.peer, SHUT_WR);
    TURN_UNTIL(owner.closed);
    assert_int_equal(buf_len(&owner.got), 3);
    expect_end(ERR_CLOSED);
}

static void nobody_waits_for_ever(void **state)
{
    (void)state;
    open_tcp();
    write_much();
    conn_close(&owner.conn);
    turn_for(20);
    jump(LIMIT_CONN_LINGER - 1000);
    turn_for(5);
    assert_int_equal(owner.closed, 0);
    jump(1100);
    expect_end(ERR_TIMEOUT);
}

static void abort_is_at_once_and_told_later(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        open_tcp();
        if (way == 1)
            write_much();
        if (way == 2) {
            write_much();
            shard_turn(shard, 0); /* a send is under way */
            conn_close(&owner.conn);
        }
        conn_abort(&owner.conn, ERR_INVALID);
        conn_abort(&owner.conn, ERR_DENIED);
        conn_close(&owner.conn);
        conn_pause(&owner.conn, CONN_PAUSE_OWNER);
        conn_resume(&owner.conn, CONN_PAUSE_OWNER);
        assert_int_equal(owner.closed, 0);
        expect_end(ERR_INVALID);
    }
}

/* Both requests that are under way end at once: on_gone waits for on_closed. */
static void a_reset_meets_a_send_under_way(void **state)
{
    (void)state;
    const struct linger at_once = {.l_onoff = 1};
    const int narrow = 4096;
    for (int i = 0; i < 5; i++) {
        open_tcp();
        setsockopt(owner.conn.fd, SOL_SOCKET, SO_SNDBUF, &narrow, sizeof narrow);
        setsockopt(owner.peer, SOL_SOCKET, SO_RCVBUF, &narrow, sizeof narrow);
        conn_write(&owner.conn, (struct str){(char *)row, LIMIT_OUTPUT_HIGH / 2});
        turn_for(3);
        assert_true(owner.conn.send.armed && owner.conn.recv.armed);
        setsockopt(owner.peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        peer_closes();
        expect_end(ERR_CLOSED);
    }
}

static void abort_itself(struct owner *mine)
{
    conn_abort(&mine->conn, ERR_DENIED);
}

static void abort_inside_on_bytes(void **state)
{
    (void)state;
    for (size_t appetite = 0; appetite < 3; appetite++) {
        open_tcp();
        owner.appetite = appetite;
        owner.then = abort_itself;
        peer_sends(STR("xyz"));
        expect_end(ERR_DENIED);
        assert_int_equal(owner.calls, 1);
    }
}

static void close_before_the_start(void **state)
{
    (void)state;
    struct buf got = {0};
    int fds[2];
    tcp_pair(fds);
    owner_init(fds[0], fds[1]);
    conn_write(&owner.conn, STR("sorry"));
    conn_close(&owner.conn);
    TURN_UNTIL(peer_reads(&got));
    assert_int_equal(buf_len(&got), 5);
    buf_fini(&got);
    peer_closes(); /* that is seen, and the linger not waited for */
    expect_end(ERR_OK);
}

/* At the end of a shard: no event, nothing left. */
static void discard_says_nothing(void **state)
{
    struct buf got = {0};
    assert_int_equal(shard_up(state), 0);
    open_tcp();
    conn_pause(&owner.conn, CONN_PAUSE_OWNER);
    peer_sends(STR("held"));
    turn_for(5);
    conn_write(&owner.conn, STR("never sent"));
    uint64_t open_now = counted("connections");
    owner.conn.events = NULL;
    conn_discard(&owner.conn);
    assert_int_equal(counted("connections"), open_now - 1);
    assert_true(holds_no_memory());
    shard_turn(shard, 0);
    shard_down(state);
    bool over = false;
    for (int i = 0; i < 2000 && !over; i++) { /* the kernel takes the ring down by and by */
        over = peer_reads(&got);
        usleep(over ? 0 : 1000);
    }
    assert_true(over);
    assert_int_equal(buf_len(&got), 0);
    assert_int_equal(owner.closed + owner.gone, 0);
    buf_fini(&got);
    peer_closes();
}

/* Many at once, with ends of all kinds. */
static void the_count_comes_back(void **state)
{
    (void)state;
    uint64_t before = counted("connections");
    for (int i = 0; i < 20; i++) {
        open_tcp();
        assert_int_equal(counted("connections"), before + 1);
        if (i % 2)
            conn_abort(&owner.conn, ERR_OK);
        else
            conn_close(&owner.conn);
        peer_closes();
        expect_end(ERR_OK);
    }
    assert_int_equal(counted("connections"), before);
}

int main(void)
{
    metric_register(conn_metrics);
    const struct CMUnitTest tests[] = {
        SHARD_TEST(we_close_and_the_peer_follows),
        SHARD_TEST(we_close_with_nothing_to_say),
        SHARD_TEST(the_last_words_reach_who_has_shut_its_side),
        SHARD_TEST(who_has_shut_its_side_is_answered_later),
        SHARD_TEST(all_goes_out_before_the_end),
        SHARD_TEST(a_paused_one_ends_as_well),
        SHARD_TEST(closing_inside_on_bytes_drops_the_rest),
        SHARD_TEST(the_peer_closes),
        SHARD_TEST(nobody_waits_for_ever),
        SHARD_TEST(abort_is_at_once_and_told_later),
        SHARD_TEST(a_reset_meets_a_send_under_way),
        SHARD_TEST(abort_inside_on_bytes),
        SHARD_TEST(close_before_the_start),
        cmocka_unit_test(discard_says_nothing),
        SHARD_TEST(the_count_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
