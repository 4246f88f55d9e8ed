/* The ring of pointers: every fill level by one thread, then two threads and a long row of items.
 */
#include "spsc.h"

#include "shard_test.h"

#include <pthread.h>
#include <sched.h>

enum { ROOM = 8, BATCH_MAX = 64, MANY = 2000000 };

static void *number(uintptr_t n)
{
    return (void *)n; /* never looked into */
}

static void holds_what_it_has_room_for(void **state)
{
    (void)state;
    struct spsc ring;
    void *items[ROOM + 4], *got[ROOM + 4];
    spsc_init(&ring, ROOM);
    assert_true(spsc_empty(&ring));
    assert_int_equal(spsc_pop(&ring, got, ROOM), 0);
    for (uintptr_t i = 0; i < COUNT_OF(items); i++)
        items[i] = number(i + 1);
    assert_int_equal(spsc_push(&ring, items, 0), 0);
    assert_true(spsc_empty(&ring));
    assert_int_equal(spsc_push(&ring, items, COUNT_OF(items)), ROOM);
    assert_false(spsc_empty(&ring));
    assert_int_equal(spsc_push(&ring, items, 1), 0);
    assert_int_equal(spsc_pop(&ring, got, COUNT_OF(got)), ROOM);
    assert_memory_equal(got, items, ROOM * sizeof(void *));
    assert_true(spsc_empty(&ring));
    spsc_fini(&ring);
}

/* From every fill level: a push and a pop of every size, at a place that wanders round the ring. */
static void is_right_at_every_level(void **state)
{
    (void)state;
    struct spsc ring;
    void *items[ROOM + 1], *got[ROOM + 1];
    uintptr_t pushed = 0, popped = 0;
    spsc_init(&ring, ROOM);
    for (size_t level = 0; level <= ROOM; level++)
        for (size_t in = 0; in <= ROOM + 1; in++)
            for (size_t out = 0; out <= ROOM + 1; out++) {
                while (pushed - popped < level) {
                    items[0] = number(++pushed);
                    assert_int_equal(spsc_push(&ring, items, 1), 1);
                }
                while (pushed - popped > level) {
                    assert_int_equal(spsc_pop(&ring, got, 1), 1);
                    assert_ptr_equal(got[0], number(++popped));
                }
                for (size_t i = 0; i < in; i++)
                    items[i] = number(pushed + 1 + i);
                size_t want = in < ROOM - level ? in : ROOM - level;
                assert_int_equal(spsc_push(&ring, items, in), want);
                pushed += want;
                want = out < pushed - popped ? out : pushed - popped;
                assert_int_equal(spsc_pop(&ring, got, out), want);
                for (size_t i = 0; i < want; i++)
                    assert_ptr_equal(got[i], number(++popped));
                assert_int_equal(spsc_empty(&ring), pushed == popped);
            }
    spsc_fini(&ring);
}

static void one_slot_is_enough(void **state)
{
    (void)state;
    struct spsc ring;
    spsc_init(&ring, 1);
    for (uintptr_t i = 1; i < 10; i++) {
        void *items[2] = {number(i), number(99)}, *got[2];
        assert_int_equal(spsc_push(&ring, items, 2), 1);
        assert_int_equal(spsc_push(&ring, items, 2), 0);
        assert_int_equal(spsc_pop(&ring, got, 2), 1);
        assert_ptr_equal(got[0], number(i));
    }
    spsc_fini(&ring);
}

/* The indices run through the end of their type. */
static void indices_wrap(void **state)
{
    (void)state;
    struct spsc ring;
    spsc_init(&ring, ROOM);
    atomic_store(&ring.head, SIZE_MAX - 3);
    atomic_store(&ring.tail, SIZE_MAX - 3);
    ring.head_seen = ring.tail_seen = SIZE_MAX - 3;
    for (uintptr_t i = 0; i < 100; i += 5) {
        void *items[5], *got[5];
        for (uintptr_t k = 0; k < 5; k++)
            items[k] = number(i + k + 1);
        assert_int_equal(spsc_push(&ring, items, 5), 5);
        assert_int_equal(spsc_push(&ring, items, 5), 3);
        assert_int_equal(spsc_pop(&ring, got, 5), 5);
        assert_memory_equal(got, items, sizeof got);
        assert_int_equal(spsc_pop(&ring, got, 5), 3);
    }
    spsc_fini(&ring);
}

static void a_room_of_three(void)
{
    struct spsc ring;
    spsc_init(&ring, 3);
}

static void a_room_of_nothing(void)
{
    struct spsc ring;
    spsc_init(&ring, 0);
}

static void room_is_a_power_of_two(void **state)
{
    (void)state;
    assert_true(panics(a_room_of_three));
    assert_true(panics(a_room_of_nothing));
}

/* --- Two threads --- */

struct item {
    uintptr_t number; /* plain: the ring must make it visible */
};

static struct spsc stress_ring;
static struct item stress_items[MANY];

static void *produce(void *argument)
{
    struct prng prng;
    prng_init(&prng, *(uint64_t *)argument);
    for (size_t next = 0; next < MANY;) {
        void *batch[BATCH_MAX];
        size_t count = 1 + prng_below(&prng, BATCH_MAX);
        if (count > MANY - next)
            count = MANY - next;
        for (size_t i = 0; i < count; i++) {
            stress_items[next + i].number = next + i + 1;
            batch[i] = &stress_items[next + i];
        }
        size_t pushed = spsc_push(&stress_ring, batch, count);
        next += pushed;
        if (!pushed)
            sched_yield();
    }
    return NULL;
}

static void in_order_between_threads(void **state)
{
    (void)state;
    static const size_t rooms[] = {4096, 16};
    for (size_t r = 0; r < COUNT_OF(rooms); r++) {
        pthread_t thread;
        uint64_t seed = r + 1;
        struct prng prng;
        size_t seen = 0;
        bool right = true;
        prng_init(&prng, seed + 100);
        memset(stress_items, 0, sizeof stress_items);
        spsc_init(&stress_ring, rooms[r]);
        assert_int_equal(pthread_create(&thread, NULL, produce, &seed), 0);
        while (seen < MANY) {
            void *batch[BATCH_MAX];
            size_t count = spsc_pop(&stress_ring, batch, 1 + prng_below(&prng, BATCH_MAX));
            for (size_t i = 0; i < count; i++)
                right &= ((struct item *)batch[i])->number == ++seen;
            if (!count)
                sched_yield();
        }
        pthread_join(thread, NULL);
        assert_true(right);
        assert_true(spsc_empty(&stress_ring));
        spsc_fini(&stress_ring);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_it_has_room_for), cmocka_unit_test(is_right_at_every_level),
        cmocka_unit_test(one_slot_is_enough),         cmocka_unit_test(indices_wrap),
        cmocka_unit_test(room_is_a_power_of_two),     cmocka_unit_test(in_order_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
