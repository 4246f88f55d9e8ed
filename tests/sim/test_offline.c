/*
 * Offline messages over many seeds: two users say numbered things to a third who comes and goes,
 * while reads are split, completions are late and the storage is slow. In the end the third must
 * have got everything that each of them said once, and in its order.
 */
#include "check.h"
#include "sim_client.h"

#include <stdio.h>
#include <stdlib.h>

enum { USERS = 3, STEPS = 1500 };

static const char *const names[] = {"u0", "u1", "u2", NULL};

#define USUAL                                                                                      \
    "modules:\n"                                                                                   \
    "  presence: {}\n"                                                                             \
    "  offline: {max_user_messages: infinity}\n"                                                   \
    "  shaper: {rates: [{name: slow, max_rate: 1000}]}\n"

static const char with_archive[] = USUAL "  mam: {}\n";
static const char without_archive[] = USUAL;

struct user {
    struct sim_peer *peer;
    struct buf in;
    unsigned said;
    unsigned got[USERS]; /* how many of each */
};

static struct user users[USERS];
static uint64_t seed_now;
static unsigned long said, delayed, changes;

static _Noreturn void fail(const char *what, unsigned speaker, unsigned long got,
                           unsigned long wanted)
{
    fprintf(stderr, "seed %llu: u%u: %s: %lu, expected %lu\n", (unsigned long long)seed_now,
            speaker, what, got, wanted);
    abort();
}

static void say(struct user *user, const char *text)
{
    sim_send(user->peer, str_of(text));
}

/* --- What comes: a body is the speaker and a number --- */

static void read_one(struct user *user, const char *at, const char *end)
{
    const char *body = memmem(at, (size_t)(end - at), "<body>", 6);
    unsigned speaker, number;
    if (!body)
        fail("a message without a body", 0, 0, 0);
    if (sscanf(body, "<body>%u %u<", &speaker, &number) != 2 || speaker >= USERS)
        fail("an odd body", 0, 0, 0);
    if (number != user->got[speaker])
        fail("the next message", speaker, number, user->got[speaker]);
    user->got[speaker]++;
    delayed += memmem(at, (size_t)(end - at), "<delay ", 7) != NULL;
}

/* False: nothing came. */
static bool read_messages(struct user *user)
{
    static const char over[] = "</message>";
    struct buf *got = sim_received(user->peer);
    bool any = buf_len(got) > 0;
    buf_push_str(&user->in, buf_str(got));
    buf_fini(got);
    for (;;) {
        const char *at = (const char *)buf_at(&user->in);
        const char *end = at ? memmem(at, buf_len(&user->in), over, sizeof over - 1) : NULL;
        if (!end)
            return any;
        read_one(user, at, end);
        buf_pop(&user->in, (size_t)(end + sizeof over - 1 - at));
    }
}

/* Until nothing has come for as long as a slow store may take. */
static void rest(struct user *user)
{
    for (int quiet = 0; quiet < 3; quiet++) {
        sim_settle(2000);
        sim_pass(250);
        if (read_messages(user))
            quiet = -1;
    }
}

/* --- Coming and going --- */

static void ask(struct user *user, const char *text)
{
    say(user, text);
    rest(user);
}

static void log_in(struct user *user, unsigned number)
{
    user->peer = sim_client_log_in(number, &user->in);
}

/* In order: nothing is on the way to it any more. */
static void log_in_anew(struct user *user)
{
    say(user, "<presence type='unavailable'/>");
    rest(user);
    sim_finish(user->peer);
    sim_pass(1000);
    log_in(user, 0);
}

static void change(struct user *user)
{
    static const char *const presences[] = {"<presence/>", "<presence type='unavailable'/>",
                                            "<presence><priority>-1</priority></presence>",
                                            "<presence><priority>5</priority></presence>"};
    changes++;
    if (sim_chance(20))
        log_in_anew(user);
    else
        say(user, presences[prng_below(&sim_prng, COUNT_OF(presences))]);
}

static void say_one(unsigned number)
{
    struct user *user = &users[number];
    char text[160];
    snprintf(text, sizeof text,
             "<message type='chat' to='u0@localhost' id='m'><body>%u %u</body>%s</message>", number,
             user->said++, sim_chance(30) ? "<no-permanent-store xmlns='urn:xmpp:hints'/>" : "");
    say(user, text);
    said++;
}

static void act(void)
{
    read_messages(&users[0]);
    if (sim_chance(20))
        say_one(1 + (unsigned)prng_below(&sim_prng, USERS - 1));
    if (sim_chance(1 + (unsigned)(seed_now % 3)))
        change(&users[0]);
}

static void run_seed(uint64_t seed)
{
    struct prng pick;
    seed_now = seed;
    memset(users, 0, sizeof users);
    prng_init(&pick, seed * 7919 + 1);
    sim_server_open(1 + (unsigned)prng_below(&pick, 3), seed, (struct sim_faults){0}, names,
                    prng_below(&pick, 2) ? with_archive : without_archive);
    for (unsigned i = 0; i < USERS; i++)
        log_in(&users[i], i);
    sim_faults = (struct sim_faults){
        .split_percent = (unsigned)prng_below(&pick, 60),
        .delay_percent = (unsigned)prng_below(&pick, 60),
        .store_slow_percent = (unsigned)prng_below(&pick, 60),
    };
    for (unsigned step = 0; step < STEPS; step++) {
        sim_step();
        act();
        if (sim_chance(3))
            sim_pass(prng_below(&sim_prng, 20));
    }
    for (unsigned i = 1; i < USERS; i++)
        rest(&users[i]);
    ask(&users[0], "<presence/>");
    for (unsigned i = 1; i < USERS; i++)
        if (users[0].got[i] != users[i].said)
            fail("messages that came", i, users[0].got[i], users[i].said);
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
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : argc > 1 ? 1 : 100;
    for (uint64_t seed = first; seed < first + count; seed++)
        run_seed(seed);
    printf("%llu seeds: %lu messages, %lu of them waited, %lu changes\n", (unsigned long long)count,
           said, delayed, changes);
    return said && delayed && changes ? 0 : 1;
}
