/* The inbox on the stage: what counts, markers, boxes, queries of both protocols, the cleaner. */
#include "stage.h"

#include "store.h"

static struct actor me, you;

#define INBOX "xmlns='erlang-solutions.com:xmpp:inbox:0'"
#define TALK  "xmlns='erlang-solutions.com:xmpp:inbox:0#conversation'"
#define LIST  "xmlns='urn:xmpp:inbox:1'"
#define RSM   "xmlns='http://jabber.org/protocol/rsm'"
#define BODY  "<body>x</body>"
#define STORE "<store xmlns='urn:xmpp:hints'/>"
#define FORM                                                                                       \
    "<x xmlns='jabber:x:data' type='form'><field var='FORM_TYPE' type='hidden'>"                   \
    "<value>erlang-solutions.com:xmpp:inbox:0</value></field>"
#define MARK(name, id) "<" name " xmlns='urn:xmpp:chat-markers:0' id='" id "'/>"

/* As stage_ask, with time for a batch to be written. */
static const char *ask(const struct actor *actor, const char *xml)
{
    stage_feed(actor, xml);
    stage_pass(20);
    return stage_written(actor);
}

static void open_with(const char *conf)
{
    char modules[160];
    snprintf(modules, sizeof modules, "{mam: {}, inbox: {%s}}", conf);
    stage_open(modules, "");
    stage_account("me");
    stage_account("you");
    me = stage_login("me", "r");
    you = stage_login("you", "r");
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

static void say(const struct actor *actor, const char *to, const char *id, const char *children)
{
    char xml[512];
    snprintf(xml, sizeof xml, "<message to='%s@localhost/r' type='chat' id='%s'>%s</message>", to,
             id, children);
    ask(actor, xml);
}

static const char *query(const struct actor *actor, const char *children)
{
    char xml[800];
    snprintf(xml, sizeof xml, "<iq type='set' id='q'><inbox " INBOX ">%s</inbox></iq>", children);
    return ask(actor, xml);
}

static const char *list(const struct actor *actor, const char *attributes, const char *children)
{
    char xml[400];
    snprintf(xml, sizeof xml, "<iq type='get' id='l'><inbox " LIST " %s>%s</inbox></iq>",
             attributes, children);
    return ask(actor, xml);
}

static const char *set(const struct actor *actor, const char *peer, const char *properties)
{
    char xml[400];
    snprintf(xml, sizeof xml,
             "<iq type='set' id='s'><query " TALK " jid='%s@localhost'>%s</query></iq>", peer,
             properties);
    return ask(actor, xml);
}

static void assert_unread(const struct actor *actor, const char *number)
{
    char part[32];
    snprintf(part, sizeof part, "all-unread='%s'", number);
    assert_has(list(actor, "messages='false'", ""), part);
}

/* --- Tests --- */

static void counts_what_is_to_be_read(void **state)
{
    (void)state;
    static const struct {
        const char *children;
        bool listed, counts;
    } kinds[] = {
        {"<composing xmlns='http://jabber.org/protocol/chatstates'/>", false, false},
        {MARK("displayed", "1") STORE, false, false},
        {MARK("received", "1") STORE, false, false},
        {"<received xmlns='urn:xmpp:receipts' id='1'/>" STORE, false, false},
        {BODY "<no-store xmlns='urn:xmpp:hints'/>", false, false},
        {"<reactions xmlns='urn:xmpp:reactions:0' id='1'/>" STORE, true, false},
        {"<reactions xmlns='urn:xmpp:reactions:0' id='1'/>" BODY, true, false},
        {"<retract xmlns='urn:xmpp:message-retract:1' id='1'/>" BODY, true, false},
        {"<replace xmlns='urn:xmpp:message-correct:0' id='1'/>" BODY, true, false},
        {"<apply-to xmlns='urn:xmpp:fasten:0' id='1'/>" BODY, true, false},
        {"<propose xmlns='urn:xmpp:jingle-message:0' id='1'/>" STORE, true, false},
        {"<x xmlns='jabber:x:conference' jid='r@c'/>", true, false},
        {BODY, true, true},
        {STORE, true, true},
        {BODY "<markable xmlns='urn:xmpp:chat-markers:0'/>", true, true},
        {BODY "<request xmlns='urn:xmpp:receipts'/>", true, true},
    };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        say(&me, "you", "m", kinds[i].children);
        stage_written(&you);
        const char *got = list(&you, "messages='false'", "");
        assert_has(got, kinds[i].counts ? "all-unread='1'" : "all-unread='0'");
        assert_has(got, kinds[i].listed ? "total='1'" : "total='0'");
        assert_has(list(&me, "messages='false'", ""), "all-unread='0'");
        set(&you, "me", "<read>true</read><box>bin</box>");
        ask(&you, "<iq type='set' id='e'><empty-bin " INBOX "/></iq>");
    }
}

static void knows_notes_to_oneself(void **state)
{
    (void)state;
    say(&me, "me", "m", BODY);
    const char *got = list(&me, "", "");
    assert_has(got, "total='1' unread='0' all-unread='0'");
    assert_has(got, "jid='me@localhost'");
}

static void reads_up_to_a_marker(void **state)
{
    (void)state;
    uint64_t before = stage_counted("inbox_markers_total");
    say(&me, "you", "one", BODY);
    say(&me, "you", "two", BODY);
    say(&me, "you", "three", BODY);
    stage_written(&you);
    assert_unread(&you, "3");
    say(&you, "me", "k", MARK("received", "three"));
    say(&you, "me", "k", MARK("acknowledged", "three"));
    say(&you, "me", "k", MARK("displayed", "unheard"));
    assert_unread(&you, "3");
    say(&you, "me", "k", MARK("displayed", "two"));
    assert_unread(&you, "1");
    say(&you, "me", "k", MARK("displayed", "one"));
    assert_unread(&you, "1");
    say(&you, "me", "k", MARK("displayed", "three"));
    assert_unread(&you, "0");
    assert_int_equal(stage_counted("inbox_markers_total") - before, 4);
    say(&me, "you", "four", BODY);
    assert_unread(&you, "1");
    say(&you, "me", "a", BODY); /* who answers has read */
    assert_unread(&you, "0");
    assert_unread(&me, "1");
}

/* More than storage takes at once: they wait for each other, and none is lost. */
static void takes_many_markers(void **state)
{
    (void)state;
    enum { MANY = 1500 };
    uint64_t before = stage_counted("inbox_markers_total");
    say(&me, "you", "one", BODY);
    say(&me, "you", "two", BODY);
    stage_written(&you);
    for (int i = 0; i < MANY; i++)
        stage_feed(&you,
                   "<message to='me@localhost' type='chat'>" MARK("displayed", "one") "</message>");
    stage_pass(50);
    stage_written(&me);
    assert_unread(&you, "1");
    assert_int_equal(stage_counted("inbox_markers_total") - before, MANY);
    assert_int_equal(stage_counted("store_full_total"), 0);
}

static void resets_by_the_markers_that_are_told(void **state)
{
    (void)state;
    open_with("reset_markers: [acknowledged, received]");
    say(&me, "you", "one", BODY);
    stage_written(&you);
    say(&you, "me", "k", MARK("displayed", "one"));
    assert_unread(&you, "1");
    say(&you, "me", "k", MARK("received", "one"));
    assert_unread(&you, "0");
    stage_close();
}

static void resets_by_request(void **state)
{
    (void)state;
    say(&me, "you", "one", BODY);
    say(&me, "you", "two", BODY);
    stage_written(&you);
    assert_has(
        ask(&you, "<iq type='set' id='r'><reset " INBOX " jid='me@localhost/r' id='one'/></iq>"),
        "<reset " INBOX "/>");
    assert_unread(&you, "1");
    ask(&you, "<iq type='set' id='r'><reset " INBOX " jid='me@localhost'/></iq>");
    assert_unread(&you, "0");
    assert_has(ask(&you, "<iq type='set' id='r'><reset " INBOX " jid='nobody@localhost'/></iq>"),
               "<reset " INBOX "/>");
    assert_has(ask(&you, "<iq type='set' id='r'><reset " INBOX "/></iq>"), "<bad-request ");
}

static void tells_what_mongooseim_tells(void **state)
{
    (void)state;
    say(&me, "you", "one", "<body>hello</body>");
    say(&me, "you", "two", "<body>world</body>");
    stage_written(&you);
    const char *got = query(&you, FORM "</x>");
    assert_has(got, "<message from='you@localhost' to='you@localhost/r' id='");
    assert_has(got, "<result " INBOX " unread='2' queryid='q'><forwarded ");
    assert_has(got, "<body>world</body></message></forwarded><box>inbox</box>"
                    "<archive>false</archive><mute>0</mute><read>false</read></result>");
    assert_lacks(got, "hello");
    assert_has(got, "<fin " INBOX " complete='true'><set " RSM "><first>");
    assert_has(got, "<count>1</count></set><count>1</count><unread-messages>2</unread-messages>"
                    "<active-conversations>1</active-conversations><all-unread>2</all-unread>");
    got = ask(&me, "<iq type='set' id='q'><inbox " INBOX " queryid='k'/></iq>");
    assert_has(got, "unread='0' queryid='k'");
    assert_has(got, "<read>true</read>");
    got = query(&me, FORM "<field var='hidden_read'><value>true</value></field></x>");
    assert_lacks(got, "<result ");
    assert_has(got, "<set " RSM "><count>0</count></set><count>0</count>");
    assert_has(ask(&me, "<iq type='get' id='f'><query " INBOX "/></iq>"),
               "<option label='bin'><value>bin</value></option>");
}

/* Three conversations of mine, the oldest first: me, p, you. */
static void say_three(void)
{
    say(&me, "me", "m", BODY);
    ask(&me, "<message to='p@localhost' type='chat'>" BODY "</message>");
    say(&me, "you", "m", BODY);
}

/* What stands between two marks of a text. */
static const char *between(const char *text, const char *begin, const char *end)
{
    static char part[160];
    const char *at = strstr(text, begin);
    assert_non_null(at);
    at += strlen(begin);
    text_copy(part, sizeof part, (struct str){at, (size_t)(strstr(at, end) - at)});
    return part;
}

static void pages_both_ways(void **state)
{
    (void)state;
    char set_element[300];
    say_three();
    const char *got = list(&me, "", "<set " RSM "><max>2</max></set>");
    assert_has(got, "jid='you@localhost'");
    assert_has(got, "jid='p@localhost'");
    assert_lacks(got, "jid='me@localhost'");
    assert_has(got, "<count>3</count>");
    snprintf(set_element, sizeof set_element, "<set " RSM "><max>2</max><after>%s</after></set>",
             between(got, "<last>", "</last>"));
    got = list(&me, "", set_element);
    assert_has(got, "jid='me@localhost'");
    assert_lacks(got, "jid='p@localhost'");
    snprintf(set_element, sizeof set_element, "<set " RSM "><max>1</max><before>%s</before></set>",
             between(got, "<first>", "</first>"));
    got = list(&me, "", set_element);
    assert_has(got, "jid='p@localhost'");
    assert_lacks(got, "jid='you@localhost'");
    got = query(&me, "<set " RSM "><max>1</max><before/></set>");
    assert_has(got, "to='me@localhost/r' type");
    assert_lacks(got, "complete=");
    got = query(&me, FORM "<field var='order'><value>asc</value></field></x>"
                          "<set " RSM "><max>1</max></set>");
    assert_has(got, "to='me@localhost/r' type");
    snprintf(set_element, sizeof set_element,
             FORM "<field var='order'><value>asc</value></field></x>"
                  "<set " RSM "><max>1</max><after>%s</after></set>",
             between(got, "<last>", "</last>"));
    got = query(&me, set_element);
    assert_has(got, "to='p@localhost' type");
    got = query(&me, "<set " RSM "><max>0</max></set>");
    assert_lacks(got, "<result ");
    assert_has(got, "<set " RSM "><count>3</count></set>");
}

static void goes_by_time(void **state)
{
    (void)state;
    char form[300], stamp[40];
    say(&me, "me", "m", BODY);
    text_copy(stamp, sizeof stamp, str_of(between(query(&me, ""), "stamp='", "'")));
    stage_pass(1000);
    query(&me, "");
    say(&me, "you", "m", BODY);
    snprintf(form, sizeof form, FORM "<field var='end'><value>%s</value></field></x>", stamp);
    const char *got = query(&me, form);
    assert_has(got, "to='me@localhost/r' type");
    assert_lacks(got, "to='you@localhost/r' type");
    snprintf(form, sizeof form, FORM "<field var='start'><value>%s</value></field></x>", stamp);
    got = query(&me, form);
    assert_has(got, "to='me@localhost/r' type");
    assert_has(got, "to='you@localhost/r' type");
}

static void a_page_is_at_most_so_long(void **state)
{
    (void)state;
    open_with("max_result_limit: 2");
    say_three();
    uint64_t before = stage_counted("inbox_entries_total");
    assert_lacks(query(&me, ""), "complete=");
    assert_int_equal(stage_counted("inbox_entries_total") - before, 2);
    query(&me, "<set " RSM "><max>100</max></set>");
    assert_int_equal(stage_counted("inbox_entries_total") - before, 4);
    stage_close();
}

static void on_done(struct store_op *op)
{
    assert_int_equal(op->outcome, ERR_OK);
}

/* A message that nobody has to carry. */
static void store_large(const char *peer)
{
    enum { LARGE = 400000 };
    struct store_op *op = store_op_new(STORE_MAM_STORE, on_done, NULL);
    char *body = arena_take(&op->arena, LARGE);
    int len = snprintf(body, LARGE, "<message><body>");
    memset(body + len, 'x', (size_t)(LARGE - len));
    memcpy(body + LARGE - 17, "</body></message>", 17);
    op->message.id = stanza_id_next(0, shard_self->unix_us);
    op->message.sender = STR("me@localhost");
    op->message.recipient = arena_str(&op->arena, str_of(peer));
    op->message.body = (struct str){body, LARGE};
    op->message.inbox = STORE_INBOX_SENDER;
    store_ask(op, 0);
    stage_pass(20);
}

/* Which of the peers a@x to d@x are listed, as their letters. The client reads on and on. */
static const char *peers_of(const char *children)
{
    static char letters[8];
    const char *part = list(&me, "", children);
    size_t count = 0;
    for (; *part && count < sizeof letters - 1; part = stage_written(&me))
        for (const char *at = part; count < sizeof letters - 1 && (at = strstr(at, "jid='")); at++)
            letters[count++] = at[5];
    letters[count] = '\0';
    return letters;
}

static void a_page_is_at_most_so_large(void **state)
{
    (void)state;
    const char *const peers[] = {"a@x", "b@x", "c@x", "d@x"};
    for (size_t i = 0; i < COUNT_OF(peers); i++)
        store_large(peers[i]);
    assert_string_equal(peers_of(""), "dc");
    assert_string_equal(peers_of("<set " RSM "><before/></set>"), "ba");
    assert_has(list(&me, "messages='0'", ""), "jid='a@x'");
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {FORM "<field var='start'><value>x</value></field></x>", "`start`"},
        {FORM "<field var='end'><value>2026-01-01</value></field></x>", "`end`"},
        {FORM "<field var='order'><value>up</value></field></x>", "`order`"},
        {FORM "<field var='hidden_read'><value>maybe</value></field></x>", "`hidden_read`"},
        {FORM "<field var='box'><value>work</value></field></x>", "`box`"},
        {FORM "<field var='archive'><value>x</value></field></x>", "`archive`"},
        {FORM "<field var='colour'><value>red</value></field></x>", "`colour`"},
        {"<x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>x</value></field></x>",
         "FORM_TYPE"},
        {"<set " RSM "><max>x</max></set>", "`max`"},
        {"<set " RSM "><after>x</after></set>", "`after`"},
        {"<set " RSM "><before>1/x</before></set>", "`before`"},
        {"<set " RSM "><index>3</index></set>", "feature-not-implemented"},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const char *got = query(&me, wrong[i][0]);
        assert_has(got, "type='error'");
        assert_has(got, wrong[i][1]);
        assert_has(got, i + 1 < COUNT_OF(wrong) ? "<bad-request " : "");
    }
    assert_has(list(&me, "unread-only='x'", ""), "`unread-only`");
    assert_has(list(&me, "messages='x'", ""), "`messages`");
    static const char *const others[] = {
        "<iq type='set' id='o' to='you@localhost'><inbox " INBOX "/></iq>",
        "<iq type='get' id='o' to='you@localhost'><query " INBOX "/></iq>",
        "<iq type='set' id='o' to='you@localhost'><reset " INBOX " jid='a@b'/></iq>",
        "<iq type='set' id='o' to='you@localhost'><empty-bin " INBOX "/></iq>",
        "<iq type='get' id='o' to='you@localhost'><query " TALK " jid='a@b'/></iq>",
        "<iq type='set' id='o' to='you@localhost'><query " TALK " jid='a@b'/></iq>",
        "<iq type='get' id='o' to='you@localhost'><inbox " LIST "/></iq>",
    };
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_has(ask(&me, others[i]), "<forbidden ");
}

static void changes_properties(void **state)
{
    (void)state;
    open_with("boxes: [work]");
    static const char *const wrong[][2] = {
        {"", "no-property"},
        {"<box>none</box>", "invalid-box"},
        {"<archive>x</archive>", "invalid-archive"},
        {"<read>x</read>", "invalid-read"},
        {"<mute>-1</mute>", "invalid-mute"},
        {"<pin>true</pin>", "unknown-property"},
    };
    say(&me, "you", "m", BODY);
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_has(set(&me, "you", wrong[i][0]), wrong[i][1]);
    assert_has(set(&me, "@", "<read>true</read>"), "invalid-jid");
    assert_has(set(&me, "nobody", "<read>true</read>"), "<item-not-found ");
    ask(&me, "<presence/>");
    const char *got = set(&me, "you", "<box>work</box><mute>60</mute><read>false</read>");
    assert_has(got, "id='s' type='result'");
    got = ask(&me, "<iq type='get' id='g'><query " TALK " jid='you@localhost'/></iq>");
    assert_has(got, "<query " TALK "><box>work</box><archive>false</archive><mute>2");
    assert_has(got, "Z</mute><read>false</read></query>");
    stage_pass(61000);
    got = ask(&me,
              "<iq type='get' id='g'><query " TALK " jid='you@localhost' complete='true'/></iq>");
    assert_has(got, "<query " TALK "><forwarded ");
    assert_has(got, "<mute>0</mute>");
    say(&you, "me", "m", BODY); /* a message moves it from the archive only */
    assert_has(query(&me, FORM "<field var='box'><value>work</value></field></x>"), "unread='2'");
    set(&me, "you", "<archive>true</archive>");
    assert_has(query(&me, FORM "<field var='archive'><value>true</value></field></x>"),
               "<archive>true</archive>");
    assert_lacks(query(&me, FORM "<field var='archive'><value>false</value></field></x>"),
                 "<result ");
    say(&you, "me", "m", BODY);
    assert_has(query(&me, FORM "<field var='archive'><value>false</value></field></x>"),
               "<box>inbox</box>");
    assert_has(ask(&me, "<iq type='get' id='g'><query " TALK " jid='you@x'/></iq>"),
               "<item-not-found ");
    assert_has(ask(&me, "<iq type='get' id='g'><query " TALK "/></iq>"),
               "<option><value>work</value></option>");
    stage_close();
}

static void tells_all_resources(void **state)
{
    (void)state;
    struct actor other = stage_login("me", "other");
    stage_ask(&other, "<presence/>");
    say(&me, "you", "m", BODY);
    stage_written(&other);
    set(&me, "you", "<mute>0</mute><read>true</read>");
    assert_has(stage_written(&other),
               "<message from='me@localhost' to='me@localhost' id='s'><x " TALK
               " jid='you@localhost'><box>inbox</box><archive>false</archive><mute>0</mute>"
               "<read>true</read></x></message>");
}

static void on_clean(struct store_op *op)
{
    assert_int_equal(op->outcome, ERR_OK);
    *(uint64_t *)op->owner = op->inbox.count;
}

/* How many have expired by then, in seconds from now. */
static uint64_t clean_at(uint64_t seconds)
{
    uint64_t count = 0;
    struct store_op *op = store_op_new(STORE_INBOX_CLEAN, on_clean, &count);
    op->inbox.now_us = shard_self->unix_us + seconds * 1000000;
    store_ask(op, 0);
    stage_pass(20);
    return count;
}

static void empties_bins(void **state)
{
    (void)state;
    open_with("bin_ttl: 2");
    say_three();
    set(&me, "you", "<box>bin</box>");
    set(&me, "p", "<box>bin</box>");
    const char *got = list(&me, "", "");
    assert_has(got, "total='1'");
    assert_lacks(got, "you@localhost");
    assert_lacks(query(&me, ""), "you@localhost");
    assert_has(query(&me, FORM "<field var='box'><value>all</value></field></x>"), "you@localhost");
    set(&me, "p", "<box>inbox</box>");
    assert_int_equal(clean_at(2 * 86400 - 10), 0);
    assert_int_equal(clean_at(2 * 86400 + 10), 1);
    got = query(&me, FORM "<field var='box'><value>all</value></field></x>");
    assert_lacks(got, "you@localhost");
    assert_has(got, "p@localhost");
    set(&me, "p", "<box>bin</box>");
    assert_has(ask(&me, "<iq type='set' id='e'><empty-bin " INBOX "/></iq>"),
               "<empty-bin " INBOX "><num>1</num></empty-bin>");
    assert_has(list(&me, "", ""), "total='1'");
    stage_close();
}

/* One that has expired is gone when the cleaner has come. */
static void cleans_bins_now_and_then(void **state)
{
    (void)state;
    uint64_t before = stage_counted("inbox_cleaned_total");
    say(&me, "you", "m", BODY);
    struct store_op *op = store_op_new(STORE_INBOX_SET, on_done, NULL);
    op->inbox.owner = STR("me@localhost");
    op->inbox.peer = STR("you@localhost");
    op->inbox.set.box = STR("bin");
    op->inbox.set.expires_us = 1;
    store_ask(op, 0);
    stage_pass(3590 * 1000);
    assert_int_equal(stage_counted("inbox_cleaned_total") - before, 0);
    stage_pass(20 * 1000);
    assert_int_equal(stage_counted("inbox_cleaned_total") - before, 1);
}

static void refuses_bad_configurations(void **state)
{
    (void)state;
    assert_has(stage_refusal("{inbox: {}}", ""), "needs the module mam");
    assert_has(stage_refusal("{mam: {}, inbox: {boxes: [all]}}", ""), "`boxes`");
    assert_has(stage_refusal("{mam: {}, inbox: {boxes: [bin]}}", ""), "`boxes`");
    assert_has(stage_refusal("{mam: {}, inbox: {boxes: [a, b, a]}}", ""), "inbox.boxes");
    assert_has(stage_refusal("{mam: {}, inbox: {reset_markers: [seen]}}", ""), "reset_markers");
    assert_string_equal(stage_refusal("{mam: {}, inbox: {boxes: [a, b]}}", ""), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* the first: ids never go back, and the clock of a new stage does */
        cmocka_unit_test_setup_teardown(goes_by_time, up, down),
        cmocka_unit_test_setup_teardown(counts_what_is_to_be_read, up, down),
        cmocka_unit_test_setup_teardown(knows_notes_to_oneself, up, down),
        cmocka_unit_test_setup_teardown(reads_up_to_a_marker, up, down),
        cmocka_unit_test_setup_teardown(takes_many_markers, up, down),
        cmocka_unit_test(resets_by_the_markers_that_are_told),
        cmocka_unit_test_setup_teardown(resets_by_request, up, down),
        cmocka_unit_test_setup_teardown(tells_what_mongooseim_tells, up, down),
        cmocka_unit_test_setup_teardown(pages_both_ways, up, down),
        cmocka_unit_test(a_page_is_at_most_so_long),
        cmocka_unit_test_setup_teardown(a_page_is_at_most_so_large, up, down),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, up, down),
        cmocka_unit_test(changes_properties),
        cmocka_unit_test_setup_teardown(tells_all_resources, up, down),
        cmocka_unit_test(empties_bins),
        cmocka_unit_test_setup_teardown(cleans_bins_now_and_then, up, down),
        cmocka_unit_test(refuses_bad_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
