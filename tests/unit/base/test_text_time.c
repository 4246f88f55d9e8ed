#include "base_test.h"
#include "text.h"

static void reads_what_is_a_time(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t us;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-24T06:41:32Z", 1795502492000000},
        {"2026-11-24T06:41:32.123Z", 1795502492123000},
        {"2026-11-24T06:41:32.1234567Z", 1795502492123456},
        {"2026-11-24T08:41:32+02:00", 1795502492000000},
        {"2026-11-23T23:11:32-07:30", 1795502492000000},
        {"2024-02-29T00:00:00Z", 1709164800000000},
        {"2000-03-01T00:00:00Z", 951868800000000},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        uint64_t us = 1;
        assert_true(text_time_parse(str_of(good[i].text), &us));
        assert_int_equal(us, good[i].us);
    }
}

static void is_the_other_way_round(void **state)
{
    (void)state;
    for (uint64_t us = 0; us < 4102444800000000; us += 1234567891000) {
        char text[TEXT_TIME_ROOM];
        uint64_t back = 1;
        size_t len = text_time(text, us);
        assert_true(text_time_parse((struct str){text, len}, &back));
        assert_int_equal(back, us);
    }
}

static void refuses_the_rest(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "yesterday",
                                      "2026-11-24",
                                      "2026-11-24T06:41:32",
                                      "2026-11-24 06:41:32Z",
                                      "2026-13-24T06:41:32Z",
                                      "2026-00-24T06:41:32Z",
                                      "2026-02-29T06:41:32Z",
                                      "2026-11-24T24:41:32Z",
                                      "2026-11-24T06:60:32Z",
                                      "2026-11-24T06:41:61Z",
                                      "2026-11-24T06:41:32ZZ",
                                      "2026-11-24T06:41:32+2:00",
                                      "2026-11-24T06:41:32+02:00x",
                                      "1969-12-31T23:59:59Z",
                                      "1970-01-01T00:00:00+01:00",
                                      "+026-11-24T06:41:32Z"};
    uint64_t us;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(text_time_parse(str_of(bad[i]), &us));
    const char *whole = "2026-11-24T06:41:32.5+02:00";
    for (size_t len = 0; len < strlen(whole); len++)
        assert_false(text_time_parse((struct str){whole, len}, &us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_a_time),
        cmocka_unit_test(is_the_other_way_round),
        cmocka_unit_test(refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
