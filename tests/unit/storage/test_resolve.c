/* Host names of a conninfo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pg/resolve.h"

#include <string.h>

static void test_needed(void **state)
{
    (void)state;
    assert_false(resolve_needed("/run/postgresql"));
    assert_false(resolve_needed("@abstract"));
    assert_false(resolve_needed(""));
    assert_false(resolve_needed("127.0.0.1,::1,/tmp"));
    assert_true(resolve_needed("localhost"));
    assert_true(resolve_needed("127.0.0.1,db.example"));
}

static size_t count_entries(const char *list)
{
    size_t count = 1;
    while ((list = strchr(list, ',')) != NULL) {
        list++;
        count++;
    }
    return count;
}

/* One host may have several addresses; the three lists stay of one length. */
static void test_lists(void **state)
{
    (void)state;
    struct resolved out;
    char why[128];
    struct resolve_request request = {"/tmp,localhost,192.0.2.7", "1,2,3"};
    assert_int_equal(resolve_hosts(request, &out, why, sizeof why), ERR_OK);
    assert_int_equal(count_entries(out.hosts), count_entries(out.addresses));
    assert_int_equal(count_entries(out.hosts), count_entries(out.ports));
    assert_int_equal(strncmp(out.hosts, "/tmp,localhost,", 15), 0);
    assert_int_equal(strncmp(out.ports, "1,2,", 4), 0);
    assert_int_equal(out.addresses[0], ','); /* a socket has none */
    assert_non_null(strstr(out.addresses, ",192.0.2.7"));
    assert_true(strstr(out.addresses, "127.0.0.1") || strstr(out.addresses, "::1"));
}

static void test_one_port(void **state)
{
    (void)state;
    struct resolved out;
    char why[128];
    struct resolve_request request = {"127.0.0.1,127.0.0.2", "5433"};
    assert_int_equal(resolve_hosts(request, &out, why, sizeof why), ERR_OK);
    assert_string_equal(out.ports, "5433,5433");
    request.ports = NULL;
    assert_int_equal(resolve_hosts(request, &out, why, sizeof why), ERR_OK);
    assert_string_equal(out.ports, ",");
    assert_string_equal(out.addresses, "127.0.0.1,127.0.0.2");
}

static void test_unknown(void **state)
{
    (void)state;
    struct resolved out;
    char why[128] = "";
    struct resolve_request request = {"no-such-host.invalid", NULL};
    assert_int_equal(resolve_hosts(request, &out, why, sizeof why), ERR_DOWN);
    assert_non_null(strstr(why, "no-such-host.invalid"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_needed),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_one_port),
        cmocka_unit_test(test_unknown),
    };
    return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
