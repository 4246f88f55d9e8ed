#include "err.h"

#include "base_test.h"
#include "limits.h"

static void names(void **state)
{
    (void)state;
    assert_string_equal(err_name(ERR_OK), "ok");
    assert_string_equal(err_name(ERR_TOO_BIG), "too_big");
    for (int err = 0; err < ERR_COUNT; err++)
        assert_true(strlen(err_name((enum err)err)) > 0);
    assert_string_equal(err_name(ERR_COUNT), "unknown");
}

static void each_limit_is_described(void **state)
{
    (void)state;
    assert_true(limits_count > 10);
    for (size_t i = 0; i < limits_count; i++) {
        assert_true(limits[i].value > 0);
        assert_true(strlen(limits[i].name) > 0 && strlen(limits[i].unit) > 0);
        assert_true(strlen(limits[i].help) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(each_limit_is_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
