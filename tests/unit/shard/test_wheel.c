/* The timing wheel against a list of timers that is searched: same ticks, same order, never late.
 */
#include "wheel.h"

#include "shard_test.h"

enum { TIMERS = 48 };

#define LATEST (1000 + (uint64_t)UINT32_MAX)

struct watch {
    struct timer timer; /* first */
    uint64_t due;       /* what the model says; 0: not set */
    unsigned fired;
    void (*then)(struct watch *watch);
};

static struct wheel wheel;
static struct watch watches[TIMERS];
static struct prng prng;
static uint64_t fired_total;

/* Where the clock starts: both sides of every digit's boundary, and far out. */
static const uint64_t starts[] = {0,
                                  1,
                                  254,
                                  255,
                                  256,
                                  65534,
                                  65535,
                                  65536,
                                  (1u << 24) - 1,
                                  1u << 24,
                                  UINT32_MAX - 256,
                                  UINT32_MAX,
                                  1ull << 32,
                                  (5ull << 32) - 70000,
                                  0x10504ffffffull,
                                  0x10505000000ull,
                                  (1ull << 40) - 1,
                                  (1ull << 56) - 3,
                                  1ull << 62};

static const uint64_t boundaries[] = {1,          2,          255,        256,       257,
                                      511,        512,        65535,      65536,     65537,
                                      131071,     16777215,   16777216,   16777217,  33554432,
                                      2147483647, 4278190080, 4294967294, 4294967295};

static uint64_t earliest(void)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < TIMERS; i++)
        if (watches[i].due && watches[i].due < least)
            least = watches[i].due;
    return least;
}

static void check_next(void)
{
    uint64_t least = earliest(), next = wheel_next(&wheel);
    if (least == UINT64_MAX) {
        assert_true(next == UINT64_MAX);
        assert_int_equal(wheel.count, 0);
    } else {
        assert_true(next >= 1);
        assert_true(next <= least - wheel.now_ms);
    }
}

static void on_fire(struct timer *timer)
{
    struct watch *watch = (struct watch *)timer;
    assert_false(timer_is_set(timer));
    assert_true(watch->due == wheel.now_ms);
    assert_true(watch->due == earliest()); /* nobody due before it is left behind */
    watch->due = 0;
    watch->fired++;
    fired_total++;
    if (watch->then)
        watch->then(watch);
}

static void set_at(struct watch *watch, uint64_t due)
{
    wheel_set(&wheel, &watch->timer, due, on_fire);
    if (due <= wheel.now_ms)
        due = wheel.now_ms + 1;
    if (due - wheel.now_ms > UINT32_MAX)
        due = wheel.now_ms + UINT32_MAX;
    watch->due = due;
    assert_true(timer_is_set(&watch->timer));
}

static void drop(struct watch *watch)
{
    wheel_drop(&wheel, &watch->timer);
    watch->due = 0;
    assert_false(timer_is_set(&watch->timer));
}

static void begin(uint64_t now_ms)
{
    memset(watches, 0, sizeof watches);
    fired_total = 0;
    wheel_init(&wheel, now_ms);
    assert_true(wheel_next(&wheel) == UINT64_MAX);
}

static void turn_to(uint64_t now_ms)
{
    wheel_turn(&wheel, now_ms);
    assert_true(wheel.now_ms == now_ms);
    assert_true(earliest() > now_ms);
    check_next();
}

/* --- One timer --- */

static void fires_at_its_tick_and_not_before(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(starts); s++)
        for (size_t b = 0; b < COUNT_OF(boundaries); b++) {
            begin(starts[s]);
            set_at(&watches[0], starts[s] + boundaries[b]);
            check_next();
            turn_to(starts[s] + boundaries[b] - 1);
            assert_int_equal(watches[0].fired, 0);
            turn_to(starts[s] + boundaries[b]);
            assert_int_equal(watches[0].fired, 1);
            turn_to(starts[s] + boundaries[b] + 300);
            assert_int_equal(watches[0].fired, 1);
        }
}

/* Who sleeps as long as wheel_next says comes to the timer in a few turns. */
static void next_leads_to_the_timer(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(starts); s++)
        for (size_t b = 0; b < COUNT_OF(boundaries); b++) {
            unsigned turns = 0;
            begin(starts[s]);
            set_at(&watches[0], starts[s] + boundaries[b]);
            for (; !watches[0].fired; turns++)
                turn_to(wheel.now_ms + wheel_next(&wheel));
            assert_true(turns <= WHEEL_LEVELS + 1);
            assert_true(wheel.now_ms == starts[s] + boundaries[b]);
        }
}

static void clamps(void **state)
{
    (void)state;
    begin(1000);
    set_at(&watches[0], 0);
    set_at(&watches[1], 1000);
    assert_int_equal(watches[0].timer.due_ms, 1001);
    assert_int_equal(watches[1].timer.due_ms, 1001);
    assert_int_equal(wheel_next(&wheel), 1);
    set_at(&watches[2], 1000 + (1ull << 32));
    set_at(&watches[3], UINT64_MAX);
    assert_true(watches[2].timer.due_ms == LATEST);
    assert_true(watches[3].timer.due_ms == LATEST);
    turn_to(1001);
    assert_int_equal(fired_total, 2);
    turn_to(LATEST - 1);
    assert_int_equal(fired_total, 2);
    turn_to(LATEST);
    assert_int_equal(fired_total, 4);
}

static void moves_and_drops(void **state)
{
    (void)state;
    begin(7);
    wheel_drop(&wheel, &watches[0].timer); /* one that was never set */
    set_at(&watches[0], 100000);
    set_at(&watches[0], 20);
    assert_int_equal(wheel.count, 1);
    turn_to(19);
    set_at(&watches[0], 200000);
    turn_to(200000 - 1);
    assert_int_equal(fired_total, 0);
    drop(&watches[0]);
    drop(&watches[0]);
    assert_int_equal(wheel.count, 0);
    turn_to(400000);
    assert_int_equal(fired_total, 0);
    wheel_turn(&wheel, 1); /* a clock that ran backwards */
    assert_int_equal(wheel.now_ms, 400000);
}

/* --- Several at once, and what a fired timer may do --- */

static void a_long_jump_keeps_the_order(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(starts); s++) {
        begin(starts[s]);
        for (size_t i = 0; i < TIMERS; i++)
            set_at(&watches[i], starts[s] + boundaries[i * 7 % COUNT_OF(boundaries)]);
        turn_to(starts[s] + (1ull << 33)); /* on_fire looks at the order */
        assert_int_equal(fired_total, TIMERS);
    }
}

static unsigned again_left;

static void set_again(struct watch *watch)
{
    if (again_left-- > 0)
        set_at(watch, wheel.now_ms + (again_left & 1 ? 256 : 0));
}

static void a_timer_sets_itself(void **state)
{
    (void)state;
    begin(250);
    again_left = 10;
    watches[0].then = set_again;
    set_at(&watches[0], 255);
    turn_to(100000);
    assert_int_equal(watches[0].fired, 11);
    assert_int_equal(wheel.count, 0);
}

static void drop_all_others(struct watch *watch)
{
    for (size_t i = 0; i < TIMERS; i++)
        if (&watches[i] != watch)
            drop(&watches[i]);
}

static void one_drops_those_due_with_it(void **state)
{
    (void)state;
    begin(65530);
    for (size_t i = 0; i < TIMERS; i++) {
        watches[i].then = drop_all_others;
        set_at(&watches[i], 65540);
    }
    turn_to(65540);
    assert_int_equal(fired_total, 1);
    assert_int_equal(wheel.count, 0);
}

static void push_back_all_others(struct watch *watch)
{
    for (size_t i = 0; i < TIMERS; i++)
        if (&watches[i] != watch && watches[i].due)
            set_at(&watches[i], wheel.now_ms + 1 + i);
}

static void one_moves_those_due_with_it(void **state)
{
    (void)state;
    begin(0);
    watches[0].then = push_back_all_others;
    for (size_t i = 0; i < TIMERS; i++)
        set_at(&watches[i], 256);
    turn_to(256);
    assert_int_equal(fired_total, 1);
    turn_to(256 + TIMERS);
    assert_int_equal(fired_total, TIMERS);
}

/* --- At random --- */

/* Distances of all magnitudes, and now and then right at a digit's boundary. */
static uint64_t any_distance(void)
{
    uint64_t distance = prng_u64(&prng) >> (28 + prng_below(&prng, 36));
    if (prng_below(&prng, 4) == 0)
        distance = (wheel.now_ms | 255) - wheel.now_ms + prng_below(&prng, 3);
    if (prng_below(&prng, 8) == 0)
        distance = (wheel.now_ms | 0xffffff) - wheel.now_ms + prng_below(&prng, 3);
    return distance;
}

static void anything(struct watch *watch)
{
    (void)watch;
    struct watch *other = &watches[prng_below(&prng, TIMERS)];
    switch (prng_below(&prng, 4)) {
    case 0:
        set_at(other, wheel.now_ms + any_distance());
        break;
    case 1:
        drop(other);
        break;
    default:
        break;
    }
}

static uint64_t any_target(void)
{
    uint64_t next = wheel_next(&wheel), least = earliest();
    switch (prng_below(&prng, 5)) {
    case 0:
        return next == UINT64_MAX ? wheel.now_ms : wheel.now_ms + next;
    case 1:
        return least == UINT64_MAX ? wheel.now_ms + 1 : least - 1;
    case 2:
        return wheel.now_ms + prng_below(&prng, 1000);
    case 3:
        return wheel.now_ms + any_distance();
    default:
        return wheel.now_ms;
    }
}

static void does_as_the_model(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 4 * COUNT_OF(starts); seed++) {
        prng_init(&prng, seed + 1);
        begin(starts[seed % COUNT_OF(starts)]);
        for (size_t i = 0; i < TIMERS; i++)
            watches[i].then = anything;
        for (int step = 0; step < 4000; step++) {
            struct watch *watch = &watches[prng_below(&prng, TIMERS)];
            if (prng_below(&prng, 5))
                set_at(watch, wheel.now_ms + any_distance());
            else
                drop(watch);
            check_next();
            if (prng_below(&prng, 3) == 0)
                turn_to(any_target());
        }
        assert_true(fired_total > 100);
        for (size_t i = 0; i < TIMERS; i++)
            watches[i].then = NULL;
        turn_to(wheel.now_ms + (1ull << 33));
        assert_int_equal(wheel.count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_at_its_tick_and_not_before),
        cmocka_unit_test(next_leads_to_the_timer),
        cmocka_unit_test(clamps),
        cmocka_unit_test(moves_and_drops),
        cmocka_unit_test(a_long_jump_keeps_the_order),
        cmocka_unit_test(a_timer_sets_itself),
        cmocka_unit_test(one_drops_those_due_with_it),
        cmocka_unit_test(one_moves_those_due_with_it),
        cmocka_unit_test(does_as_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
