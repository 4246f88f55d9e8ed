/*
 * What modules do together: each subset of an inactive client (csi), a resumable one (sm), a cut
 * and a resumption, copies for another resource (carbons) and a block goes through one
 * conversation. Whatever is on: nothing is lost, doubled or out of order, and nothing passes a
 * block.
 */
#include "stage.h"

#include <stdlib.h>

enum {
    INACTIVE = 1,
    MANAGED = 2,
    COPIES = 4,
    BLOCK = 8,
    CUT = 16, /* only with MANAGED */
    SUBSETS = 32,
};

static struct actor me, desk, you;
static char id[64];
static struct buf heard, copied; /* by `me` on all connections, by `desk` */
static unsigned subset, said, refused;
static bool blocked;
static char expected[16][16]; /* bodies that must arrive, in order */
static size_t expected_count;

static bool on(unsigned part)
{
    return (subset & part) != 0;
}

static _Noreturn void fail_now(const char *what, const char *text)
{
    fail_msg("subset %u%s%s%s%s%s: %s: %s", subset, on(INACTIVE) ? " inactive" : "",
             on(MANAGED) ? " managed" : "", on(COPIES) ? " copies" : "", on(BLOCK) ? " block" : "",
             on(CUT) ? " cut" : "", what, text);
    abort();
}

static void listen(struct buf *into, const struct actor *actor)
{
    if (actor->peer)
        buf_push_str(into, str_of(stage_written(actor)));
}

static void must(const struct actor *actor, const char *xml, const char *part)
{
    const char *answer = stage_ask(actor, xml);
    if (!strstr(answer, part))
        fail_now(xml, answer);
    buf_push_str(actor == &desk ? &copied : &heard, str_of(answer));
}

/* --- The parts --- */

static void manage(void)
{
    const char *answer = stage_ask(&me, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    const char *at = strstr(answer, "id='");
    assert_non_null(at);
    text_copy(id, sizeof id, str_cut(str_of(at + 4), '\'', &(struct str){0}));
}

static unsigned count_of(const struct buf *text, const char *part)
{
    unsigned count = 0;
    struct str rest = buf_str(text);
    for (char *at; rest.len && (at = memmem(rest.at, rest.len, part, strlen(part)));) {
        rest.len -= (size_t)(at + 1 - rest.at);
        rest.at = at + 1;
        count++;
    }
    return count;
}

static void cut_cable(void)
{
    listen(&heard, &me);
    sim_reset(me.peer);
    me.peer = NULL;
    sim_settle(1000);
    shard_enter(shard_at(0));
}

/* The client counts what it has handled: all messages that it heard since it enabled. */
static void resume(void)
{
    char xml[192];
    struct actor fresh = stage_authenticate("me");
    stage_written(&fresh);
    snprintf(xml, sizeof xml, "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%u'/>", id,
             count_of(&heard, "<message "));
    const char *answer = stage_ask(&fresh, xml);
    if (!strstr(answer, "<resumed "))
        fail_now("not resumed", answer);
    buf_push_str(&heard, str_of(answer));
    me.peer = fresh.peer;
}

static void set_block(bool wanted)
{
    char xml[192];
    snprintf(xml, sizeof xml,
             "<iq type='set' id='b'><%s xmlns='urn:xmpp:blocking'><item jid='you@localhost'/></%s>"
             "</iq>",
             wanted ? "block" : "unblock", wanted ? "block" : "unblock");
    must(&desk, xml, "id='b' type='result'");
    blocked = wanted;
}

/* --- The conversation --- */

static void say(const char *to)
{
    char xml[256], body[16];
    snprintf(body, sizeof body, "<body>%u</body>", ++said);
    snprintf(xml, sizeof xml, "<message to='%s' type='chat' id='m%u'>%s</message>", to, said, body);
    const char *answer = stage_ask(&you, xml);
    if ((strstr(answer, "<service-unavailable ") != NULL) != blocked)
        fail_now(xml, answer);
    refused += blocked;
    if (!blocked)
        text_copy(expected[expected_count++], sizeof expected[0], str_of(body));
    listen(&heard, &me);
    listen(&copied, &desk);
}

/* A chat state can wait for an inactive client; what comes behind it lets it out. */
static void type(void)
{
    stage_ask(&you, "<message to='me@localhost/r' type='chat'>"
                    "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>");
    listen(&heard, &me);
    listen(&copied, &desk);
}

static void talk(void)
{
    say("me@localhost/r");
    type();
    say("me@localhost");
}

static void converse(void)
{
    talk();
    if (on(CUT))
        cut_cable();
    talk();
    if (on(BLOCK)) {
        set_block(true);
        talk();
        set_block(false);
    }
    if (on(CUT))
        resume();
    talk();
    must(&me, "<active xmlns='urn:xmpp:csi:0'/>", "");
    must(&me, "<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>", "id='p'");
}

/* --- What came of it --- */

static void check_heard(void)
{
    struct str rest = buf_str(&heard);
    for (size_t i = 0; i < expected_count; i++) {
        if (count_of(&heard, expected[i]) != 1)
            fail_now("lost or doubled", expected[i]);
        char *at = memmem(rest.at, rest.len, expected[i], strlen(expected[i]));
        if (!at)
            fail_now("out of order", expected[i]);
        rest.len -= (size_t)(at - rest.at);
        rest.at = at;
    }
    if (count_of(&heard, "<body>") != expected_count)
        fail_now("more than was sent", buf_str(&heard).at);
}

static void check_copied(void)
{
    for (size_t i = 0; i < expected_count; i++)
        if (count_of(&copied, expected[i]) != on(COPIES))
            fail_now("wrong number of copies", expected[i]);
    if (count_of(&copied, "<body>") != (on(COPIES) ? expected_count : 0))
        fail_now("more copies than messages", "");
}

static void one_subset(void)
{
    stage_open("{csi: {}, sm: {}, carbons: {}, blocking: {}, privacy: {}, ping: {}, mam: {},"
               " amp: {}, caps: {}}",
               "");
    stage_account("me");
    stage_account("you");
    me = stage_login("me", "r");
    desk = stage_login("me", "desk");
    you = stage_login("you", "r");
    desk.session->priority = -1; /* what is for all is for `me` */
    said = refused = 0;
    expected_count = 0;
    blocked = false;
    if (on(COPIES))
        must(&desk, "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>", "result");
    if (on(MANAGED))
        manage();
    if (on(INACTIVE))
        must(&me, "<inactive xmlns='urn:xmpp:csi:0'/>", "");
    converse();
    check_heard();
    check_copied();
    assert_int_equal(refused, on(BLOCK) ? 2 : 0);
    stage_close();
    buf_fini(&heard);
    buf_fini(&copied);
}

static void every_subset_goes_through(void **state)
{
    (void)state;
    for (subset = 0; subset < SUBSETS; subset++)
        if (!on(CUT) || on(MANAGED))
            one_subset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_subset_goes_through)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
