/*
 * Chat over many seeds: clients log in, bind and send numbered messages to each other while reads
 * are split, completions are late, connections break, clients stop reading and the storage is slow
 * or down. Checked: order for each pair of sessions, nothing doubled, nothing lost between sessions
 * that stayed but what was answered with an error (somebody blocks somebody, or lists could not be
 * read), nothing passes a block that was confirmed, and in the end no session, socket or timer is
 * left.
 */
#include "check.h"
#include "mem.h"
#include "sim_server.h"

#include <stdio.h>
#include <stdlib.h>

enum { CLIENTS = 6, MESSAGES = 24, STEPS = 6000 };

static const char *const users[] = {"u0", "u1", "u2", NULL};

struct client {
    struct sim_peer *peer;
    unsigned user, id;
    unsigned stage;               /* what it waits for */
    unsigned sent;                /* messages to each other client */
    unsigned seen[CLIENTS];       /* next number expected from each */
    unsigned block, block_number; /* of the next user: enum block; of the request under way */
    bool broken, stopped;
};

enum block { BLOCK_NONE, BLOCK_ASKED, BLOCK_SURE };

static struct client clients[CLIENTS];
static bool missing[CLIENTS][CLIENTS][MESSAGES]; /* from, to, number: a later one came */
static bool refused[CLIENTS][CLIENTS][MESSAGES]; /* its sender was told */
static uint64_t seed_now;
static bool hushed; /* what is under way arrives, nothing new is said */
static unsigned long delivered, logins, broken_count, unblocks;

static _Noreturn void fail(const char *what, unsigned client)
{
    fprintf(stderr, "seed %llu: client %u: %s\n", (unsigned long long)seed_now, client, what);
    abort();
}

static void say(struct client *client, const char *text)
{
    struct str rest = str_of(text);
    while (rest.len) { /* a client may send in any pieces as well */
        size_t len = sim_chance(30) ? 1 + prng_below(&sim_prng, rest.len) : rest.len;
        sim_send(client->peer, (struct str){rest.at, len});
        rest.at += len;
        rest.len -= len;
    }
}

static void open_stream(struct client *client)
{
    say(client, "<stream:stream xmlns='jabber:client' to='localhost' version='1.0' "
                "xmlns:stream='http://etherx.jabber.org/streams'>");
}

static void authenticate(struct client *client)
{
    char plain[32], text[160], coded[64];
    int len = snprintf(plain, sizeof plain, "%cu%u%csecret", 0, client->user, 0);
    size_t coded_len = base64_encode(plain, (size_t)len, coded);
    snprintf(text, sizeof text,
             "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%.*s</auth>",
             (int)coded_len, coded);
    say(client, text);
    if (sim_chance(50)) /* the header may be pipelined: it must move home with the connection */
        open_stream(client);
    else
        client->stage = 1;
}

static void bind_resource(struct client *client)
{
    char text[256];
    snprintf(text, sizeof text,
             "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
             "<resource>r%u</resource></bind></iq><presence/>",
             client->id);
    say(client, text);
}

static bool took(struct client *client, const char *mark)
{
    struct buf *got = sim_received(client->peer);
    char *at = buf_len(got) ? memmem(buf_at(got), buf_len(got), mark, strlen(mark)) : NULL;
    if (!at)
        return false;
    buf_pop(got, (size_t)(at - (char *)buf_at(got)) + strlen(mark));
    return true;
}

/* What the client does when it has seen the mark of its stage. */
static const struct {
    const char *mark;
    void (*then)(struct client *);
} stages[] = {
    {"</stream:features>", authenticate},
    {"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'", open_stream},
    {"</stream:features>", bind_resource},
    {"</iq>", NULL},
};

static bool read_body(const char *body, size_t len, unsigned *from, unsigned *number, unsigned *to)
{
    char text[64]; /* sscanf wants a NUL */
    text_copy(text, sizeof text, (struct str){body, len});
    return sscanf(text, "<body>%u:%u:%u<", from, number, to) == 3;
}

/* --- Blocks: the first client of each user blocks the next user for a while. So no two users block
 * each other, and who is refused is always told. --- */

static unsigned next_user(const struct client *client)
{
    return (client->user + 1) % 3;
}

static void ask_for_block(struct client *client, const char *what)
{
    char text[256];
    snprintf(text, sizeof text,
             "<iq type='set' id='b%u'><%s xmlns='urn:xmpp:blocking'><item jid='u%u@localhost'/>"
             "</%s></iq>",
             ++client->block_number, what, next_user(client), what);
    say(client, text);
}

static void change_block(struct client *client)
{
    if (client->id >= 3 || hushed || !sim_chance(3))
        return;
    if (client->block == BLOCK_NONE) {
        ask_for_block(client, "block");
        client->block = BLOCK_ASKED;
    } else if (client->block == BLOCK_SURE) {
        ask_for_block(client, "unblock");
        client->block = BLOCK_NONE;
        unblocks++;
    }
}

/* What stands before a message. */
static void look_for_answer(struct client *client, const void *bytes, size_t len)
{
    char mark[40];
    if (client->block != BLOCK_ASKED)
        return;
    snprintf(mark, sizeof mark, "id='b%u' type='result'", client->block_number);
    if (memmem(bytes, len, mark, strlen(mark)))
        client->block = BLOCK_SURE;
    snprintf(mark, sizeof mark, "id='b%u' type='error'", client->block_number);
    if (memmem(bytes, len, mark, strlen(mark)))
        client->block = BLOCK_NONE; /* storage was down */
}

static void read_messages(struct client *client)
{
    struct buf *got = sim_received(client->peer);
    for (;;) {
        unsigned from = 0, number = 0, to = client->id;
        char *end = buf_len(got) ? memmem(buf_at(got), buf_len(got), "</message>", 10) : NULL;
        if (!end)
            return;
        size_t len = (size_t)(end - (char *)buf_at(got)) + 10;
        char *body = memmem(buf_at(got), len, "<body>", 6);
        look_for_answer(client, buf_at(got), len);
        char *start = memmem(buf_at(got), len, "<message ", 9);
        bool error = start && memmem(start, (size_t)(end - start), "type='error'", 12);
        if (error && body && read_body(body, (size_t)(end - body), &from, &number, &to))
            refused[from % CLIENTS][to % CLIENTS][number % MESSAGES] |= from == client->id;
        else if (!error && (!body || !read_body(body, (size_t)(end - body), &from, &number, &to)))
            fail("got a message that nobody sent", client->id);
        error |= to != client->id; /* its resource has gone: RFC 6121 8.5.3.2.1 */
        if (!error && client->block == BLOCK_SURE && clients[from].user == next_user(client))
            fail("a message passed a block", client->id);
        if (!error && number < client->seen[from])
            fail("a message was doubled or came out of order", client->id);
        while (!error && number > client->seen[from])
            missing[from][client->id][client->seen[from]++] = true;
        if (!error) {
            client->seen[from] = number + 1;
            delivered++;
        }
        buf_pop(got, len);
    }
}

static void break_client(struct client *client)
{
    if (!client->peer)
        return;
    client->broken = true;
    broken_count++;
    if (sim_chance(50))
        sim_reset(client->peer);
    else
        sim_finish(client->peer);
    client->peer = NULL;
}

static bool all_up(void)
{
    for (unsigned i = 0; i < CLIENTS; i++)
        if (clients[i].peer && clients[i].stage < COUNT_OF(stages))
            return false;
    return true;
}

static void chat(struct client *client)
{
    char text[256];
    if (hushed || client->sent >= MESSAGES || !sim_chance(20))
        return;
    for (unsigned to = 0; to < CLIENTS; to++) {
        snprintf(text, sizeof text,
                 "<message type='chat' to='u%u@localhost/r%u'><body>%u:%u:%u</body></message>",
                 clients[to].user, to, client->id, client->sent, to);
        say(client, text);
    }
    client->sent++;
}

static void act(struct client *client)
{
    if (!client->peer)
        return;
    if (sim_is_closed(client->peer) && buf_len(sim_received(client->peer)) == 0) {
        break_client(client);
        return;
    }
    if (client->stage < COUNT_OF(stages)) {
        if (!took(client, stages[client->stage].mark))
            return;
        unsigned stage = client->stage;
        if (stages[stage].then)
            stages[stage].then(client);
        client->stage += client->stage == stage ? (stage == 0 ? 2 : 1) : 0;
        if (client->stage == COUNT_OF(stages))
            logins++;
        return;
    }
    read_messages(client);
    if (all_up()) {
        change_block(client);
        chat(client);
    }
}

/* What did not come was refused. */
static void look_for_lost(unsigned from, unsigned to)
{
    for (unsigned number = clients[to].seen[from]; number < clients[from].sent; number++)
        missing[from][to][number] = true;
    for (unsigned number = 0; number < MESSAGES; number++)
        if (missing[from][to][number] && !refused[from][to][number])
            fail("a message was lost", to);
}

static bool stayed(const struct client *client)
{
    return client->peer && !sim_is_closed(client->peer);
}

static void run_seed(uint64_t seed)
{
    struct prng pick;
    seed_now = seed;
    prng_init(&pick, seed * 7919 + 1);
    bool unkind = prng_below(&pick, 3) == 0;
    struct sim_faults faults = {
        .split_percent = (unsigned)prng_below(&pick, 60),
        .delay_percent = (unsigned)prng_below(&pick, 60),
        .reset_per_million = unkind ? 200 : 0,
        .store_slow_percent = (unsigned)prng_below(&pick, 40),
        .store_down_percent = unkind ? (unsigned)prng_below(&pick, 10) : 0,
        .clock_jump_per_million = unkind ? 500 : 0,
    };
    sim_server_open(1 + (unsigned)prng_below(&pick, 4), seed, faults, users, NULL);
    size_t timers = sim_server_timers();
    memset(clients, 0, sizeof clients);
    memset(missing, 0, sizeof missing);
    memset(refused, 0, sizeof refused);
    hushed = false;
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.peer = sim_connect(SIM_PORT_C2S), .user = i % 3, .id = i};
        open_stream(&clients[i]);
    }
    for (unsigned step = 0; step < STEPS; step++) {
        sim_step();
        act(&clients[prng_below(&sim_prng, CLIENTS)]);
        if (unkind && prng_below(&sim_prng, 4000) == 0)
            break_client(&clients[prng_below(&sim_prng, CLIENTS)]);
    }
    sim_faults = (struct sim_faults){.split_percent = faults.split_percent};
    for (unsigned i = 0; i < 400; i++) {
        hushed = i >= 300;
        sim_settle(50);
        sim_pass(1); /* a slow store answers after 200 ms at the latest */
        for (unsigned k = 0; k < CLIENTS; k++)
            act(&clients[k]);
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        for (unsigned k = 0; k < CLIENTS; k++)
            if (stayed(&clients[i]) && stayed(&clients[k]))
                look_for_lost(k, i);
    for (unsigned i = 0; i < CLIENTS; i++)
        break_client(&clients[i]);
    sim_pass(7000);
    size_t sessions = sim_server_sessions(), sockets = sim_ring_sockets();
    if (sessions || sockets || sim_server_timers() != timers) {
        fprintf(stderr, "seed %llu: left behind: %zu sessions, %zu sockets, timers %zu, were %zu\n",
                (unsigned long long)seed, sessions, sockets, sim_server_timers(), timers);
        abort();
    }
    sim_server_close();
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : argc > 1 ? 1 : 1000;
    for (uint64_t seed = first; seed < first + count; seed++)
        run_seed(seed);
    printf("%llu seeds: %lu logins, %lu messages delivered, %lu connections broken, %lu blocks\n",
           (unsigned long long)count, logins, delivered, broken_count, unblocks);
    return delivered && logins ? 0 : 1;
}
