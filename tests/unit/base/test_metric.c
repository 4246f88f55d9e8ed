#include "base_test.h"
#include "metric.h"

#include <pthread.h>

static struct metric hits = {"hits_total", "Hits.", METRIC_COUNTER, 0};
static struct metric level = {"level", "Level.", METRIC_GAUGE, 0};
static struct metric unregistered = {"lost", "Never registered.", METRIC_COUNTER, 0};

static void *count_on_a_thread(void *name)
{
    metric_thread(name);
    for (int i = 0; i < 1000; i++)
        metric_count(&hits);
    metric_add(&level, -3);
    metric_count(&unregistered);
    return NULL;
}

static void sums_over_threads(void **state)
{
    (void)state;
    struct metric *table[] = {&hits, &level, NULL};
    static char names[4][16];
    pthread_t threads[4];
    metric_count(&hits); /* before registering: into the dustbin */
    metric_register(table);
    metric_register(table);
    metric_register(NULL);
    assert_int_equal(metric_total(), 2);
    assert_ptr_equal(metric_at(0), &hits);
    assert_ptr_equal(metric_at(1), &level);
    metric_count(&hits); /* a thread without values of its own */
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        snprintf(names[i], sizeof names[i], "shard %zu", i);
        assert_int_equal(pthread_create(&threads[i], NULL, count_on_a_thread, names[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metric_thread_count(), 4);
    assert_true(metric_sum(&hits) == 4000);
    assert_true((int64_t)metric_sum(&level) == -12);
    for (size_t i = 0; i < 4; i++) {
        assert_true(metric_of(&hits, i) == 1000);
        assert_non_null(strstr(metric_thread_name(i), "shard "));
    }
}

static const uint64_t bounds[] = {10, 100, 1000};
static struct histogram sizes = {
    {"sizes", "Sizes.", METRIC_HISTOGRAM, 0}, bounds, COUNT_OF(bounds)};

static uint64_t count_up_to(size_t index)
{
    struct metric part = histogram_part(&sizes, index);
    return metric_sum(&part);
}

static void histograms_count_by_bounds(void **state)
{
    (void)state;
    struct metric *table[] = {&sizes.metric, &unregistered, NULL};
    histogram_add(&sizes, 10); /* before registering: into the dustbin */
    metric_register(table);
    metric_thread("histograms");
    for (uint64_t value = 0; value <= 1001; value += 1)
        histogram_add(&sizes, value);
    metric_add(&unregistered, 7); /* a slot behind the histogram's */
    assert_int_equal(count_up_to(0), 11);
    assert_int_equal(count_up_to(1), 90);
    assert_int_equal(count_up_to(2), 900);
    assert_int_equal(count_up_to(3), 1);
    assert_int_equal(count_up_to(4), 1001 * 1002 / 2);
    assert_int_equal(metric_sum(&unregistered), 7);
    assert_ptr_equal(histogram_of(&sizes.metric), &sizes);
    assert_null(histogram_of(&hits));
}

static void gauges_are_set(void **state)
{
    (void)state;
    int64_t before = (int64_t)metric_sum(&level);
    metric_set(&level, 5);
    metric_set(&level, 4);
    assert_int_equal((int64_t)metric_sum(&level), before + 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_over_threads),
        cmocka_unit_test(histograms_count_by_bounds),
        cmocka_unit_test(gauges_are_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
