/* What the tests of this floor share. */
#ifndef RT_BASE_TEST_H
#define RT_BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

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

#endif
