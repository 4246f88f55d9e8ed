/* Several shards on threads: mail between all pairs, sleep and wake, the end, and again. */
#include "shard_test.h"

#include <pthread.h>
#include <stdatomic.h>

enum { SHARDS = 3, BALLS = 20, HITS = 500 };

struct ball {
    struct mail mail; /* first */
    unsigned a, b, hits;
};

static struct ball balls[SHARDS][SHARDS][BALLS];
static atomic_uint finished, started, stopped, mistakes;
static unsigned shards_now;

static void check(bool right)
{
    if (!right)
        atomic_fetch_add(&mistakes, 1);
}

static void on_ball(struct mail *mail)
{
    struct ball *ball = (struct ball *)mail;
    unsigned here = shard_self->id;
    check(here == ball->a || here == ball->b);
    check(mail_self() == here);
    if (++ball->hits < HITS)
        mail_send(here == ball->a ? ball->b : ball->a, mail);
    else if (atomic_fetch_add(&finished, 1) + 1 == shards_now * shards_now * BALLS)
        boot_stop();
}

static void on_start(struct shard *self)
{
    atomic_fetch_add(&started, 1);
    check(self == shard_self && shard_at(self->id) == self && shard_count == shards_now);
    for (unsigned i = 0; i < shards_now; i++)
        check(shard_at(i) != NULL); /* all of them are there */
    for (unsigned to = 0; to < shards_now; to++)
        for (unsigned i = 0; i < BALLS; i++) {
            balls[self->id][to][i] = (struct ball){.mail.run = on_ball, .a = self->id, .b = to};
            mail_send(to, &balls[self->id][to][i].mail);
        }
}

static void on_stop(struct shard *self)
{
    check(self == shard_self && self->stopping);
    atomic_fetch_add(&stopped, 1);
}

static void all_pairs_play(void **state)
{
    (void)state;
    for (shards_now = 1; shards_now <= SHARDS; shards_now++) {
        const struct boot boot = {
            .shards = shards_now, .pin = shards_now == 2, .start = on_start, .stop = on_stop};
        atomic_store(&finished, 0);
        atomic_store(&started, 0);
        atomic_store(&stopped, 0);
        assert_int_equal(boot_run(&boot), ERR_OK);
        assert_int_equal(started, shards_now);
        assert_int_equal(stopped, shards_now);
        assert_int_equal(finished, shards_now * shards_now * BALLS);
        assert_null(shard_at(0));
    }
    assert_int_equal(mistakes, 0);
}

/* --- One ball and long pauses: each time both shards sleep, without a timer that would help --- */

static struct ball slow_ball;
static struct timer slow_timer;

static void serve_again(struct timer *timer)
{
    (void)timer;
    mail_send(1, &slow_ball.mail);
}

static void on_slow_ball(struct mail *mail)
{
    if (shard_self->id == 1) {
        mail_send(0, mail);
        return;
    }
    if (++slow_ball.hits == 50)
        boot_stop();
    else
        shard_after(&slow_timer, 2, serve_again);
}

static void start_slowly(struct shard *self)
{
    if (self->id == 0)
        shard_after(&slow_timer, 2, serve_again);
}

static void sleepers_wake_each_other(void **state)
{
    (void)state;
    const struct boot boot = {.shards = 2, .start = start_slowly, .stop = on_stop};
    uint64_t begun = clock_monotonic_us();
    slow_ball.mail.run = on_slow_ball;
    assert_int_equal(boot_run(&boot), ERR_OK);
    assert_int_equal(slow_ball.hits, 50);
    assert_true(clock_monotonic_us() - begun < 5000000);
}

/* --- The end --- */

static void stop_all(struct shard *self)
{
    (void)self;
    boot_stop(); /* each of them, at once, and once more */
    boot_stop();
}

static atomic_uint last_words;

static void on_last_word(struct mail *mail)
{
    atomic_fetch_add(&last_words, 1);
    mem_free(mail);
}

/* To each other and to themselves, when they turn no more. */
static void say_last_words(struct shard *self)
{
    for (unsigned i = 0; i < 3000; i++) {
        struct mail *mail = mem_zalloc(sizeof *mail);
        mail->run = on_last_word;
        mail_send((self->id + i) % 2, mail);
    }
}

static void what_is_said_at_the_end_is_still_heard(void **state)
{
    (void)state;
    const struct boot boot = {.shards = 2, .start = stop_all, .stop = say_last_words};
    for (unsigned run = 1; run <= 5; run++) {
        assert_int_equal(boot_run(&boot), ERR_OK);
        assert_int_equal(last_words, run * 2 * 3000);
    }
}

/* --- A thread without a ring wakes one --- */

static struct ring *outside_target;

static void *call_from_outside(void *argument)
{
    (void)argument;
    usleep(20000);
    ring_wake_outside(outside_target);
    return NULL;
}

static void a_wake_from_outside(void **state)
{
    (void)state;
    pthread_t thread;
    for (int i = 0; i < 3; i++) {
        outside_target = shard->ring;
        uint64_t begun = clock_monotonic_us();
        assert_int_equal(pthread_create(&thread, NULL, call_from_outside, NULL), 0);
        shard_turn(shard, 5000000);
        assert_true(clock_monotonic_us() - begun < 2000000);
        pthread_join(thread, NULL);
        turn_for(2);
    }
}

/* --- What there is --- */

static void tells_the_machine(void **state)
{
    (void)state;
    unsigned cpus[256] = {0}, one;
    unsigned count = boot_cpus(cpus, COUNT_OF(cpus));
    assert_in_range(count, 1, 256);
    for (unsigned i = 1; i < count; i++)
        assert_true(cpus[i] > cpus[i - 1]);
    assert_int_equal(boot_cpus(&one, 1), 1);
    assert_int_equal(one, cpus[0]);
    uint64_t descriptors = boot_descriptors();
    assert_true(descriptors >= 256);
    assert_true(boot_descriptors() == descriptors);
    const char *text = NULL;
    assert_int_equal(ring_probe(&text), ERR_OK);
    assert_non_null(strstr(text, "io_uring"));
    assert_non_null(strstr(ring_version(), "liburing"));
}

int main(void)
{
    log_threshold = LOG_NONE;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_machine),
        cmocka_unit_test(all_pairs_play),
        cmocka_unit_test(sleepers_wake_each_other),
        cmocka_unit_test(what_is_said_at_the_end_is_still_heard),
        SHARD_TEST(a_wake_from_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
