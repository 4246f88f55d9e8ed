#include "arena.h"
#include "base_test.h"
#include "limits.h"

static void takes_of_all_sizes(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char *taken[300];
    for (size_t size = 0; size < COUNT_OF(taken); size++) {
        taken[size] = arena_take(&arena, size * 37);
        assert_int_equal((uintptr_t)taken[size] % _Alignof(max_align_t), 0);
        memset(taken[size], (int)size & 0xff, size * 37);
    }
    for (size_t size = 0; size < COUNT_OF(taken); size++)
        for (size_t i = 0; i < size * 37; i++)
            assert_int_equal((unsigned char)taken[size][i], size & 0xff);
    assert_true(arena.taken_len >= 37 * 300 * 299 / 2);
    arena_fini(&arena);
    assert_int_equal(arena.taken_len, 0);
    assert_null(arena.chunks);
}

static void nothing_has_an_address(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char *a = arena_take(&arena, 0), *b = arena_zero(&arena, 0);
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    arena_fini(&arena);
}

static void zeroes(void **state)
{
    (void)state;
    struct arena arena;
    for (int round = 0; round < 3; round++) { /* the later ones out of the pool */
        arena_init(&arena);
        memset(arena_take(&arena, 1000), 0xff, 1000);
        arena_fini(&arena);
        arena_init(&arena);
        char *zero = arena_zero(&arena, 1000);
        for (size_t i = 0; i < 1000; i++)
            assert_int_equal(zero[i], 0);
        arena_fini(&arena);
    }
}

static void texts(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct str copy = arena_str(&arena, (struct str){"abcdef", 3});
    assert_str(copy, "abc");
    assert_int_equal(copy.at[3], 0);
    copy = arena_str(&arena, (struct str){NULL, 0});
    assert_non_null(copy.at);
    assert_int_equal(copy.at[0], 0);
    struct str made = arena_format(&arena, "%s-%d", "x", 7);
    assert_str(made, "x-7");
    assert_int_equal(made.at[3], 0);
    made = arena_format(&arena, "%5000d", 1);
    assert_int_equal(made.len, 5000);
    assert_str(arena_format(&arena, "%s", ""), "");
    arena_fini(&arena);
}

/* A chunk comes back from the pool; a large one does not stay in it. */
static void the_pool(void **state)
{
    (void)state;
    struct arena arena;
    arena_pool_drop();
    arena_init(&arena);
    void *first = arena_take(&arena, 10);
    arena_fini(&arena);
    arena_init(&arena);
    assert_ptr_equal(arena_take(&arena, 10), first);
    assert_int_equal(arena.taken_len, LIMIT_ARENA_CHUNK);
    arena_take(&arena, LIMIT_ARENA_CHUNK);
    assert_true(arena.taken_len > 2 * LIMIT_ARENA_CHUNK);
    arena_fini(&arena);
    arena_init(&arena);
    for (int i = 0; i < LIMIT_ARENA_POOL + 10; i++)
        arena_take(&arena, LIMIT_ARENA_CHUNK - 64);
    arena_fini(&arena);
    arena_pool_drop();
    arena_pool_drop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_of_all_sizes),
        cmocka_unit_test(nothing_has_an_address),
        cmocka_unit_test(zeroes),
        cmocka_unit_test(texts),
        cmocka_unit_test(the_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
