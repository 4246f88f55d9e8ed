#include "worker.h"

#include "clock.h"
#include "crew.h"
#include "mem.h"
#include "watch.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 2, PEEK_US = 500000, PATIENCE_MS = 60000 };

struct worker {
    struct wire wire;
    struct crew *crew;
    struct tally *tally;
    bool told; /* that the crew waits at this point */
    uint64_t peek_us;
};

static void tell_waits(struct worker *self)
{
    struct buf line = {0};
    memset(self->tally, 0, sizeof *self->tally);
    self->crew->kind->take(self->crew, self->tally);
    tally_write(&line, self->tally);
    wire_say(&self->wire, "waits %d %.*s", self->crew->well, STR_ARG(buf_str(&line)));
    buf_fini(&line);
    self->told = true;
}

/* Also tells that we are there. */
static void tell_peek(struct worker *self)
{
    uint64_t now_us = clock_monotonic_us(), sent = 0, delivered = 0;
    if (now_us < self->peek_us)
        return;
    self->peek_us = now_us + PEEK_US;
    self->crew->kind->peek(self->crew, &sent, &delivered);
    wire_say(&self->wire, "peek %" PRIu64 " %" PRIu64, sent, delivered);
}

static void go(struct worker *self, uint64_t at_us)
{
    self->told = false;
    self->crew->kind->go(self->crew, at_us);
}

/* Until the crew has ended. Without a coordinator it is stopped at its next point. */
static void work(struct worker *self)
{
    enum crew_state state;
    struct str line, word, rest;
    while ((state = self->crew->kind->look(self->crew)) != CREW_ENDED) {
        uint64_t at_us;
        if (state == CREW_WAITS && self->wire.dead)
            go(self, 0);
        else if (state == CREW_WAITS && !self->told)
            tell_waits(self);
        tell_peek(self);
        if (self->wire.dead)
            usleep(LOOK_MS * 1000);
        else if (wire_hear(&self->wire, LOOK_MS, &line)) {
            word = str_cut(line, ' ', &rest);
            if (str_is(word, "go") && state == CREW_WAITS && text_u64(rest, 0, UINT64_MAX, &at_us))
                go(self, at_us);
        }
    }
    wire_say(&self->wire, "ended");
}

/* Answers about the clock until the start is told. False: it never was. */
static bool await_start(struct wire *wire, struct share *share)
{
    struct str line, rest;
    while (wire_hear(wire, PATIENCE_MS, &line)) {
        uint64_t first, parts;
        struct str word = str_cut(line, ' ', &rest);
        if (str_is(word, "clock"))
            wire_say(wire, "clock %" PRIu64, clock_monotonic_us());
        else if (str_is(word, "start") && text_u64(str_cut(rest, ' ', &rest), 0, 65535, &first) &&
                 text_u64(rest, 1, 65536, &parts)) {
            *share = (struct share){(unsigned)first, (unsigned)parts};
            return true;
        }
    }
    return false;
}

static void run(struct worker *self, const struct options *options)
{
    struct share share;
    self->crew = crew_local_new(options);
    self->tally = mem_zalloc(sizeof *self->tally);
    wire_say(&self->wire, "threads %u", self->crew->threads);
    if (await_start(&self->wire, &share)) {
        self->crew->kind->start(self->crew, options, share);
        work(self);
        self->crew->kind->free(self->crew);
    }
    mem_free(self->tally);
}

static void serve(int fd)
{
    struct worker self = {0};
    struct options options = {0};
    struct str line, rest;
    wire_init(&self.wire, fd);
    if (wire_hear(&self.wire, PATIENCE_MS, &line)) {
        bool watch = str_is(str_cut(line, ' ', &rest), "watch");
        bool well = !options_read(rest, &options) && scenario_find(options.scenario);
        if (well && watch)
            watch_serve(&self.wire, &options);
        else if (well)
            run(&self, &options);
        options_fini(&options);
    }
    wire_close(&self.wire);
}

/* Each run is a process of its own: whatever becomes of it, the next one finds a fresh one. */
int worker_serve(const char *address)
{
    int listening = wire_listen(address);
    if (listening < 0)
        return 2;
    fprintf(stderr, "ringtail-bench: waits for coordinators at %s\n", address);
    for (;;) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        pid_t child = fd >= 0 ? fork() : -1;
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            close(listening);
            serve(fd);
            return 0;
        }
        if (fd >= 0)
            close(fd);
        if (child > 0)
            waitpid(child, NULL, 0);
    }
}
