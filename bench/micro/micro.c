/*
 *   ringtail-micro                    all cases by the clock
 *   ringtail-micro CASE…              these
 *   ringtail-micro --list             their names, how often count.sh runs each, what one time is
 *   ringtail-micro --once CASE COUNT  one, so many times, without a clock: for callgrind
 *
 * RINGTAIL_MICRO_TLS names a folder with localhost.pem and localhost.key; without it the cases of
 * TLS are left out.
 */
#include "micro.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 5, ROUND_NS = 20000000, COUNT_MAX = 1 << 30 };

const char *micro_folder;

static const struct micro *const tables[] = {micro_base,  micro_xmpp,    micro_login,
                                             micro_shard, micro_storage, micro_sqlite};

/* What came out of all of them: told at the end, so that it is used. */
static uint64_t outcome;

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* count.sh tells callgrind to collect inside this function; so it must stay one. */
__attribute__((noinline, noipa, externally_visible)) uint64_t micro_measured(
    const struct micro *micro, uint64_t count);

uint64_t micro_measured(const struct micro *micro, uint64_t count)
{
    return micro->run(count);
}

static void begin(const struct micro *micro)
{
    if (micro->setup)
        micro->setup();
}

static void end(const struct micro *micro)
{
    if (micro->teardown)
        micro->teardown();
}

/* The first times touch memory and fill pools; they are not what a running server pays. */
static void warm(const struct micro *micro)
{
    outcome += micro->run(micro->count / 16 + 1);
}

static int once(const struct micro *micro, const char *count)
{
    begin(micro);
    warm(micro);
    outcome += micro_measured(micro, strtoull(count, NULL, 10));
    end(micro);
    return 0;
}

static uint64_t time_of(const struct micro *micro, uint64_t count)
{
    uint64_t begun_ns = now_ns();
    outcome += micro_measured(micro, count);
    return now_ns() - begun_ns;
}

/* The least of some rounds, each of them long enough for the clock. */
static void by_the_clock(const struct micro *micro)
{
    double best = 0;
    uint64_t count = 1;
    begin(micro);
    warm(micro);
    while (time_of(micro, count) < ROUND_NS && count < COUNT_MAX)
        count *= 2;
    for (int i = 0; i < ROUNDS; i++) {
        double each = (double)time_of(micro, count) / (double)count;
        best = i == 0 || each < best ? each : best;
    }
    end(micro);
    printf("%-20s %12.1f  %s\n", micro->name, best, micro->what);
    fflush(stdout);
}

static void list(const struct micro *micro)
{
    printf("%s %" PRIu64 " %s\n", micro->name, micro->count, micro->what);
}

static const struct micro *find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        for (const struct micro *micro = tables[i]; micro->name; micro++)
            if (strcmp(micro->name, name) == 0)
                return micro;
    fprintf(stderr, "ringtail-micro: there is no case %s (--list)\n", name);
    return NULL;
}

static void each(void (*what)(const struct micro *micro))
{
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        for (const struct micro *micro = tables[i]; micro->name; micro++)
            if (micro_folder || !micro->needs_tls)
                what(micro);
}

static int some(int count, char **names)
{
    for (int i = 0; i < count; i++) {
        const struct micro *micro = find(names[i]);
        if (!micro)
            return 2;
        by_the_clock(micro);
    }
    return 0;
}

int main(int argc, char **argv)
{
    micro_folder = getenv("RINGTAIL_MICRO_TLS");
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        each(list);
        return 0;
    }
    if (argc == 4 && strcmp(argv[1], "--once") == 0) {
        const struct micro *micro = find(argv[2]);
        return micro ? once(micro, argv[3]) : 2;
    }
    printf("%-20s %12s\n", "case", "CPU ns");
    if (argc > 1)
        return some(argc - 1, argv + 1);
    each(by_the_clock);
    return outcome == 1; /* it never is */
}
