/*
 * Nodes of accounts over many seeds: users on several shards publish, subscribe, let each other in
 * and out, block, change their cards and go without a word, while reads are split, completions are
 * late, and the storage is slow or away. What was acknowledged as published must be there in the
 * end, or something later; who is told of a node is told of nothing older than before; and nothing
 * is left behind.
 */
#include "check.h"
#include "sim_server.h"

#include <stdio.h>
#include <stdlib.h>

enum { USERS = 4, STEPS = 1200, VALUES = 100000 };

static const char *const names[] = {"u0", "u1", "u2", "u3", NULL};
static const char caps[] = "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' "
                           "ver='nSfRPAauqqFS54FvYvBIw7CjDpw='/>";

static const char modules[] =
    "modules: {presence: {}, roster: {}, caps: {}, disco: {}, blocking: {}, privacy: {}, csi: {},\n"
    "  sm: {}, mam: {}, carbons: {}, vcard: {}, private: {}, pep: {max_nodes: 6},\n"
    "  shaper: {rates: [{name: slow, max_rate: 1000}]}}\n";

struct user {
    struct sim_peer *peer; /* NULL: not there */
    struct buf in;
    unsigned asked;        /* the value of the publication that was asked for last */
    unsigned acked;        /* the latest that was acknowledged */
    uint64_t free_us;      /* no other is under way then: a slow storage answers in any order */
    unsigned heard[USERS]; /* the latest value of each that it was told of, since it came */
};

static struct user users[USERS];
static uint64_t seed_now;
static unsigned long published, heard;

static _Noreturn void fail(const char *what, unsigned user, unsigned long got, unsigned long wanted)
{
    fprintf(stderr, "seed %llu: u%u: %s: %lu, expected %lu\n", (unsigned long long)seed_now, user,
            what, got, wanted);
    abort();
}

static void say(struct user *user, const char *text)
{
    sim_send(user->peer, str_of(text));
}

/* --- Coming and going --- */

/* All at once, as a client in a hurry may. */
static void come(unsigned number)
{
    static const char open[] = "<stream:stream xmlns='jabber:client' to='localhost' version='1.0' "
                               "xmlns:stream='http://etherx.jabber.org/streams'>";
    struct user *user = &users[number];
    char plain[16], coded[32], text[1000];
    user->peer = sim_connect(SIM_PORT_C2S);
    memset(user->heard, 0, sizeof user->heard);
    int len = snprintf(plain, sizeof plain, "%cu%u%csecret", 0, number, 0);
    size_t coded_len = base64_encode(plain, (size_t)len, coded);
    snprintf(text, sizeof text,
             "%s<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%.*s</auth>%s"
             "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
             "<presence>%s</presence>",
             open, (int)coded_len, coded, open, sim_chance(80) ? caps : "");
    say(user, text);
}

static void go(struct user *user)
{
    if (sim_chance(50))
        sim_reset(user->peer);
    else
        sim_finish(user->peer);
    user->peer = NULL;
    buf_fini(&user->in);
    user->free_us = sim_now_us + 5000000; /* what it has sent before is still done */
}

/* --- What comes --- */

static unsigned long number_behind(const char *at, const char *what)
{
    const char *found = strstr(at, what);
    return found ? strtoul(found + strlen(what), NULL, 10) : VALUES;
}

static void hear(unsigned number, const char *message)
{
    struct user *user = &users[number];
    unsigned long from = number_behind(message, "from='u"), value = number_behind(message, "v='");
    if (!strstr(message, "#event") || !strstr(message, "<items ") || from >= USERS ||
        value >= VALUES)
        return;
    if (value < user->heard[from])
        fail("was told of something older", number, value, user->heard[from]);
    user->heard[from] = (unsigned)value;
    heard++;
}

static void acknowledge(unsigned number, const char *iq)
{
    struct user *user = &users[number];
    unsigned long value = number_behind(iq, " id='p");
    if (value == user->asked)
        user->free_us = 0;
    if (!strstr(iq, "type='result'") || value >= VALUES)
        return;
    if (value > user->acked)
        user->acked = (unsigned)value;
    published++;
}

static void answer_caps(struct user *user, const char *iq)
{
    char text[400];
    const char *id = strstr(iq, " id='caps-");
    if (!id || !strstr(iq, "node='n#"))
        return;
    snprintf(text, sizeof text,
             "<iq type='result' to='localhost' id='caps-%lu'>"
             "<query xmlns='http://jabber.org/protocol/disco#info'>"
             "<identity category='client' type='pc'/><feature var='urn:n+notify'/></query></iq>",
             strtoul(id + strlen(" id='caps-"), NULL, 10));
    say(user, text);
}

static void take(unsigned number, const char *stanza)
{
    if (memcmp(stanza, "<message", 8) == 0)
        hear(number, stanza);
    acknowledge(number, stanza);
    answer_caps(&users[number], stanza);
}

/* Behind the stanza that begins here; NULL: not all of it is there. */
static const char *end_of(const char *stanza, size_t len)
{
    const char *tag = memchr(stanza, '>', len);
    const char *name = stanza[1] == 'i' ? "</iq>" : "</message>";
    if (!tag || tag[-1] == '/')
        return tag ? tag + 1 : NULL;
    const char *end = memmem(stanza, len, name, strlen(name));
    return end ? end + strlen(name) : NULL;
}

/* Whole stanzas of those two kinds, in the order in which they came. */
static void read_all(unsigned number)
{
    struct user *user = &users[number];
    struct buf *got = sim_received(user->peer);
    buf_push_str(&user->in, buf_str(got));
    buf_fini(got);
    for (;;) {
        const char *at = (const char *)buf_at(&user->in);
        size_t len = buf_len(&user->in);
        const char *message = at ? memmem(at, len, "<message ", 9) : NULL;
        const char *iq = at ? memmem(at, len, "<iq ", 4) : NULL;
        const char *first = !message || (iq && iq < message) ? iq : message;
        const char *end = first ? end_of(first, len - (size_t)(first - at)) : NULL;
        if (!end)
            return;
        char *stanza = strndup(first, (size_t)(end - first));
        take(number, stanza);
        free(stanza);
        buf_pop(&user->in, (size_t)(end - at));
    }
}

/* --- What users do --- */

#define PUBSUB "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
#define OWNER  "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>"

/* %1$u: a number, %2$u: a user. */
static const char *const deeds[] = {
    "<iq type='get' id='a%1$u' to='u%2$u@localhost'>" PUBSUB "<items node='urn:n'/></pubsub></iq>",
    "<iq type='set' id='a%1$u' to='u%2$u@localhost'>" PUBSUB
    "<subscribe node='urn:n' jid='u%2$u@localhost'/></pubsub></iq>",
    "<iq type='set' id='a%1$u'>" PUBSUB "<publish node='urn:o%2$u'><item id='x%1$u'>"
    "<o xmlns='urn:o'/></item></publish></pubsub></iq>",
    "<iq type='set' id='a%1$u'>" PUBSUB "<retract node='urn:o%2$u' notify='1'><item id='x%1$u'/>"
    "</retract></pubsub></iq>",
    "<iq type='set' id='a%1$u'>" OWNER "<delete node='urn:o%2$u'/></pubsub></iq>",
    "<iq type='set' id='a%1$u'>" OWNER "<purge node='urn:o%2$u'/></pubsub></iq>",
    "<iq type='set' id='a%1$u'>" OWNER "<affiliations node='urn:n'><affiliation "
    "jid='u%2$u@localhost' affiliation='member'/></affiliations></pubsub></iq>",
    "<iq type='get' id='a%1$u' to='u%2$u@localhost'>"
    "<query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
    "<iq type='set' id='a%1$u'><vCard xmlns='vcard-temp'><PHOTO><BINVAL>AAA%2$u</BINVAL></PHOTO>"
    "</vCard></iq>",
    "<iq type='set' id='a%1$u'><query xmlns='jabber:iq:private'>"
    "<storage xmlns='storage:bookmarks'><conference jid='r%1$u@muc'/></storage></query></iq>",
    "<iq type='get' id='a%1$u'><query xmlns='jabber:iq:private'>"
    "<storage xmlns='storage:bookmarks'/></query></iq>",
    "<message to='u%2$u@localhost'><body>x</body><displayed xmlns='urn:xmpp:mds:displayed:0'>"
    "<stanza-id xmlns='urn:xmpp:sid:0' id='%1$u'/></displayed></message>",
    "<presence type='subscribe' to='u%2$u@localhost'/>",
    "<presence type='subscribed' to='u%2$u@localhost'/>",
    "<presence type='subscribed' to='u%2$u@localhost'/>",
    "<presence type='unsubscribed' to='u%2$u@localhost'/>",
    "<iq type='set' id='a%1$u'><block xmlns='urn:xmpp:blocking'><item jid='u%2$u@localhost'/>"
    "</block></iq>",
    "<iq type='set' id='a%1$u'><unblock xmlns='urn:xmpp:blocking'/></iq>",
    "<inactive xmlns='urn:xmpp:csi:0'/>",
    "<active xmlns='urn:xmpp:csi:0'/>",
    "<presence type='unavailable'/>",
};

static void publish(struct user *user)
{
    char text[400];
    if (sim_now_us < user->free_us)
        return;
    user->free_us = sim_now_us + 1000000;
    user->asked++;
    snprintf(text, sizeof text,
             "<iq type='set' id='p%u'>" PUBSUB "<publish node='urn:n'><item id='i'>"
             "<n xmlns='urn:n' v='%u'/></item></publish></pubsub></iq>",
             user->asked, user->asked);
    say(user, text);
}

static void act(unsigned number)
{
    struct user *user = &users[number];
    char text[600];
    if (!user->peer || sim_is_closed(user->peer)) {
        if (user->peer)
            go(user);
        come(number);
        return;
    }
    read_all(number);
    if (sim_chance(4)) {
        go(user);
    } else if (sim_chance(40)) {
        publish(user);
    } else {
        const char *deed = deeds[prng_below(&sim_prng, sizeof deeds / sizeof *deeds)];
        snprintf(text, sizeof text, deed, (unsigned)prng_below(&sim_prng, 4),
                 (unsigned)prng_below(&sim_prng, USERS));
        say(user, text);
    }
}

/* --- The end --- */

static void rest(unsigned number)
{
    for (int i = 0; i < 12; i++) {
        sim_settle(3000);
        sim_pass(300);
        read_all(number);
    }
}

/* The storage answers again; what the owner gets is what is in memory, or was read anew. */
static void look(unsigned number)
{
    struct user *user = &users[number];
    if (user->peer)
        go(user);
    sim_settle(3000);
    come(number);
    rest(number);
    buf_fini(&user->in);
    say(user, "<iq type='get' id='look'>" PUBSUB "<items node='urn:n'/></pubsub></iq>");
    unsigned long value = VALUES;
    for (int i = 0; i < 20 && value == VALUES; i++) {
        sim_settle(3000);
        sim_pass(300);
        struct buf *got = sim_received(user->peer);
        buf_push_str(&user->in, buf_str(got));
        buf_fini(got);
        char *text = strndup((const char *)buf_at(&user->in), buf_len(&user->in));
        const char *answer = text ? strstr(text, "id='look'") : NULL;
        if (answer)
            value = number_behind(answer, "v='");
        free(text);
    }
    if (user->acked && (value == VALUES || value < user->acked))
        fail("what was acknowledged is not there", number, value, user->acked);
}

static void run(uint64_t seed)
{
    struct sim_faults faults = {.split_percent = 30,
                                .delay_percent = 30,
                                .store_slow_percent = 30,
                                .store_down_percent = (unsigned)(seed % 3) * 4};
    seed_now = seed;
    memset(users, 0, sizeof users);
    sim_server_open(3, seed, faults, names, modules);
    for (int step = 0; step < STEPS; step++) {
        act((unsigned)prng_below(&sim_prng, USERS));
        for (int turns = (int)prng_below(&sim_prng, 40); turns; turns--)
            sim_step();
        if (sim_chance(10))
            sim_pass(prng_below(&sim_prng, 200));
    }
    sim_faults.store_down_percent = 0;
    for (unsigned number = 0; number < USERS; number++)
        look(number);
    for (unsigned number = 0; number < USERS; number++)
        go(&users[number]);
    for (int i = 0; i < 40 && sim_server_sessions(); i++) {
        sim_settle(3000);
        sim_pass(1000);
    }
    if (sim_server_sessions())
        fail("sessions are left", 0, sim_server_sessions(), 0);
    sim_server_close();
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 20;
    for (uint64_t seed = first; seed < first + count; seed++)
        run(seed);
    printf("%lu published, %lu heard\n", published, heard);
    return published && heard ? 0 : 1;
}
