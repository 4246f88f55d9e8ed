/* Login and logout: each user once, --in-flight at a time. */
#include "fleet.h"
#include "hist.h"
#include "mem.h"
#include "probe.h"
#include "report.h"
#include "scenario.h"

static struct hist *times;

static void on_ready(struct client *client)
{
    hist_add(times, clock_monotonic_us() - client->began_us);
    client_close(client);
}

static void tell(const struct options *options, double seconds, double server_us, double own_us)
{
    struct report report = {.json = options->json};
    double logins = fleet.ready ? fleet.ready : 1;
    report_text(&report, "scenario", "login");
    report_text(&report, "mechanism", options->mechanism);
    report_number(&report, "tls", options->tls || options->direct_tls, 0);
    report_number(&report, "logins", fleet.ready, 0);
    report_number(&report, "failed", fleet.failed, 0);
    report_number(&report, "logins_per_s", fleet.ready / seconds, 0);
    report_number(&report, "login_p50_us", (double)hist_at(times, 500), 0);
    report_number(&report, "login_p99_us", (double)hist_at(times, 990), 0);
    report_number(&report, "server_cpu_us_login", server_us / logins, 1);
    report_number(&report, "own_cpu_us_login", own_us / logins, 1);
    report_print(&report);
}

static void run_all(void)
{
    while (fleet.gone < fleet.count) {
        fleet_begin(fleet.count);
        shard_turn(shard_self, 100000);
    }
}

int scenario_login(const struct options *options)
{
    fleet_init(options, false);
    fleet.on_ready = on_ready;
    times = mem_zalloc(sizeof *times);
    double server_us = probe_read(&options->server).cpu_us, own_us = probe_own_cpu_us();
    uint64_t began_us = clock_monotonic_us();
    run_all();
    double seconds = (double)(clock_monotonic_us() - began_us) / 1e6;
    tell(options, seconds, probe_read(&options->server).cpu_us - server_us,
         probe_own_cpu_us() - own_us);
    int code = fleet.failed ? 1 : 0;
    mem_free(times);
    fleet_fini();
    return code;
}
