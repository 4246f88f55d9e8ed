/*
 * Sessions that do nothing. Memory is read with none, half and all of them: what the server takes
 * once (buffers touched for the first time, pools) is in the first half, so the second half tells
 * what one more session costs.
 */
#include "fleet.h"
#include "probe.h"
#include "report.h"
#include "scenario.h"

enum { NONE, HALF, ALL, POINTS };

static void tell(const struct options *options, const struct probe_usage *at, double half,
                 double login_s)
{
    struct report report = {.json = options->json};
    double count = fleet.count, rest = count - half;
    report_text(&report, "scenario", "idle");
    report_number(&report, "sessions", count, 0);
    report_number(&report, "tls", options->tls || options->direct_tls, 0);
    report_number(&report, "login_seconds", login_s, 2);
    report_number(&report, "rss_before_bytes", at[NONE].rss, 0);
    report_number(&report, "rss_bytes", at[ALL].rss, 0);
    report_number(&report, "rss_session_bytes", (at[ALL].rss - at[NONE].rss) / count, 0);
    report_number(&report, "pss_session_bytes", (at[ALL].pss - at[NONE].pss) / count, 0);
    report_number(&report, "private_session_bytes", (at[ALL].private - at[NONE].private) / count,
                  0);
    report_number(&report, "rss_one_more_bytes", (at[ALL].rss - at[HALF].rss) / rest, 0);
    report_number(&report, "private_one_more_bytes", (at[ALL].private - at[HALF].private) / rest,
                  0);
    report_number(&report, "lost_sessions", fleet.failed, 0);
    report_print(&report);
}

static enum err reach(unsigned count, struct probe_usage *memory)
{
    enum err err = fleet_login(count);
    if (err)
        return err;
    fleet_rest(fleet.setup.options->settle_ms);
    *memory = probe_read(&fleet.setup.options->server);
    return ERR_OK;
}

static int measure(const struct options *options)
{
    struct probe_usage at[POINTS] = {[NONE] = probe_read(&options->server)};
    unsigned half = fleet.count / 2;
    uint64_t began_us = clock_monotonic_us();
    if (reach(half, &at[HALF]) || reach(fleet.count, &at[ALL]))
        return 1;
    double login_s = (double)(clock_monotonic_us() - began_us - 2000 * options->settle_ms) / 1e6;
    fleet_rest(options->seconds_ms);
    tell(options, at, half, login_s);
    return fleet.failed ? 1 : 0;
}

int scenario_idle(const struct options *options)
{
    fleet_init(options, false);
    int code = measure(options);
    fleet_logout();
    fleet_fini();
    return code;
}
