/* Module muc_light on the stage: who may do what, owners, limits, blocking, inboxes, who goes. */
#include "stage.h"

#define LIGHT   "urn:xmpp:muclight:0"
#define ROOM    "tea@muclight.localhost"
#define SERVICE "muclight.localhost"

static struct actor alice, bob, carol;

/* As stage_ask, with time for storage. */
static const char *ask(const struct actor *actor, const char *xml)
{
    stage_feed(actor, xml);
    stage_pass(20);
    return stage_written(actor);
}

static int sprintf_to(char *at, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int sprintf_to(char *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(at, 512, format, args);
    va_end(args);
    return len;
}

static struct actor come(const char *user)
{
    stage_account(user);
    struct actor actor = stage_login(user, "r");
    ask(&actor, "<presence/>");
    return actor;
}

static void open_with(const char *conf)
{
    char modules[300];
    snprintf(modules, sizeof modules,
             "{mam: {}, inbox: {}, disco: {}, presence: {}, roster: {}, muc_light: {%s}}", conf);
    stage_open(modules, "");
    alice = come("alice");
    bob = come("bob");
    carol = come("carol");
}

static int up(void **state)
{
    (void)state;
    open_with("");
    return 0;
}

static int down(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

static const char *iq(const struct actor *actor, const char *to, const char *type, const char *what,
                      const char *children)
{
    char xml[1200];
    snprintf(xml, sizeof xml,
             "<iq type='%s' id='i' to='%s'><query xmlns='" LIGHT "#%s'>%s</query></iq>", type, to,
             what, children);
    return ask(actor, xml);
}

static const char *create(const struct actor *actor, const char *room, const char *occupants)
{
    char children[800];
    snprintf(children, sizeof children, "<occupants>%s</occupants>", occupants);
    return iq(actor, room, "set", "create", children);
}

#define USER(name, affiliation) "<user affiliation='" affiliation "'>" name "@localhost</user>"

static const char *change(const struct actor *actor, const char *users)
{
    return iq(actor, ROOM, "set", "affiliations", users);
}

static const char *list(const struct actor *actor)
{
    return iq(actor, ROOM, "get", "affiliations", "");
}

static void forget_all(void)
{
    stage_pass(20);
    stage_written(&alice);
    stage_written(&bob);
    stage_written(&carol);
}

static void make_room(void)
{
    assert_has(create(&alice, ROOM, USER("bob", "member")), "type='result'");
    forget_all();
}

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

/* --- Inboxes, archives, accounts --- */

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
    iq(&alice, ROOM, "set", "destroy", "");
    stage_pass(2000);
    assert_true(stage_counted("fanout_pauses_total") - pauses >= MANY / LIMIT_FANOUT_TURN);
    assert_has(stage_written(&zed), USER("zed", "none") "</x><x xmlns='" LIGHT "#destroy'/>");
    assert_has(inbox(&zed), "total='0'");
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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(refuses_what_is_wrong, up, down),
    cmocka_unit_test_setup_teardown(refuses_messages, up, down),
    cmocka_unit_test_setup_teardown(keeps_members_from_owners_work, up, down),
    cmocka_unit_test_setup_teardown(hands_rooms_over, up, down),
    cmocka_unit_test_setup_teardown(ends_with_the_last_one, up, down),
    cmocka_unit_test_setup_teardown(names_the_creator, up, down),
    cmocka_unit_test(has_several_owners),
    cmocka_unit_test(has_no_owner_where_all_are_equal),
    cmocka_unit_test(puts_rooms_into_rosters),
    cmocka_unit_test(limits_occupants),
    cmocka_unit_test(limits_rooms),
    cmocka_unit_test(knows_its_fields),
    cmocka_unit_test_setup_teardown(leaves_out_who_blocks, up, down),
    cmocka_unit_test(can_do_without_blocking),
    cmocka_unit_test_setup_teardown(is_discovered, up, down),
    cmocka_unit_test_setup_teardown(names_rooms_itself, up, down),
    cmocka_unit_test_setup_teardown(tells_nothing_new, up, down),
    cmocka_unit_test_setup_teardown(counts_in_inboxes, up, down),
    cmocka_unit_test_setup_teardown(shares_what_is_said, up, down),
    cmocka_unit_test_setup_teardown(knows_large_rooms, up, down),
    cmocka_unit_test_setup_teardown(leaves_with_the_account, up, down),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
