/*
 * A whole server's worth of clients comes back at once, as after a network was away: how long until
 * all are there, with resumption (XEP-0198) and without.
 */
#include "fleet.h"
#include "hist.h"
#include "mem.h"
#include "probe.h"
#include "report.h"
#include "scenario.h"

enum { SETTLE_MS = 1000 };

static struct hist *times;
static uint64_t cut_us; /* 0: not yet */

static void on_ready(struct client *client)
{
    (void)client;
    if (cut_us)
        hist_add(times, clock_monotonic_us() - cut_us);
}

static void tell(const struct options *options, double seconds, double server_us)
{
    struct report report = {.json = options->json};
    double back = fleet.ready ? fleet.ready : 1;
    report_text(&report, "scenario", "stampede");
    report_number(&report, "resumed", options->resume, 0);
    report_number(&report, "back", fleet.ready, 0);
    report_number(&report, "failed", fleet.failed, 0);
    report_number(&report, "all_back_seconds", seconds, 3);
    report_number(&report, "back_p50_us", (double)hist_at(times, 500), 0);
    report_number(&report, "back_p99_us", (double)hist_at(times, 990), 0);
    report_number(&report, "server_cpu_us_each", server_us / back, 1);
    report_print(&report);
}

int scenario_stampede(const struct options *options)
{
    fleet_init(options, false);
    fleet.on_ready = on_ready;
    times = mem_zalloc(sizeof *times);
    if (options->resume)
        fleet.setup.memories = mem_zalloc(fleet.count * sizeof *fleet.setup.memories);
    enum err err = fleet_login(fleet.count);
    fleet_rest(SETTLE_MS);
    double server_us = probe_read(&options->server).cpu_us;
    cut_us = clock_monotonic_us();
    if (!err) {
        fleet_cut();
        err = fleet_login(fleet.count);
    }
    double seconds = (double)(clock_monotonic_us() - cut_us) / 1e6;
    tell(options, seconds, probe_read(&options->server).cpu_us - server_us);
    fleet_logout();
    mem_free(fleet.setup.memories);
    mem_free(times);
    fleet_fini();
    return err ? 1 : 0;
}
