#include "html_tables.h"

#include "html.h"
#include "html_plots.h"

#include <stdio.h>

/* --- Heading --- */

static const struct result *first_run(const struct result *results)
{
    while (results && !result_is(results, "run"))
        results = results->next;
    return results;
}

void html_heading(struct buf *out, const struct result *results)
{
    const struct result *run = first_run(results);
    buf_push_str(out, STR("<h1>ringtail-bench</h1>"));
    if (!run)
        return;
    const struct conf_node *machine = conf_find(run->map, STR("machine"));
    const struct result of_machine = {.map = machine ? machine : run->map};
    buf_push_str(out, STR("<p class='sub'>"));
    html_text(out, result_text(run, "time"));
    buf_format(out, " · %g CPUs, ", result_number(&of_machine, "cpus"));
    html_text(out, result_text(&of_machine, "cpu"));
    buf_push_str(out, STR(", Linux "));
    html_text(out, result_text(&of_machine, "kernel"));
    buf_format(out, " · noise p50 %g, p99 %g µs</p>", result_number(run, "noise_p50_us"),
               result_number(run, "noise_p99_us"));
}

/* --- Cards --- */

static void write_card(struct buf *out, double value, int decimals, const char *unit,
                       const char *what)
{
    buf_format(out, "<div class='card'><b>%.*f %s</b><span>%s</span></div>", decimals, value, unit,
               what);
}

static void write_cards(struct buf *out, const struct result *best)
{
    char name[128];
    html_series_name(name, sizeof name, best);
    buf_push_str(out, STR("<h2>"));
    html_text(out, str_of(name));
    buf_push_str(out, STR("</h2><div class='cards'>"));
    write_card(out, result_number(best, "delivered_per_s"), 0, "/s",
               "delivered, highest rate without loss");
    write_card(out, result_number(best, "latency_p50_us") / 1e3, 2, "ms", "p50");
    write_card(out, result_number(best, "latency_p99_us") / 1e3, 2, "ms", "p99");
    if (result_per_unit(best, "server_cpu_us") > 0)
        write_card(out, result_per_unit(best, "server_cpu_us"), 1, "µs", "server CPU each");
    if (result_per_unit(best, "database_cpu_us") > 0)
        write_card(out, result_per_unit(best, "database_cpu_us"), 1, "µs", "database CPU each");
    buf_push_str(out, STR("</div>"));
}

void html_cards(struct buf *out, const struct result *results)
{
    for (const struct result *one = results; one; one = one->next) {
        bool first = true;
        for (const struct result *before = results; before != one; before = before->next)
            first &= !html_same_series(before, one);
        const struct result *best = first ? html_best(results, one) : NULL;
        if (best)
            write_cards(out, best);
    }
}

/* --- Phases --- */

static const struct {
    const char *figure, *title;
    int decimals;
    bool per_unit, bad; /* anything but 0 is */
} columns[] = {
    {"rate", "rate", 0, false, false},
    {"delivered", "delivered", 0, false, false},
    {"lost", "lost", 0, false, true},
    {"doubled", "doubled", 0, false, true},
    {"out_of_order", "disordered", 0, false, true},
    {"errors", "errors", 0, false, true},
    {"latency_p50_us", "p50 µs", 0, false, false},
    {"latency_p95_us", "p95", 0, false, false},
    {"latency_p99_us", "p99", 0, false, false},
    {"latency_p999_us", "p99.9", 0, false, false},
    {"latency_max_us", "max", 0, false, false},
    {"server_cpu_us", "server µs", 1, true, false},
    {"database_cpu_us", "database µs", 1, true, false},
    {"own_cpu_us", "own µs", 1, true, false},
    {"wal_bytes", "WAL bytes", 0, true, false},
    {"disk_bytes", "disk bytes", 0, true, false},
    {"server_cpu_percent", "server %", 0, false, false},
    {"database_cpu_percent", "database %", 0, false, false},
    {"other_cpu_percent", "other %", 0, false, false},
    {"own_late_p99_us", "own delay p99", 0, false, false},
    {"workers_lost", "workers lost", 0, false, true},
};

static void write_row(struct buf *out, const struct result *one)
{
    char name[128];
    html_series_name(name, sizeof name, one);
    buf_push_str(out, result_is(one, "median") ? STR("<tr class='median'><td>") : STR("<tr><td>"));
    html_text(out, str_of(name));
    buf_push_str(out, result_is(one, "median") ? STR(", median</td>") : STR("</td>"));
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        double value = columns[i].per_unit ? result_per_unit(one, columns[i].figure)
                                           : result_number(one, columns[i].figure);
        buf_format(out, "<td%s>%.*f</td>", columns[i].bad && value > 0 ? " class='bad'" : "",
                   columns[i].decimals, value);
    }
    buf_push_str(out, STR("</tr>"));
}

void html_phases(struct buf *out, const struct result *results)
{
    buf_push_str(out, STR("<h2>Phases</h2><div class='wide'><table><tr><th>run</th>"));
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        buf_format(out, "<th>%s</th>", columns[i].title);
    buf_push_str(out, STR("</tr>"));
    for (const struct result *one = results; one; one = one->next)
        if (!result_is(one, "run"))
            write_row(out, one);
    buf_push_str(out, STR("</table></div>"));
}

/* --- Runs --- */

static void write_keys(struct buf *out, const char *title, const struct conf_node *map)
{
    buf_format(out, "<h2>%s</h2><dl>", title);
    for (const struct conf_node *node = map ? map->first : NULL; node; node = node->next) {
        if (node->type == NODE_MAP)
            continue;
        buf_push_str(out, STR("<div><dt>"));
        html_text(out, node->name);
        buf_push_str(out, STR("</dt><dd>"));
        html_text(out, node->type == NODE_SCALAR ? node->text : STR(""));
        for (const struct conf_node *item = node->first; item; item = item->next) {
            html_text(out, item->text);
            buf_push_str(out, item->next ? STR(", ") : STR(""));
        }
        buf_push_str(out, STR("</dd></div>"));
    }
    buf_push_str(out, STR("</dl>"));
}

void html_runs(struct buf *out, const struct result *results)
{
    for (const struct result *one = results; one; one = one->next) {
        if (!result_is(one, "run"))
            continue;
        write_keys(out, "Run", one->map);
        write_keys(out, "Machine", conf_find(one->map, STR("machine")));
        write_keys(out, "Parameters", conf_find(one->map, STR("parameters")));
    }
}
