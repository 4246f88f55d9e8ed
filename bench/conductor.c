#include "conductor.h"

#include "clock.h"
#include "mem.h"
#include "outcome.h"
#include "progress.h"
#include "telling.h"
#include "watch.h"

#include <stdio.h>
#include <unistd.h>

enum { LOOK_US = 2000, GLANCE_US = 20000, LEAD_US = 50000, REMOTE_LEAD_US = 300000 };

struct conductor {
    const struct options *options;
    const struct scenario *scenario;
    struct crew **crews;
    unsigned count, parts;
    struct watches *watches;
    struct telling telling;
    struct progress progress;
    struct tally *tally;     /* of the phase */
    struct report *repeats;  /* of a rate */
    struct hist *latency_us; /* of a rate */
    bool clean, failed;
};

/* --- Meeting --- */

static unsigned lost_count(const struct conductor *self)
{
    unsigned lost = 0;
    for (unsigned i = 0; i < self->count; i++)
        lost += self->crews[i]->lost;
    return lost;
}

/* How many are still at work, and how many wait. */
static void look(struct conductor *self, unsigned *busy, unsigned *waiting)
{
    *busy = *waiting = 0;
    for (unsigned i = 0; i < self->count; i++) {
        enum crew_state state = self->crews[i]->kind->look(self->crews[i]);
        *busy += state == CREW_BUSY;
        *waiting += state == CREW_WAITS;
        self->failed |= !self->crews[i]->well;
    }
}

static void show(struct conductor *self, const char *what, uint64_t rate)
{
    uint64_t sent = 0, delivered = 0;
    for (unsigned i = 0; i < self->count; i++)
        self->crews[i]->kind->peek(self->crews[i], &sent, &delivered);
    progress_show(&self->progress, what, rate, sent, delivered);
}

/* Until all that are left wait. False: nobody does, or somebody has failed. */
static bool await(struct conductor *self, const char *what, uint64_t rate)
{
    unsigned busy, waiting;
    for (look(self, &busy, &waiting); busy; look(self, &busy, &waiting)) {
        usleep(LOOK_US);
        show(self, what, rate);
    }
    progress_clear(&self->progress);
    return waiting && !self->failed;
}

/* Those that are left go on at a time. */
static uint64_t go(struct conductor *self, bool on)
{
    bool remote = self->options->workers.count > 0;
    uint64_t at_us = clock_monotonic_us() + (remote ? REMOTE_LEAD_US : LEAD_US);
    for (unsigned i = 0; i < self->count; i++) {
        struct crew *crew = self->crews[i];
        if (crew->kind->look(crew) == CREW_WAITS)
            crew->kind->go(crew, on ? at_us : 0);
    }
    return at_us;
}

static bool step(struct conductor *self, const char *what)
{
    go(self, true);
    return await(self, what, 0);
}

/* --- A phase --- */

static void wait_until(struct conductor *self, uint64_t until_us, uint64_t rate)
{
    unsigned busy, waiting;
    for (uint64_t now; (now = clock_monotonic_us()) < until_us;) {
        usleep((unsigned)(until_us - now < GLANCE_US ? until_us - now : GLANCE_US));
        look(self, &busy, &waiting);
        show(self, self->scenario->name, rate);
        if (!busy)
            return;
    }
}

static void collect(struct conductor *self)
{
    memset(self->tally, 0, sizeof *self->tally);
    for (unsigned i = 0; i < self->count; i++)
        if (!self->crews[i]->lost)
            self->crews[i]->kind->take(self->crews[i], self->tally);
}

/* False: no more phases. */
static bool run_phase(struct conductor *self, uint64_t rate, struct report *report)
{
    const struct options *options = self->options;
    uint64_t start_us = go(self, true);
    uint64_t measure_us =
        start_us + (self->scenario->without_pause ? 0 : options->warmup_ms * 1000);
    struct outcome outcome = {
        .options = options, .scenario = self->scenario, .rate = rate, .tally = self->tally};
    wait_until(self, measure_us, rate);
    outcome.before = counters_read(options->counters);
    outcome.begin = watches_read(self->watches, options);
    wait_until(self, measure_us + options->seconds_ms * 1000, rate);
    outcome.end = watches_read(self->watches, options);
    outcome.after = counters_read(options->counters);
    bool more = await(self, self->scenario->name, rate);
    collect(self);
    outcome.workers_lost = lost_count(self);
    outcome_report(&outcome, report);
    hist_merge(self->latency_us, &self->tally->latency_us);
    telling_phase(&self->telling, "phase", report, &self->tally->latency_us);
    self->clean &= tally_is_clean(self->tally) && !outcome.workers_lost;
    return more;
}

/* --- The ladder --- */

/* Whether the server keeps up at this rate, as far as --stop-p99 says. */
static bool is_passed(const struct options *options, const struct report *report)
{
    return !options->stop_p99_ms ||
           (report_get(report, "latency_p99_us") <= (double)options->stop_p99_ms * 1000 &&
            report_get(report, "lost") == 0);
}

/* All repeats of a rate. False: no more rates. */
static bool run_rung(struct conductor *self, uint64_t rate)
{
    unsigned count = (unsigned)self->options->repeat;
    struct report median = self->repeats[0];
    bool more = true;
    memset(self->latency_us, 0, sizeof *self->latency_us);
    for (unsigned i = 0; i < count && more; i++)
        more = run_phase(self, rate, &self->repeats[i]);
    if (!more)
        return false;
    report_median(self->repeats, count, &median);
    if (count > 1)
        telling_phase(&self->telling, "median", &median, self->latency_us);
    return is_passed(self->options, &median);
}

static void climb(struct conductor *self)
{
    unsigned rungs = options_rungs(self->options);
    for (unsigned i = 0; i < rungs; i++)
        if (!run_rung(self, options_rate(self->options, i)))
            return;
}

/* --- The way to it --- */

static bool log_in(struct conductor *self, struct report *run)
{
    const struct options *options = self->options;
    struct reading at[MEMORY_POINTS];
    if (!await(self, "start", 0))
        return false;
    at[MEMORY_NONE] = watches_read(self->watches, options);
    uint64_t began_us = clock_monotonic_us();
    if (!step(self, "login"))
        return false;
    at[MEMORY_HALF] = watches_read(self->watches, options);
    if (!step(self, "login"))
        return false;
    at[MEMORY_ALL] = watches_read(self->watches, options);
    double seconds = (double)(clock_monotonic_us() - began_us) / 1e6;
    if (self->scenario->logs_in)
        return true;
    report_add(run, "sessions", (double)options->users, 0);
    report_add(run, "login_seconds", seconds - 2 * (double)options->settle_ms / 1e3, 2);
    outcome_memory(options, at, run);
    return true;
}

static void start_all(struct conductor *self)
{
    unsigned part = 0;
    for (unsigned i = 0; i < self->count; i++)
        self->parts += self->crews[i]->threads;
    for (unsigned i = 0; i < self->count; i++) {
        struct share share = {part, self->parts};
        self->crews[i]->kind->start(self->crews[i], self->options, share);
        part += self->crews[i]->threads;
    }
}

static void end_all(struct conductor *self)
{
    unsigned busy, waiting;
    for (look(self, &busy, &waiting); busy + waiting; look(self, &busy, &waiting)) {
        if (!busy)
            go(self, false);
        usleep(LOOK_US);
    }
    for (unsigned i = 0; i < self->count; i++)
        self->crews[i]->kind->free(self->crews[i]);
}

static void tell_losses(const struct conductor *self)
{
    unsigned lost = lost_count(self);
    if (lost)
        fprintf(stderr,
                "ringtail-bench: %u of %u workers were lost: what was measured since then is the "
                "work of the others\n",
                lost, self->count);
}

static void run(struct conductor *self)
{
    struct report report = {0};
    machine_noise(&report);
    start_all(self);
    self->clean = log_in(self, &report) && step(self, "preparation");
    report_add(&report, "threads", self->parts, 0);
    report_add(&report, "workers", self->options->workers.count ? self->count : 0, 0);
    if (self->clean) {
        telling_run(&self->telling, &report);
        climb(self);
    }
    tell_losses(self);
    end_all(self);
}

int conduct(const struct options *options, struct crew **crews, unsigned count)
{
    struct conductor self = {.options = options,
                             .scenario = scenario_find(options->scenario),
                             .crews = crews,
                             .count = count};
    telling_init(&self.telling, options, self.scenario);
    self.watches = mem_zalloc(sizeof *self.watches);
    self.tally = mem_zalloc(sizeof *self.tally);
    self.latency_us = mem_zalloc(sizeof *self.latency_us);
    self.repeats = mem_zalloc(options->repeat * sizeof *self.repeats);
    if (!watches_open(self.watches, options))
        run(&self);
    watches_close(self.watches);
    self.failed |= self.watches->failed;
    bool told = telling_end(&self.telling);
    mem_free(self.repeats);
    mem_free(self.latency_us);
    mem_free(self.tally);
    mem_free(self.watches);
    return self.clean && !self.failed && told ? 0 : 1;
}
