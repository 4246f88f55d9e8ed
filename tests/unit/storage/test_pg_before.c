/* A start waits for the connections of the run before. */
#include "pg/pg_before.h"
#include "store_pg.h"
#include "store_stage.h"

#include <pthread.h>

static struct pq *connect_as_run(struct pq_target **target)
{
    const struct store_config config = {.data_dir = "/somewhere/data"};
    char why[256];
    struct pq *pq;
    assert_int_equal(pq_target_new(pg_conninfo, target, why, sizeof why), ERR_OK);
    pg_before_name(*target, &config);
    assert_int_equal(pq_open(*target, &pq, why, sizeof why), ERR_OK);
    return pq;
}

static void *close_soon(void *old)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    pq_close(old);
    return NULL;
}

static void it_waits_until_they_are_gone(void **state)
{
    (void)state;
    struct pq_target *before, *now;
    char name[64], why[256];
    pthread_t closer;
    struct pq *old = connect_as_run(&before);
    snprintf(name, sizeof name, "%s", pq_target_application(before));
    pq_target_set_application(before, name);
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL); /* the name has the millisecond */
    struct pq *pq = connect_as_run(&now);
    assert_string_not_equal(pq_target_application(now), name);
    assert_int_equal(pthread_create(&closer, NULL, close_soon, old), 0);
    uint64_t start_us = clock_monotonic_us();
    assert_int_equal(pg_before_wait(pq, why, sizeof why), ERR_OK);
    assert_true(clock_monotonic_us() - start_us > 100000);
    pthread_join(closer, NULL);
    assert_int_equal(pg_before_wait(pq, why, sizeof why), ERR_OK); /* its own do not count */
    pq_close(pq);
    pq_target_free(before);
    pq_target_free(now);
}

static void the_operators_own_name_stays_in_front(void **state)
{
    (void)state;
    const struct store_config config = {.data_dir = "/somewhere/data"};
    struct pq_target *target;
    char why[256];
    assert_int_equal(
        pq_target_new("application_name='my chat''s'", &target, why, sizeof why) == ERR_OK, false);
    assert_int_equal(pq_target_new("application_name=my-chat", &target, why, sizeof why), ERR_OK);
    pg_before_name(target, &config);
    assert_int_equal(strncmp(pq_target_application(target), "my-chat/", 8), 0);
    pq_target_free(target);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(it_waits_until_they_are_gone),
    cmocka_unit_test(the_operators_own_name_stays_in_front),
};

int main(void)
{
    int pg = pg_test_setup();
    if (pg)
        return pg != 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_test_teardown();
    return failed;
}
