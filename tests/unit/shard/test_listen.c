/* Listening: the cap on connections, sentences about what is wrong, and the end. */
#include "listen.h"

#include "row_test.h"

#include <fcntl.h>
#include <sys/resource.h>

enum { CAP = 5, CLIENTS = CAP + 3, SHARDS = 2 };

static struct listener listener;
static int accepted[64], clients[64];
static atomic_uint accepted_count;

static int connect_to(uint16_t port)
{
    struct sockaddr_in at = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void on_connection(struct listener *of, int fd)
{
    (void)of;
    accepted[atomic_fetch_add(&accepted_count, 1)] = fd;
}

static void prepare(uint16_t port)
{
    listener = (struct listener){.at = {"127.0.0.1", port},
                                 .backlog = 64,
                                 .reuse_port = true,
                                 .max_connections = CAP,
                                 .on_connection = on_connection};
    atomic_store(&accepted_count, 0);
}

static void open_one(void)
{
    const char *why = "";
    prepare(free_port());
    if (listener_open(&listener, 1, &why))
        fail_msg("%s", why);
}

static void close_one(void)
{
    listener_stop(&listener);
    turn_for(5);
    assert_int_equal(shard->wheel.count, 0);
    for (unsigned i = 0; i < accepted_count; i++)
        close(accepted[i]);
    listener_close(&listener);
    listener_close(&listener);
}

static void the_cap_is_a_real_one(void **state)
{
    (void)state;
    open_one();
    listener_start(&listener);
    uint64_t waits = metric_sum(listen_metrics[0]);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = connect_to(listener.at.port);
    turn_for(60);
    assert_int_equal(accepted_count, CAP);
    assert_int_equal(listener.count, CAP);
    assert_true(metric_sum(listen_metrics[0]) > waits);
    listener_release(&listener); /* one place, one more */
    turn_for(60);
    assert_int_equal(accepted_count, CAP + 1);
    for (int i = 0; i < CAP; i++)
        listener_release(&listener);
    TURN_UNTIL(accepted_count == CLIENTS);
    for (int i = 0; i < CLIENTS - CAP - 1; i++)
        listener_release(&listener);
    turn_for(5);
    assert_int_equal(listener.count, 0); /* nobody waits: no place is held */
    close_one();
    assert_int_equal(listener.count, 0);
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
}

static void each_descriptor_is_the_clients(void **state)
{
    (void)state;
    open_one();
    listener_start(&listener);
    for (int i = 0; i < CAP; i++) {
        char byte = (char)('a' + i), got = 0, peer[64];
        clients[i] = connect_to(listener.at.port);
        TURN_UNTIL(accepted_count == (unsigned)i + 1);
        assert_int_equal(send(clients[i], &byte, 1, 0), 1);
        assert_int_equal(recv(accepted[i], &got, 1, 0), 1);
        assert_int_equal(got, byte);
        ring_peer(accepted[i], peer, sizeof peer);
        assert_string_equal(peer, "127.0.0.1");
        assert_true(fcntl(accepted[i], F_GETFD) & FD_CLOEXEC);
    }
    close_one();
    for (int i = 0; i < CAP; i++)
        close(clients[i]);
}

static void after_the_stop_nobody_is_let_in(void **state)
{
    (void)state;
    for (int full = 0; full < 2; full++) {
        open_one();
        listener_start(&listener);
        for (int i = 0; full && i < CLIENTS; i++)
            clients[i] = connect_to(listener.at.port);
        turn_for(30);
        unsigned before = accepted_count;
        listener_stop(&listener);
        listener_stop(&listener);
        int late = connect_to(listener.at.port);
        for (unsigned i = 0; i < before; i++)
            listener_release(&listener);
        turn_for(60);
        assert_int_equal(accepted_count, before);
        assert_int_equal(listener.count, 0);
        close(late);
        close_one();
        for (int i = 0; full && i < CLIENTS; i++)
            close(clients[i]);
    }
}

static void expect_refusal(struct address at, const char *ending)
{
    char want[160];
    const char *why = NULL;
    struct listener second = {
        .at = at, .backlog = 1, .max_connections = 1, .on_connection = on_connection};
    for (int reuse = 0; reuse < 2; reuse++) {
        second.reuse_port = reuse;
        assert_int_not_equal(listener_open(&second, 2, &why), ERR_OK);
        snprintf(want, sizeof want, "cannot listen at %s port %u: %s", at.ip, at.port, ending);
        assert_string_equal(why, want);
        listener_close(&second);
    }
}

static void a_start_that_fails_says_why(void **state)
{
    (void)state;
    open_one(); /* with SO_REUSEPORT: a second server would share it silently */
    expect_refusal(listener.at, "Address already in use");
    close_one();
    expect_refusal((struct address){"localhost", 1}, "not an IPv4 or IPv6 address");
    expect_refusal((struct address){"1.2.3", 1}, "not an IPv4 or IPv6 address");
    expect_refusal((struct address){"192.0.2.1", 40000}, "Cannot assign requested address");
}

static void the_port_is_free_again_afterwards(void **state)
{
    (void)state;
    const char *why = "";
    open_one();
    struct address at = listener.at;
    listener_start(&listener);
    clients[0] = connect_to(at.port);
    TURN_UNTIL(accepted_count == 1);
    close_one();
    close(clients[0]);
    turn_for(5);
    prepare(at.port);
    assert_int_equal(listener_open(&listener, 1, &why), ERR_OK);
    close_one();
}

/* Out of descriptors: it waits and tries again. */
static void a_failed_accept_is_tried_again(void **state)
{
    (void)state;
    struct rlimit old, none;
    open_one();
    listener_start(&listener);
    clients[0] = connect_to(listener.at.port); /* it needs a descriptor itself */
    getrlimit(RLIMIT_NOFILE, &old);
    none = old;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    uint64_t failures = metric_sum(listen_metrics[1]);
    turn_for(30);
    setrlimit(RLIMIT_NOFILE, &old);
    assert_int_equal(accepted_count, 0);
    assert_true(metric_sum(listen_metrics[1]) > failures);
    TURN_UNTIL(accepted_count == 1);
    assert_int_equal(listener.count, 1);
    close_one();
    close(clients[0]);
}

/* --- Several shards --- */

static struct timer look;
static unsigned waves;

static void on_look(struct timer *timer)
{
    static unsigned seen;
    if (atomic_load(&accepted_count) - seen > CAP)
        waves = 1000; /* over the cap */
    while (seen < atomic_load(&accepted_count)) {
        seen++;
        listener_release(&listener);
    }
    waves++;
    if (seen < 3 * CLIENTS && waves < 200) {
        shard_after(timer, 50, on_look);
        return;
    }
    seen = 0;
    boot_stop();
}

static void start_shard(struct shard *self)
{
    listener_start(&listener);
    if (self->id == 0)
        shard_after(&look, 50, on_look);
}

static void stop_shard(struct shard *self)
{
    (void)self;
    listener_stop(&listener);
}

/* One count for all shards, whether the kernel spreads connections or the shards share a socket. */
static void shards_share_the_cap(void **state)
{
    (void)state;
    const struct boot boot = {.shards = SHARDS, .start = start_shard, .stop = stop_shard};
    for (int reuse = 0; reuse < 2; reuse++) {
        const char *why = "";
        prepare(free_port());
        listener.reuse_port = reuse;
        waves = 0;
        assert_int_equal(listener_open(&listener, SHARDS, &why), ERR_OK);
        for (int i = 0; i < 3 * CLIENTS; i++)
            clients[i] = connect_to(listener.at.port);
        assert_int_equal(boot_run(&boot), ERR_OK);
        assert_true(waves < 200);
        assert_int_equal(accepted_count, 3 * CLIENTS);
        for (int i = 0; i < 3 * CLIENTS; i++) {
            close(clients[i]);
            close(accepted[i]);
        }
        listener_close(&listener);
    }
}

int main(void)
{
    metric_register(listen_metrics);
    const struct CMUnitTest tests[] = {
        SHARD_TEST(the_cap_is_a_real_one),
        SHARD_TEST(each_descriptor_is_the_clients),
        SHARD_TEST(after_the_stop_nobody_is_let_in),
        SHARD_TEST(a_start_that_fails_says_why),
        SHARD_TEST(the_port_is_free_again_afterwards),
        SHARD_TEST(a_failed_accept_is_tried_again),
        cmocka_unit_test(shards_share_the_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
