#include "outcome.h"

struct reading reading_take(const struct options *options)
{
    struct reading reading = {.server = probe_read(&options->server),
                              .database = probe_read(&options->database),
                              .machine = machine_time()};
    if (options->database.threads) {
        double inside_us = probe_threads_cpu_us(&options->server, options->database.threads);
        reading.server.cpu_us -= inside_us;
        reading.database.cpu_us += inside_us;
    }
    return reading;
}

static void add_counts(const struct outcome *outcome, struct report *out)
{
    const struct tally *tally = outcome->tally;
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {{"rate", outcome->rate},
                  {"sent", tally->sent},
                  {"delivered", tally->delivered},
                  {"lost", tally_lost(tally)},
                  {"doubled", tally->doubled},
                  {"out_of_order", tally->disordered},
                  {"errors", tally->errors},
                  {"others", tally->others},
                  {"receipts", tally->receipts},
                  {"not_archived", tally->not_archived},
                  {"not_in_inbox", tally->not_listed},
                  {"broken_connections", tally->broken},
                  {"workers_lost", outcome->workers_lost},
                  {"measured", tally->in_window}};
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        report_add(out, counts[i].name, (double)counts[i].value, 0);
}

static void add_latency(const struct tally *tally, struct report *out)
{
    static const struct {
        const char *name;
        unsigned per_mille;
    } points[] = {{"latency_p50_us", 500},
                  {"latency_p95_us", 950},
                  {"latency_p99_us", 990},
                  {"latency_p999_us", 999},
                  {"latency_max_us", 1000}};
    for (size_t i = 0; i < COUNT_OF(points); i++)
        report_add(out, points[i].name, (double)hist_at(&tally->latency_us, points[i].per_mille),
                   0);
    report_add(out, "own_late_p99_us", (double)hist_at(&tally->late_us, 990), 0);
    report_add(out, "last_ms", (double)tally->last_us / 1e3, 1);
}

/* What was used in the measured part, of one side. */
struct share_of {
    const char *cpu_each, *written_each, *cpu_sent, *percent;
    const struct probe *probe;
    const struct probe_usage *begin, *end;
};

static void add_side(const struct outcome *outcome, const struct share_of *side, struct report *out)
{
    double count = outcome->tally->in_window ? (double)outcome->tally->in_window : 1;
    double cpu_us = side->end->cpu_us - side->begin->cpu_us;
    if (!probe_is_set(side->probe))
        return;
    report_add_per(out, side->cpu_each, outcome->scenario->unit, cpu_us / count, 2);
    if (outcome->scenario->room_service)
        report_add(out, side->cpu_sent, cpu_us / count * (double)outcome->options->room_size, 2);
    report_add_per(out, side->written_each, outcome->scenario->unit,
                   (side->end->written - side->begin->written) / count, 0);
    report_add(out, side->percent, cpu_us / (double)outcome->options->seconds_ms / 10, 1);
}

/* In rooms also for each that was sent, as the CPU time. */
static void add_counters(const struct outcome *outcome, struct report *out)
{
    double count = outcome->tally->in_window ? (double)outcome->tally->in_window : 1;
    counters_report(&outcome->before, &outcome->after, outcome->scenario->unit, count, out);
    if (outcome->scenario->room_service)
        counters_report(&outcome->before, &outcome->after, "sent",
                        count / (double)outcome->options->room_size, out);
}

static double used_us(const struct outcome *outcome)
{
    return outcome->end.server.cpu_us - outcome->begin.server.cpu_us +
           outcome->end.database.cpu_us - outcome->begin.database.cpu_us +
           (double)outcome->tally->own_cpu_us;
}

static void add_machine(const struct outcome *outcome, struct report *out)
{
    double ms = (double)outcome->options->seconds_ms;
    double busy_us = outcome->end.machine.busy_us - outcome->begin.machine.busy_us;
    double stolen_us = outcome->end.machine.stolen_us - outcome->begin.machine.stolen_us;
    double other_us = busy_us - used_us(outcome);
    report_add(out, "other_cpu_percent", other_us > 0 ? other_us / ms / 10 : 0, 1);
    report_add(out, "stolen_cpu_percent", stolen_us / ms / 10, 1);
}

void outcome_report(const struct outcome *outcome, struct report *out)
{
    const struct options *options = outcome->options;
    const struct tally *tally = outcome->tally;
    double count = tally->in_window ? (double)tally->in_window : 1;
    out->count = 0;
    if (outcome->scenario->act) {
        add_counts(outcome, out);
        report_add(out, "delivered_per_s",
                   (double)tally->in_window * 1000 / (double)options->seconds_ms, 0);
        add_latency(tally, out);
    }
    add_side(outcome,
             &(struct share_of){"server_cpu_us", "server_written_bytes", "server_cpu_us_sent",
                                "server_cpu_percent", &options->server, &outcome->begin.server,
                                &outcome->end.server},
             out);
    add_side(outcome,
             &(struct share_of){"database_cpu_us", "database_written_bytes", "database_cpu_us_sent",
                                "database_cpu_percent", &options->database,
                                &outcome->begin.database, &outcome->end.database},
             out);
    add_counters(outcome, out);
    report_add_per(out, "own_cpu_us", outcome->scenario->unit, (double)tally->own_cpu_us / count,
                   2);
    report_add(out, "own_cpu_percent", (double)tally->own_cpu_us / (double)options->seconds_ms / 10,
               1);
    add_machine(outcome, out);
}

void outcome_memory(const struct options *options, const struct reading *at, struct report *out)
{
    const struct probe_usage *none = &at[MEMORY_NONE].server, *half = &at[MEMORY_HALF].server,
                             *all = &at[MEMORY_ALL].server;
    double count = (double)options->users, rest = count - (double)(options->users / 2);
    if (probe_is_set(&options->server)) {
        report_add(out, "rss_before_bytes", none->rss, 0);
        report_add(out, "rss_bytes", all->rss, 0);
        report_add(out, "rss_session_bytes", (all->rss - none->rss) / count, 0);
        report_add(out, "pss_session_bytes", (all->pss - none->pss) / count, 0);
        report_add(out, "private_session_bytes", (all->private - none->private) / count, 0);
        report_add(out, "rss_one_more_bytes", (all->rss - half->rss) / rest, 0);
        report_add(out, "private_one_more_bytes", (all->private - half->private) / rest, 0);
    }
    if (at[MEMORY_ALL].database.pss > 0)
        report_add(out, "database_pss_bytes", at[MEMORY_ALL].database.pss, 0);
}
