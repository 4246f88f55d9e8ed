/* Module muc_light on the stage: who may do what, owners, limits, blocking. */
#include "room_stage.h"

/* --- Errors --- */

static void refuses_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *to, *type, *what, *children, *condition;
    } wrong[] = {
        {ROOM, "set", "affiliations", "", "<bad-request "},
        {ROOM, "set", "affiliations", USER("carol", "boss"), "<bad-request "},
        {ROOM, "set", "affiliations", "<user affiliation='member' x='y'>carol@localhost</user>",
         "<bad-request "},
        {ROOM, "set", "affiliations", "<user affiliation='member'>localhost</user>",
         "<bad-request "},
        {ROOM, "set", "affiliations", "<user affiliation='member'></user>", "<bad-request "},
        {ROOM, "set", "affiliations", "<user affiliation='member'>r@" SERVICE "</user>",
         "a room cannot be in a room"},
        {ROOM, "set", "affiliations", USER("bob", "member"), "Meaningless change"},
        {ROOM, "set", "affiliations", USER("carol", "none"), "Meaningless change"},
        {ROOM, "set", "affiliations", USER("carol", "member") USER("carol", "owner"),
         "The same user is changed twice"},
        {ROOM, "set", "affiliations", USER("carol", "owner") USER("bob", "owner"),
         "There can be only one owner"},
        {ROOM, "set", "configuration", "<colour>red</colour>", "colour:not_found"},
        {ROOM, "set", "configuration", "<version>1</version>", "version:not_found"},
        {ROOM, "set", "configuration", "<subject/>", "<bad-request "},
        {ROOM, "set", "configuration", "", "<bad-request "},
        {ROOM, "get", "create", "", "<bad-request "},
        {ROOM, "set", "info", "", "<bad-request "},
        {ROOM, "get", "nonsense", "", "<bad-request "},
        {ROOM "/x", "get", "info", "", "<bad-request "},
        {"other@" SERVICE, "get", "info", "", "<item-not-found "},
        {"other@" SERVICE, "set", "destroy", "", "<item-not-found "},
        {ROOM, "set", "create", "", "Room already exists"},
        {"new@" SERVICE, "set", "create", "<occupants>" USER("alice", "member") "</occupants>",
         "<bad-request "},
        {"new@" SERVICE, "set", "create", "<occupants>" USER("bob", "none") "</occupants>",
         "<bad-request "},
        {"new@" SERVICE, "set", "create",
         "<occupants>" USER("bob", "owner") USER("carol", "owner") "</occupants>", "<bad-request "},
        {"new@" SERVICE, "set", "create", "<configuration><x>y</x></configuration>", "x:not_found"},
        {SERVICE, "set", "blocking", "", "<bad-request "},
        {SERVICE, "set", "blocking", "<user action='deny'>bob</user>", "<bad-request "},
        {SERVICE, "set", "blocking", "<user action='maybe'>bob@localhost</user>", "<bad-request "},
        {SERVICE, "set", "blocking", "<friend action='deny'>bob@localhost</friend>",
         "<bad-request "},
        {SERVICE, "get", "info", "", "<bad-request "},
    };
    make_room();
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const char *got = iq(&alice, wrong[i].to, wrong[i].type, wrong[i].what, wrong[i].children);
        assert_has(got, "type='error'");
        assert_has(got, wrong[i].condition);
        assert_lacks(got, "<message");
    }
    assert_has(list(&alice), USER("alice", "owner") USER("bob", "member"));
}

static void refuses_messages(void **state)
{
    (void)state;
    make_room();
    assert_has(ask(&alice, "<message to='" ROOM "' type='chat'><body>x</body></message>"),
               "<bad-request ");
    assert_has(ask(&alice, "<message to='" ROOM "/x' type='groupchat'><body>x</body></message>"),
               "<bad-request ");
    assert_has(ask(&carol, "<message to='" ROOM "' type='groupchat'><body>x</body></message>"),
               "<item-not-found ");
    assert_has(ask(&carol, "<message to='" SERVICE "' type='groupchat'><body>x</body></message>"),
               "<bad-request ");
    assert_has(ask(&carol, "<message to='a@muclight.elsewhere' type='groupchat'/>"),
               "<remote-server-not-found ");
    assert_string_equal(ask(&carol, "<message to='" ROOM "' type='error'/>"), "");
    assert_string_equal(ask(&carol, "<presence to='" ROOM "'/>"), "");
    assert_string_equal(ask(&carol, "<iq type='result' id='r' to='" ROOM "'/>"), "");
    assert_string_equal(stage_written(&bob), "");
}

static void keeps_members_from_owners_work(void **state)
{
    (void)state;
    make_room();
    assert_has(change(&bob, USER("carol", "member")), "<not-allowed ");
    assert_has(change(&bob, USER("alice", "none")), "<not-allowed ");
    assert_has(change(&bob, USER("bob", "owner")), "<not-allowed ");
    assert_has(change(&bob, USER("bob", "none") USER("alice", "none")), "<not-allowed ");
    assert_has(iq(&bob, ROOM, "set", "destroy", ""), "<not-allowed ");
    assert_has(iq(&bob, ROOM, "set", "configuration", "<roomname>x</roomname>"), "<not-allowed ");
    assert_has(iq(&bob, ROOM, "set", "configuration", "<subject>x</subject>"), "type='result'");
    assert_has(iq(&carol, ROOM, "get", "configuration", ""), "<item-not-found ");
    assert_has(iq(&carol, ROOM, "set", "configuration", "<subject>x</subject>"),
               "<item-not-found ");
}

/* --- Owners --- */

static void hands_rooms_over(void **state)
{
    (void)state;
    make_room();
    change(&alice, USER("carol", "member"));
    change(&alice, USER("alice", "none")); /* bob is the first who stays */
    assert_has(list(&bob), USER("bob", "owner") USER("carol", "member"));
    change(&bob, USER("bob", "member")); /* carol was not changed */
    assert_has(list(&bob), USER("bob", "member") USER("carol", "owner"));
    change(&carol, USER("carol", "none") USER("bob", "none") USER("alice", "member"));
    assert_has(list(&alice), "</version>" USER("alice", "owner") "</query>"); /* who joined */
    assert_has(change(&alice, USER("alice", "member")), "type='result'"); /* who wanted not to */
    assert_has(list(&alice), "</version>" USER("alice", "owner") "</query>");
}

static void ends_with_the_last_one(void **state)
{
    (void)state;
    make_room();
    uint64_t before = stage_counted("muc_light_destroyed_total");
    change(&bob, USER("bob", "none"));
    const char *got = change(&alice, USER("alice", "none"));
    assert_has(got, "<x xmlns='" LIGHT "#affiliations'>" USER("alice", "none") "</x><body/>");
    assert_has(got, "type='result'");
    assert_has(list(&alice), "<item-not-found ");
    assert_int_equal(stage_counted("muc_light_destroyed_total") - before, 1);
    assert_has(create(&carol, ROOM, ""), "type='result'");
    assert_has(list(&carol), "</version>" USER("carol", "owner") "</query>");
}

static void names_the_creator(void **state)
{
    (void)state;
    create(&alice, ROOM, USER("bob", "owner"));
    assert_has(list(&alice), USER("alice", "member") USER("bob", "owner"));
}

static void has_several_owners(void **state)
{
    (void)state;
    open_with("allow_multiple_owners: true");
    create(&alice, ROOM, USER("bob", "owner"));
    assert_has(list(&alice), USER("alice", "owner") USER("bob", "owner"));
    assert_has(change(&bob, USER("carol", "owner")), "type='result'");
    assert_has(change(&bob, USER("bob", "none") USER("alice", "none")), "type='result'");
    assert_has(list(&carol), "</version>" USER("carol", "owner") "</query>");
    stage_close();
}

static void has_no_owner_where_all_are_equal(void **state)
{
    (void)state;
    open_with("equal_occupants: true, all_can_invite: true, all_can_configure: true");
    assert_has(create(&alice, ROOM, USER("bob", "owner")), "Ownerless room");
    create(&alice, ROOM, USER("bob", "member"));
    assert_has(list(&bob), USER("alice", "member") USER("bob", "member"));
    assert_has(change(&bob, USER("carol", "member")), "type='result'");
    assert_has(change(&bob, USER("carol", "owner")), "<not-allowed ");
    assert_has(change(&bob, USER("alice", "none")), "<not-allowed ");
    assert_has(iq(&bob, ROOM, "set", "configuration", "<roomname>x</roomname>"), "type='result'");
    assert_has(change(&alice, USER("alice", "none")), "type='result'");
    assert_has(list(&bob), "</version>" USER("bob", "member") USER("carol", "member") "</query>");
    stage_close();
}

/* --- Limits --- */

static void limits_occupants(void **state)
{
    (void)state;
    open_with("max_occupants: 2");
    assert_has(create(&alice, ROOM, USER("bob", "member") USER("carol", "member")),
               "occupant_limit_exceeded");
    create(&alice, ROOM, USER("bob", "member"));
    assert_has(change(&alice, USER("carol", "member")), "occupant_limit_exceeded");
    assert_has(change(&alice, USER("carol", "member") USER("bob", "none")), "type='result'");
    stage_close();
}

static void limits_rooms(void **state)
{
    (void)state;
    open_with("rooms_per_user: 1");
    create(&bob, "bobs@" SERVICE, "");
    assert_has(create(&bob, "more@" SERVICE, ""), "room_limit_reached");
    const char *got = create(&alice, ROOM, USER("bob", "member") USER("carol", "member"));
    assert_has(got, "type='result'");
    assert_has(list(&alice),
               "</version>" USER("alice", "owner") USER("carol", "member") "</query>");
    got = change(&alice, USER("bob", "member"));
    assert_has(got, "type='result'");
    assert_lacks(got, "<message");
    stage_close();
}

static void knows_its_fields(void **state)
{
    (void)state;
    open_with("config_schema: [{field: roomname, string_value: Room}, {field: size, "
              "integer_value: '7', internal_key: n}, {field: ratio, float_value: '1.5'}]");
    assert_has(iq(&alice, ROOM, "set", "create", "<configuration><size>9</size></configuration>"),
               "type='result'");
    assert_has(iq(&alice, ROOM, "get", "configuration", ""),
               "<roomname>Room</roomname><size>9</size><ratio>1.5</ratio></query>");
    assert_has(iq(&alice, ROOM, "set", "configuration", "<size>many</size>"), "size:not_found");
    assert_has(iq(&alice, ROOM, "set", "configuration", "<ratio>half</ratio>"), "ratio:not_found");
    assert_has(iq(&alice, ROOM, "set", "configuration", "<subject>s</subject>"),
               "subject:not_found");
    iq(&alice, ROOM, "set", "configuration", "<ratio>-2e3</ratio>");
    assert_has(iq(&alice, ROOM, "get", "configuration", ""),
               "<roomname>Room</roomname><size>9</size><ratio>-2e3</ratio></query>");
    stage_close();
    assert_has(stage_refusal("{muc_light: {config_schema: [{field: a}]}}", ""), "exactly one");
    assert_has(
        stage_refusal("{muc_light: {config_schema: [{field: version, string_value: x}]}}", ""),
        "exactly one");
    assert_has(stage_refusal("{muc_light: {host: 'Rooms.@HOST@'}}", ""), "not the name");
    assert_has(stage_refusal("{muc_light: {host: '@HOST@'}}", ""), "not the name");
}

/* --- Blocking --- */

static void leaves_out_who_blocks(void **state)
{
    (void)state;
    assert_has(iq(&bob, SERVICE, "set", "blocking",
                  "<user action='deny'>alice@localhost</user>"
                  "<room action='deny'>x@muclight.localhost</room>"),
               "type='result'");
    assert_has(iq(&bob, SERVICE, "get", "blocking", ""),
               "<user action='deny'>alice@localhost</user>"
               "<room action='deny'>x@muclight.localhost</room></query>");
    create(&alice, ROOM, USER("bob", "member") USER("carol", "member"));
    assert_has(list(&alice),
               "</version>" USER("alice", "owner") USER("carol", "member") "</query>");
    assert_string_equal(stage_written(&bob), "");
    const char *got = change(&alice, USER("bob", "member"));
    assert_has(got, "type='result'");
    assert_lacks(got, "<message");
    create(&carol, "x@" SERVICE, USER("bob", "member"));
    assert_string_equal(stage_written(&bob), "");
    iq(&bob, SERVICE, "set", "blocking", "<user action='allow'>alice@localhost</user>");
    assert_has(change(&alice, USER("bob", "member")), USER("bob", "member"));
    assert_has(stage_written(&bob), USER("bob", "member"));
}

static void can_do_without_blocking(void **state)
{
    (void)state;
    open_with("blocking: false");
    assert_has(iq(&bob, SERVICE, "get", "blocking", ""), "<bad-request ");
    assert_has(iq(&bob, SERVICE, "set", "blocking", "<user action='deny'>a@b</user>"),
               "<bad-request ");
    stage_close();
}

/* --- Discovery --- */

static void is_discovered(void **state)
{
    (void)state;
    make_room();
    create(&alice, "coffee@" SERVICE, "");
    iq(&alice, "coffee@" SERVICE, "set", "configuration", "<roomname>Coffee</roomname>");
    assert_has(ask(&alice, "<iq type='get' id='d' to='localhost'>"
                           "<query xmlns='http://jabber.org/protocol/disco#items'/></iq>"),
               "<item jid='" SERVICE "'/>");
    const char *got = ask(&bob, "<iq type='get' id='d' to='" SERVICE "'>"
                                "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    assert_has(got, "<identity category='conference' type='text' name='MUC Light'/>");
    assert_has(got, "<feature var='" LIGHT "'/>");
    assert_has(got, "<feature var='urn:xmpp:mam:2'/>");
    got = ask(&alice, "<iq type='get' id='d' to='" SERVICE "'><query "
                      "xmlns='http://jabber.org/protocol/disco#items'><set "
                      "xmlns='http://jabber.org/protocol/rsm'><max>1</max></set></query></iq>");
    assert_has(got, "<item jid='coffee@" SERVICE "' name='Coffee' version='");
    assert_lacks(got, "<item jid='" ROOM);
    assert_has(got, "<count>2</count>");
    got = ask(&alice, "<iq type='get' id='d' to='" SERVICE "'><query "
                      "xmlns='http://jabber.org/protocol/disco#items'><set "
                      "xmlns='http://jabber.org/protocol/rsm'><max>1</max>"
                      "<after>coffee@" SERVICE "</after></set></query></iq>");
    assert_has(got, "<item jid='" ROOM "' name='Untitled' version='");
    got = ask(&carol, "<iq type='get' id='d' to='" SERVICE "'>"
                      "<query xmlns='http://jabber.org/protocol/disco#items'/></iq>");
    assert_lacks(got, "<item ");
}

static void names_rooms_itself(void **state)
{
    (void)state;
    const char *got = create(&alice, SERVICE, USER("bob", "member"));
    assert_has(got, "<iq from='" SERVICE "' to='alice@localhost/r' id='i' type='result'/>");
    assert_has(got, "@" SERVICE "' type='groupchat' id='i'");
    assert_has(stage_written(&bob), USER("bob", "member"));
}

static void tells_nothing_new(void **state)
{
    (void)state;
    char version[400];
    make_room();
    const char *got = list(&alice), *at = strstr(got, "<version>"),
               *end = strstr(got, "</version>");
    assert_non_null(at);
    snprintf(version, sizeof version, "%.*s</version>", (int)(end - at), at);
    static const char *const what[] = {"affiliations", "configuration", "info"};
    for (size_t i = 0; i < COUNT_OF(what); i++) {
        got = iq(&bob, ROOM, "get", what[i], version);
        assert_has(got, "type='result'");
        assert_lacks(got, "<query");
    }
    assert_has(iq(&bob, ROOM, "get", "info", "<version>old</version>"), "<occupants>");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(refuses_what_is_wrong, up, down),
    cmocka_unit_test_setup_teardown(refuses_messages, up, down),
    cmocka_unit_test_setup_teardown(keeps_members_from_owners_work, up, down),
    cmocka_unit_test_setup_teardown(hands_rooms_over, up, down),
    cmocka_unit_test_setup_teardown(ends_with_the_last_one, up, down),
    cmocka_unit_test_setup_teardown(names_the_creator, up, down),
    cmocka_unit_test(has_several_owners),
    cmocka_unit_test(has_no_owner_where_all_are_equal),
    cmocka_unit_test(limits_occupants),
    cmocka_unit_test(limits_rooms),
    cmocka_unit_test(knows_its_fields),
    cmocka_unit_test_setup_teardown(leaves_out_who_blocks, up, down),
    cmocka_unit_test(can_do_without_blocking),
    cmocka_unit_test_setup_teardown(is_discovered, up, down),
    cmocka_unit_test_setup_teardown(names_rooms_itself, up, down),
    cmocka_unit_test_setup_teardown(tells_nothing_new, up, down),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
