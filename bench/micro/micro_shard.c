/* Mail, timers, TLS. */
#include "mail.h"
#include "micro.h"
#include "prng.h"
#include "tls.h"
#include "wheel.h"

#include <stdio.h>

/* --- Mail between two posts; one thread changes hats --- */

enum { LETTERS = 64 };

static struct mail letters[LETTERS];
static uint64_t arrived;

static void on_letter(struct mail *mail)
{
    arrived += mail->run != NULL;
}

static void on_wake(unsigned target)
{
    arrived += target & 0; /* nobody sleeps here */
}

static void open_posts(void)
{
    mail_setup(2, on_wake);
    mail_enter(0);
}

static void close_posts(void)
{
    mail_enter(0);
    mail_teardown();
}

static uint64_t run_mail(uint64_t count)
{
    for (uint64_t i = 0; i < count; i += LETTERS) {
        mail_enter(0);
        for (int j = 0; j < LETTERS; j++) {
            letters[j].run = on_letter;
            mail_send(1, &letters[j]);
        }
        mail_flush();
        mail_enter(1);
        CHECK(mail_run() == LETTERS);
    }
    return arrived;
}

/* --- Timers --- */

enum { TIMERS = 4096, SPAN_MS = 60000 };

static struct wheel wheel;
static struct timer timers[TIMERS];
static struct prng prng;

static void on_timer(struct timer *timer)
{
    arrived += !timer_is_set(timer);
}

static void make_wheel(void)
{
    memset(timers, 0, sizeof timers);
    prng_init(&prng, 1);
    wheel_init(&wheel, 0);
}

/* Each is moved a thousand times before it would fire, as those of a busy connection are. */
static uint64_t run_wheel_move(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        wheel_set(&wheel, &timers[i % TIMERS], wheel.now_ms + SPAN_MS + i % 1000, on_timer);
    return wheel.count;
}

static uint64_t run_wheel_fire(uint64_t count)
{
    uint64_t before = arrived;
    for (uint64_t i = 0; i < count; i++) {
        struct timer *timer = &timers[i % TIMERS];
        if (i && i % TIMERS == 0)
            wheel_turn(&wheel, wheel.now_ms + SPAN_MS + 1);
        wheel_set(&wheel, timer, wheel.now_ms + prng_below(&prng, SPAN_MS), on_timer);
    }
    wheel_turn(&wheel, wheel.now_ms + SPAN_MS + 1);
    return arrived - before;
}

/* --- TLS over memory --- */

static struct side {
    struct tls *tls;
    struct buf out, plain;
    bool secured;
} server, client;
static struct tls_context *context, *guest;

static void make_contexts(void)
{
    char certificate[512], key[512];
    const char *why = "";
    snprintf(certificate, sizeof certificate, "%s/localhost.pem", micro_folder);
    snprintf(key, sizeof key, "%s/localhost.key", micro_folder);
    if (tls_context_new(certificate, key, "xmpp-client", &context, &why)) {
        fprintf(stderr, "ringtail-micro: %s\n", why);
        CHECK(!"no context");
    }
    guest = tls_context_client("xmpp-client");
}

static void pump(struct side *from, struct side *to)
{
    if (buf_len(&from->out))
        CHECK(tls_input(to->tls, buf_str(&from->out), &to->plain, &to->out, &to->secured) ==
              ERR_OK);
    buf_pop(&from->out, buf_len(&from->out));
}

static void meet(void)
{
    server = client = (struct side){0};
    server.tls = tls_new(context);
    client.tls = tls_new_client(guest, "localhost", &client.out);
    while (buf_len(&client.out) || buf_len(&server.out)) {
        pump(&client, &server);
        pump(&server, &client);
    }
    CHECK(server.secured && client.secured);
    tls_settle(server.tls);
}

static void part(void)
{
    struct side *const sides[] = {&server, &client};
    for (size_t i = 0; i < COUNT_OF(sides); i++) {
        tls_free(sides[i]->tls);
        buf_fini(&sides[i]->out);
        buf_fini(&sides[i]->plain);
    }
}

static void make_pair(void)
{
    make_contexts();
    meet();
}

static void drop_contexts(void)
{
    tls_context_free(context);
    tls_context_free(guest);
}

static void drop_pair(void)
{
    part();
    drop_contexts();
}

/* One record each way would be two sides: this is what a server does for a message, in and out,
 * and the client's half with it. */
static uint64_t run_tls_record(uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        CHECK(tls_output(client.tls, STR(MICRO_STANZA), &client.out) == ERR_OK);
        pump(&client, &server);
        sum += buf_len(&server.plain);
        buf_pop(&server.plain, buf_len(&server.plain));
    }
    return sum;
}

static uint64_t run_tls_handshake(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        meet();
        part();
    }
    return count;
}

const struct micro micro_shard[] = {
    {"mail", "a mail sent, flushed with 63 others, and run", open_posts, run_mail, close_posts,
     6400, false},
    {"wheel_move", "a timer set anew", make_wheel, run_wheel_move, NULL, 40960, false},
    {"wheel_fire", "a timer set, and fired within a minute", make_wheel, run_wheel_fire, NULL,
     40960, false},
    {"tls_record", "a stanza encrypted and, at the other end, decrypted", make_pair, run_tls_record,
     drop_pair, 2000, true},
    {"tls_handshake", "a handshake, both ends (TLS 1.3)", make_contexts, run_tls_handshake,
     drop_contexts, 5, true},
    {0},
};
