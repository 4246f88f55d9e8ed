#include "html_plots.h"

#include "plot.h"

#include <stdio.h>
#include <stdlib.h>

bool html_same_series(const struct result *a, const struct result *b)
{
    return str_eq(result_text(a, "label"), result_text(b, "label")) &&
           str_eq(result_text(a, "scenario"), result_text(b, "scenario"));
}

bool html_is_point(const struct result *results, const struct result *result)
{
    if (result_is(result, "median"))
        return true;
    if (!result_is(result, "phase"))
        return false;
    for (const struct result *other = results; other; other = other->next)
        if (result_is(other, "median") && html_same_series(other, result) &&
            result_number(other, "rate") == result_number(result, "rate"))
            return false;
    return true;
}

const struct result *html_best(const struct result *results, const struct result *one)
{
    const struct result *best = NULL;
    for (const struct result *other = results; other; other = other->next)
        if (html_same_series(other, one) && html_is_point(results, other) &&
            result_number(other, "lost") == 0 &&
            (!best || result_number(other, "rate") > result_number(best, "rate")))
            best = other;
    return best && result_number(best, "delivered") > 0 ? best : NULL;
}

void html_series_name(char *out, size_t room, const struct result *result)
{
    struct str label = result_text(result, "label");
    snprintf(out, room, "%.*s%s%.*s", STR_ARG(label), label.len ? ": " : "",
             STR_ARG(result_text(result, "scenario")));
}

/* --- By rate --- */

/* What is drawn for each series. */
struct drawn {
    const char *figure, *name;
    bool per_unit, dashed;
};

static double value_of(const struct drawn *drawn, const struct result *result)
{
    return drawn->per_unit ? result_per_unit(result, drawn->figure)
                           : result_number(result, drawn->figure);
}

static void draw_curve(struct plot *plot, const struct drawn *drawn, const struct result *results,
                       const struct result *series, unsigned colour)
{
    char name[128], whole[160];
    html_series_name(name, sizeof name, series);
    snprintf(whole, sizeof whole, "%s, %s", name, drawn->name);
    struct curve *curve = plot_curve(plot, whole, colour, drawn->dashed);
    for (const struct result *one = results; one; one = one->next)
        if (html_same_series(one, series) && html_is_point(results, one) &&
            value_of(drawn, one) > 0)
            curve_point(curve, result_number(one, "rate"), value_of(drawn, one));
}

/* True when no line before it is of its series. */
static bool is_first(const struct result *results, const struct result *result)
{
    for (const struct result *one = results; one != result; one = one->next)
        if (!result_is(one, "run") && html_same_series(one, result))
            return false;
    return !result_is(result, "run");
}

static void draw_by_rate(struct buf *out, struct plot *plot, const struct drawn *drawn,
                         unsigned count, const struct result *results)
{
    unsigned colour = 0;
    for (const struct result *one = results; one; one = one->next) {
        if (!is_first(results, one))
            continue;
        for (unsigned i = 0; i < count; i++)
            draw_curve(plot, &drawn[i], results, one, colour);
        colour++;
    }
    plot_write(out, plot);
    plot_fini(plot);
}

/* --- Distribution --- */

/* How many of all took so long, in per cent of a step of 1/8 of an octave. */
static void draw_histogram(struct plot *plot, const struct result *result, unsigned colour)
{
    const struct conf_node *pairs = conf_find(result->map, STR("latency_histogram"));
    double sums[64 * 8] = {0}, total = 0;
    char name[128], whole[160];
    unsigned low = COUNT_OF(sums), high = 0;
    for (const struct conf_node *pair = pairs ? pairs->first : NULL; pair; pair = pair->next) {
        double us = strtod(pair->first->text.at, NULL);
        double count = strtod(pair->first->next->text.at, NULL);
        unsigned step = us < 1 ? 0 : (unsigned)(__builtin_log2(us) * 8);
        step = step < COUNT_OF(sums) ? step : COUNT_OF(sums) - 1;
        sums[step] += count;
        total += count;
        low = step < low ? step : low;
        high = step > high ? step : high;
    }
    html_series_name(name, sizeof name, result);
    snprintf(whole, sizeof whole, "%s, %g/s", name, result_number(result, "rate"));
    struct curve *curve = plot_curve(plot, whole, colour, false);
    for (unsigned step = low; step <= high && total > 0; step++)
        curve_point(curve, __builtin_exp2((step + 0.5) / 8), 100 * sums[step] / total);
}

/* Of one server all rates, of several the best of each. */
static void draw_distribution(struct buf *out, const struct result *results)
{
    struct plot plot = {.title = "How latencies are distributed",
                        .x_name = "latency, µs",
                        .y_name = "% of all",
                        .log_x = true,
                        .areas = true};
    unsigned colour = 0, series = 0;
    for (const struct result *one = results; one; one = one->next)
        series += is_first(results, one);
    for (const struct result *one = results; one && colour < COLOURS; one = one->next)
        if (html_is_point(results, one) && conf_find(one->map, STR("latency_p50_us")) &&
            (series == 1 || html_best(results, one) == one))
            draw_histogram(&plot, one, colour++);
    plot_write(out, &plot);
    plot_fini(&plot);
}

void html_plots(struct buf *out, const struct result *results)
{
    static const struct drawn latencies[] = {{"latency_p99_us", "p99", false, false},
                                             {"latency_p50_us", "p50", false, true}};
    static const struct drawn costs[] = {{"server_cpu_us", "server", true, false},
                                         {"database_cpu_us", "database", true, true}};
    static const struct drawn rates[] = {{"delivered_per_s", "delivered", false, false}};
    buf_push_str(out, STR("<h2>Plots</h2><div class='plots'>"));
    draw_by_rate(out,
                 &(struct plot){.title = "Latency by rate",
                                .x_name = "rate, a second",
                                .y_name = "latency, µs",
                                .log_y = true},
                 latencies, COUNT_OF(latencies), results);
    draw_by_rate(out,
                 &(struct plot){.title = "CPU time for each that was delivered",
                                .x_name = "rate, a second",
                                .y_name = "CPU, µs"},
                 costs, COUNT_OF(costs), results);
    draw_distribution(out, results);
    draw_by_rate(out,
                 &(struct plot){.title = "Delivered by rate",
                                .x_name = "rate, a second",
                                .y_name = "delivered a second"},
                 rates, COUNT_OF(rates), results);
    buf_push_str(out, STR("</div>"));
}
