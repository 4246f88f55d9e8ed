/*
 * The inbox over many seeds: users on several shards write to each other and mark what they got,
 * while reads are split, completions are late and the storage is slow. When all has come to rest,
 * what each inbox counts must be what the archive says: what is behind one's own and behind what
 * one has marked.
 */
#include "check.h"
#include "sim_client.h"

#include <stdio.h>
#include <stdlib.h>

enum { USERS = 3, STEPS = 1500, NAMES = 4096 };

static const char *const names[] = {"u0", "u1", "u2", NULL};

static const char modules[] = "modules:\n"
                              "  presence: {}\n"
                              "  mam: {default_result_limit: 1000, max_result_limit: 1000}\n"
                              "  inbox: {}\n"
                              "  shaper: {rates: [{name: slow, max_rate: 1000}]}\n";

struct user {
    struct sim_peer *peer;
    struct buf in;
    unsigned said;       /* messages */
    unsigned got[NAMES]; /* names of messages, as they came */
    unsigned got_count;  /* of these */
    unsigned talks_percent;
    bool marked[NAMES]; /* by name */
};

static struct user users[USERS];
static uint64_t seed_now;
static unsigned long said, marked, unread_seen;

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

/* --- Logging in, and asking when nothing else moves --- */

static const char *rest(struct user *user)
{
    return sim_client_rest(user->peer, &user->in);
}

static const char *ask(struct user *user, const char *text)
{
    return sim_client_ask(user->peer, &user->in, text);
}

static void log_in(struct user *user, unsigned number)
{
    memset(user, 0, sizeof *user);
    user->peer = sim_client_log_in(number, &user->in);
    ask(user, "<presence/>");
    buf_fini(&user->in);
}

/* --- Talking: the name of a message tells who said it --- */

static unsigned speaker_of(unsigned name)
{
    return name % USERS;
}

/* The next name behind *at; false: none. */
static bool next_name(const char **at, const char *end, unsigned *name)
{
    const char *body = memmem(*at, (size_t)(end - *at), "<body>", 6);
    if (!body)
        return false;
    *at = body + 6;
    *name = (unsigned)strtoul(*at, NULL, 10);
    return *name < NAMES;
}

/* What is there of whole messages. */
static void read_messages(struct user *user)
{
    struct buf *got = sim_received(user->peer);
    buf_push_str(&user->in, buf_str(got));
    buf_fini(got);
    for (;;) {
        const char *at = (const char *)buf_at(&user->in);
        const char *end = at ? memmem(at, buf_len(&user->in), "</message>", 10) : NULL;
        unsigned name;
        if (!end)
            return;
        if (next_name(&at, end, &name))
            user->got[user->got_count++] = name;
        buf_pop(&user->in, (size_t)(end + 10 - (const char *)buf_at(&user->in)));
    }
}

static void say_one(struct user *user, unsigned number)
{
    char text[160];
    unsigned to = (number + 1 + (unsigned)prng_below(&sim_prng, USERS - 1)) % USERS;
    unsigned name = user->said++ * USERS + number;
    if (name >= NAMES)
        return;
    snprintf(text, sizeof text,
             "<message type='chat' to='u%u@localhost' id='%u'><body>%u</body></message>", to, name,
             name);
    say(user, text);
    said++;
}

static void mark_one(struct user *user)
{
    char text[200];
    if (!user->got_count)
        return;
    unsigned among = user->got_count < 5 ? user->got_count : 5;
    unsigned name = user->got[user->got_count - 1 - prng_below(&sim_prng, among)];
    snprintf(text, sizeof text,
             "<message type='chat' to='u%u@localhost'>"
             "<displayed xmlns='urn:xmpp:chat-markers:0' id='%u'/></message>",
             speaker_of(name), name);
    say(user, text);
    user->marked[name] = true;
    marked++;
}

static void act(unsigned number)
{
    struct user *user = &users[number];
    read_messages(user);
    if (sim_chance(user->talks_percent))
        say_one(user, number);
    else if (sim_chance(5))
        mark_one(user);
}

/* --- Comparing --- */

static unsigned unread_of_archive(unsigned number, unsigned peer)
{
    char text[400];
    struct user *user = &users[number];
    unsigned name, unread = 0;
    snprintf(text, sizeof text,
             "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' "
             "type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>"
             "<field var='with'><value>u%u@localhost</value></field></x></query></iq>",
             peer);
    const char *at = ask(user, text), *end = at + strlen(at);
    if (!strstr(at, "complete='true'"))
        fail("the archive is not whole", number, strlen(at), 0);
    while (next_name(&at, end, &name))
        unread = speaker_of(name) == number || user->marked[name] ? 0 : unread + 1;
    return unread;
}

static unsigned unread_of_inbox(unsigned number, unsigned peer)
{
    char text[64];
    const char *list = ask(&users[number], "<iq type='get' id='l'><inbox xmlns='urn:xmpp:inbox:1' "
                                           "messages='false'/></iq>");
    snprintf(text, sizeof text, "jid='u%u@localhost' unread='", peer);
    const char *at = strstr(list, text);
    return at ? (unsigned)strtoul(at + strlen(text), NULL, 10) : 0;
}

static void compare(void)
{
    for (unsigned i = 0; i < USERS; i++)
        for (unsigned peer = 0; peer < USERS; peer++) {
            if (peer == i)
                continue;
            unsigned wanted = unread_of_archive(i, peer), got = unread_of_inbox(i, peer);
            if (got != wanted)
                fail("unread", i, got, wanted);
            unread_seen += got;
        }
}

static void run_seed(uint64_t seed)
{
    struct prng pick;
    seed_now = seed;
    prng_init(&pick, seed * 7919 + 1);
    sim_server_open(1 + (unsigned)prng_below(&pick, 3), seed, (struct sim_faults){0}, names,
                    modules);
    for (unsigned i = 0; i < USERS; i++) {
        log_in(&users[i], i);
        users[i].talks_percent = 1 + (unsigned)prng_below(&pick, 20);
    }
    sim_faults = (struct sim_faults){
        .split_percent = (unsigned)prng_below(&pick, 60),
        .delay_percent = (unsigned)prng_below(&pick, 60),
        .store_slow_percent = (unsigned)prng_below(&pick, 60),
    };
    for (unsigned step = 0; step < STEPS; step++) {
        sim_step();
        act((unsigned)prng_below(&sim_prng, USERS));
        if (sim_chance(3))
            sim_pass(prng_below(&sim_prng, 20));
    }
    for (unsigned i = 0; i < USERS; i++)
        rest(&users[i]);
    compare();
    for (unsigned i = 0; i < USERS; i++) {
        sim_finish(users[i].peer);
        buf_fini(&users[i].in);
    }
    sim_pass(1000);
    sim_server_close();
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : argc > 1 ? 1 : 200;
    for (uint64_t seed = first; seed < first + count; seed++)
        run_seed(seed);
    printf("%llu seeds: %lu messages, %lu marked, %lu unread\n", (unsigned long long)count, said,
           marked, unread_seen);
    return said && marked && unread_seen ? 0 : 1;
}
