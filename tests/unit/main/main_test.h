/* What the tests of this floor share. */
#ifndef RT_MAIN_TEST_H
#define RT_MAIN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "arena.h"
#include "problems.h"

/* An arena and a list of problems for each test. */
static struct arena arena;
static struct problems problems;

static inline int main_up(void **state)
{
    (void)state;
    arena_init(&arena);
    problems = (struct problems){.file = "t.yaml"};
    return 0;
}

static inline int main_down(void **state)
{
    (void)state;
    buf_fini(&problems.text);
    arena_fini(&arena);
    arena_pool_drop();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, main_up, main_down)

/* The text of a buffer, in the arena; the buffer is emptied. */
static inline const char *text_of(struct buf *buf)
{
    const char *text = arena_str(&arena, buf_str(buf)).at;
    buf_fini(buf);
    return text;
}

/* The problems so far; the list is empty again. */
static inline const char *said(void)
{
    problems.count = 0;
    return text_of(&problems.text);
}

#endif
