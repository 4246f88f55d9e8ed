/* Compressed bodies: what goes in comes out, whatever it is; what is damaged is an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pack.h"

static const char typical[] =
    "<message xmlns='jabber:client' from='alice@example.org/phone' to='bob@example.org' "
    "type='chat' id='7d0c2f2c-9b1e-4c1c-8a31-0b6b5c1a9d11'><body>See you at the station at "
    "seven?</body><origin-id xmlns='urn:xmpp:sid:0' id='7d0c2f2c-9b1e-4c1c-8a31-0b6b5c1a9d11'/>"
    "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/></message>";

static void assert_survives(struct str body)
{
    struct arena arena;
    struct str out;
    arena_init(&arena);
    struct packed packed = pack_body(&arena, body);
    assert_true(packed.bytes.len <= body.len);
    assert_int_equal(unpack_body(&arena, packed, &out), ERR_OK);
    assert_true(str_eq(out, body));
    arena_fini(&arena);
}

static void test_all_lengths(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof typical; len++)
        assert_survives((struct str){typical, len});
}

static void test_what_does_not_compress(void **state)
{
    (void)state;
    char noise[3000];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
    assert_survives((struct str){noise, sizeof noise});
    assert_survives((struct str){noise, 1});
}

static void test_a_stanza_is_less_than_half(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct packed packed = pack_body(&arena, STR(typical));
    assert_int_equal(packed.dictionary, 1);
    assert_true(packed.bytes.len * 2 < sizeof typical);
    pack_setup(false);
    assert_int_equal(pack_body(&arena, STR(typical)).dictionary, 0);
    pack_setup(true);
    arena_fini(&arena);
}

static void test_damage(void **state)
{
    (void)state;
    struct arena arena;
    struct str out;
    arena_init(&arena);
    struct packed packed = pack_body(&arena, STR(typical));
    struct packed unknown = {2, packed.bytes};
    assert_int_equal(unpack_body(&arena, unknown, &out), ERR_INVALID);
    for (size_t len = 0; len < packed.bytes.len; len++)
        assert_int_equal(unpack_body(&arena, (struct packed){1, {packed.bytes.at, len}}, &out),
                         ERR_INVALID);
    assert_int_equal(unpack_body(&arena, (struct packed){1, STR("no zstd at all")}, &out),
                     ERR_INVALID);
    arena_fini(&arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_lengths),
        cmocka_unit_test(test_what_does_not_compress),
        cmocka_unit_test(test_a_stanza_is_less_than_half),
        cmocka_unit_test(test_damage),
    };
    pack_setup(true);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
