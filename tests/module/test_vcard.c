/* Module vcard: a card for each account (XEP-0054), and the same as vCard 4 (XEP-0292). */
#include "stage.h"

#include "store_backend.h"

#define OWN_SET(child) "<iq type='set' id='s'><vCard xmlns='vcard-temp'>" child "</vCard></iq>"
#define OF_ME          "<iq type='get' id='g' to='me@localhost'><vCard xmlns='vcard-temp'/></iq>"
#define FOUR           "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'/>"
#define OF_ME_FOUR     "<iq type='get' id='g' to='me@localhost'>" FOUR "</iq>"

static struct actor me, you;

static int up(void **state)
{
    (void)state;
    stage_open("{vcard: {max_bytes: 1k}}", "");
    stage_account("me");
    stage_account("you");
    me = stage_login("me", "r");
    you = stage_login("you", "r");
    return 0;
}

static int down(void **state)
{
    (void)state;
    store_mem_hook = NULL;
    stage_close();
    return 0;
}

static void the_owner_learns_that_there_is_none(void **state)
{
    (void)state;
    assert_string_equal(stage_ask(&me, OF_ME),
                        "<iq from='me@localhost' to='me@localhost/r' id='g' type='result'>"
                        "<vCard xmlns='vcard-temp'/></iq>");
    assert_has(stage_ask(&me, OF_ME_FOUR), "type='result'>" FOUR "</iq>");
    assert_has(stage_ask(&you, OF_ME), "<error type='cancel'><service-unavailable ");
    assert_has(stage_ask(&you, OF_ME_FOUR), "<error type='cancel'><service-unavailable ");
}

static void all_get_what_the_owner_set(void **state)
{
    (void)state;
    uint64_t before = stage_counted("vcard_given_total");
    assert_has(stage_ask(&me, OWN_SET("<FN>me &amp; I</FN>")), "'result'/>");
    assert_has(stage_ask(&you, OF_ME), "<vCard xmlns='vcard-temp'><FN>me &amp; I</FN></vCard>");
    assert_has(stage_ask(&you, "<iq type='set' id='s' to='me@localhost'>"
                               "<vCard xmlns='vcard-temp'/></iq>"),
               "<error type='auth'><forbidden ");
    stage_leave(&me);
    assert_has(stage_ask(&you, OF_ME), "<FN>me &amp; I</FN>");
    assert_int_equal(stage_counted("vcard_given_total") - before, 2);
}

static void all_kinds_of_fields_become_vcard_four(void **state)
{
    (void)state;
    stage_ask(&me, OWN_SET("<BDAY>1966-08-06</BDAY><URL>https://me.example/</URL><TZ/>"
                           "<ADR><HOME/><LOCALITY>Parker</LOCALITY><CTRY>USA</CTRY></ADR>"
                           "<ORG><ORGNAME>XSF</ORGNAME><ORGUNIT>one</ORGUNIT></ORG>"
                           "<PHOTO><TYPE>image/png</TYPE><BINVAL>AAAA</BINVAL></PHOTO>"
                           "<PHOTO><EXTVAL>https://me.example/p</EXTVAL></PHOTO><X/>"));
    assert_has(stage_ask(&you, OF_ME_FOUR),
               "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'>"
               "<bday><date>1966-08-06</date></bday><url><uri>https://me.example/</uri></url>"
               "<adr><parameters><type><text>home</text></type></parameters><pobox/><ext/>"
               "<street/><locality>Parker</locality><region/><code/><country>USA</country></adr>"
               "<org><text>XSF</text><text>one</text></org>"
               "<photo><uri>data:image/png;base64,AAAA</uri></photo>"
               "<photo><uri>https://me.example/p</uri></photo></vcard>");
}

#define FOUR_SET(body)                                                                             \
    "<iq type='set' id='s'><vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'>" body "</vcard></iq>"

/* What is set as vCard 4 is the card, in both forms. */
static void vcard_four_can_be_set(void **state)
{
    static const char body[] =
        "<fn><text>Me</text></fn><n><surname>I</surname><given>Me</given><additional/><prefix/>"
        "<suffix/></n><bday><date>1966-08-06</date></bday><impp><uri>xmpp:me@localhost</uri></impp>"
        "<adr><parameters><type><text>home</text></type></parameters><pobox/><ext/><street/>"
        "<locality>Parker</locality><region/><code/><country>USA</country></adr>"
        "<org><text>XSF</text><text>one</text><text>two</text></org>"
        "<email><text>me@localhost</text></email>"
        "<photo><uri>data:image/png;base64,AAAA</uri></photo>";
    char xml[1500];
    (void)state;
    snprintf(xml, sizeof xml, FOUR_SET("%s"), body);
    assert_has(stage_ask(&me, xml), "type='result'");
    const char *got = stage_ask(&you, OF_ME);
    assert_has(got, "<FN>Me</FN><N><FAMILY>I</FAMILY><GIVEN>Me</GIVEN></N>");
    assert_has(got, "<JABBERID>me@localhost</JABBERID><ADR><HOME/><LOCALITY>Parker</LOCALITY>");
    assert_has(got,
               "<ORG><ORGNAME>XSF</ORGNAME><ORGUNIT>one</ORGUNIT><ORGUNIT>two</ORGUNIT></ORG>");
    assert_has(got, "<PHOTO><TYPE>image/png</TYPE><BINVAL>AAAA</BINVAL></PHOTO>");
    stage_ask(&me, FOUR_SET("<tel><parameters><type><text>cell</text><text>work</text></type>"
                            "</parameters><uri>tel:+1-303</uri></tel><photo><uri>https://p/</uri>"
                            "</photo>"));
    got = stage_ask(&you, OF_ME);
    assert_has(got, "<TEL><CELL/><WORK/><NUMBER>+1-303</NUMBER></TEL>");
    assert_has(got, "<PHOTO><EXTVAL>https://p/</EXTVAL></PHOTO>");
    assert_lacks(got, "<FN>");
    stage_ask(&me, xml);
    assert_has(stage_ask(&you, OF_ME_FOUR), "<fn><text>Me</text></fn>");
    got = stage_ask(&me, FOUR_SET("<fn><text>M</text></fn><gender><sex>F</sex></gender>"));
    assert_has(got, "<not-acceptable ");
    assert_has(got, "no room for `gender`");
    assert_has(stage_ask(&me, FOUR_SET("<impp><uri>sip:me</uri></impp>")), "<not-acceptable ");
    assert_has(stage_ask(&me, FOUR_SET("<photo><uri>data:image/png,AA</uri></photo>")),
               "<not-acceptable ");
    assert_has(stage_ask(&you, OF_ME_FOUR), body);
    assert_has(stage_ask(&you, "<iq type='set' id='s' to='me@localhost'>"
                               "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'/></iq>"),
               "<error type='auth'><forbidden ");
}

static void it_has_an_end(void **state)
{
    (void)state;
    char big[1600];
    snprintf(big, sizeof big, OWN_SET("<DESC>%01024d</DESC>"), 0);
    assert_has(stage_ask(&me, big), "<error type='modify'><policy-violation ");
}

static enum err is_down(const struct store_op *op, uint64_t *delay_ms)
{
    (void)op;
    (void)delay_ms;
    return ERR_DOWN;
}

static void a_storage_that_is_away_is_told(void **state)
{
    (void)state;
    store_mem_hook = is_down;
    assert_has(stage_ask(&you, OF_ME), "<internal-server-error ");
    assert_has(stage_ask(&you, OF_ME_FOUR), "<internal-server-error ");
    assert_has(stage_ask(&me, OWN_SET("")), "<internal-server-error ");
}

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(the_owner_learns_that_there_is_none),
        STAGE_TEST(all_get_what_the_owner_set),
        STAGE_TEST(all_kinds_of_fields_become_vcard_four),
        STAGE_TEST(it_has_an_end),
        STAGE_TEST(vcard_four_can_be_set),
        STAGE_TEST(a_storage_that_is_away_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
