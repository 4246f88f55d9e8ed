#include "part.h"

#include "fleet.h"

/* A little longer, so that a message that comes twice is seen. */
enum { AFTERMATH_MS = 100, RETRY_US = 1000, LOOK_US = 20000 };

unsigned part_users(const struct part *part, unsigned *first)
{
    uint64_t size = scenario_group(part->scenario, part->options);
    uint64_t groups = part->options->users / size;
    uint64_t from = groups * part->number / part->count;
    uint64_t until = groups * (part->number + 1) / part->count;
    *first = (unsigned)(part->options->first + from * size);
    return (unsigned)((until - from) * size);
}

/* --- Events of users, while a phase is on --- */

static _Thread_local struct phase *now_on;

static void on_stanza(struct client *client, const struct element *element, uint64_t now_us)
{
    now_on->scenario->take(now_on, client, element, now_us);
}

static void on_ready(struct client *client)
{
    now_on->scenario->on_ready(now_on, client);
}

static void on_gone(struct client *client, const char *why)
{
    now_on->scenario->on_gone(now_on, client, why);
}

static void listen_to(struct phase *phase)
{
    const struct scenario *scenario = phase ? phase->scenario : NULL;
    now_on = phase;
    fleet.on_stanza = scenario && scenario->take ? on_stanza : NULL;
    fleet.on_ready = scenario && scenario->on_ready ? on_ready : NULL;
    fleet.on_gone = scenario && scenario->on_gone ? on_gone : NULL;
}

/* --- A phase --- */

/* Does what is due. Returns when there is something to do again. */
static uint64_t act(struct phase *phase, uint64_t now_us)
{
    uint64_t due_us;
    while ((due_us = pace_due_us(&phase->pace, phase->next)) <= now_us) {
        if (!phase->scenario->act(phase, due_us))
            return now_us + RETRY_US;
        if (due_us >= phase->pace.measure_us)
            hist_add(&phase->tally->late_us, now_us - due_us);
        phase->next++;
    }
    return due_us;
}

static bool is_over(const struct phase *phase, uint64_t now_us)
{
    const struct tally *tally = phase->tally;
    uint64_t end_us = phase->pace.end_us;
    if (now_us < end_us)
        return false;
    bool all =
        phase->next >= phase->pace.writes && tally->delivered + tally->errors >= tally->expected;
    return all || now_us >= end_us + phase->options->drain_ms * 1000;
}

/* CPU time of this thread in the measured part. */
struct watch {
    double begin_us, end_us;
};

static void look(struct watch *watch, const struct phase *phase, uint64_t now_us)
{
    if (watch->begin_us == 0 && now_us >= phase->pace.measure_us)
        watch->begin_us = probe_thread_cpu_us();
    if (watch->end_us == 0 && now_us >= phase->pace.end_us)
        watch->end_us = probe_thread_cpu_us();
}

static void show(struct part *part)
{
    atomic_store_explicit(&part->sent, part->tally->sent, memory_order_relaxed);
    atomic_store_explicit(&part->delivered, part->tally->delivered, memory_order_relaxed);
}

static void run_timetable(struct part *part, struct phase *phase)
{
    const struct pace *pace = &phase->pace;
    struct watch watch = {0};
    uint64_t now = clock_monotonic_us();
    while (!is_over(phase, now)) {
        uint64_t due = phase->scenario->act ? act(phase, now) : UINT64_MAX;
        uint64_t next = due < pace->end_us || now >= pace->end_us ? due : pace->end_us;
        look(&watch, phase, now);
        show(part);
        now = clock_monotonic_us();
        uint64_t wait = next > now ? next - now : 0;
        shard_turn(shard_self, wait < LOOK_US ? wait : LOOK_US);
        now = clock_monotonic_us();
    }
    look(&watch, phase, now);
    part->tally->own_cpu_us = (uint64_t)(watch.end_us - watch.begin_us);
}

static void run_phase(struct part *part, uint64_t rate, uint64_t start_us)
{
    const struct options *options = part->options;
    struct phase phase = {.options = options,
                          .scenario = part->scenario,
                          .tally = part->tally,
                          .pace = {.rate = rate,
                                   .burst = options->burst,
                                   .tick_us = options->tick_us,
                                   .part = part->number,
                                   .parts = part->count}};
    pace_init(&phase.pace, start_us, part->scenario->without_pause ? 0 : options->warmup_ms * 1000,
              options->seconds_ms * 1000);
    unsigned broken = fleet.failed;
    if (part->scenario->begin)
        part->scenario->begin(&phase);
    listen_to(&phase);
    run_timetable(part, &phase);
    fleet_rest(AFTERMATH_MS);
    listen_to(NULL);
    if (part->scenario->end)
        part->scenario->end(&phase);
    part->tally->broken = fleet.failed - broken;
}

/* --- All of it --- */

static bool log_in(const struct part *part, unsigned until)
{
    if (part->scenario->logs_in)
        return true;
    if (fleet_login(until))
        return false;
    fleet_rest(part->options->settle_ms);
    return true;
}

/* At this point memory is read. The relay pairs connections as they come: none stays alone. */
static unsigned half_of(const struct part *part)
{
    unsigned half = fleet.count / 2, group = scenario_group(part->scenario, part->options);
    return part->scenario->through_relay ? half / group * group : half;
}

/* The way to the first phase; returns when it starts. */
static uint64_t prepare(struct part *part)
{
    const struct scenario *scenario = part->scenario;
    if (!part->meet(part, true) || !part->meet(part, log_in(part, half_of(part))) ||
        !part->meet(part, log_in(part, fleet.count)))
        return 0;
    return part->meet(part, !scenario->prepare || scenario->prepare(scenario));
}

void part_run(struct part *part)
{
    unsigned first, count = part_users(part, &first);
    fleet_init(part->options, first, count,
               part->scenario->through_relay ? scenario_group(part->scenario, part->options) : 0);
    fleet.arrivals =
        part->options->arrival_rate ? part->options->arrival_rate / part->count + 1 : 0;
    uint64_t start_us = prepare(part);
    for (uint64_t i = 0; start_us; i++) {
        unsigned rung = (unsigned)(i / part->options->repeat);
        run_phase(part, options_rate(part->options, rung), start_us);
        start_us = part->meet(part, true);
    }
    fleet_logout();
    fleet_fini();
}
