/* What the tests of this floor share. */
#ifndef RT_XMPP_TEST_H
#define RT_XMPP_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "arena.h"
#include "buf.h"
#include "text.h"

#define assert_str(actual, expected) assert_str_is((actual), (expected), __FILE__, __LINE__)

static inline void assert_str_is(struct str actual, const char *expected, const char *file,
                                 int line)
{
    if (str_is(actual, expected))
        return;
    print_error("got      %.*s\nexpected %s\n", STR_ARG(actual), expected);
    _fail(file, line);
}

/* An arena for each test. */
static struct arena arena;

static inline int arena_up(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static inline int arena_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    arena_pool_drop();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_up, arena_down)

#endif
