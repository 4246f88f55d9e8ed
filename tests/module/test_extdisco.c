/* Module extdisco: STUN and TURN servers, with credentials (XEP-0215). */
#include "stage.h"

#include "digest.h"

#include <stdlib.h>

#define NS_EXT    "xmlns='urn:xmpp:extdisco:2'"
#define ASK(body) "<iq type='get' id='x' to='localhost'>" body "</iq>"

static struct actor me;

static int up(void **state)
{
    (void)state;
    stage_open("{disco: {}, extdisco: {services: ["
               "{type: stun, host: stun.example, port: 3478, transport: udp},"
               "{type: turn, host: turn.example, port: 3478, secret: north, ttl: 1h},"
               "{type: turn, host: turn.example, port: 3479, username: u, password: p},"
               "{type: ftp, host: ftp.example, name: files}]}}",
               "");
    me = stage_login("me", "r");
    return 0;
}

static int down(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

static void all_services(void **state)
{
    (void)state;
    const char *all = stage_ask(&me, ASK("<services " NS_EXT "/>"));
    assert_has(all, "<services " NS_EXT "><service type='stun' host='stun.example' "
                    "transport='udp' port='3478'/><service type='turn'");
    assert_has(all, "port='3479' username='u' password='p' restricted='true'/>");
    assert_has(all, "<service type='ftp' host='ftp.example' name='files'/></services>");
    assert_has(stage_ask(&me, ASK("<query xmlns='http://jabber.org/protocol/disco#info'/>")),
               "<feature var='urn:xmpp:extdisco:2'/>");
}

static void those_of_a_type(void **state)
{
    (void)state;
    const char *turn = stage_ask(&me, ASK("<services " NS_EXT " type='turn'/>"));
    assert_has(turn, "<services " NS_EXT " type='turn'><service type='turn'");
    assert_lacks(turn, "stun");
    assert_has(stage_ask(&me, ASK("<services " NS_EXT " type='none'/>")),
               "<services " NS_EXT " type='none'/>");
}

/* The value of an attribute, in a buffer of its own. */
static void value_of(const char *answer, const char *name, char out[128])
{
    const char *at = strstr(answer, name);
    assert_non_null(at);
    at += strlen(name);
    snprintf(out, 128, "%.*s", (int)(strchr(at, '\'') - at), at);
}

static void credentials_hold_for_a_time(void **state)
{
    (void)state;
    char username[128], password[128], wanted[BASE64_LEN(DIGEST_MAX_LEN) + 1] = "";
    uint8_t mac[DIGEST_MAX_LEN];
    const char *answer = stage_ask(&me, ASK("<credentials " NS_EXT "><service type='turn' "
                                            "host='turn.example' port='3478'/></credentials>"));
    assert_has(answer, "<credentials " NS_EXT "><service type='turn' host='turn.example' "
                       "port='3478' username='");
    assert_lacks(answer, "3479");
    value_of(answer, "username='", username);
    value_of(answer, "password='", password);
    char *rest;
    uint64_t until = strtoull(username, &rest, 10);
    assert_int_equal(until, shard_at(0)->unix_us / 1000000 + 3600);
    assert_string_equal(rest, ":me@localhost");
    digest_hmac(DIGEST_SHA1, STR("north"), str_of(username), mac);
    wanted[base64_encode(mac, digest_len(DIGEST_SHA1), wanted)] = '\0';
    assert_string_equal(password, wanted);
    assert_has(answer, "expires='20");
}

static void what_is_asked_wrongly_is_refused(void **state)
{
    (void)state;
    assert_has(stage_ask(&me, ASK("<credentials " NS_EXT "/>")), "<bad-request ");
    assert_has(stage_ask(&me, ASK("<credentials " NS_EXT "><service type='turn'/></credentials>")),
               "<bad-request ");
    assert_has(stage_ask(&me, ASK("<credentials " NS_EXT "><service type='turn' host='x'/>"
                                  "</credentials>")),
               "<item-not-found ");
}

static void a_secret_and_a_password_are_too_much(void **state)
{
    (void)state;
    assert_has(stage_refusal("{extdisco: {services: [{type: turn, host: h, secret: s, "
                             "password: p}]}}",
                             ""),
               "not both");
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(all_services),
        STAGE_TEST(those_of_a_type),
        STAGE_TEST(credentials_hold_for_a_time),
        STAGE_TEST(what_is_asked_wrongly_is_refused),
        cmocka_unit_test(a_secret_and_a_password_are_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
