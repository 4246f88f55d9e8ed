/*
 * What modules do together: each subset of an inactive client (csi), a resumable one (sm), a cut
 * and a resumption, copies for another resource (carbons) and a block goes through one
 * conversation, and is about the client that is spoken to or about the one that gets the copies.
 * Whatever is on: nothing is lost, doubled or out of order, and nothing passes a block.
 */
#include "stage.h"

#include <stdlib.h>

enum {
    INACTIVE = 1,
    MANAGED = 2,
    COPIES = 4,
    BLOCK = 8,
    CUT = 16,     /* only with MANAGED */
    AT_DESK = 32, /* only with COPIES: the client that gets them is inactive, managed, cut */
    SUBSETS = 64,
};

/* Bodies that must arrive somewhere, in order, and what did. */
struct hearer {
    char bodies[24][16];
    size_t count;
    struct buf heard; /* on all connections */
};

static struct actor me, desk, you, *subject;
static struct hearer at_me, at_desk, at_you;
static char id[64];
static unsigned subset, said, refused;
static bool blocked;

static bool on(unsigned part)
{
    return (subset & part) != 0;
}

static _Noreturn void fail_now(const char *what, const char *text)
{
    fail_msg("subset %u%s%s%s%s%s%s: %s: %s", subset, on(INACTIVE) ? " inactive" : "",
             on(MANAGED) ? " managed" : "", on(COPIES) ? " copies" : "", on(BLOCK) ? " block" : "",
             on(CUT) ? " cut" : "", on(AT_DESK) ? " at the desk" : "", what, text);
    abort();
}

static struct hearer *hearer_of(const struct actor *actor)
{
    return actor == &desk ? &at_desk : actor == &me ? &at_me : &at_you;
}

static void listen_all(void)
{
    const struct actor *all[] = {&me, &desk, &you};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (all[i]->peer)
            buf_push_str(&hearer_of(all[i])->heard, str_of(stage_written(all[i])));
}

static const char *ask(const struct actor *actor, const char *xml)
{
    const char *answer = stage_ask(actor, xml);
    buf_push_str(&hearer_of(actor)->heard, str_of(answer));
    return answer;
}

static void must(const struct actor *actor, const char *xml, const char *part)
{
    const char *answer = ask(actor, xml);
    if (!strstr(answer, part))
        fail_now(xml, answer);
}

static void expect(struct hearer *hearer, const char *body)
{
    text_copy(hearer->bodies[hearer->count++], sizeof hearer->bodies[0], str_of(body));
}

/* --- The parts --- */

static void manage(void)
{
    const char *answer = ask(subject, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
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
    listen_all();
    sim_reset(subject->peer);
    subject->peer = NULL;
    sim_settle(1000);
    shard_enter(shard_at(0));
}

/* The client counts what it has handled: all messages that it heard since it enabled. What copies
 * have inside is in the namespace of clients, and says so. */
static void resume(void)
{
    char xml[192];
    struct actor fresh = stage_authenticate("me");
    struct buf *heard = &hearer_of(subject)->heard;
    stage_written(&fresh);
    snprintf(xml, sizeof xml, "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%u'/>", id,
             count_of(heard, "<message ") - count_of(heard, "<message xmlns='jabber:client'"));
    const char *answer = stage_ask(&fresh, xml);
    if (!strstr(answer, "<resumed "))
        fail_now("not resumed", answer);
    buf_push_str(heard, str_of(answer));
    subject->peer = fresh.peer;
}

static void set_block(bool wanted)
{
    char xml[192];
    snprintf(xml, sizeof xml,
             "<iq type='set' id='b'><%s xmlns='urn:xmpp:blocking'><item jid='you@localhost'/></%s>"
             "</iq>",
             wanted ? "block" : "unblock", wanted ? "block" : "unblock");
    must(subject == &me ? &desk : &me, xml, "id='b' type='result'");
    blocked = wanted;
}

/* --- The conversation --- */

/* From `from`, refused with that condition while there is a block. */
static void say(const struct actor *from, const char *to, const char *condition)
{
    char xml[256], body[16];
    snprintf(body, sizeof body, "<body>%u</body>", ++said);
    snprintf(xml, sizeof xml, "<message to='%s' type='chat' id='m%u'>%s</message>", to, said, body);
    const char *answer = stage_ask(from, xml);
    if ((strstr(answer, condition) != NULL) != blocked)
        fail_now(xml, answer);
    refused += blocked;
    if (!blocked) {
        buf_push_str(&hearer_of(from)->heard, str_of(answer));
        expect(from == &you ? &at_me : &at_you, body);
        if (on(COPIES))
            expect(&at_desk, body);
    }
    listen_all();
}

/* A chat state can wait for an inactive client; what comes behind it lets it out. */
static void type(void)
{
    ask(&you, "<message to='me@localhost/r' type='chat'>"
              "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>");
    listen_all();
}

static void talk(void)
{
    say(&you, "me@localhost/r", "<service-unavailable ");
    type();
    say(&you, "me@localhost", "<service-unavailable ");
    if (me.peer)
        say(&me, "you@localhost/r", "<not-acceptable ");
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
    must(subject, "<active xmlns='urn:xmpp:csi:0'/>", "");
    must(subject, "<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>",
         "id='p'");
}

/* --- What came of it --- */

static void check(struct hearer *hearer)
{
    struct str rest = buf_str(&hearer->heard);
    for (size_t i = 0; i < hearer->count; i++) {
        const char *body = hearer->bodies[i];
        if (count_of(&hearer->heard, body) != 1)
            fail_now("lost or doubled", body);
        char *at = memmem(rest.at, rest.len, body, strlen(body));
        if (!at)
            fail_now("out of order", body);
        rest.len -= (size_t)(at - rest.at);
        rest.at = at;
    }
    if (count_of(&hearer->heard, "<body>") != hearer->count)
        fail_now("more than was sent", buf_str(&hearer->heard).at);
    buf_fini(&hearer->heard);
    hearer->count = 0;
}

static void set_stage(void)
{
    stage_open("{csi: {}, sm: {}, carbons: {}, blocking: {}, privacy: {}, ping: {}, mam: {},"
               " amp: {}, caps: {}}",
               "");
    stage_account("me");
    stage_account("you");
    me = stage_login("me", "r");
    desk = stage_login("me", "desk");
    you = stage_login("you", "r");
    subject = on(AT_DESK) ? &desk : &me;
    desk.session->priority = -1; /* what is for all is for `me` */
    said = refused = 0;
    blocked = false;
}

static void one_subset(void)
{
    set_stage();
    if (on(COPIES))
        must(&desk, "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>", "result");
    if (on(MANAGED))
        manage();
    if (on(INACTIVE))
        must(subject, "<inactive xmlns='urn:xmpp:csi:0'/>", "");
    converse();
    check(&at_me);
    check(&at_desk);
    check(&at_you);
    assert_int_equal(refused, !on(BLOCK) ? 0 : on(CUT) && !on(AT_DESK) ? 2 : 3);
    stage_close();
}

static bool is_possible(void)
{
    return (!on(CUT) || on(MANAGED)) && (!on(AT_DESK) || on(COPIES));
}

static void every_subset_goes_through(void **state)
{
    (void)state;
    for (subset = 0; subset < SUBSETS; subset++)
        if (is_possible())
            one_subset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_subset_goes_through)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
