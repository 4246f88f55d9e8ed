#include "base_test.h"
#include "buf.h"
#include "prng.h"

static void empty_holds_nothing(void **state)
{
    (void)state;
    struct buf buf = {0};
    assert_int_equal(buf_len(&buf), 0);
    assert_int_equal(buf_str(&buf).len, 0);
    buf_push(&buf, NULL, 0);
    buf_push_str(&buf, (struct str){NULL, 0});
    assert_null(buf.memory);
    buf_push(&buf, "abc", 3);
    buf_pop(&buf, 0);
    assert_str(buf_str(&buf), "abc");
    buf_pop(&buf, 3);
    assert_null(buf.memory);
    assert_int_equal(buf.room, 0);
    buf_pop(&buf, 0);
    buf_fini(&buf);
}

static void reserves(void **state)
{
    (void)state;
    struct buf buf = {0};
    for (size_t len = 0; len < 5000; len += 13) {
        uint8_t *room = buf_reserve(&buf, len);
        memset(room, 'x', len);
        buf_grow(&buf, len);
        if (buf_len(&buf) > 3)
            buf_pop(&buf, buf_len(&buf) - 3);
    }
    assert_str(buf_str(&buf), "xxx");
    buf_fini(&buf);
}

static void formats(void **state)
{
    (void)state;
    struct buf buf = {0};
    buf_format(&buf, "%s=%d;", "a", 1);
    buf_format(&buf, "%s", "");
    buf_format(&buf, "%1000d", 2);
    assert_int_equal(buf_len(&buf), 1004);
    assert_memory_equal(buf_at(&buf), "a=1; ", 5);
    assert_int_equal(buf_at(&buf)[1003], '2');
    buf_fini(&buf);
}

/* Against a plain model: numbers in, the same numbers out. */
static void is_a_queue(void **state)
{
    (void)state;
    struct buf buf = {0};
    struct prng prng;
    uint8_t in = 0, out = 0;
    prng_init(&prng, 1);
    for (int round = 0; round < 20000; round++) {
        size_t len = prng_below(&prng, 300);
        uint8_t bytes[300];
        for (size_t i = 0; i < len; i++)
            bytes[i] = in++;
        buf_push(&buf, bytes, len);
        len = prng_below(&prng, round % 1000 < 500 ? 200 : 400);
        if (len > buf_len(&buf))
            len = buf_len(&buf);
        for (size_t i = 0; i < len; i++)
            assert_int_equal(buf_at(&buf)[i], out++);
        buf_pop(&buf, len);
        assert_true(buf.end <= buf.room);
    }
    buf_fini(&buf);
}

/* A long-lived queue that is never empty does not grow with what went through it. */
static void room_stays_bounded(void **state)
{
    (void)state;
    struct buf buf = {0};
    char bytes[100] = {0};
    buf_push(&buf, bytes, 100);
    for (int i = 0; i < 100000; i++) {
        buf_push(&buf, bytes, 100);
        buf_pop(&buf, 100);
        assert_true(buf.room <= 1024);
    }
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_holds_nothing),
        cmocka_unit_test(reserves),
        cmocka_unit_test(formats),
        cmocka_unit_test(is_a_queue),
        cmocka_unit_test(room_stays_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
