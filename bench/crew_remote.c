#include "clock.h"
#include "crew.h"
#include "mem.h"
#include "wire.h"

#include <inttypes.h>
#include <stdio.h>

enum { CLOCK_TRIES = 10, PATIENCE_MS = 10000 };

struct remote {
    struct crew crew;
    struct wire wire;
    enum crew_state state;
    int64_t offset_us; /* its clock less ours */
    uint64_t sent, delivered;
    struct tally *tally;
};

#define REMOTE(crew) ((struct remote *)(crew)) /* its first member */

static void lose(struct remote *self, const char *why)
{
    if (!self->crew.lost)
        fprintf(stderr, "ringtail-bench: worker %s is lost: %s\n", self->crew.name, why);
    self->crew.lost = true;
    self->state = CREW_LOST;
}

/* --- What it says --- */

static void on_waits(struct remote *self, struct str rest)
{
    bool well = str_is(str_cut(rest, ' ', &rest), "1");
    if (!well && self->crew.well)
        fprintf(stderr, "ringtail-bench: worker %s has failed; its own output says why\n",
                self->crew.name);
    self->crew.well &= well;
    if (tally_read(rest, self->tally))
        lose(self, "it does not speak as we do (another version?)");
    else
        self->state = CREW_WAITS;
}

static void on_peek(struct remote *self, struct str rest)
{
    if (!text_u64(str_cut(rest, ' ', &rest), 0, UINT64_MAX, &self->sent) ||
        !text_u64(rest, 0, UINT64_MAX, &self->delivered))
        lose(self, "it does not speak as we do (another version?)");
}

static void on_ended(struct remote *self, struct str rest)
{
    (void)rest;
    self->state = CREW_ENDED;
}

static const struct {
    const char *word;
    void (*run)(struct remote *self, struct str rest);
} words[] = {{"waits", on_waits}, {"peek", on_peek}, {"ended", on_ended}};

static void take_line(struct remote *self, struct str line)
{
    struct str rest, word = str_cut(line, ' ', &rest);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_is(word, words[i].word))
            words[i].run(self, rest);
}

static enum crew_state look(struct crew *crew)
{
    struct remote *self = REMOTE(crew);
    struct str line;
    while (self->state == CREW_BUSY && wire_hear(&self->wire, 0, &line))
        take_line(self, line);
    if (self->state != CREW_BUSY)
        return self->state;
    if (self->wire.dead)
        lose(self, "its connection has ended");
    else if (clock_monotonic_us() - self->wire.heard_us > WIRE_SILENCE_MS * UINT64_C(1000))
        lose(self, "it is silent");
    return self->state;
}

/* --- What it is told --- */

/* The answer that came back fastest says most about its clock. */
static bool learn_clock(struct remote *self)
{
    uint64_t best_us = UINT64_MAX;
    for (unsigned i = 0; i < CLOCK_TRIES; i++) {
        struct str line, rest;
        uint64_t before_us = clock_monotonic_us(), theirs_us;
        wire_say(&self->wire, "clock");
        if (!wire_hear(&self->wire, PATIENCE_MS, &line) ||
            !str_is(str_cut(line, ' ', &rest), "clock") ||
            !text_u64(rest, 0, INT64_MAX, &theirs_us))
            return false;
        uint64_t took_us = clock_monotonic_us() - before_us;
        if (took_us >= best_us)
            continue;
        best_us = took_us;
        self->offset_us = (int64_t)(theirs_us - before_us - took_us / 2);
    }
    return true;
}

static void start(struct crew *crew, const struct options *options, struct share share)
{
    struct remote *self = REMOTE(crew);
    (void)options;
    if (!learn_clock(self))
        lose(self, "it does not tell its clock");
    wire_say(&self->wire, "start %u %u", share.first_part, share.parts);
}

static void go(struct crew *crew, uint64_t at_us)
{
    struct remote *self = REMOTE(crew);
    uint64_t theirs_us = at_us ? (uint64_t)((int64_t)at_us + self->offset_us) : 0;
    self->state = CREW_BUSY;
    wire_say(&self->wire, "go %" PRIu64, theirs_us);
}

static void take(struct crew *crew, struct tally *out)
{
    tally_add(out, REMOTE(crew)->tally);
    memset(REMOTE(crew)->tally, 0, sizeof *REMOTE(crew)->tally);
}

static void peek(struct crew *crew, uint64_t *sent, uint64_t *delivered)
{
    *sent += REMOTE(crew)->sent;
    *delivered += REMOTE(crew)->delivered;
}

static void end(struct crew *crew)
{
    wire_close(&REMOTE(crew)->wire);
    mem_free(REMOTE(crew)->tally);
    mem_free(crew);
}

static const struct crew_kind kind = {
    .start = start, .look = look, .go = go, .take = take, .peek = peek, .free = end};

/* It is told the options first, since the number of threads may be its own choice. */
static bool introduce(struct remote *self, const struct options *options)
{
    struct buf text = {0};
    struct str line, rest;
    uint64_t threads;
    options_write(&text, options, true);
    wire_say(&self->wire, "run %.*s", STR_ARG(buf_str(&text)));
    buf_fini(&text);
    if (!wire_hear(&self->wire, PATIENCE_MS, &line) ||
        !str_is(str_cut(line, ' ', &rest), "threads") || !text_u64(rest, 1, 1024, &threads))
        return false;
    self->crew.threads = (unsigned)threads;
    return true;
}

struct crew *crew_remote_new(const char *address, const struct options *options)
{
    int fd = wire_connect(address);
    if (fd < 0)
        return NULL;
    struct remote *self = mem_zalloc(sizeof *self);
    self->crew = (struct crew){.kind = &kind, .well = true};
    text_copy(self->crew.name, sizeof self->crew.name, str_of(address));
    self->tally = mem_zalloc(sizeof *self->tally);
    wire_init(&self->wire, fd);
    if (introduce(self, options))
        return &self->crew;
    fprintf(stderr, "ringtail-bench: worker %s is busy, or does not understand the run\n", address);
    end(&self->crew);
    return NULL;
}
