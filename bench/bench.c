/* ringtail-bench: a load generator for XMPP servers. */
#include "conductor.h"

#include <stdio.h>
#include <unistd.h>

static int help(void)
{
    puts("ringtail-bench SCENARIO|FILE [OPTION]…    a run\n"
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
    if (scenario->through_relay && options->first % 2) {
        fputs("ringtail-bench: first: must be even for the relay\n", stderr);
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

static int run(const struct options *options)
{
    struct crew *crew = crew_local_new(options);
    return fits(options, crew->threads) ? conduct(options, &crew, 1) : 2;
}

/* `word`: a scenario or a file. */
static int begin(const char *word, int argc, char **argv)
{
    struct options options;
    bool file = !scenario_find(word) && access(word, R_OK) == 0;
    int code = 2;
    if (!options_parse(file ? word : NULL, argc, argv, &options)) {
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

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0)
        return help();
    return begin(argv[1], argc - 2, argv + 2);
}
