/* The operator's program: has commands done by the running server, or without one. */
#include "ctl_db.h"
#include "ctl_import_file.h"
#include "ctl_link.h"
#include "ctl_mongooseim.h"

#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

/* --- Passwords --- */

/* A line without its newline; false at the end of the input. */
static bool read_line(char *line, size_t room)
{
    if (!fgets(line, (int)room, stdin))
        return false;
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

static bool ask_terminal(const char *prompt, char *line, size_t room)
{
    struct termios before, silent;
    fputs(prompt, stderr);
    tcgetattr(STDIN_FILENO, &before);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    bool got = read_line(line, room);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputs("\n", stderr);
    return got;
}

/* From a terminal without echo, twice; from a pipe as the first line. */
static bool ask_password(char *password, size_t room)
{
    char again[2048];
    if (!isatty(STDIN_FILENO))
        return read_line(password, room);
    if (!ask_terminal("Password: ", password, room) ||
        !ask_terminal("Again: ", again, sizeof again))
        return false;
    bool same = strcmp(password, again) == 0;
    mem_wipe(again, sizeof again);
    if (!same)
        fputs("ringtailctl: the two are not the same\n", stderr);
    return same;
}

static bool add_password(struct ctl_link *link)
{
    char password[2048];
    bool got = ask_password(password, sizeof password);
    if (got)
        ctl_link_word(link, str_of(password));
    else
        fputs("ringtailctl: no password was given\n", stderr);
    mem_wipe(password, sizeof password);
    return got;
}

/* --- Commands --- */

static bool is_command(const struct ctl_command *command, const char *name)
{
    return strcmp(command->name, name) == 0;
}

static int run_import(struct ctl_link *link, struct str rest)
{
    struct str file = str_cut(rest, '\0', &rest);
    struct str option = rest.len ? str_cut(rest, '\0', &rest) : STR("");
    if (file.len == 0 || (option.len && !str_is(option, "--derive"))) {
        fputs("usage: ringtailctl -c FILE user import FILE [--derive]\n", stderr);
        return CTL_USAGE;
    }
    return ctl_import_file(link, file.at, option.len > 0);
}

static bool lacks_password(const struct ctl_command *command, size_t arg_count)
{
    return arg_count == 1 &&
           (is_command(command, "user add") || is_command(command, "user passwd"));
}

static size_t count_words(struct str words)
{
    size_t count = 0;
    for (size_t i = 0; i < words.len; i++)
        count += words.at[i] == '\0';
    return count;
}

static int run_command(struct ctl_link *link, const struct ctl_command *command, struct str words,
                       struct str rest)
{
    if (command && is_command(command, "user import"))
        return run_import(link, rest);
    buf_push_str(&link->request, words);
    if (command && lacks_password(command, count_words(rest)) && !add_password(link))
        return CTL_FAILED;
    int code = ctl_link_run(link, NULL);
    if (command && command->ends && code == CTL_OK)
        ctl_link_wait_end(link);
    return code;
}

static int run(struct config *config, struct str words)
{
    struct ctl_link link;
    struct str rest;
    static const char *why; /* here leak checkers find it */
    const struct ctl_command *command = ctl_find(words, &rest);
    if (command && is_command(command, "import mongooseim"))
        return ctl_mongooseim(config, rest);
    if (command && command->needs == CTL_BY_TOOL)
        return ctl_db(command, config);
    enum err err = ctl_link_connect(&link, config->data_dir, &why);
    if (err == ERR_DOWN && (!command || command->needs != CTL_NEEDS_SERVER))
        err = ctl_link_alone(&link, config, command ? command->needs : CTL_NEEDS_NOTHING, &why);
    int code = CTL_FAILED;
    if (err)
        fprintf(stderr, "ringtailctl: %s\n", why);
    else
        code = run_command(&link, command, words, rest);
    ctl_link_close(&link);
    return code;
}

static int fail_usage(void)
{
    struct buf help = {0};
    ctl_print_help(&help);
    fwrite(buf_at(&help), 1, buf_len(&help), stderr);
    buf_fini(&help);
    return CTL_USAGE;
}

static int load_and_run(const char *path, struct str words)
{
    static struct config config;
    struct problems problems = {0};
    int code = CTL_FAILED;
    log_setup(LOG_ERROR, LOG_LOGFMT, STDERR_FILENO);
    if (config_load(path, &config, &problems))
        code = run(&config, words);
    else
        fprintf(stderr, "%.*s", STR_ARG(buf_str(&problems.text)));
    buf_fini(&problems.text);
    config_free(&config);
    return code;
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    struct buf words = {0};
    int option;
    while ((option = getopt(argc, argv, "+c:")) != -1) {
        if (option != 'c')
            return fail_usage();
        path = optarg;
    }
    for (int i = optind; i < argc; i++)
        buf_push(&words, argv[i], strlen(argv[i]) + 1);
    if (!path || buf_len(&words) == 0)
        return fail_usage();
    int code = load_and_run(path, buf_str(&words));
    mem_wipe(words.memory, words.room);
    buf_fini(&words);
    return code;
}
