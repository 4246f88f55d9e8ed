/* ringtail-bench: a load generator for XMPP servers. */
#include "affinity.h"
#include "boot.h"
#include "scenario.h"
#include "text.h"

#include <stdio.h>

static const struct {
    const char *name;
    int (*run)(const struct options *options);
    const char *help;
} scenarios[] = {
    {"one_to_one", scenario_one_to_one, "chat messages between pairs of users"},
    {"muc_light", scenario_muc_light, "messages in rooms (MUC Light)"},
    {"muc", scenario_muc, "messages in rooms (XEP-0045)"},
    {"relay", scenario_relay, "the same traffic through ringtail-relay, without XMPP"},
    {"idle", scenario_idle, "sessions that do nothing: memory of the server"},
    {"login", scenario_login, "login and logout, each user once"},
    {"stampede", scenario_stampede, "all lose their connections at once and come back"},
};

static int help(void)
{
    puts("ringtail-bench SCENARIO [OPTION]…\n\nScenarios:");
    for (size_t i = 0; i < COUNT_OF(scenarios); i++)
        printf("  %-14s %s\n", scenarios[i].name, scenarios[i].help);
    puts("\nOptions (presets in brackets):");
    options_help();
    return 0;
}

static int run(int (*scenario)(const struct options *), const struct options *options)
{
    struct shard *shard;
    boot_descriptors();
    if (options->cpu != OPTIONS_NO_CPU && affinity_pin((unsigned)options->cpu))
        fputs("ringtail-bench: --cpu: this CPU cannot be had\n", stderr);
    if (boot_single(&shard))
        return 1;
    int code = scenario(options);
    boot_single_end(shard);
    return code;
}

int main(int argc, char **argv)
{
    struct options options;
    if (argc < 2 || strcmp(argv[1], "--help") == 0)
        return help();
    if (options_parse(argc - 2, argv + 2, &options))
        return 2;
    for (size_t i = 0; i < COUNT_OF(scenarios); i++)
        if (strcmp(scenarios[i].name, argv[1]) == 0)
            return run(scenarios[i].run, &options);
    fprintf(stderr, "ringtail-bench: there is no scenario %s (--help lists them)\n", argv[1]);
    return 2;
}
