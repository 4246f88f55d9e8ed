/* Module muc_light on the stage: what users are told of their rooms: in inboxes, archives, rosters,
 * in large rooms, when somebody goes. */
#include "room_stage.h"

static const char *inbox(const struct actor *actor)
{
    return ask(actor, "<iq type='get' id='l'><inbox xmlns='urn:xmpp:inbox:1'/></iq>");
}

static void counts_in_inboxes(void **state)
{
    (void)state;
    make_room();
    assert_has(inbox(&bob), "all-unread='1'"); /* he was brought in */
    ask(&alice, "<message to='" ROOM "' type='groupchat' id='m1'><body>x</body></message>");
    ask(&alice, "<message to='" ROOM "' type='groupchat' id='m2'><body>y</body></message>");
    ask(&alice, "<message to='" ROOM "' type='groupchat' id='m3'><composing "
                "xmlns='http://jabber.org/protocol/chatstates'/></message>");
    stage_written(&bob);
    const char *got = inbox(&bob);
    assert_has(got, "all-unread='3'");
    assert_has(got, "jid='" ROOM "'");
    assert_has(got, "<body>y</body>");
    assert_has(inbox(&alice), "all-unread='0'");
    ask(&bob, "<message to='" ROOM "' type='groupchat'><displayed "
              "xmlns='urn:xmpp:chat-markers:0' id='m1'/></message>");
    assert_has(inbox(&bob), "all-unread='1'");
    ask(&bob, "<message to='" ROOM "' type='groupchat'><body>z</body></message>");
    assert_has(inbox(&bob), "all-unread='0'");
    assert_has(inbox(&alice), "all-unread='1'");
    change(&alice, USER("bob", "none"));
    assert_has(inbox(&bob), "total='0'");
    iq(&alice, ROOM, "set", "destroy", "");
    assert_has(inbox(&alice), "total='0'");
}

/* What the homes of occupants do not look into is shared; what a client says of ids is not. */
static void shares_what_is_said(void **state)
{
    (void)state;
    make_room();
    ask(&alice,
        "<message to='" ROOM "' type='groupchat'><body>&lt;1 &amp; 2&gt;</body><stanza-id "
        "xmlns='urn:xmpp:sid:0' by='bob@localhost' id='x'/><x xmlns='a'><y/></x></message>");
    const char *got = stage_written(&bob);
    assert_has(got, "<body>&lt;1 &amp; 2&gt;</body><x xmlns='a'><y/></x><stanza-id");
    assert_lacks(got, "by='bob@localhost'");
    assert_lacks(got, "xmlns='jabber:client'");
}

/* What is shared is looked into by who archives it for an occupant. */
static void is_archived_for_users_as_well(void **state)
{
    (void)state;
    open_with_archives_of_users();
    make_room();
    ask(&alice, "<message to='" ROOM "' type='groupchat'><body>a &amp; b</body></message>");
    ask(&alice, "<message to='" ROOM "' type='groupchat'><body>c</body>"
                "<no-store xmlns='urn:xmpp:hints'/></message>");
    assert_has(stage_written(&bob), "by='bob@localhost'");
    const char *got = ask(&bob, "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>");
    assert_has(got, "from='" ROOM "/alice@localhost'");
    assert_has(got, "<body>a &amp; b</body>");
    assert_lacks(got, "<body>c</body>");
    stage_close();
}

/* More than a turn's copies, and more inboxes than an operation takes. */
static void knows_large_rooms(void **state)
{
    (void)state;
    enum { MANY = 1200 };
    struct actor zed = come("zed");
    char *xml = mem_alloc(MANY * 64 + 512), *at = xml;
    at += sprintf_to(at, "<iq type='set' id='i' to='" ROOM "'><query xmlns='" LIGHT "#create'>"
                         "<occupants>" USER("zed", "member"));
    for (int i = 0; i < MANY; i++)
        at += sprintf_to(at, "<user affiliation='member'>u%d@localhost</user>", i);
    sprintf_to(at, "</occupants></query></iq>");
    assert_has(ask(&alice, xml), "type='result'");
    mem_free(xml);
    stage_written(&zed);
    uint64_t pauses = stage_counted("fanout_pauses_total");
    stage_feed(&alice, "<message to='" ROOM "' type='groupchat'><body>1</body></message>");
    stage_feed(&alice, "<message to='" ROOM "' type='groupchat'><body>2</body></message>");
    stage_pass(2000);
    const char *got = stage_written(&zed), *first = strstr(got, "<body>1</body>");
    assert_true(first && strstr(first, "<body>2</body>"));
    assert_true(stage_counted("fanout_pauses_total") - pauses >= MANY / LIMIT_FANOUT_TURN * 2);
    assert_has(inbox(&zed), "all-unread='3'");
    change(&alice, USER("carol", "member"));
    stage_pass(2000);
    assert_has(stage_written(&zed), USER("carol", "member"));
    got = stage_written(&carol);
    assert_has(got, USER("carol", "member"));
    assert_lacks(got, "prev-version"); /* who comes hears of that only */
    pauses = stage_counted("fanout_pauses_total");
    stage_feed(&alice,
               "<iq type='set' id='d' to='" ROOM "'><query xmlns='" LIGHT "#destroy'/></iq>");
    stage_feed(&alice, "<iq type='set' id='c' to='" ROOM "'><query xmlns='" LIGHT "#create'>"
                       "<occupants>" USER("zed", "member") "</occupants></query></iq>");
    stage_pass(2000);
    assert_true(stage_counted("fanout_pauses_total") - pauses >= MANY / LIMIT_FANOUT_TURN);
    got = stage_written(&alice);
    assert_true(strstr(got, "id='d' type='result'") && strstr(got, "id='c' type='result'"));
    assert_has(stage_written(&zed), USER("zed", "none") "</x><x xmlns='" LIGHT "#destroy'/>");
    assert_has(inbox(&zed), "total='1'"); /* what is forgotten is the old room, not the new one */
    assert_has(list(&zed), "</version>" USER("alice", "owner") USER("zed", "member") "</query>");
    assert_has(inbox(&carol), "total='0'");
}

static void gone(void *owner, enum err outcome)
{
    (void)owner;
    assert_int_equal(outcome, ERR_OK);
}

static void leaves_with_the_account(void **state)
{
    (void)state;
    make_room();
    stage_leave(&alice);
    struct jid jid;
    struct arena arena;
    arena_init(&arena);
    assert_int_equal(jid_parse(&arena, STR("alice@localhost"), &jid), ERR_OK);
    users_remove(&jid, gone, NULL);
    stage_pass(50);
    arena_fini(&arena);
    assert_has(stage_written(&bob), USER("alice", "none") USER("bob", "owner"));
    assert_has(list(&bob), "</version>" USER("bob", "owner") "</query>");
}

/* --- Rosters --- */

/* The version of the roster, from an answer. */
static const char *version_of(const char *answer)
{
    static char version[64];
    const char *at = strstr(answer, " ver='"), *end = at ? strchr(at + 6, '\'') : NULL;
    assert_non_null(end);
    snprintf(version, sizeof version, "%.*s", (int)(end - at - 6), at + 6);
    return version;
}

static const char *roster(const struct actor *actor, const char *version)
{
    char xml[200];
    snprintf(xml, sizeof xml,
             "<iq type='get' id='i'><query xmlns='jabber:iq:roster' ver='%s'/></iq>", version);
    return ask(actor, xml);
}

static void puts_rooms_into_rosters(void **state)
{
    (void)state;
    open_with("rooms_in_rosters: true");
    const char *got = roster(&bob, "");
    assert_lacks(got, "<item");
    char empty[64];
    snprintf(empty, sizeof empty, "%s", version_of(got));
    iq(&alice, ROOM, "set", "create",
       "<configuration><roomname>Tea</roomname></configuration>"
       "<occupants>" USER("bob", "member") "</occupants>");
    forget_all();
    got = roster(&bob, empty);
    assert_has(got, "<item jid='" ROOM "' name='Tea' subscription='to'><group>" LIGHT
                    "</group><version>");
    assert_lacks(roster(&bob, version_of(got)), "<query");
    assert_lacks(roster(&carol, empty), "<item");
    ask(&bob, "<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='" ROOM
              "' name='mine'/></query></iq>");
    got = roster(&bob, "");
    assert_has(got, "name='mine'");
    assert_lacks(got, "name='Tea'");
    change(&bob, USER("bob", "none"));
    assert_lacks(roster(&bob, version_of(got)), "name='Tea'");
    stage_close();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(puts_rooms_into_rosters),
    cmocka_unit_test_setup_teardown(counts_in_inboxes, up, down),
    cmocka_unit_test_setup_teardown(shares_what_is_said, up, down),
    cmocka_unit_test(is_archived_for_users_as_well),
    cmocka_unit_test_setup_teardown(knows_large_rooms, up, down),
    cmocka_unit_test_setup_teardown(leaves_with_the_account, up, down),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
