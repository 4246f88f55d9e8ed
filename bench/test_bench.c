/* Unit tests of the arithmetic that all numbers rest on: histogram and timetable. */
#include "check.h"
#include "hist.h"
#include "pace.h"

#include <stddef.h>
#include <string.h>

static struct hist hist;

static void empty(void)
{
    memset(&hist, 0, sizeof hist);
}

static void test_hist_empty(void)
{
    CHECK(hist_at(&hist, 500) == 0);
    CHECK(hist.max == 0);
}

static void test_hist_small_values_are_exact(void)
{
    for (uint64_t i = 1; i <= 100; i++)
        hist_add(&hist, i);
    CHECK(hist_at(&hist, 10) == 1);
    CHECK(hist_at(&hist, 500) == 50);
    CHECK(hist_at(&hist, 990) == 99);
    CHECK(hist_at(&hist, 1000) == 100);
}

/* Never told too low, and at most one step of 64 too high. */
static void test_hist_error_is_bounded(void)
{
    for (uint64_t value = 1; value < UINT64_C(1) << 36; value = value * 5 / 4 + 1) {
        empty();
        hist_add(&hist, value);
        hist_add(&hist, UINT64_C(1) << 40);
        uint64_t told = hist_at(&hist, 500);
        CHECK(told >= value && told <= value + value / HIST_STEPS);
    }
}

static void test_hist_huge_value_is_the_max(void)
{
    hist_add(&hist, UINT64_MAX);
    CHECK(hist.max == UINT64_MAX);
    CHECK(hist_at(&hist, 1000) > 0);
}

static void test_pace_spreads_evenly(void)
{
    struct pace pace = {.rate = 4000, .burst = 1};
    pace_init(&pace, 1000, 500000, 1000000);
    CHECK(pace.writes == 6000);
    CHECK(pace_due_us(&pace, 0) == 1000);
    CHECK(pace_due_us(&pace, 1) == 1250);
    CHECK(pace_due_us(&pace, 5999) == 1000 + 5999 * 250);
    CHECK(pace_due_us(&pace, 6000) == UINT64_MAX);
    CHECK(pace.measure_us == 501000);
    CHECK(pace.end_us == 1501000);
}

static void test_pace_keeps_the_rate_in_bursts(void)
{
    struct pace pace = {.rate = 8000, .burst = 8};
    pace_init(&pace, 0, 0, 1000000);
    CHECK(pace.writes == 1000);
    CHECK(pace_due_us(&pace, 999) == 999000);
}

static void test_pace_rounds_up_to_ticks(void)
{
    struct pace pace = {.rate = 10000, .burst = 1, .tick_us = 1000};
    pace_init(&pace, 7, 0, 1000000);
    CHECK(pace_due_us(&pace, 0) == 7);
    CHECK(pace_due_us(&pace, 1) == 1007);
    CHECK(pace_due_us(&pace, 10) == 1007);
    CHECK(pace_due_us(&pace, 11) == 2007);
}

int main(void)
{
    static void (*const tests[])(void) = {
        test_hist_empty,
        test_hist_small_values_are_exact,
        test_hist_error_is_bounded,
        test_hist_huge_value_is_the_max,
        test_pace_spreads_evenly,
        test_pace_keeps_the_rate_in_bursts,
        test_pace_rounds_up_to_ticks,
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        empty();
        tests[i]();
    }
    return 0;
}
