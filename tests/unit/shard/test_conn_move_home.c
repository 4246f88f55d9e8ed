/* One move, step by step: from a shard to itself, which takes the same way. */
#include "conn_test.h"

static unsigned arrivals;

static void on_arrived(struct conn *conn)
{
    assert_ptr_equal(conn, &owner.conn);
    assert_int_equal(owner.left, arrivals + 1);
    assert_false(conn->moving);
    assert_int_equal(conn->paused & CONN_PAUSE_MOVE, 0);
    arrivals++;
}

static void arrive_and_abort(struct conn *conn)
{
    on_arrived(conn);
    conn_abort(conn, ERR_DENIED);
}

static void arrive_and_close(struct conn *conn)
{
    on_arrived(conn);
    conn_write(conn, STR("bye"));
    conn_close(conn);
}

static void move(void)
{
    conn_move(&owner.conn, 0, on_arrived);
}

static int up(void **state)
{
    arrivals = 0;
    return shard_up(state);
}

static void arrives_and_goes_on(void **state)
{
    (void)state;
    struct buf got = {0};
    uint64_t moved = counted("connections_moved_total"), open_now;
    open_tcp();
    open_now = counted("connections");
    for (unsigned i = 1; i <= 5; i++) {
        move();
        assert_int_equal(owner.left, i - 1); /* not inside */
        TURN_UNTIL(arrivals == i);
        peer_sends(STR("x"));
        TURN_UNTIL(buf_len(&owner.got) == i);
        conn_write(&owner.conn, STR("y"));
        TURN_UNTIL(peer_reads(&got) || buf_len(&got) == i);
    }
    assert_int_equal(counted("connections_moved_total") - moved, 5);
    assert_int_equal(counted("connections"), open_now);
    buf_fini(&got);
    peer_closes();
    expect_end(ERR_CLOSED);
}

static void output_goes_first(void **state)
{
    (void)state;
    struct buf got = {0};
    uint8_t *row = mem_alloc(LIMIT_OUTPUT_HIGH / 2);
    open_tcp();
    fill_row(row, LIMIT_OUTPUT_HIGH / 2, 0);
    conn_write(&owner.conn, (struct str){(char *)row, LIMIT_OUTPUT_HIGH / 2});
    move();
    TURN_UNTIL(peer_reads(&got) || arrivals == 1);
    TURN_UNTIL(peer_reads(&got) || buf_len(&got) == LIMIT_OUTPUT_HIGH / 2);
    assert_row(&got, LIMIT_OUTPUT_HIGH / 2);
    mem_free(row);
    buf_fini(&got);
    peer_closes();
    expect_end(ERR_CLOSED);
}

static void move_now(struct owner *mine)
{
    if (mine->calls == 1)
        move();
}

static void what_is_held_comes_along(void **state)
{
    (void)state;
    open_tcp();
    owner.appetite = 3;
    owner.then = move_now;
    peer_sends(STR("abcdefghi"));
    TURN_UNTIL(owner.calls == 1);
    assert_int_equal(arrivals, 0);
    peer_sends(STR("jkl"));
    TURN_UNTIL(buf_len(&owner.got) == 12);
    assert_int_equal(arrivals, 1);
    assert_memory_equal(buf_at(&owner.got), "abcdefghijkl", 12);
    peer_closes();
    expect_end(ERR_CLOSED);
}

/* The peer has sent and gone while the connection was on its way. */
static void the_peers_end_comes_along(void **state)
{
    (void)state;
    open_tcp();
    move();
    peer_sends(STR("last"));
    peer_closes();
    TURN_UNTIL(arrivals == 1);
    TURN_UNTIL(owner.closed);
    assert_int_equal(buf_len(&owner.got), 4);
    expect_end(ERR_CLOSED);
}

static void other_pauses_come_along(void **state)
{
    (void)state;
    open_tcp();
    conn_pause(&owner.conn, CONN_PAUSE_SHAPER);
    move();
    peer_sends(STR("x"));
    TURN_UNTIL(arrivals == 1);
    turn_for(5);
    assert_int_equal(owner.calls, 0);
    conn_resume(&owner.conn, CONN_PAUSE_SHAPER);
    TURN_UNTIL(owner.calls == 1);
    peer_closes();
    expect_end(ERR_CLOSED);
}

/* It dies before it is quiet: here, and it does not arrive. */
static void an_end_before_it_leaves(void **state)
{
    (void)state;
    for (int closes = 0; closes < 2; closes++) {
        open_tcp();
        turn_for(2); /* a receive is under way */
        move();
        if (closes)
            conn_close(&owner.conn);
        else
            conn_abort(&owner.conn, ERR_DENIED);
        turn_for(3);
        peer_closes();
        expect_end(closes ? ERR_OK : ERR_DENIED);
        assert_int_equal(arrivals, 0);
        assert_int_equal(owner.left, 0);
    }
}

static void an_end_at_its_arrival(void **state)
{
    (void)state;
    struct buf got = {0};
    open_tcp();
    conn_move(&owner.conn, 0, arrive_and_abort);
    expect_end(ERR_DENIED);
    open_tcp();
    arrivals = 0;
    conn_move(&owner.conn, 0, arrive_and_close);
    TURN_UNTIL(peer_reads(&got));
    assert_int_equal(buf_len(&got), 3);
    buf_fini(&got);
    peer_closes();
    expect_end(ERR_OK);
}

/* A peer that does not take what is to go out first holds the move up, but not for ever. */
static void a_move_does_not_wait_for_ever(void **state)
{
    (void)state;
    static const char chunk[LIMIT_OUTPUT_HIGH];
    const int narrow = 4096;
    open_tcp();
    setsockopt(owner.conn.fd, SOL_SOCKET, SO_SNDBUF, &narrow, sizeof narrow);
    conn_write(&owner.conn, (struct str){chunk, sizeof chunk});
    for (int i = 0; i < 14 && conn_unsent(&owner.conn); i++) {
        shard_turn(shard, 0);
        conn_write(&owner.conn, (struct str){chunk, sizeof chunk});
    }
    move();
    turn_for(5);
    jump(LIMIT_CONN_LINGER - 1000);
    turn_for(5);
    assert_int_equal(arrivals + owner.closed, 0);
    jump(1100);
    expect_end(ERR_TIMEOUT);
}

static void arrive_and_leave(struct conn *conn)
{
    on_arrived(conn);
    if (arrivals < 10)
        conn_move(conn, 0, arrive_and_leave);
}

static void an_arrival_may_be_a_departure(void **state)
{
    (void)state;
    open_tcp();
    conn_move(&owner.conn, 0, arrive_and_leave);
    peer_sends(STR("x"));
    TURN_UNTIL(owner.calls == 1);
    assert_int_equal(arrivals, 10);
    peer_closes();
    expect_end(ERR_CLOSED);
}

#define MOVE_TEST(name) cmocka_unit_test_setup_teardown(name, up, shard_down)

int main(void)
{
    metric_register(conn_metrics);
    const struct CMUnitTest tests[] = {
        MOVE_TEST(arrives_and_goes_on),           MOVE_TEST(output_goes_first),
        MOVE_TEST(what_is_held_comes_along),      MOVE_TEST(the_peers_end_comes_along),
        MOVE_TEST(other_pauses_come_along),       MOVE_TEST(an_end_before_it_leaves),
        MOVE_TEST(an_end_at_its_arrival),         MOVE_TEST(a_move_does_not_wait_for_ever),
        MOVE_TEST(an_arrival_may_be_a_departure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
