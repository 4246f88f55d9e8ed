/* Connections that move while their clients stream: nothing lost, doubled or out of order. */
#include "move_test.h"

enum { MOVES = 200, AHEAD = 65536, SHORT_LIVES = 300 };

static struct tls_context *context, *guest;
static struct listener listener;
static bool with_tls, restless;

/* --- The shards' side --- */

static void on_arrived(struct conn *conn);

static void move_over(struct mover *mover)
{
    if (mover->moves == MOVES)
        return;
    mover->moves++;
    conn_move(&mover->conn, 1 - shard_self->id, on_arrived);
}

static void on_arrived(struct conn *conn)
{
    struct mover *mover = (struct mover *)conn;
    CHECK_THAT(mover->left == mover->moves);
    CHECK_THAT(!conn->moving && !(conn->paused & CONN_PAUSE_MOVE));
    atomic_fetch_add(&moves_done, 1);
    if (!restless)
        return;
    uint64_t chance = prng_below(&mover->prng, 100);
    if (chance < 60)
        move_over(mover);
    else if (chance < 63)
        conn_abort(conn, ERR_DENIED);
    else if (chance < 66)
        conn_close(conn);
}

/* Takes a part, gives it back, and moves now and then: what is left goes with it. */
static size_t on_bytes(struct conn *conn, struct str bytes)
{
    struct mover *mover = (struct mover *)conn;
    size_t len = 1 + prng_below(&mover->prng, bytes.len);
    CHECK_THAT(!conn->moving && !mover->closed);
    for (size_t i = 0; i < len; i++)
        CHECK_THAT((uint8_t)bytes.at[i] == row_byte(mover->got++));
    conn_write(conn, (struct str){bytes.at, len});
    if (prng_below(&mover->prng, restless ? 1 : 3) == 0)
        move_over(mover);
    if (restless && prng_below(&mover->prng, 100) < 3)
        conn_abort(conn, ERR_DENIED);
    else if (restless && prng_below(&mover->prng, 100) < 3)
        conn_close(conn); /* in place of the move */
    return len;
}

static void on_secured(struct conn *conn)
{
    (void)conn;
}

static void on_closed(struct conn *conn, enum err why)
{
    struct mover *mover = (struct mover *)conn;
    (void)why;
    CHECK_THAT(mover->closed++ == 0);
}

static void on_leave(struct conn *conn)
{
    ((struct mover *)conn)->left++;
}

static void on_gone(struct conn *conn)
{
    struct mover *mover = (struct mover *)conn;
    CHECK_THAT(mover->closed == 1);
    listener_release(&listener);
    mem_free(mover);
    atomic_fetch_add(&movers_gone, 1);
}

static const struct conn_events events = {.on_bytes = on_bytes,
                                          .on_secured = on_secured,
                                          .on_closed = on_closed,
                                          .on_leave = on_leave,
                                          .on_gone = on_gone};

static void on_connection(struct listener *from, int fd)
{
    (void)from;
    struct mover *mover = mem_zalloc(sizeof *mover);
    prng_init(&mover->prng, atomic_fetch_add(&movers_opened, 1) + 1);
    conn_init(&mover->conn, fd, &events);
    if (with_tls)
        conn_start_tls(&mover->conn, tls_new(context), false);
    conn_start(&mover->conn);
}

/* --- The clients' side --- */

static atomic_uint clients_left;

/* Streams until all moves are done, then waits for the rest of the row. */
static void *stream(void *argument)
{
    struct visitor visitor;
    struct prng prng;
    uint64_t seed = *(uint64_t *)argument, end = clock_monotonic_us() + 60000000;
    prng_init(&prng, seed);
    visitor_begin(&visitor, listener.at.port, with_tls ? guest : NULL);
    while (!visitor.over && clock_monotonic_us() < end) {
        bool enough = atomic_load(&moves_done) >= MOVES;
        if (enough && visitor.back == visitor.sent)
            break;
        if (visitor.secured && !enough && visitor.sent - visitor.back < AHEAD)
            visitor_says_more(&visitor, 1 + prng_below(&prng, 3000));
        visitor_turn(&visitor);
    }
    CHECK_THAT(!visitor.over && visitor.back == visitor.sent && visitor.sent > MOVES);
    visitor_end(&visitor);
    atomic_fetch_sub(&clients_left, 1);
    return NULL;
}

/* Many that break off at any moment. */
static void *live_short(void *argument)
{
    const struct linger at_once = {.l_onoff = 1};
    struct prng prng;
    prng_init(&prng, *(uint64_t *)argument);
    for (int life = 0; life < SHORT_LIVES; life++) {
        struct visitor visitor;
        visitor_begin(&visitor, listener.at.port, with_tls ? guest : NULL);
        uint64_t turns = prng_below(&prng, with_tls ? 30 : 15);
        for (uint64_t i = 0; i < turns && !visitor.over; i++) {
            if (visitor.secured && visitor.sent - visitor.back < AHEAD)
                visitor_says_more(&visitor, 1 + prng_below(&prng, 3000));
            visitor_turn(&visitor);
        }
        if (prng_below(&prng, 2))
            setsockopt(visitor.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        visitor_end(&visitor);
    }
    atomic_fetch_sub(&clients_left, 1);
    return NULL;
}

/* --- A run --- */

static struct timer look;

static void on_look(struct timer *timer)
{
    if (clients_left == 0 && movers_opened == visitors && movers_gone == visitors)
        boot_stop();
    else
        shard_after(timer, 5, on_look);
}

static void start_shard(struct shard *self)
{
    listener_start(&listener);
    if (self->id == 0)
        shard_after(&look, 5, on_look);
}

static void stop_shard(struct shard *self)
{
    (void)self;
    listener_stop(&listener);
}

static void run(void *(*body)(void *), unsigned clients)
{
    const struct boot boot = {.shards = MOVE_SHARDS, .start = start_shard, .stop = stop_shard};
    static uint64_t seeds[] = {1, 2, 3};
    const char *why = "";
    pthread_t threads[3];
    listener = (struct listener){.at = {"127.0.0.1", free_port()},
                                 .backlog = 512,
                                 .max_connections = 1000,
                                 .on_connection = on_connection};
    if (listener_open(&listener, MOVE_SHARDS, &why))
        fail_msg("%s", why);
    atomic_store(&visitors, 0);
    atomic_store(&movers_opened, 0);
    atomic_store(&movers_gone, 0);
    atomic_store(&moves_done, 0);
    atomic_store(&clients_left, clients);
    for (unsigned i = 0; i < clients; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, body, &seeds[i]), 0);
    assert_int_equal(boot_run(&boot), ERR_OK);
    for (unsigned i = 0; i < clients; i++)
        pthread_join(threads[i], NULL);
    assert_true(listener.count <= MOVE_SHARDS); /* the places reserved for who comes next */
    listener_close(&listener);
    assert_int_equal(move_mistakes, 0);
}

static void moves_under_a_stream(void **state)
{
    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        with_tls = tls;
        restless = false;
        run(stream, 1);
        assert_int_equal(movers_opened, 1);
        assert_int_equal(moves_done, MOVES);
    }
}

static void dies_on_the_way(void **state)
{
    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        with_tls = tls;
        restless = true;
        run(live_short, 3);
        assert_true(moves_done > SHORT_LIVES / 10);
    }
}

static int up(void **state)
{
    (void)state;
    log_threshold = LOG_NONE;
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
    arena_pool_drop();
    drop_folder();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_under_a_stream),
        cmocka_unit_test(dies_on_the_way),
    };
    return cmocka_run_group_tests(tests, up, down);
}
