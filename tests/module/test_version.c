/* Software Version: the name, the version, and the system's name if that is wanted. */
#include "stage.h"

#include <sys/utsname.h>

static const char get[] =
    "<iq type='get' id='v' to='localhost'><query xmlns='jabber:iq:version'/></iq>";

static void tells_name_and_version(void **state)
{
    (void)state;
    static const char *const silent[] = {"{version: {}}", "{version: {os_info: false}}"};
    for (size_t i = 0; i < COUNT_OF(silent); i++) {
        stage_open(silent[i], "");
        struct actor me = stage_login("me", "r");
        assert_string_equal(stage_answers(&me, get),
                            "route <iq from='localhost' to='me@localhost/r' id='v' type='result'>"
                            "<query xmlns='jabber:iq:version'><name>Ringtail</name>"
                            "<version>" RINGTAIL_VERSION "</version></query></iq>\n");
        assert_has(stage_ask(&me, get), "<version>" RINGTAIL_VERSION "</version></query></iq>");
        stage_close();
    }
}

static void tells_the_system_if_it_is_wanted(void **state)
{
    (void)state;
    struct utsname os;
    char want[128];
    assert_int_equal(uname(&os), 0);
    snprintf(want, sizeof want, "</version><os>%s</os></query>", os.sysname);
    stage_open("{version: {os_info: true}}", "");
    struct actor me = stage_login("me", "r");
    const char *got = stage_ask(&me, get);
    assert_has(got, want);
    assert_lacks(got, os.release); /* never which one */
    stage_close();
}

static void answers_for_the_host_alone(void **state)
{
    (void)state;
    static const char *const others[] = {
        "<iq type='get' id='v'><query xmlns='jabber:iq:version'/></iq>",
        "<iq type='get' id='v' to='me@localhost'><query xmlns='jabber:iq:version'/></iq>",
        "<iq type='get' id='v' to='you@localhost'><query xmlns='jabber:iq:version'/></iq>",
        "<iq type='set' id='v' to='localhost'><query xmlns='jabber:iq:version'/></iq>"};
    stage_open("{version: {}}", "");
    struct actor me = stage_login("me", "r");
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_string_equal(stage_answers(&me, others[i]), "");
        assert_has(stage_ask(&me, others[i]), "<service-unavailable " STANZAS "/>");
    }
    stage_close();
    stage_open("{}", ""); /* and not when it is off */
    me = stage_login("me", "r");
    assert_has(stage_ask(&me, get), "<service-unavailable ");
    stage_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_name_and_version),
        cmocka_unit_test(tells_the_system_if_it_is_wanted),
        cmocka_unit_test(answers_for_the_host_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
