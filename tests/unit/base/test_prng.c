#include "base_test.h"
#include "prng.h"

static void repeats_from_a_seed(void **state)
{
    (void)state;
    struct prng a, b, c;
    prng_init(&a, 7);
    prng_init(&b, 7);
    prng_init(&c, 8);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t x = prng_u64(&a);
        assert_true(x == prng_u64(&b));
        same += x == prng_u64(&c);
    }
    assert_int_equal(same, 0);
}

/* A scenario found by its seed must stay the same for ever. */
static void the_sequence_is_fixed(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 0);
    assert_true(prng_u64(&prng) == 0x99ec5f36cb75f2b4);
    assert_true(prng_u64(&prng) == 0xbf6e1f784956452a);
}

static void stays_below(void **state)
{
    (void)state;
    struct prng prng;
    int counts[10] = {0};
    prng_init(&prng, 3);
    for (int i = 0; i < 100000; i++)
        counts[prng_below(&prng, 10)]++;
    for (int i = 0; i < 10; i++)
        assert_in_range(counts[i], 9500, 10500);
    for (int i = 0; i < 100; i++)
        assert_int_equal(prng_below(&prng, 1), 0);
    for (int i = 0; i < 100; i++)
        assert_true(prng_below(&prng, UINT64_MAX) < UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeats_from_a_seed),
        cmocka_unit_test(the_sequence_is_fixed),
        cmocka_unit_test(stays_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
