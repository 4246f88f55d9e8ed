#include "base_test.h"
#include "blob.h"

#include <pthread.h>

static void shares_a_copy(void **state)
{
    (void)state;
    char text[] = "abc";
    struct blob *one = blob_new((struct str){text, 3}), *two = blob_ref(one), *none = NULL;
    text[0] = 'x';
    assert_ptr_equal(one, two);
    assert_str(blob_str(two), "abc");
    assert_int_equal(two->bytes[3], 0);
    blob_unref(&one);
    assert_null(one);
    assert_str(blob_str(two), "abc");
    blob_unref(&two);
    blob_unref(&none);
    one = blob_new((struct str){NULL, 0});
    assert_int_equal(one->len, 0);
    blob_unref(&one);
}

static void *unref_some(void *shared)
{
    for (int i = 0; i < 1000; i++) {
        struct blob *mine = blob_ref(shared);
        blob_unref(&mine);
    }
    struct blob *given = shared;
    blob_unref(&given);
    return NULL;
}

static void is_freed_by_the_last_of_many_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    struct blob *blob = blob_new(STR("shared"));
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, unref_some, blob_ref(blob)), 0);
    blob_unref(&blob);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_a_copy),
        cmocka_unit_test(is_freed_by_the_last_of_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
