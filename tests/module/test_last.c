/* Last Activity of the server: how long it has been up. */
#include "stage.h"

#include <stdlib.h>

static const char get[] =
    "<iq type='get' id='l' to='localhost'><query xmlns='jabber:iq:last'/></iq>";

static uint64_t seconds_of(const char *answer)
{
    const char *at = strstr(answer, "seconds='");
    assert_non_null(at);
    return strtoull(at + strlen("seconds='"), NULL, 10);
}

static void tells_how_long_the_server_is_up(void **state)
{
    (void)state;
    stage_open("{last: {}}", "");
    struct actor me = stage_login("me", "r");
    assert_has(stage_ask(&me, get), "<iq from='localhost' to='me@localhost/r' id='l' "
                                    "type='result'><query xmlns='jabber:iq:last' seconds='");
    uint64_t before = seconds_of(stage_answers(&me, get));
    stage_pass(500);
    assert_in_range(seconds_of(stage_answers(&me, get)) - before, 0, 1);
    stage_pass(90000);
    assert_in_range(seconds_of(stage_answers(&me, get)) - before, 90, 91);
    shard_at(0)->unix_us -= 3600000000; /* the wall clock has no say */
    assert_in_range(seconds_of(stage_answers(&me, get)) - before, 90, 91);
    stage_close();
}

static void answers_for_the_host_alone(void **state)
{
    (void)state;
    static const char *const others[] = {
        "<iq type='get' id='l'><query xmlns='jabber:iq:last'/></iq>",
        "<iq type='get' id='l' to='me@localhost'><query xmlns='jabber:iq:last'/></iq>",
        "<iq type='get' id='l' to='you@localhost'><query xmlns='jabber:iq:last'/></iq>",
        "<iq type='set' id='l' to='localhost'><query xmlns='jabber:iq:last'/></iq>"};
    stage_open("{last: {}}", "");
    struct actor me = stage_login("me", "r");
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_string_equal(stage_answers(&me, others[i]), "");
        assert_has(stage_ask(&me, others[i]), "<service-unavailable " STANZAS "/>");
    }
    stage_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_how_long_the_server_is_up),
        cmocka_unit_test(answers_for_the_host_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
