/* The server's program. */
#include "config.h"
#include "server.h"
#include "version.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, PRINT_FIRST = 256 };

static const char usage[] =
    "usage: ringtaild -c FILE [--check]\n"
    "       ringtaild --version | --help | --example | --reference | --man\n"
    "\n"
    "  -c, --config FILE  the configuration\n"
    "  --check            validate it and print what is in effect, passwords masked\n"
    "  --version          versions of all libraries, and kernel features in use\n"
    "  --example          print a configuration with all keys and their presets\n"
    "  --reference        print the reference of all keys (Markdown)\n"
    "  --man              print the man page of the configuration\n"
    "\n"
    "SIGTERM or SIGINT: drain and end; a second one: end at once.\n";

static void print_usage(struct buf *out)
{
    buf_push_str(out, STR(usage));
}

/* Options that print something and end. */
static const struct {
    const char *name;
    void (*print)(struct buf *out);
} prints[] = {
    {"version", version_print},      {"help", print_usage}, {"example", config_example},
    {"reference", config_reference}, {"man", config_man},
};

static int write_out(struct buf *text)
{
    bool good = fwrite(buf_at(text), 1, buf_len(text), stdout) == buf_len(text);
    buf_fini(text);
    return fflush(stdout) == 0 && good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void note_unreadable(const char *what, const char *path)
{
    if (path && access(path, R_OK))
        fprintf(stderr, "note: the %s %s cannot be read by this user\n", what, path);
}

/* Files need not be there yet when a configuration is checked, so these are notes. */
static int check(const struct config *config)
{
    struct buf text = {0};
    for (size_t i = 0; i < config->listen.c2s.count; i++) {
        const struct c2s_listener *core = &config_c2s(config, i)->core;
        note_unreadable("certificate", core->tls.certificate);
        note_unreadable("key", core->tls.key);
    }
    config_print(&text, config);
    return write_out(&text);
}

static int run(const char *path, bool only_check)
{
    static struct config config;
    struct problems problems = {0};
    int code = EXIT_FAILURE;
    if (!config_load(path, &config, &problems)) {
        fprintf(stderr, "%.*s", STR_ARG(buf_str(&problems.text)));
        if (problems.count > PROBLEMS_MAX)
            fprintf(stderr, "%s: %u more\n", path, problems.count - PROBLEMS_MAX);
    } else {
        code = only_check ? check(&config) : server_run(&config);
    }
    buf_fini(&problems.text);
    config_free(&config);
    return code;
}

static int fail_usage(void)
{
    fputs(usage, stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},
        {"version", no_argument, NULL, PRINT_FIRST + 0},
        {"help", no_argument, NULL, PRINT_FIRST + 1},
        {"example", no_argument, NULL, PRINT_FIRST + 2},
        {"reference", no_argument, NULL, PRINT_FIRST + 3},
        {"man", no_argument, NULL, PRINT_FIRST + 4},
        {0},
    };
    const char *path = NULL;
    bool only_check = false;
    int option;
    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        if (option >= PRINT_FIRST && option < PRINT_FIRST + (int)COUNT_OF(prints)) {
            struct buf text = {0};
            prints[option - PRINT_FIRST].print(&text);
            return write_out(&text);
        }
        if (option == 'c')
            path = optarg;
        else if (option == 'k')
            only_check = true;
        else
            return fail_usage();
    }
    if (!path || optind < argc)
        return fail_usage();
    return run(path, only_check);
}
