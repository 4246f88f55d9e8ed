/* ringtail-bench: a load generator for XMPP servers. */
#include "conductor.h"
#include "cost.h"
#include "html.h"
#include "mem.h"
#include "worker.h"

#include <stdio.h>
#include <unistd.h>

static int help(void)
{
    puts("ringtail-bench SCENARIO|FILE [OPTION]…                        a run from here\n"
         "ringtail-bench worker --listen HOST:PORT                      a load machine\n"
         "ringtail-bench coordinate --workers A,B… SCENARIO|FILE …      a run by those\n"
         "ringtail-bench report RESULTS… --html FILE                    a page of JSON lines\n"
         "ringtail-bench cost [RESULTS…]                                USD for a billion\n"
         "ringtail-bench --help\n\n"
         "FILE is a scenario file (bench/scenarios/*.yaml): the same options, as keys of YAML.\n"
         "What stands on the command line counts before what stands there.\n\nScenarios:");
    scenario_help();
    puts("\nOptions (presets in brackets; --no-NAME unsets a switch):");
    options_help();
    return 0;
}

/* Users in whole groups, at least one for each part. */
static bool fits(const struct options *options, unsigned parts)
{
    const struct scenario *scenario = scenario_find(options->scenario);
    unsigned size = scenario_group(scenario, options);
    if (options->users % size) {
        fprintf(stderr, "ringtail-bench: users: must be a multiple of %u, who belong together\n",
                size);
        return false;
    }
    if (scenario->alone && options->workers.count > 1) {
        fprintf(stderr, "ringtail-bench: workers: %s takes one thread\n", scenario->name);
        return false;
    }
    if (scenario->through_relay && options->first % size) {
        fprintf(stderr, "ringtail-bench: first: must be a multiple of %u for the relay\n", size);
        return false;
    }
    if (options->domain_count && options->domain_bucket % size) {
        fprintf(stderr, "ringtail-bench: domain_bucket: must be a multiple of %u\n", size);
        return false;
    }
    if (options->users / size >= parts)
        return true;
    fprintf(stderr, "ringtail-bench: users: too few for %u threads\n", parts);
    return false;
}

static int run_here(const struct options *options)
{
    struct crew *crew = crew_local_new(options);
    return fits(options, crew->threads) ? conduct(options, &crew, 1) : 2;
}

/* Hands back those that are there; all must be. */
static unsigned find_workers(const struct options *options, struct crew **crews, unsigned *threads)
{
    unsigned count = 0;
    for (size_t i = 0; i < options->workers.count; i++) {
        crews[count] = crew_remote_new(options->workers.items[i], options);
        if (!crews[count])
            break;
        *threads += crews[count++]->threads;
    }
    return count;
}

static int run_on_workers(const struct options *options)
{
    unsigned threads = 0, all = (unsigned)options->workers.count;
    struct crew **crews = mem_zalloc(all * sizeof(struct crew *));
    unsigned count = find_workers(options, crews, &threads);
    bool well = count == all && fits(options, threads);
    int code = well ? conduct(options, crews, count) : 2;
    for (unsigned i = 0; i < count && !well; i++)
        crews[i]->kind->free(crews[i]);
    mem_free(crews);
    return code;
}

static int run(const struct options *options)
{
    return options->workers.count ? run_on_workers(options) : run_here(options);
}

/* The first word that is no option and no option's value; argc: there is none. */
static int find_word(int argc, char **argv)
{
    int at = 1;
    while (at < argc && strncmp(argv[at], "--", 2) == 0)
        at += options_takes_value(argv[at]) ? 2 : 1;
    return at < argc ? at : argc;
}

/* ARGV: a scenario or a file among options. */
static int begin(int argc, char **argv)
{
    struct options options;
    int at = find_word(argc, argv), code = 2;
    if (at == argc)
        return help();
    const char *word = argv[at];
    bool file = !scenario_find(word) && access(word, R_OK) == 0;
    memmove(&argv[at], &argv[at + 1], (size_t)(argc - at - 1) * sizeof *argv);
    if (!options_parse(file ? word : NULL, argc - 2, argv + 1, &options)) {
        if (!file)
            options.scenario = word;
        if (scenario_find(options.scenario))
            code = run(&options);
        else
            fprintf(stderr, "ringtail-bench: there is no scenario %s (--help lists them)\n",
                    options.scenario ? options.scenario : "");
    }
    options_fini(&options);
    return code;
}

static int work(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--listen") == 0)
        return worker_serve(argv[2]);
    fputs("ringtail-bench worker --listen HOST:PORT\n", stderr);
    return 2;
}

static int coordinate(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--workers") == 0)
            return begin(argc, argv);
    fputs("ringtail-bench coordinate --workers HOST:PORT,HOST:PORT… SCENARIO|FILE [OPTION]…\n",
          stderr);
    return 2;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the command */
} commands[] = {
    {"worker", work}, {"coordinate", coordinate}, {"report", html_run}, {"cost", cost_run}};

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0)
        return help();
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return begin(argc, argv);
}
