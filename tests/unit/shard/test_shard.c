/* The turn of a shard: what runs when. */
#include "row_test.h"

#include <sys/socket.h>

struct step {
    struct task task; /* first */
    struct timer timer;
    struct mail mail;
    char name;
    void (*then)(struct step *step);
};

static char happened[64];
static size_t happened_count;
static uint64_t happened_us[64];

static void note(char what)
{
    assert_true(happened_count < sizeof happened - 1);
    happened_us[happened_count] = clock_monotonic_us();
    happened[happened_count++] = what;
    happened[happened_count] = '\0';
}

static void on_task(struct task *task)
{
    struct step *step = (struct step *)task;
    note(step->name);
    if (step->then)
        step->then(step);
}

static void on_timer(struct timer *timer)
{
    note(LIST_OWNER(timer, struct step, timer)->name);
}

static void on_mail(struct mail *mail)
{
    note(LIST_OWNER(mail, struct step, mail)->name);
}

static int up(void **state)
{
    happened_count = 0;
    happened[0] = '\0';
    return shard_up(state);
}

static struct step step_of(char name)
{
    return (struct step){.task.run = on_task, .mail.run = on_mail, .name = name};
}

static void a_turn_has_an_order(void **state)
{
    (void)state;
    struct step steps[5] = {step_of('c'), step_of('f'), step_of('t'), step_of('s'), step_of('m')};
    shard_uncrowded(&steps[0].task);
    shard_flush(&steps[1].task);
    shard_after(&steps[2].timer, 0, on_timer);
    shard_soon(&steps[3].task);
    mail_send(0, &steps[4].mail);
    usleep(2000);
    shard_turn(shard, 0); /* its clock is that of the last turn: the timer is not due yet */
    assert_string_equal(happened, "msfc");
    shard_after(&steps[2].timer, 0, on_timer);
    shard_flush(&steps[1].task);
    usleep(2000);
    shard_turn(shard, 0);
    shard_flush(&steps[0].task);
    shard_turn(shard, 0);
    assert_string_equal(happened, "msfctfc");
}

static void a_task_runs_once(void **state)
{
    (void)state;
    struct step steps[3] = {step_of('a'), step_of('b'), step_of('c')};
    shard_soon(&steps[1].task);
    shard_soon(&steps[0].task);
    shard_soon(&steps[1].task);
    shard_flush(&steps[0].task); /* it is asked for already */
    shard_soon(&steps[2].task);
    task_drop(&steps[2].task);
    task_drop(&steps[2].task);
    shard_turn(shard, 0);
    shard_turn(shard, 0);
    assert_string_equal(happened, "ba");
}

static struct step *other;

static void ask_again(struct step *step)
{
    if (happened_count < 4)
        shard_soon(&step->task);
}

static void what_a_task_asks_for_waits_for_the_next_turn(void **state)
{
    (void)state;
    struct step step = step_of('x');
    step.then = ask_again;
    shard_soon(&step.task);
    for (unsigned turn = 1; turn <= 4; turn++) {
        shard_turn(shard, 0);
        assert_int_equal(happened_count, turn);
    }
    shard_turn(shard, 0);
    assert_string_equal(happened, "xxxx");
}

static void drop_other(struct step *step)
{
    (void)step;
    task_drop(&other->task);
}

static void flush_other(struct step *step)
{
    (void)step;
    shard_flush(&other->task);
}

static void a_task_drops_its_neighbour(void **state)
{
    (void)state;
    struct step first = step_of('1'), second = step_of('2');
    other = &second;
    first.then = drop_other;
    shard_soon(&first.task);
    shard_soon(&second.task);
    shard_turn(shard, 0);
    shard_turn(shard, 0);
    assert_string_equal(happened, "1");
}

/* A shard that has nothing else to do does not sleep on work that waits. */
static void work_keeps_it_awake(void **state)
{
    (void)state;
    struct step first = step_of('1'), second = step_of('2');
    other = &second;
    first.then = flush_other;
    uint64_t begun = clock_monotonic_us();
    shard_flush(&first.task); /* one flush asks for another, behind the flushes of this turn */
    shard_turn(shard, 2000000);
    shard_turn(shard, 0);
    shard_uncrowded(&first.task);
    shard_turn(shard, 2000000);
    shard_turn(shard, 0);
    assert_string_equal(happened, "1212");
    first.then = ask_again;
    happened_count = 0;
    shard_soon(&first.task);
    for (int i = 0; i < 5; i++)
        shard_turn(shard, i < 3 ? 2000000 : 0);
    mail_send(0, &second.mail);
    shard_turn(shard, 0);
    assert_string_equal(happened, "11112");
    assert_true(clock_monotonic_us() - begun < 1000000);
}

static void timers_wake_it_in_time(void **state)
{
    (void)state;
    struct step steps[3] = {step_of('1'), step_of('2'), step_of('3')};
    shard_after(&steps[1].timer, 20, on_timer);
    shard_after(&steps[2].timer, 300, on_timer); /* of another level of the wheel */
    shard_after(&steps[0].timer, 5, on_timer);
    uint64_t begun = shard->now_us;
    for (int turns = 0; happened_count < 3 && turns < 50; turns++)
        shard_turn(shard, 1000000);
    assert_string_equal(happened, "123");
    assert_in_range(happened_us[0] - begun, 4000, 900000); /* in whole milliseconds */
    assert_in_range(happened_us[1] - begun, 19000, 900000);
    assert_in_range(happened_us[2] - begun, 299000, 1200000);
    assert_int_equal(shard->wheel.count, 0);
    shard_after(&steps[0].timer, 1, on_timer);
    shard_drop(&steps[0].timer);
    shard_drop(&steps[0].timer);
    turn_for(5);
    assert_string_equal(happened, "123");
}

static void waits_no_longer_than_it_is_told(void **state)
{
    (void)state;
    uint64_t begun = clock_monotonic_us();
    shard_turn(shard, 20000);
    uint64_t waited = clock_monotonic_us() - begun;
    assert_true(waited >= 19000 && waited < 1000000);
    assert_true(shard->now_us >= begun + 19000);
    assert_true(shard_now_ms() == shard->now_us / 1000);
    begun = clock_monotonic_us();
    shard->stopping = true;
    shard_turn(shard, UINT64_MAX);
    shard_run(shard); /* is over at once */
    assert_true(clock_monotonic_us() - begun < 1000000);
}

static void keys_have_a_home(void **state)
{
    (void)state;
    unsigned of[3] = {0};
    struct prng prng;
    prng_init(&prng, 1);
    assert_int_equal(shard_count, 1);
    assert_ptr_equal(shard_at(0), shard);
    assert_ptr_equal(shard_self, shard);
    assert_int_equal(shard_of(UINT64_MAX), 0);
    shard_count = 3;
    assert_int_equal(shard_of(0), 0);
    assert_int_equal(shard_of(UINT64_MAX), 2);
    for (int i = 0; i < 3000; i++)
        of[shard_of(prng_u64(&prng))]++;
    shard_count = 1;
    for (int i = 0; i < 3; i++)
        assert_in_range(of[i], 900, 1100);
}

static void counts_its_turns(void **state)
{
    (void)state;
    struct step step = step_of('m');
    const struct metric *turns = shard_metrics[0], *mails = shard_metrics[2];
    uint64_t turns_before = metric_sum(turns), mails_before = metric_sum(mails);
    mail_send(0, &step.mail);
    for (int i = 0; i < 5; i++)
        shard_turn(shard, 0);
    assert_int_equal(metric_sum(turns) - turns_before, 5);
    assert_int_equal(metric_sum(mails) - mails_before, 1);
}

#define STEP_TEST(name) cmocka_unit_test_setup_teardown(name, up, shard_down)

static unsigned readable;

static void on_readable(struct op *op, int result, const uint8_t *data, bool more)
{
    (void)op;
    (void)data;
    (void)more;
    readable += result > 0;
}

/* Only where it was asked for, and only while the pauses are short. */
static void a_busy_shard_looks_before_it_sleeps(void **state)
{
    int fds[2];
    struct op op = {.done = on_readable};
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    for (unsigned spin = 0; spin < 2; spin++) {
        uint64_t before = counted("shard_spins_total"), won = counted("shard_spins_won_total");
        shard->spin = spin;
        shard->pause_us = 0;
        shard_turn(shard, 2000); /* it finds nothing, and sleeps */
        assert_int_equal(counted("shard_spins_total"), before + spin);
        shard->pause_us = 0;
        ring_readable(shard->ring, &op, fds[0]);
        shard_turn(shard, 2000);
        assert_int_equal(readable, spin + 1);
        assert_int_equal(counted("shard_spins_won_total"), won + spin);
        for (int i = 0; i < 20; i++)
            shard_turn(shard, 1000);
        before = counted("shard_spins_total");
        shard_turn(shard, 1000); /* by now it knows that it is idle */
        assert_int_equal(counted("shard_spins_total"), before);
    }
    shard->spin = false;
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    metric_register(shard_metrics);
    const struct CMUnitTest tests[] = {
        STEP_TEST(a_turn_has_an_order),
        STEP_TEST(a_task_runs_once),
        STEP_TEST(what_a_task_asks_for_waits_for_the_next_turn),
        STEP_TEST(a_task_drops_its_neighbour),
        STEP_TEST(work_keeps_it_awake),
        STEP_TEST(timers_wake_it_in_time),
        STEP_TEST(waits_no_longer_than_it_is_told),
        STEP_TEST(keys_have_a_home),
        STEP_TEST(counts_its_turns),
        SHARD_TEST(a_busy_shard_looks_before_it_sleeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
