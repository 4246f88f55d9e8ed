/* Unit tests of what all numbers rest on: histogram, timetable, sums, medians, options. */
#include "check.h"
#include "cost.h"
#include "counters.h"
#include "html.h"
#include "json.h"
#include "mem.h"
#include "names.h"
#include "note.h"
#include "options.h"
#include "order.h"
#include "pace.h"
#include "part.h"
#include "processes.h"
#include "report.h"
#include "tally.h"
#include "wire.h"
#include "words.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct hist hist;

static void empty(void)
{
    memset(&hist, 0, sizeof hist);
}

static void test_hist_empty(void)
{
    CHECK(hist_at(&hist, 500) == 0);
    CHECK(hist.max == 0);
}

static void test_hist_small_values_are_exact(void)
{
    for (uint64_t i = 1; i <= 100; i++)
        hist_add(&hist, i);
    CHECK(hist_at(&hist, 10) == 1);
    CHECK(hist_at(&hist, 500) == 50);
    CHECK(hist_at(&hist, 990) == 99);
    CHECK(hist_at(&hist, 1000) == 100);
}

/* Never told too low, and at most one step of 64 too high. */
static void test_hist_error_is_bounded(void)
{
    for (uint64_t value = 1; value < UINT64_C(1) << 36; value = value * 5 / 4 + 1) {
        empty();
        hist_add(&hist, value);
        hist_add(&hist, UINT64_C(1) << 40);
        uint64_t told = hist_at(&hist, 500);
        CHECK(told >= value && told <= value + value / HIST_STEPS);
    }
}

static void test_hist_huge_value_is_the_max(void)
{
    hist_add(&hist, UINT64_MAX);
    CHECK(hist.max == UINT64_MAX);
    CHECK(hist_at(&hist, 1000) > 0);
}

static void test_hist_merged_is_as_one(void)
{
    struct hist *halves = mem_zalloc(2 * sizeof *halves), *all = mem_zalloc(sizeof *all);
    for (uint64_t i = 1; i < 100000; i += 7) {
        hist_add(&halves[i % 2], i * i);
        hist_add(all, i * i);
    }
    hist_merge(&halves[0], &halves[1]);
    CHECK(memcmp(&halves[0], all, sizeof *all) == 0);
    mem_free(halves);
    mem_free(all);
}

static void test_hist_bins_are_in_order(void)
{
    for (unsigned bin = 1; bin < HIST_BINS; bin++)
        CHECK(hist_top(bin) > hist_top(bin - 1));
}

static void test_pace_spreads_evenly(void)
{
    struct pace pace = {.rate = 4000, .burst = 1, .parts = 1};
    pace_init(&pace, 1000, 500000, 1000000);
    CHECK(pace.writes == 6000);
    CHECK(pace_due_us(&pace, 0) == 1000);
    CHECK(pace_due_us(&pace, 1) == 1250);
    CHECK(pace_due_us(&pace, 5999) == 1000 + 5999 * 250);
    CHECK(pace_due_us(&pace, 6000) == UINT64_MAX);
    CHECK(pace.measure_us == 501000);
    CHECK(pace.end_us == 1501000);
}

static void test_pace_keeps_the_rate_in_bursts(void)
{
    struct pace pace = {.rate = 8000, .burst = 8, .parts = 1};
    pace_init(&pace, 0, 0, 1000000);
    CHECK(pace.writes == 1000);
    CHECK(pace_due_us(&pace, 999) == 999000);
}

static void test_pace_rounds_up_to_ticks(void)
{
    struct pace pace = {.rate = 10000, .burst = 1, .tick_us = 1000, .parts = 1};
    pace_init(&pace, 7, 0, 1000000);
    CHECK(pace_due_us(&pace, 0) == 7);
    CHECK(pace_due_us(&pace, 1) == 1007);
    CHECK(pace_due_us(&pace, 10) == 1007);
    CHECK(pace_due_us(&pace, 11) == 2007);
}

/* Three parts have, together, each line of the timetable once. */
static void test_pace_is_shared(void)
{
    struct pace whole = {.rate = 1000, .burst = 1, .parts = 1};
    uint64_t sum = 0, due_sum = 0, whole_sum = 0;
    pace_init(&whole, 50, 0, 1000000);
    for (uint64_t i = 0; i < whole.writes; i++)
        whole_sum += pace_due_us(&whole, i);
    for (uint64_t part = 0; part < 3; part++) {
        struct pace pace = {.rate = 1000, .burst = 1, .part = part, .parts = 3};
        pace_init(&pace, 50, 0, 1000000);
        sum += pace.writes;
        for (uint64_t i = 0; i < pace.writes; i++)
            due_sum += pace_due_us(&pace, i);
        CHECK(pace_due_us(&pace, 0) == 50 + part * 1000);
        CHECK(pace_due_us(&pace, pace.writes) == UINT64_MAX);
    }
    CHECK(sum == whole.writes && due_sum == whole_sum);
}

static void fill(struct tally *tally, uint64_t n)
{
    memset(tally, 0, sizeof *tally);
    tally->sent = n;
    tally->expected = 5 * n;
    tally->delivered = 5 * n - 1;
    tally->last_us = n;
    hist_add(&tally->latency_us, n);
    hist_add(&tally->late_us, n * 1000);
}

static void test_tally_adds_up(void)
{
    struct tally *tallies = mem_zalloc(2 * sizeof *tallies);
    fill(&tallies[0], 7);
    fill(&tallies[1], 100);
    tally_add(&tallies[0], &tallies[1]);
    CHECK(tallies[0].sent == 107 && tally_lost(&tallies[0]) == 2);
    CHECK(tallies[0].last_us == 100 && tallies[0].latency_us.count == 2);
    CHECK(!tally_is_clean(&tallies[0]));
    mem_free(tallies);
}

static void test_tally_goes_over_a_wire(void)
{
    struct tally *tallies = mem_zalloc(2 * sizeof *tallies);
    struct buf line = {0};
    fill(&tallies[0], 123456);
    tally_write(&line, &tallies[0]);
    CHECK(!tally_read(buf_str(&line), &tallies[1]));
    CHECK(memcmp(&tallies[0], &tallies[1], sizeof *tallies) == 0);
    for (size_t len = 0; len < buf_len(&line); len++)
        CHECK(tally_read((struct str){(char *)buf_at(&line), len}, &tallies[1]) == ERR_INVALID);
    buf_fini(&line);
    mem_free(tallies);
}

static void test_report_has_medians(void)
{
    struct report *reports = mem_zalloc(4 * sizeof *reports);
    static const double values[] = {9, 1, 5};
    for (unsigned i = 0; i < 3; i++) {
        report_add(&reports[i], "a", values[i], 0);
        report_add_per(&reports[i], "b", "message", i, 1);
    }
    report_median(reports, 3, &reports[3]);
    CHECK(report_get(&reports[3], "a") == 5 && report_get(&reports[3], "b_message") == 1);
    CHECK(report_get(&reports[3], "c") == 0);
    report_median(reports, 2, &reports[3]);
    CHECK(report_get(&reports[3], "a") == 5);
    mem_free(reports);
}

static void test_json_is_escaped(void)
{
    struct buf out = {0};
    buf_push_str(&out, STR("{"));
    json_member(&out, "a", "x\"\\\n{");
    json_number(&out, "b", 1.25, 1);
    buf_push_str(&out, STR("}"));
    CHECK(str_is(buf_str(&out), "{\"a\": \"x\\\"\\\\\\u000a{\", \"b\": 1.2}"));
    buf_fini(&out);
}

/* --- Options --- */

static enum err parse(const char *file, int argc, const char **argv, struct options *out)
{
    return options_parse(file, argc, (char **)argv, out);
}

static void test_options_have_presets(void)
{
    struct options options;
    CHECK(!parse(NULL, 0, NULL, &options));
    CHECK(options.port == 5222 && options.users == 500 && !options.tls && !options.json);
    CHECK(options_rungs(&options) == 1 && options_rate(&options, 0) == 1000);
    options_fini(&options);
}

static void test_options_find_the_server(void)
{
    static const char *const cases[][2] = {
        {"localhost", "127.0.0.1"}, {"::1", "::1"}, {"192.0.2.7", "192.0.2.7"}};
    struct options options;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *line[] = {"--host", cases[i][0]};
        CHECK(!parse(NULL, 2, line, &options) && strcmp(options.address, cases[i][1]) == 0);
        options_fini(&options);
    }
}

static void test_options_of_the_line_count_before_the_file(void)
{
    char path[] = "/tmp/bench_unit_XXXXXX";
    int fd = mkstemp(path);
    static const char text[] = "scenario: muc\nroom_size: 7\ntls: true\nrates: [10, 20]\n"
                               "seconds: 2m\n";
    const char *line[] = {"--room-size", "9", "--no-tls", "--rates", "1,2,3", "--sm"};
    struct options options;
    CHECK(fd >= 0 && write(fd, text, sizeof text - 1) == sizeof text - 1);
    close(fd);
    CHECK(!parse(path, 6, line, &options));
    CHECK(strcmp(options.scenario, "muc") == 0 && options.room_size == 9 && options.sm);
    CHECK(!options.tls && options.seconds_ms == 120000);
    CHECK(options_rungs(&options) == 3 && options_rate(&options, 2) == 3);
    options_fini(&options);
    unlink(path);
}

static void test_options_refuse_what_makes_no_sense(void)
{
    static const char *const bad[][2] = {{"--rate", "fast"},   {"--rates", "10 x"},
                                         {"--port", "70000"},  {"--no-such", "1"},
                                         {"--seconds", "-1s"}, {"stray", "word"}};
    const char *valueless[] = {"--users"}, *both[] = {"--tls", "--direct-tls"};
    struct options options;
    freopen("/dev/null", "w", stderr); /* what is said is for people */
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        CHECK(parse(NULL, 2, (const char **)bad[i], &options));
        options_fini(&options);
    }
    CHECK(parse(NULL, 1, valueless, &options));
    options_fini(&options);
    CHECK(parse(NULL, 2, both, &options));
    options_fini(&options);
    CHECK(parse("/no/such/file.yaml", 0, NULL, &options));
    options_fini(&options);
}

static void test_options_go_over_a_wire(void)
{
    const char *line[] = {"--password", "a \"b\"", "--rates", "5,6", "--warmup", "1500ms", "--tls"};
    struct options one, two;
    struct buf text = {0};
    CHECK(!parse(NULL, 7, line, &one));
    options_write(&text, &one, true);
    CHECK(!options_read(buf_str(&text), &two));
    CHECK(strcmp(two.password, "a \"b\"") == 0 && two.warmup_ms == 1500 && two.tls);
    CHECK(options_rate(&two, 1) == 6 && two.stanza_len == one.stanza_len);
    buf_fini(&text);
    options_write(&text, &one, false);
    CHECK(!memmem(buf_at(&text), buf_len(&text), "password", 8));
    buf_fini(&text);
    options_fini(&one);
    options_fini(&two);
}

/* Published: 300,000 a minute on a c7g.xlarge at 0.1445 USD an hour make 8.03 USD. */
static void test_cost_is_as_published(void)
{
    CHECK((int)(cost_of_billion(0.1445, 1, 5000) * 100 + 0.5) == 803);
    CHECK((int)(cost_of_billion(0.2016, 2, 8000) * 100 + 0.5) == 1400);
    CHECK((int)(cost_of_billion(0.1445, 2, 25000) * 100 + 0.5) == 321);
}

static const char lines[] =
    "{\"type\": \"run\", \"scenario\": \"muc\", \"label\": \"A <b>\", \"unit\": \"message\"}\n\n"
    "{\"type\": \"phase\", \"scenario\": \"muc\", \"label\": \"A <b>\", \"unit\": \"message\", "
    "\"rate\": 100, \"delivered\": 500, \"delivered_per_s\": 500, \"lost\": 0, "
    "\"latency_p50_us\": 300, \"latency_p99_us\": 900, \"server_cpu_us_message\": 12.5, "
    "\"latency_histogram\": [[300, 3], [900, 1]]}\n";

static void test_results_are_read_back(void)
{
    struct arena arena;
    struct result *results = NULL;
    arena_init(&arena);
    CHECK(!results_read(&arena, "lines", STR(lines), &results));
    CHECK(result_is(results, "run") && result_is(results->next, "phase") && !results->next->next);
    CHECK(str_is(result_text(results->next, "label"), "A <b>"));
    CHECK(result_number(results->next, "rate") == 100 && result_number(results, "rate") == 0);
    CHECK(result_per_unit(results->next, "server_cpu_us") == 12.5);
    arena_fini(&arena);
}

static bool holds(const struct buf *buf, const char *text)
{
    return memmem(buf_at(buf), buf_len(buf), text, strlen(text)) != NULL;
}

static void test_page_is_whole(void)
{
    struct buf page = {0};
    CHECK(!html_write(&page, STR(lines)));
    CHECK(holds(&page, "A &lt;b&gt;: muc") && !holds(&page, "A <b>"));
    CHECK(holds(&page, "<circle class='c0'") && holds(&page, "class='area c0'"));
    CHECK(holds(&page, "</body></html>") && !holds(&page, "http"));
    buf_fini(&page);
}

static void test_options_interval_gives_the_rate(void)
{
    const char *line[] = {"--users", "6000", "--interval", "10s"};
    struct options options;
    CHECK(!parse(NULL, 4, line, &options));
    CHECK(options_rate(&options, 0) == 600);
    options_fini(&options);
}

/* --- Users --- */

static bool reads(struct buf *out, const char *text)
{
    bool same = str_is(buf_str(out), text);
    buf_fini(out);
    return same;
}

static void test_names_are_of_their_bucket(void)
{
    const char *line[] = {"--domain", "x.org", "--domain-count", "3", "--domain-bucket", "10"};
    struct options options;
    struct buf out = {0};
    CHECK(!parse(NULL, 6, line, &options));
    names_user(&out, &options, 9);
    CHECK(reads(&out, "u9@d0.x.org"));
    names_user(&out, &options, 35);
    CHECK(reads(&out, "u35@d0.x.org"));
    names_room(&out, &options, 20, "conference");
    CHECK(reads(&out, "uroom20@conference.d2.x.org"));
    options.domain_count = 0;
    options.room_service = "rooms.y.org";
    names_room(&out, &options, 20, "conference");
    CHECK(reads(&out, "uroom20@rooms.y.org"));
    options_fini(&options);
}

/* All users once, in whole groups, whatever the number of parts. */
static void test_parts_divide_users(void)
{
    const char *line[] = {"--users", "105", "--room-size", "5", "--first", "50"};
    struct options options;
    CHECK(!parse(NULL, 6, line, &options));
    for (unsigned count = 1; count <= 21; count++) {
        unsigned next = 50;
        for (unsigned number = 0; number < count; number++) {
            struct part part = {.options = &options,
                                .scenario = scenario_find("muc"),
                                .number = number,
                                .count = count};
            unsigned first, users = part_users(&part, &first);
            CHECK(first == next && users % 5 == 0 && users > 0);
            next += users;
        }
        CHECK(next == 155);
    }
    options_fini(&options);
}

static void test_order_has_each_once(void)
{
    unsigned *order = order_new(1000), seen[1000] = {0}, moved = 0;
    for (unsigned i = 0; i < 1000; i++) {
        seen[order[i]]++;
        moved += order[i] != i;
    }
    for (unsigned i = 0; i < 1000; i++)
        CHECK(seen[i] == 1);
    CHECK(moved > 900);
    mem_free(order);
}

static void test_words_have_their_length(void)
{
    struct buf out = {0};
    for (size_t len = 0; len < 50; len++) {
        words_write(&out, len, len);
        CHECK(buf_len(&out) == len && (!len || text_is_xml(buf_str(&out))));
        buf_fini(&out);
    }
}

static void test_note_is_read_back(void)
{
    struct arena arena;
    struct buf text = {0};
    struct note note = {7, 123, 1234567890123}, got;
    arena_init(&arena);
    struct element *message = element_new(&arena, NS_CLIENT, "message");
    CHECK(!note_read(message, &got));
    note_write(&text, &note);
    buf_push_str(&text, STR("and words"));
    struct element *body = element_add(&arena, message, NS_CLIENT, "body");
    element_add_text(&arena, body, buf_str(&text));
    CHECK(note_read(message, &got) && memcmp(&note, &got, sizeof note) == 0);
    struct element *other = element_new(&arena, NS_CLIENT, "message");
    element_add_text(&arena, element_add(&arena, other, NS_CLIENT, "body"), STR("This room is"));
    CHECK(!note_read(other, &got));
    buf_fini(&text);
    arena_fini(&arena);
}

/* --- The machine and the wire --- */

static void test_processes_have_their_children(void)
{
    unsigned pids[PROCESSES_MAX];
    char list[64];
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    snprintf(list, sizeof list, "%d,no such name,%d", (int)getpid(), (int)getpid());
    unsigned count = processes_of(list, pids);
    CHECK(count >= 2 && pids[0] == (unsigned)getpid());
    bool found = false;
    for (unsigned i = 0; i < count; i++)
        found |= pids[i] == (unsigned)child;
    CHECK(found && process_cpu_us((unsigned)getpid()) > 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    CHECK(processes_of(NULL, pids) == 0);
}

static void test_counters_grow(void)
{
    struct report report = {0};
    struct counters before = counters_read("echo wal_bytes 1000; echo old 1");
    struct counters after = counters_read("echo disk_bytes 7; echo wal_bytes 1500");
    CHECK(before.count == 2 && after.count == 2);
    counters_report(&before, &after, "message", 100, &report);
    CHECK(report.count == 1 && report_get(&report, "wal_bytes_message") == 5);
    CHECK(counters_read(NULL).count == 0);
    CHECK(counters_read("echo wal_bytes 1; exit 1 # on purpose").count == 0);
    CHECK(counters_read("echo wal_bytes 1 of on purpose").count == 0);
}

static void test_wire_carries_lines(void)
{
    struct wire a, b;
    struct str line;
    int fds[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    wire_init(&a, fds[0]);
    wire_init(&b, fds[1]);
    CHECK(!wire_hear(&b, 0, &line));
    wire_say(&a, "go %d", 5);
    wire_say(&a, "%s", "");
    CHECK(send(fds[0], "hal", 3, 0) == 3);
    CHECK(wire_hear(&b, 1000, &line) && str_is(line, "go 5"));
    CHECK(wire_hear(&b, 1000, &line) && line.len == 0);
    CHECK(!wire_hear(&b, 0, &line) && !b.dead);
    CHECK(send(fds[0], "f\n", 2, 0) == 2);
    CHECK(wire_hear(&b, 1000, &line) && str_is(line, "half"));
    wire_close(&a);
    CHECK(!wire_hear(&b, 1000, &line) && b.dead);
    wire_close(&b);
}

int main(void)
{
    static void (*const tests[])(void) = {
        test_hist_empty,
        test_hist_small_values_are_exact,
        test_hist_error_is_bounded,
        test_hist_huge_value_is_the_max,
        test_hist_merged_is_as_one,
        test_hist_bins_are_in_order,
        test_pace_spreads_evenly,
        test_pace_keeps_the_rate_in_bursts,
        test_pace_rounds_up_to_ticks,
        test_pace_is_shared,
        test_tally_adds_up,
        test_tally_goes_over_a_wire,
        test_report_has_medians,
        test_json_is_escaped,
        test_cost_is_as_published,
        test_results_are_read_back,
        test_page_is_whole,
        test_options_have_presets,
        test_options_find_the_server,
        test_options_of_the_line_count_before_the_file,
        test_options_interval_gives_the_rate,
        test_options_go_over_a_wire,
        test_names_are_of_their_bucket,
        test_parts_divide_users,
        test_order_has_each_once,
        test_words_have_their_length,
        test_note_is_read_back,
        test_processes_have_their_children,
        test_counters_grow,
        test_wire_carries_lines,
        test_options_refuse_what_makes_no_sense,
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        empty();
        tests[i]();
    }
    return 0;
}
