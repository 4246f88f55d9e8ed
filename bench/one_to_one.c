/* Chat through a server, in pairs or in rooms, or the same bytes through the relay. */
#include "probe.h"
#include "report.h"
#include "scenario.h"
#include "talk.h"
#include "traffic.h"

#include <stdio.h>

/* CPU time at the begin and at the end of the measured part. */
struct usage {
    struct probe_usage server, database;
    double own_us;
};

struct run {
    struct traffic traffic;
    struct usage begin, end;
    bool began, ended;
};

static struct run run;

static void on_stanza(struct client *client, const struct element *element, uint64_t now_us)
{
    traffic_take(&run.traffic, client, element, now_us);
}

static struct usage usage_now(const struct options *options)
{
    return (struct usage){probe_read(&options->server), probe_read(&options->database),
                          probe_own_cpu_us()};
}

/* The process table is read twice in a run, not in each turn: it takes a while. */
static void watch(const struct options *options, uint64_t now_us)
{
    if (!run.began && now_us >= run.traffic.pace.measure_us) {
        run.began = true;
        run.begin = usage_now(options);
    }
    if (!run.ended && now_us >= run.traffic.pace.end_us) {
        run.ended = true;
        run.end = usage_now(options);
    }
}

static bool is_over(uint64_t now_us, uint64_t drain_us)
{
    const struct traffic *traffic = &run.traffic;
    if (!run.ended || traffic->next < traffic->pace.writes)
        return false;
    bool all = traffic->delivered + traffic->foreign >= traffic->sent * traffic->readers;
    return all || now_us >= traffic->pace.end_us + drain_us;
}

/* A little longer, so that a message that comes twice is seen. */
enum { AFTERMATH_MS = 100, LEAD_US = 1000 };

static void talk(const struct options *options)
{
    const struct pace *pace = &run.traffic.pace;
    uint64_t now = clock_monotonic_us();
    while (!is_over(now, options->drain_ms * 1000)) {
        uint64_t due = traffic_send(&run.traffic, now);
        uint64_t next = due < pace->end_us ? due : pace->end_us;
        watch(options, now);
        now = clock_monotonic_us();
        shard_turn(shard_self, next > now ? next - now : run.ended ? 10000 : 0);
        now = clock_monotonic_us();
    }
    fleet_rest(AFTERMATH_MS);
}

static void tell_latency(struct report *report, const struct hist *latency)
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
        report_number(report, points[i].name, (double)hist_at(latency, points[i].per_mille), 0);
}

static void tell_cpu(struct report *report, uint64_t measured_ms)
{
    double messages = run.traffic.in_window ? (double)run.traffic.in_window : 1;
    double server_us = run.end.server.cpu_us - run.begin.server.cpu_us;
    double database_us = run.end.database.cpu_us - run.begin.database.cpu_us;
    double own_us = run.end.own_us - run.begin.own_us;
    report_number(report, "measured", (double)run.traffic.in_window, 0);
    report_number(report, "server_cpu_us_message", server_us / messages, 2);
    if (run.traffic.room_size)
        report_number(report, "server_cpu_us_sent", server_us / messages * run.traffic.readers, 2);
    report_number(report, "database_cpu_us_message", database_us / messages, 2);
    report_number(report, "own_cpu_us_message", own_us / messages, 2);
    report_number(report, "server_cpu_percent", server_us / (double)measured_ms / 10, 1);
    report_number(report, "own_cpu_percent", own_us / (double)measured_ms / 10, 1);
}

static void tell(const struct options *options, const char *scenario)
{
    struct report report = {.json = options->json};
    const struct traffic *traffic = &run.traffic;
    report_text(&report, "scenario", scenario);
    report_number(&report, "users", fleet.count, 0);
    report_number(&report, "tls", options->tls || options->direct_tls, 0);
    report_number(&report, "rate", (double)options->rate, 0);
    report_number(&report, "burst", (double)options->burst, 0);
    report_number(&report, "sent", (double)traffic->sent, 0);
    report_number(&report, "delivered", (double)traffic->delivered, 0);
    report_number(&report, "lost", (double)(traffic->sent * traffic->readers - traffic->delivered),
                  0);
    report_number(&report, "doubled", (double)traffic->doubled, 0);
    report_number(&report, "out_of_order", (double)traffic->disordered, 0);
    report_number(&report, "errors", (double)traffic->foreign, 0);
    report_number(&report, "others", (double)traffic->others, 0);
    report_number(&report, "broken_connections", fleet.failed, 0);
    tell_latency(&report, traffic->latency_us);
    report_number(&report, "own_late_p99_us", (double)hist_at(traffic->late_us, 990), 0);
    tell_cpu(&report, options->seconds_ms);
    report_print(&report);
}

static int measure(const struct options *options, const struct talk *what)
{
    struct traffic *traffic = &run.traffic;
    if (fleet_login(fleet.count) || (what->prepare && !what->prepare(options)))
        return 1;
    traffic->room_size = what->room_size;
    traffic->rooms_at = what->room_service;
    fleet_rest(options->settle_ms);
    fleet.on_stanza = on_stanza;
    traffic->pace =
        (struct pace){.rate = options->rate, .burst = options->burst, .tick_us = options->tick_us};
    pace_init(&traffic->pace, clock_monotonic_us() + LEAD_US, options->warmup_ms * 1000,
              options->seconds_ms * 1000);
    traffic_init(traffic);
    talk(options);
    tell(options, what->name);
    bool clean = traffic->delivered == traffic->sent * traffic->readers && !traffic->doubled &&
                 !fleet.failed;
    traffic_fini(traffic);
    return clean ? 0 : 1;
}

int talk_run(const struct options *options, const struct talk *what)
{
    fleet_init(options, what->through_relay);
    int code = measure(options, what);
    fleet_logout();
    fleet_fini();
    return code;
}

int talk_in_rooms(const struct options *options, const struct talk *what)
{
    struct talk rooms = *what;
    rooms.room_size = (unsigned)options->room_size;
    if (options->users % options->room_size == 0)
        return talk_run(options, &rooms);
    fputs("ringtail-bench: --users must be a multiple of --room-size\n", stderr);
    return 2;
}

static int run_pairs(const struct options *options, const struct talk *what)
{
    if (options->users % 2 == 0 && options->first % 2 == 0)
        return talk_run(options, what);
    fputs("ringtail-bench: --users and --first must be even: users talk in pairs\n", stderr);
    return 2;
}

int scenario_one_to_one(const struct options *options)
{
    return run_pairs(options, &(struct talk){.name = "one_to_one"});
}

/* The relay pairs connections in the order in which they come: one pair at a time. */
int scenario_relay(const struct options *options)
{
    struct options bare = *options;
    bare.tls = bare.direct_tls = false;
    bare.in_flight = 2;
    return run_pairs(&bare, &(struct talk){.name = "relay", .through_relay = true});
}
