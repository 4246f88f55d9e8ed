/*
 * Rooms over many seeds: users on several shards talk in rooms and mark what they got, while reads
 * are split, completions are late, storage is slow or fails, users are brought in and thrown out,
 * and connections break. Checked: who stays in a room and is there gets all that was said, in the
 * order of the room's archive; so does who is away for a while where what rooms say waits for them
 * (module offline); what was acknowledged is in the archive, once; what each inbox counts is what
 * the archive says.
 */
#include "check.h"
#include "sim_client.h"

#include <stdio.h>
#include <stdlib.h>

enum { USERS = 4, ROOMS = 2, STEPS = 1200, NAMES = 4096 };

static const char *const names[] = {"u0", "u1", "u2", "u3", NULL};

#define USUAL                                                                                      \
    "modules:\n"                                                                                   \
    "  presence: {}\n"                                                                             \
    "  sm: {resume_timeout: 0s}\n"                                                                 \
    "  mam: {default_result_limit: 1000, max_result_limit: 1000}\n"                                \
    "  inbox: {aff_changes: false}\n"                                                              \
    "  muc_light: {}\n"                                                                            \
    "  shaper: {rates: [{name: slow, max_rate: 1000}]}\n"

static const char without_offline[] = USUAL;
static const char with_offline[] =
    USUAL "  offline: {max_user_messages: infinity, store_groupchat_messages: true}\n";

struct user {
    struct sim_peer *peer; /* NULL: it takes a nap */
    struct buf in;
    bool steady;                /* never away: what it got is whole */
    bool naps;                  /* away, and back: it is whole if what rooms say waits */
    unsigned got[ROOMS][NAMES]; /* names of messages, as they came */
    unsigned got_count[ROOMS];
    unsigned sent[NAMES]; /* names, in the order of stanzas since sm was enabled; NAMES: a marker */
    unsigned sent_count, base, acked;
};

static struct user users[USERS];
static struct {
    unsigned room, speaker;
    bool said, acked, refused, marked[USERS];
} messages[NAMES];
static unsigned name_count;
static uint64_t seed_now;
static bool store_fails; /* now and then: then only what was acknowledged is sure */
static unsigned long said, checked, breaks, naps, unread_seen;

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
    user->peer = sim_client_log_in(number, &user->in);
    if (!user->naps && !strstr(ask(user, "<enable xmlns='urn:xmpp:sm:3'/>"), "<enabled "))
        fail("no stream management", number, 0, 1);
    user->base = user->sent_count;
    user->acked = 0;
    buf_fini(&user->in);
}

/* One that the server counts, but that says nothing in a room. */
static void say_other(struct user *user, const char *text)
{
    if (user->sent_count < NAMES)
        user->sent[user->sent_count++] = NAMES;
    say(user, text);
}

static void be_there(struct user *user)
{
    say_other(user, "<presence/>");
    rest(user);
    buf_fini(&user->in);
}

/* --- Reading --- */

static bool number_behind(const char *at, const char *end, const char *mark, unsigned *number)
{
    const char *found = memmem(at, (size_t)(end - at), mark, strlen(mark));
    if (found)
        *number = (unsigned)strtoul(found + strlen(mark), NULL, 10);
    return found;
}

static void take_message(struct user *user, unsigned number, const char *at, const char *end)
{
    unsigned room, name;
    at = memmem(at, (size_t)(end - at), "<message ", 9); /* an answer may stand before it */
    if (!at || !number_behind(at, end, "<body>", &name) ||
        !number_behind(at, end, "from='r", &room))
        return;
    if (name >= name_count || room >= ROOMS || messages[name].room != room)
        fail("got what nobody said", number, name, name_count);
    if (memmem(at, (size_t)(end - at), "type='error'", 12)) { /* one's own */
        messages[name].refused = true;
        return;
    }
    user->got[room][user->got_count[room]++] = name;
}

static void take_acknowledgement(struct user *user, unsigned h)
{
    for (; user->acked < h && user->base + user->acked < user->sent_count; user->acked++) {
        unsigned name = user->sent[user->base + user->acked];
        if (name < NAMES)
            messages[name].acked = true;
    }
}

/* What is there of whole elements, that end with a mark. */
static void read_all(struct user *user, unsigned number)
{
    struct buf *got = sim_received(user->peer);
    buf_push_str(&user->in, buf_str(got));
    buf_fini(got);
    for (;;) {
        const char *at = (const char *)buf_at(&user->in);
        const char *end = at ? memmem(at, buf_len(&user->in), "</message>", 10) : NULL;
        if (!end)
            break;
        take_message(user, number, at, end);
        for (unsigned h; number_behind(at, end, "<a xmlns='urn:xmpp:sm:3' h='", &h);) {
            take_acknowledgement(user, h);
            break;
        }
        buf_pop(&user->in, (size_t)(end + 10 - at));
    }
}

/* Waits until nothing moves any more. */
static void read_rest(struct user *user, unsigned number)
{
    rest(user);
    buf_pop(&user->in, 0);
    user->in.end--; /* the NUL */
    read_all(user, number);
}

/* --- Acting --- */

static void say_one(struct user *user, unsigned number)
{
    char text[200];
    if (name_count == NAMES || user->sent_count + 2 >= NAMES)
        return;
    unsigned name = name_count++, room = (unsigned)prng_below(&sim_prng, ROOMS);
    messages[name].room = room;
    messages[name].speaker = number;
    messages[name].said = true;
    user->sent[user->sent_count++] = name;
    snprintf(text, sizeof text,
             "<message type='groupchat' to='r%u@muclight.localhost' id='%u'><body>%u</body>"
             "</message>",
             room, name, name);
    say(user, text);
    said++;
}

static void mark_one(struct user *user, unsigned number)
{
    char text[200];
    unsigned room = (unsigned)prng_below(&sim_prng, ROOMS), count = user->got_count[room];
    if (!count)
        return;
    unsigned name = user->got[room][count - 1 - prng_below(&sim_prng, count < 5 ? count : 5)];
    if (messages[name].speaker == number)
        return;
    snprintf(text, sizeof text,
             "<message type='groupchat' to='r%u@muclight.localhost'>"
             "<displayed xmlns='urn:xmpp:chat-markers:0' id='%u'/></message>",
             room, name);
    say_other(user, text);
    messages[name].marked[number] = true;
}

/* The last user comes and goes in the first room; the others stay. */
static void move_one(void)
{
    char text[300];
    snprintf(text, sizeof text,
             "<iq type='set' id='v' to='r0@muclight.localhost'><query "
             "xmlns='urn:xmpp:muclight:0#affiliations'><user affiliation='%s'>u%u@localhost</user>"
             "</query></iq>",
             sim_chance(50) ? "none" : "member", USERS - 1);
    say_other(&users[0], text);
}

static void break_one(unsigned number)
{
    struct user *user = &users[number];
    if (user->steady)
        return;
    read_all(user, number);
    sim_reset(user->peer);
    sim_settle(2000);
    sim_pass(20);
    buf_fini(&user->in);
    const unsigned failures = sim_faults.store_down_percent;
    sim_faults.store_down_percent = 0;
    log_in(user, number);
    be_there(user);
    sim_faults.store_down_percent = failures;
    breaks++;
}

/* It has all that it was sent: without stream management nobody would send it again. */
static void take_nap(unsigned number)
{
    struct user *user = &users[number];
    say(user, "<presence type='unavailable'/>");
    read_rest(user, number);
    sim_finish(user->peer);
    user->peer = NULL;
    buf_fini(&user->in);
    naps++;
}

static void wake_up(unsigned number)
{
    struct user *user = &users[number];
    const unsigned failures = sim_faults.store_down_percent;
    sim_faults.store_down_percent = 0;
    log_in(user, number);
    sim_faults.store_down_percent = failures;
    say_other(user, "<presence/>");
}

static void act_sleepy(unsigned number)
{
    if (!users[number].peer && sim_chance(3))
        wake_up(number);
    else if (users[number].peer && sim_chance(3))
        take_nap(number);
}

static void act(unsigned number)
{
    struct user *user = &users[number];
    if (user->naps)
        act_sleepy(number);
    if (!user->peer)
        return;
    read_all(user, number);
    if (sim_chance(15))
        say_one(user, number);
    else if (user->steady && sim_chance(5)) /* nobody knows what became of others' */
        mark_one(user, number);
    else if (!user->naps && sim_chance(3))
        say(user, "<r xmlns='urn:xmpp:sm:3'/>");
    else if (sim_chance(2))
        move_one();
    else if (!user->naps && sim_chance(1))
        break_one(number);
}

/* --- Checking --- */

static unsigned archive[NAMES];

/* What was said in a room, as its archive has it. */
static unsigned read_archive(unsigned room)
{
    char text[400], *next;
    unsigned count = 0;
    unsigned long first = 0;
    for (bool more = true; more;) {
        char after[100] = "";
        static char last[40];
        if (first++)
            snprintf(after, sizeof after, "<after>%s</after>", last);
        snprintf(text, sizeof text,
                 "<iq type='set' id='q' to='r%u@muclight.localhost'><query xmlns='urn:xmpp:mam:2'>"
                 "<set xmlns='http://jabber.org/protocol/rsm'>%s</set></query></iq>",
                 room, after);
        const char *at = ask(&users[0], text);
        if (!strstr(at, "<fin "))
            fail("no archive", 0, room, 0);
        more = !strstr(at, "complete='true'");
        const char *end = strstr(at, "<last>");
        if (end)
            text_copy(last, sizeof last, (struct str){end + 6, 16});
        while ((at = strstr(at, "<body>"))) {
            archive[count++] = (unsigned)strtoul(at + 6, &next, 10);
            at = next;
        }
    }
    return count;
}

static void check_archive(unsigned room, unsigned count)
{
    static bool seen[NAMES];
    memset(seen, 0, sizeof seen);
    for (unsigned i = 0; i < count; i++) {
        if (archive[i] >= name_count || messages[archive[i]].room != room || seen[archive[i]])
            fail("the archive has it twice, or of another room", room, archive[i], 0);
        seen[archive[i]] = true;
    }
    for (unsigned name = 0; name < name_count; name++) {
        const struct user *speaker = &users[messages[name].speaker];
        bool stays = messages[name].speaker != USERS - 1 || room != 0;
        if (messages[name].room == room && !seen[name] && stays && !messages[name].refused &&
            (messages[name].acked || (speaker->steady && !store_fails)))
            fail("the archive has not what was acknowledged", room, name, 0);
    }
}

/* Those who were always there, or whom it waited for, got all, in the order of the archive; the
 * others a part, in order. */
static void check_order(unsigned number, unsigned room, unsigned count)
{
    const struct user *user = &users[number];
    bool whole = user->steady || user->naps;
    unsigned at = 0;
    if (user->naps &&
        store_fails) /* what was not dropped is given twice, what was not kept is not */
        return;
    for (unsigned i = 0; i < user->got_count[room]; i++) {
        while (at < count && archive[at] != user->got[room][i] && !whole)
            at++;
        if (at == count || archive[at++] != user->got[room][i])
            fail("got in another order than the archive has", number, user->got[room][i], room);
    }
    if (whole && at != count)
        fail("got less than the archive has", number, at, count);
    checked += at;
}

static void check_inbox(unsigned number, unsigned room, unsigned count)
{
    char text[64];
    unsigned wanted = 0;
    for (unsigned i = 0; i < count; i++) {
        bool read = messages[archive[i]].speaker == number || messages[archive[i]].marked[number];
        wanted = read ? 0 : wanted + 1;
    }
    const char *list = ask(&users[number], "<iq type='get' id='l'><inbox xmlns='urn:xmpp:inbox:1' "
                                           "messages='false'/></iq>");
    snprintf(text, sizeof text, "jid='r%u@muclight.localhost' unread='", room);
    const char *at = strstr(list, text);
    unsigned got = at ? (unsigned)strtoul(at + strlen(text), NULL, 10) : 0;
    if (got != wanted)
        fail("unread", number, got, wanted);
    unread_seen += got;
}

static void check_all(void)
{
    for (unsigned i = 0; i < USERS; i++) {
        if (!users[i].peer)
            wake_up(i);
        read_rest(&users[i], i);
    }
    for (unsigned room = 0; room < ROOMS; room++) {
        unsigned count = read_archive(room);
        check_archive(room, count);
        for (unsigned i = 0; i < USERS - 1; i++) { /* the last one may have missed some */
            check_order(i, room, count);
            if (!store_fails)
                check_inbox(i, room, count);
        }
    }
}

/* --- A seed --- */

static void create_rooms(void)
{
    char text[500];
    for (unsigned room = 0; room < ROOMS; room++) {
        int len = snprintf(text, sizeof text,
                           "<iq type='set' id='c' to='r%u@muclight.localhost'><query "
                           "xmlns='urn:xmpp:muclight:0#create'><occupants>",
                           room);
        for (unsigned i = 1; i < USERS; i++)
            len += snprintf(text + len, sizeof text - (size_t)len,
                            "<user affiliation='member'>u%u@localhost</user>", i);
        snprintf(text + len, sizeof text - (size_t)len, "</occupants></query></iq>");
        if (!strstr(ask(&users[0], text), "type='result'"))
            fail("did not create", 0, room, 0);
        users[0].sent[users[0].sent_count++] = NAMES;
    }
    for (unsigned i = 0; i < USERS; i++) {
        rest(&users[i]);
        buf_fini(&users[i].in);
    }
}

static void run_seed(uint64_t seed)
{
    struct prng pick;
    seed_now = seed;
    name_count = 0;
    memset(messages, 0, sizeof messages);
    memset(users, 0, sizeof users);
    prng_init(&pick, seed * 7919 + 1);
    store_fails = prng_below(&pick, 4) == 0;
    users[2].naps = prng_below(&pick, 2);
    sim_server_open(1 + (unsigned)prng_below(&pick, 3), seed, (struct sim_faults){0}, names,
                    users[2].naps ? with_offline : without_offline);
    for (unsigned i = 0; i < USERS; i++) {
        users[i].steady = i < 2;
        log_in(&users[i], i);
        be_there(&users[i]);
    }
    create_rooms();
    sim_faults = (struct sim_faults){
        .split_percent = (unsigned)prng_below(&pick, 60),
        .delay_percent = (unsigned)prng_below(&pick, 60),
        .store_slow_percent = (unsigned)prng_below(&pick, 60),
        .store_down_percent = store_fails ? 1 + (unsigned)prng_below(&pick, 10) : 0,
    };
    for (unsigned step = 0; step < STEPS; step++) {
        sim_step();
        act((unsigned)prng_below(&sim_prng, USERS));
        if (sim_chance(3))
            sim_pass(prng_below(&sim_prng, 20));
    }
    sim_faults = (struct sim_faults){0};
    check_all();
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
    printf("%llu seeds: %lu said, %lu compared, %lu breaks, %lu naps, %lu unread\n",
           (unsigned long long)count, said, checked, breaks, naps, unread_seen);
    return said && checked && breaks && naps && unread_seen ? 0 : 1;
}
