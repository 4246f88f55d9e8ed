#include "telling.h"

#include "clock.h"
#include "html.h"
#include "json.h"
#include "machine.h"

#include <inttypes.h>
#include <stdio.h>

void telling_init(struct telling *telling, const struct options *options,
                  const struct scenario *scenario)
{
    *telling = (struct telling){.options = options,
                                .scenario = scenario,
                                .table = options_rungs(options) * options->repeat > 1};
}

/* Text would disturb JSON lines on the same output. */
static bool is_silent(const struct telling *telling)
{
    const char *json = telling->options->json;
    return json && strcmp(json, "-") == 0;
}

static void say(const struct telling *telling, struct buf *text)
{
    if (!is_silent(telling))
        printf("%.*s", STR_ARG(buf_str(text)));
    fflush(stdout);
    buf_fini(text);
}

/* --- JSON --- */

static void begin_line(struct telling *telling, const char *type)
{
    buf_push_str(&telling->lines, STR("{"));
    json_member(&telling->lines, "type", type);
    json_member(&telling->lines, "scenario", telling->scenario->name);
    json_member(&telling->lines, "label", telling->options->label);
    json_member(&telling->lines, "unit", telling->scenario->unit);
}

static void end_line(struct telling *telling)
{
    buf_push_str(&telling->lines, STR("}\n"));
    if (!is_silent(telling))
        return;
    printf("%.*s", STR_ARG(buf_str(&telling->lines)));
    fflush(stdout);
    if (!telling->options->html)
        buf_fini(&telling->lines);
}

/* Pairs of a value in µs and how many had it, or less than a step less. */
static void write_hist(struct buf *out, const struct hist *hist)
{
    const char *comma = "";
    json_name(out, "latency_histogram");
    buf_push_str(out, STR("["));
    for (unsigned i = 0; i < HIST_BINS; i++) {
        if (!hist->bins[i])
            continue;
        buf_format(out, "%s[%" PRIu64 ", %" PRIu64 "]", comma, hist_top(i), hist->bins[i]);
        comma = ", ";
    }
    buf_push_str(out, STR("]"));
}

/* --- What is told --- */

static void write_run_text(const struct telling *telling, const struct report *run)
{
    struct buf text = {0};
    buf_format(&text, "%-26s %s\n", "scenario", telling->scenario->name);
    buf_format(&text, "%-26s %" PRIu64 "\n", "users", telling->options->users);
    buf_format(&text, "%-26s %d\n", "tls", telling->options->tls || telling->options->direct_tls);
    report_lines(&text, run);
    say(telling, &text);
}

void telling_run(struct telling *telling, const struct report *run)
{
    char time[TEXT_TIME_ROOM];
    struct buf *out = &telling->lines;
    write_run_text(telling, run);
    text_time(time, clock_unix_us());
    begin_line(telling, "run");
    json_member(out, "version", RINGTAIL_VERSION);
    json_member(out, "time", time);
    json_name(out, "machine");
    machine_write(out);
    json_name(out, "parameters");
    options_write(out, telling->options, false);
    report_members(out, run);
    end_line(telling);
}

/* --- A ladder as a table --- */

static const struct {
    const char *figure, *title;
    bool per_unit;
} columns[] = {
    {"rate", "rate", false},
    {"sent", "sent", false},
    {"delivered", "delivered", false},
    {"lost", "lost", false},
    {"doubled", "doubled", false},
    {"errors", "errors", false},
    {"latency_p50_us", "p50 us", false},
    {"latency_p99_us", "p99 us", false},
    {"latency_max_us", "max us", false},
    {"server_cpu_us", "server us", true},
    {"database_cpu_us", "database", true},
    {"own_cpu_us", "own us", true},
};

static void write_row(const struct telling *telling, const char *kind, const struct report *report,
                      struct buf *text)
{
    buf_format(text, "%-7s", kind);
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        char name[40];
        snprintf(name, sizeof name, columns[i].per_unit ? "%s_%s" : "%s", columns[i].figure,
                 telling->scenario->unit);
        buf_format(text, " %9.*f", columns[i].per_unit ? 2 : 0, report_get(report, name));
    }
    buf_push_str(text, STR("\n"));
}

static void write_header(struct telling *telling, struct buf *text)
{
    if (telling->header_told)
        return;
    telling->header_told = true;
    buf_format(text, "%-7s", "");
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        buf_format(text, " %9s", columns[i].title);
    buf_push_str(text, STR("\n"));
}

void telling_phase(struct telling *telling, const char *kind, const struct report *report,
                   const struct hist *latency_us)
{
    struct buf text = {0};
    if (telling->table) {
        write_header(telling, &text);
        write_row(telling, kind, report, &text);
    } else {
        report_lines(&text, report);
    }
    say(telling, &text);
    begin_line(telling, kind);
    report_members(&telling->lines, report);
    write_hist(&telling->lines, latency_us);
    end_line(telling);
}

/* --- Files --- */

static bool write_file(const char *path, struct str text)
{
    FILE *file = fopen(path, "we");
    bool well = file && (!text.len || fwrite(text.at, 1, text.len, file) == text.len);
    if (file)
        well &= fclose(file) == 0;
    if (!well)
        fprintf(stderr, "ringtail-bench: %s cannot be written\n", path);
    return well;
}

bool telling_end(struct telling *telling)
{
    const struct options *options = telling->options;
    bool well = true;
    if (options->json && !is_silent(telling))
        well = write_file(options->json, buf_str(&telling->lines));
    if (options->html) {
        struct buf page = {0};
        well &= !html_write(&page, buf_str(&telling->lines)) &&
                write_file(options->html, buf_str(&page));
        buf_fini(&page);
    }
    buf_fini(&telling->lines);
    return well;
}
