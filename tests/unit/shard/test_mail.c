/* Mail between posts: one thread that changes hats, then threads that sleep and wake each other. */
#include "mail.h"

#include "limits.h"
#include "shard_test.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

enum { POSTS = 4, ROUNDS = 200000 };

struct letter {
    struct mail mail; /* first */
    unsigned from, number;
};

static unsigned woken[POSTS];
static unsigned expected[POSTS][POSTS]; /* next number at a post from each post */
static unsigned run_count;

static void on_wake(unsigned target)
{
    woken[target]++;
}

static int posts_up(void **state)
{
    (void)state;
    memset(woken, 0, sizeof woken);
    memset(expected, 0, sizeof expected);
    run_count = 0;
    mail_setup(POSTS, on_wake);
    mail_enter(0);
    return 0;
}

static int posts_down(void **state)
{
    (void)state;
    mail_enter(0);
    mail_teardown();
    return 0;
}

static void on_letter(struct mail *mail)
{
    struct letter *letter = (struct letter *)mail;
    assert_int_equal(letter->number, expected[mail_self()][letter->from]++);
    run_count++;
    mem_free(letter);
}

static void post_letter(unsigned target, unsigned number)
{
    struct letter *letter = mem_zalloc(sizeof *letter);
    letter->mail.run = on_letter;
    letter->from = mail_self();
    letter->number = number;
    mail_send(target, &letter->mail);
}

/* --- One thread --- */

static void goes_out_at_the_flush(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        post_letter(1, i);
    mail_enter(1);
    assert_int_equal(mail_run(), 0);
    mail_enter(0);
    assert_int_equal(mail_flush(), 0);
    assert_int_equal(mail_flush(), 0);
    mail_enter(2);
    assert_int_equal(mail_run(), 0);
    mail_enter(1);
    assert_int_equal(mail_self(), 1);
    assert_int_equal(mail_run(), 3);
    assert_int_equal(mail_run(), 0);
    assert_int_equal(run_count, 3);
}

static void what_a_full_ring_does_not_take_waits(void **state)
{
    (void)state;
    const unsigned over = 100, all = 2 * LIMIT_MAIL_RING + over;
    for (unsigned i = 0; i < all; i++)
        post_letter(1, i);
    assert_int_equal(mail_flush(), LIMIT_MAIL_RING + over);
    assert_int_equal(mail_flush(), LIMIT_MAIL_RING + over);
    mail_enter(1);
    assert_int_equal(mail_run(), LIMIT_MAIL_RING);
    mail_enter(0);
    post_letter(1, all); /* behind the others */
    assert_int_equal(mail_flush(), over + 1);
    mail_enter(1);
    assert_int_equal(mail_run(), LIMIT_MAIL_RING);
    mail_enter(0);
    assert_int_equal(mail_flush(), 0);
    mail_enter(1);
    assert_int_equal(mail_run(), over + 1);
    assert_int_equal(run_count, all + 1);
}

/* A ring that takes a part of a batch. */
static void a_ring_fills_in_the_middle_of_a_batch(void **state)
{
    (void)state;
    unsigned sent = 0;
    for (; sent < LIMIT_MAIL_RING - 10; sent++)
        post_letter(1, sent);
    assert_int_equal(mail_flush(), 0);
    for (unsigned i = 0; i < 64; i++)
        post_letter(1, sent++);
    assert_int_equal(mail_flush(), 54);
    mail_enter(1);
    assert_int_equal(mail_run(), LIMIT_MAIL_RING);
    mail_enter(0);
    assert_int_equal(mail_flush(), 0);
    mail_enter(1);
    assert_int_equal(mail_run(), 54);
    assert_int_equal(run_count, sent);
}

static void crowded_is_one_more_than_the_limit(void **state)
{
    (void)state;
    for (unsigned target = 0; target < 2; target++) { /* to oneself as well */
        for (unsigned i = 0; i < LIMIT_MAIL_STAGED; i++)
            post_letter(target, i);
        assert_false(mail_crowded(target));
        post_letter(target, LIMIT_MAIL_STAGED);
        assert_true(mail_crowded(target));
        assert_false(mail_crowded(2));
    }
    assert_int_equal(mail_flush(), 0);
    assert_false(mail_crowded(1));
    assert_true(mail_crowded(0));
    assert_int_equal(mail_run(), LIMIT_MAIL_STAGED + 1);
    assert_false(mail_crowded(0));
    mail_enter(1);
    assert_int_equal(mail_run(), LIMIT_MAIL_STAGED + 1);
}

static void on_again(struct mail *mail)
{
    run_count++;
    mail_send(mail_self(), mail);
}

static void mail_to_oneself_runs_in_the_next_run(void **state)
{
    (void)state;
    struct mail mail = {.run = on_again};
    mail_send(0, &mail);
    assert_int_equal(mail_flush(), 0); /* it goes through no ring */
    for (unsigned i = 1; i < 5; i++) {
        assert_false(mail_sleep());
        assert_int_equal(mail_run(), 1);
        assert_int_equal(run_count, i);
    }
    assert_int_equal(woken[0], 0);
}

static void wakes_who_sleeps_and_once(void **state)
{
    (void)state;
    post_letter(1, 0);
    mail_flush();
    assert_int_equal(woken[1], 0); /* it is awake */
    mail_enter(1);
    assert_false(mail_sleep()); /* and there is mail */
    mail_run();
    assert_true(mail_sleep());
    mail_enter(0);
    post_letter(1, 1);
    assert_int_equal(woken[1], 0);
    mail_flush();
    assert_int_equal(woken[1], 1);
    post_letter(1, 2);
    mail_flush();
    assert_int_equal(woken[1], 1);
    mail_enter(1);
    mail_awake();
    assert_int_equal(mail_run(), 2);
    assert_true(mail_sleep());
    mail_awake();
    mail_enter(0);
    post_letter(1, 3);
    mail_flush();
    assert_int_equal(woken[1], 1);
    assert_int_equal(woken[2] + woken[3], 0);
    mail_enter(1);
    assert_int_equal(mail_run(), 1);
}

/* Everybody to everybody, in any order of turns: nothing lost, order for each pair. */
static void all_pairs(void **state)
{
    (void)state;
    struct prng prng;
    unsigned sent[POSTS][POSTS] = {{0}}, total = 0;
    prng_init(&prng, 7);
    for (int step = 0; step < 30000; step++) {
        mail_enter((unsigned)prng_below(&prng, POSTS));
        unsigned me = mail_self();
        for (uint64_t i = prng_below(&prng, 40); i > 0; i--) {
            unsigned target = (unsigned)prng_below(&prng, POSTS);
            post_letter(target, sent[target][me]++);
            total++;
        }
        if (prng_below(&prng, 2))
            mail_flush();
        if (prng_below(&prng, 6) == 0)
            mail_run();
    }
    for (int round = 0; round < 200 && run_count < total; round++)
        for (unsigned post = 0; post < POSTS; post++) {
            mail_enter(post);
            mail_flush();
            mail_run();
        }
    assert_int_equal(run_count, total);
    assert_memory_equal(sent, expected, sizeof sent);
}

static void send_beyond(void)
{
    struct mail mail = {.run = on_again};
    mail_send(POSTS, &mail);
}

static void enter_beyond(void)
{
    mail_enter(POSTS);
}

static void no_such_post(void **state)
{
    (void)state;
    assert_true(panics(send_beyond));
    assert_true(panics(enter_beyond));
}

/* --- Threads that sleep --- */

static sem_t beds[POSTS];
static atomic_uint lost_wakes;
static atomic_bool over;

static void wake_up(unsigned target)
{
    sem_post(&beds[target]);
}

/* Sleeps until somebody wakes us; a wake that does not come is lost. */
static void go_to_bed(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    int failed;
    while ((failed = sem_timedwait(&beds[mail_self()], &until)) && errno == EINTR)
        ;
    if (failed) {
        atomic_fetch_add(&lost_wakes, 1);
        atomic_store(&over, true);
    }
}

/* Runs mail until `done`, asleep while there is none; spins a little now and then, so that sleep
 * and wake meet at all places. */
static void run_until(const atomic_bool *done, struct prng *prng)
{
    while (!atomic_load(done) && !atomic_load(&over)) {
        mail_flush();
        if (mail_run())
            continue;
        for (volatile uint64_t spin = prng_below(prng, 60); spin > 0; spin--)
            ;
        if (mail_sleep())
            go_to_bed();
        mail_awake();
    }
}

struct ball {
    struct mail mail; /* first */
    unsigned hits;    /* plain: it belongs to who has it */
    atomic_bool done;
};

static void on_ball(struct mail *mail)
{
    struct ball *ball = (struct ball *)mail;
    if (++ball->hits == ROUNDS)
        atomic_store(&ball->done, true);
    mail_send(1 - mail_self(), mail);
}

static void *play(void *argument)
{
    struct prng prng;
    prng_init(&prng, 2);
    mail_enter(1);
    run_until(&((struct ball *)argument)->done, &prng);
    mail_flush();
    return NULL;
}

static void no_wake_is_lost(void **state)
{
    (void)state;
    struct ball ball = {.mail.run = on_ball};
    struct prng prng;
    pthread_t thread;
    prng_init(&prng, 1);
    atomic_store(&over, false);
    for (size_t i = 0; i < POSTS; i++)
        sem_init(&beds[i], 0, 0);
    mail_setup(2, wake_up);
    mail_enter(0);
    assert_int_equal(pthread_create(&thread, NULL, play, &ball), 0);
    mail_send(1, &ball.mail);
    run_until(&ball.done, &prng);
    mail_flush();
    sem_post(&beds[1]);
    pthread_join(thread, NULL);
    mail_enter(0);
    mail_teardown();
    assert_int_equal(lost_wakes, 0);
    assert_true(ball.hits >= ROUNDS);
}

/* --- Three threads feed a fourth --- */

enum { FEEDERS = 3, FED = 100000 };

struct fed {
    struct mail mail; /* first */
    unsigned from, number;
};

static struct fed feed_letters[FEEDERS][FED];
static unsigned fed_next[FEEDERS];
static bool fed_right;
static atomic_bool all_fed;

static void on_fed(struct mail *mail)
{
    struct fed *fed = (struct fed *)mail;
    fed_right &= fed->number == fed_next[fed->from]++;
    if (++run_count == FEEDERS * FED)
        atomic_store(&all_fed, true);
}

static void *feed(void *argument)
{
    unsigned from = *(unsigned *)argument, next = 0;
    struct prng prng;
    prng_init(&prng, from + 10);
    mail_enter(from + 1);
    while (next < FED) {
        for (uint64_t i = prng_below(&prng, 50); i > 0 && next < FED; i--, next++) {
            struct fed *fed = &feed_letters[from][next];
            *fed = (struct fed){.mail.run = on_fed, .from = from, .number = next};
            mail_send(0, &fed->mail);
        }
        while (mail_flush() && mail_crowded(0))
            sched_yield();
    }
    while (mail_flush())
        sched_yield();
    return NULL;
}

static void many_feed_one(void **state)
{
    (void)state;
    pthread_t threads[FEEDERS];
    unsigned numbers[FEEDERS];
    struct prng prng;
    prng_init(&prng, 5);
    run_count = 0;
    fed_right = true;
    atomic_store(&over, false);
    mail_setup(FEEDERS + 1, wake_up);
    mail_enter(0);
    for (unsigned i = 0; i < FEEDERS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, feed, &numbers[i]), 0);
    }
    run_until(&all_fed, &prng);
    for (unsigned i = 0; i < FEEDERS; i++)
        pthread_join(threads[i], NULL);
    mail_enter(0);
    mail_teardown();
    assert_int_equal(lost_wakes, 0);
    assert_true(fed_right);
    assert_int_equal(run_count, FEEDERS * FED);
}

#define POST_TEST(name) cmocka_unit_test_setup_teardown(name, posts_up, posts_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POST_TEST(goes_out_at_the_flush),
        POST_TEST(what_a_full_ring_does_not_take_waits),
        POST_TEST(a_ring_fills_in_the_middle_of_a_batch),
        POST_TEST(crowded_is_one_more_than_the_limit),
        POST_TEST(mail_to_oneself_runs_in_the_next_run),
        POST_TEST(wakes_who_sleeps_and_once),
        POST_TEST(all_pairs),
        POST_TEST(no_such_post),
        cmocka_unit_test(no_wake_is_lost),
        cmocka_unit_test(many_feed_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
