/*
 * Stream management over many seeds, with carbons, client states and block lists (of somebody who
 * says nothing; sim_chat has the others): clients chat while their connections are cut, half-closed
 * or left behind, reads are split and completions late. They resume, send again what the server has
 * not handled, and are sent again what they have not. Checked: each message and each copy arrives
 * once, in its order, and in the end no session, socket or timer is left.
 */
#include "check.h"
#include "parser.h"
#include "sim_server.h"
#include "stanza.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLIENTS = 6, USERS = 3, MESSAGES = 20, STEPS = 5000, STALE = 64 };

/* What a client sends in place of a numbered message. */
enum { CHAT_STATE = MESSAGES, CARBONS, BLOCK, UNBLOCK, OUT_MAX = 2 * CLIENTS * MESSAGES };

static const char *const users[] = {"u0", "u1", "u2", NULL};

static const char modules[] = "modules:\n"
                              "  sm: {resume_timeout: 1h}\n"
                              "  csi: {}\n"
                              "  carbons: {}\n"
                              "  blocking: {}\n"
                              "  privacy: {}\n"
                              "  ping: {}\n"
                              "  shaper: {rates: [{name: slow, max_rate: 1000}]}\n";

enum stage { GREETED, PROVEN, KNOWN, BOUND, UP };

struct client {
    struct sim_peer *peer;
    struct stream_in in;
    unsigned user, id;
    enum stage stage;
    char session[64]; /* what can be resumed; empty: nothing yet */
    unsigned handled; /* stanzas that came */
    unsigned out_to[OUT_MAX], out_number[OUT_MAX], out_count; /* stanzas since the session began */
    unsigned said, seen[CLIENTS];
    unsigned copies[CLIENTS][CLIENTS]; /* of messages from one to another that it was told of */
    bool ready;                        /* it gets carbons */
};

static struct client clients[CLIENTS];
static struct sim_peer *stale[STALE];
static unsigned stale_count;
static struct parser *parser;
static uint64_t seed_now;
static bool started, calm;
static unsigned long delivered, resumptions, cuts;

static _Noreturn void fail(const char *what, const struct client *client)
{
    fprintf(stderr, "seed %llu: client %u: %s\n", (unsigned long long)seed_now, client->id, what);
    abort();
}

static void say(struct client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct client *client, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (client->peer)
        sim_send(client->peer, (struct str){text, (size_t)len});
}

static void open_stream(struct client *client)
{
    stream_in_restart(&client->in);
    client->in.limit_len = 1 << 20;
    say(client, "<stream:stream xmlns='jabber:client' to='localhost' version='1.0' "
                "xmlns:stream='http://etherx.jabber.org/streams'>");
}

static void connect_again(struct client *client)
{
    stream_in_fini(&client->in);
    client->peer = sim_connect(SIM_PORT_C2S);
    client->stage = GREETED;
    open_stream(client);
}

/* The connection ends by reset or FIN, or stays and is not looked at again. */
static void cut(struct client *client)
{
    uint64_t how = prng_below(&sim_prng, 3);
    if (how == 0 || sim_is_closed(client->peer))
        sim_reset(client->peer);
    else if (how == 1 || stale_count == STALE)
        sim_finish(client->peer);
    else
        stale[stale_count++] = client->peer;
    cuts++;
    connect_again(client);
}

static void send_one(struct client *client, unsigned index)
{
    unsigned to = client->out_to[index], number = client->out_number[index];
    if (number == CARBONS)
        say(client, "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
    else if (number == BLOCK || number == UNBLOCK)
        say(client,
            "<iq type='set' id='k'><%s xmlns='urn:xmpp:blocking'><item "
            "jid='silent@localhost'/></%s>"
            "</iq>",
            number == BLOCK ? "block" : "unblock", number == BLOCK ? "block" : "unblock");
    else if (number == CHAT_STATE)
        say(client,
            "<message type='chat' to='u%u@localhost/r%u'>"
            "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
            clients[to].user, to);
    else
        say(client, "<message type='chat' to='u%u@localhost/r%u'><body>%u:%u</body></message>",
            clients[to].user, to, client->id, number);
}

static void send_new(struct client *client, unsigned to, unsigned number)
{
    CHECK(client->out_count < OUT_MAX);
    client->out_to[client->out_count] = to;
    client->out_number[client->out_count] = number;
    send_one(client, client->out_count++);
}

static void chat(struct client *client)
{
    if (!started || calm || client->said == MESSAGES || !sim_chance(20))
        return;
    for (unsigned to = 0; to < CLIENTS; to++) {
        if (sim_chance(15))
            send_new(client, to, CHAT_STATE);
        send_new(client, to, client->said);
    }
    client->said++;
    if (sim_chance(15))
        send_new(client, 0, sim_chance(50) ? BLOCK : UNBLOCK);
    if (sim_chance(30))
        say(client, "<%s xmlns='urn:xmpp:csi:0'/>", sim_chance(50) ? "active" : "inactive");
}

/* --- What comes --- */

/* `seen`: how many of that sender came before. */
static void count(struct client *client, unsigned *seen, uint64_t number)
{
    if (number != *seen)
        fail(number < *seen ? "a message was doubled" : "a message was lost", client);
    ++*seen;
    delivered++;
}

/* A copy of a message from or to the user's other resource. */
static const struct element *inside(const struct element *copy)
{
    const struct element *wrapper = element_child(copy, NS_CARBONS, NULL);
    const struct element *forwarded =
        wrapper ? element_child(wrapper, NS_FORWARD, "forwarded") : NULL;
    return forwarded ? element_child(forwarded, NS_CLIENT, "message") : NULL;
}

static void take_message(struct client *client, struct arena *arena, const struct element *message)
{
    const struct element *copy = inside(message);
    const struct element *body = element_child(copy ? copy : message, NS_CLIENT, "body");
    struct str number, from;
    uint64_t who = 0, what = 0;
    if (str_is(element_attr(message, "type"), "error"))
        fail("a message came back", client);
    if (!body) /* a chat state: a later one may have made it superfluous */
        return;
    from = str_cut(element_text(arena, body), ':', &number);
    CHECK(text_u64(from, 0, CLIENTS - 1, &who) && text_u64(number, 0, MESSAGES, &what));
    if (!copy) {
        count(client, &client->seen[who], what);
        return;
    }
    struct str to = element_attr(copy, "to");
    count(client, &client->copies[who][to.at[to.len - 1] - '0'], what);
}

static void take_stanza(struct client *client, struct arena *arena, const struct element *stanza)
{
    if (client->stage == KNOWN) { /* the answer to the bind request, before the count begins */
        client->stage = BOUND;
        say(client, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
        return;
    }
    client->handled++;
    client->ready |= str_is(element_attr(stanza, "id"), "c");
    if (stanza_kind(stanza) == STANZA_MESSAGE)
        take_message(client, arena, stanza);
}

static void take_resumed(struct client *client, const struct element *resumed)
{
    uint64_t h = 0;
    if (!text_u64(element_attr(resumed, "h"), 0, client->out_count, &h))
        fail("the server has handled more than was sent", client);
    client->stage = UP;
    resumptions++;
    for (unsigned i = (unsigned)h; i < client->out_count; i++)
        send_one(client, i);
}

static void take_sm(struct client *client, const struct element *element)
{
    if (str_is(element->name, "enabled")) {
        text_copy(client->session, sizeof client->session, element_attr(element, "id"));
        client->stage = UP;
        send_new(client, 0, CARBONS);
    } else if (str_is(element->name, "resumed")) {
        take_resumed(client, element);
    } else if (str_is(element->name, "failed")) {
        fail("the session is gone", client);
    } else if (str_is(element->name, "r") && sim_chance(70)) {
        say(client, "<a xmlns='urn:xmpp:sm:3' h='%u'/>", client->handled);
    }
}

static void take_features(struct client *client)
{
    char plain[32], coded[64];
    if (client->stage == GREETED) {
        int len = snprintf(plain, sizeof plain, "%cu%u%csecret", 0, client->user, 0);
        size_t coded_len = base64_encode(plain, (size_t)len, coded);
        client->stage = PROVEN;
        say(client, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%.*s</auth>",
            (int)coded_len, coded);
        return;
    }
    client->stage = KNOWN;
    if (client->session[0])
        say(client, "<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%u'/>", client->session,
            client->handled);
    else
        say(client,
            "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
            "<resource>r%u</resource></bind></iq>",
            client->id);
}

static void take(struct client *client, struct arena *arena, const struct element *element)
{
    if (element->ns == NS_SM)
        take_sm(client, element);
    else if (element_is(element, NS_STREAM, "features"))
        take_features(client);
    else if (element_is(element, NS_SASL, "success"))
        open_stream(client);
    else if (stanza_kind(element) != STANZA_NONE)
        take_stanza(client, arena, element);
}

static void read_all(struct client *client)
{
    struct buf *got = sim_received(client->peer);
    while (buf_len(got)) {
        struct arena arena;
        struct stream_item item;
        struct str rest = buf_str(got);
        size_t before = rest.len;
        arena_init(&arena);
        enum stream_event event = stream_in_next(&client->in, parser, &arena, &rest, &item);
        buf_pop(got, before - rest.len);
        if (event == STREAM_ELEMENT)
            take(client, &arena, item.element);
        arena_fini(&arena);
    }
}

static void act(struct client *client)
{
    read_all(client);
    if (sim_is_closed(client->peer)) {
        cut(client);
        return;
    }
    if (client->stage == UP)
        chat(client);
}

/* --- A seed --- */

static bool all_up(void)
{
    for (unsigned i = 0; i < CLIENTS; i++)
        if (clients[i].stage != UP || !clients[i].ready)
            return false;
    return true;
}

/* Nothing goes wrong for a while. */
static void settle(unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++) {
        sim_settle(50);
        if (round % 10 == 0) /* the storage may be slow */
            sim_pass(100);
        for (unsigned i = 0; i < CLIENTS; i++)
            act(&clients[i]);
    }
}

static size_t begin(uint64_t seed)
{
    sim_server_open(1 + (unsigned)(seed % 4), seed, (struct sim_faults){0}, users, modules);
    size_t timers = sim_server_timers();
    parser = parser_new();
    memset(clients, 0, sizeof clients);
    started = calm = false;
    stale_count = 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i].user = i % USERS;
        clients[i].id = i;
        connect_again(&clients[i]);
    }
    for (int i = 0; i < 100 && !all_up(); i++)
        settle(10);
    if (!all_up())
        fail("not all could log in", &clients[0]);
    started = true;
    return timers;
}

static void trouble(uint64_t seed)
{
    struct prng pick;
    prng_init(&pick, seed * 7919 + 3);
    sim_faults = (struct sim_faults){.split_percent = (unsigned)prng_below(&pick, 60),
                                     .delay_percent = (unsigned)prng_below(&pick, 60),
                                     .reset_per_million = 300,
                                     .store_slow_percent = (unsigned)prng_below(&pick, 40)};
    uint64_t often = 100 + prng_below(&pick, 1500);
    for (unsigned step = 0; step < STEPS; step++) {
        sim_step();
        act(&clients[prng_below(&sim_prng, CLIENTS)]);
        if (prng_below(&sim_prng, often) == 0)
            cut(&clients[prng_below(&sim_prng, CLIENTS)]);
    }
    sim_faults = (struct sim_faults){0};
}

/* A client hears of what its user's other resource got, and sent to others. */
static void check_copies(const struct client *client, const struct client *from,
                         const struct client *to)
{
    bool received = to->user == client->user && to != client && from != client;
    bool sent = from->user == client->user && from != client && to->user != client->user;
    if (client->copies[from->id][to->id] != (received || sent ? from->said : 0))
        fail("did not get the right copies", client);
}

static void check_all(void)
{
    calm = true;
    for (unsigned i = 0; i < CLIENTS; i++)
        say(&clients[i], "<active xmlns='urn:xmpp:csi:0'/>");
    settle(200);
    if (!all_up())
        fail("not all are back", &clients[0]);
    for (unsigned i = 0; i < CLIENTS; i++)
        for (unsigned k = 0; k < CLIENTS; k++)
            if (clients[i].seen[k] != clients[k].said)
                fail("did not get all messages", &clients[i]);
    for (unsigned i = 0; i < CLIENTS; i++)
        for (unsigned k = 0; k < CLIENTS * CLIENTS; k++)
            check_copies(&clients[i], &clients[k / CLIENTS], &clients[k % CLIENTS]);
}

static void end(size_t timers)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        say(&clients[i], "</stream:stream>");
        stream_in_fini(&clients[i].in);
    }
    sim_settle(2000);
    for (unsigned i = 0; i < CLIENTS; i++)
        sim_finish(clients[i].peer);
    while (stale_count)
        sim_finish(stale[--stale_count]);
    sim_pass(7000);
    if (sim_server_sessions() || sim_ring_sockets() || sim_server_timers() != timers) {
        fprintf(stderr, "seed %llu: left behind: %zu sessions, %zu sockets, %zu timers\n",
                (unsigned long long)seed_now, sim_server_sessions(), sim_ring_sockets(),
                sim_server_timers() - timers);
        abort();
    }
    parser_free(parser);
    sim_server_close();
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : argc > 1 ? 1 : 300;
    for (uint64_t seed = first; seed < first + count; seed++) {
        seed_now = seed;
        size_t timers = begin(seed);
        trouble(seed);
        check_all();
        end(timers);
    }
    printf("%llu seeds: %lu messages delivered, %lu connections cut, %lu sessions resumed\n",
           (unsigned long long)count, delivered, cuts, resumptions);
    return delivered && resumptions ? 0 : 1;
}
