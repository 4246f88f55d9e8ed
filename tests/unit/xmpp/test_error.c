#include "error.h"
#include "xmpp_test.h"

static void stanza_errors(void **state)
{
    (void)state;
    assert_string_equal(stanza_error_name(STANZA_BAD_REQUEST), "bad-request");
    assert_string_equal(stanza_error_type(STANZA_BAD_REQUEST), "modify");
    assert_string_equal(stanza_error_name(STANZA_SERVICE_UNAVAILABLE), "service-unavailable");
    assert_string_equal(stanza_error_type(STANZA_SERVICE_UNAVAILABLE), "cancel");
    assert_string_equal(stanza_error_type(STANZA_RESOURCE_CONSTRAINT), "wait");
    assert_string_equal(stanza_error_type(STANZA_NOT_AUTHORIZED), "auth");
    for (int error = STANZA_NO_ERROR + 1; error < STANZA_ERROR_COUNT; error++) {
        const char *type = stanza_error_type((enum stanza_error)error);
        assert_true(strlen(stanza_error_name((enum stanza_error)error)) > 0);
        assert_true(!strcmp(type, "auth") || !strcmp(type, "cancel") || !strcmp(type, "modify") ||
                    !strcmp(type, "wait"));
    }
}

static void stream_and_sasl_errors(void **state)
{
    (void)state;
    assert_string_equal(stream_error_name(STREAM_NOT_WELL_FORMED), "not-well-formed");
    assert_string_equal(stream_error_name(STREAM_POLICY_VIOLATION), "policy-violation");
    assert_string_equal(sasl_error_name(SASL_NOT_AUTHORIZED), "not-authorized");
    assert_string_equal(sasl_error_name(SASL_TEMPORARY_AUTH_FAILURE), "temporary-auth-failure");
}

static void numbers_that_are_none(void **state)
{
    (void)state;
    assert_string_equal(stanza_error_name(STANZA_NO_ERROR), "undefined-condition");
    assert_string_equal(stanza_error_name(STANZA_ERROR_COUNT), "undefined-condition");
    assert_string_equal(stanza_error_type(STANZA_ERROR_COUNT), "cancel");
    assert_string_equal(stream_error_name(STREAM_NO_ERROR), "undefined-condition");
    assert_string_equal(stream_error_name(STREAM_ERROR_COUNT), "undefined-condition");
    assert_string_equal(sasl_error_name(SASL_NO_ERROR), "not-authorized");
    assert_string_equal(sasl_error_name(SASL_ERROR_COUNT), "not-authorized");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stanza_errors),
        TEST(stream_and_sasl_errors),
        TEST(numbers_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
