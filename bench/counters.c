#include "counters.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct counters none;

/* False: it is no counter. */
static bool take_line(struct counters *counters, const char *line)
{
    char format[16], name[COUNTER_NAME_ROOM], more;
    double value;
    snprintf(format, sizeof format, "%%%ds %%lf %%c", COUNTER_NAME_ROOM - 1);
    if (counters->count == COUNTERS_MAX || sscanf(line, format, name, &value, &more) != 2)
        return false;
    struct counter *counter = &counters->items[counters->count++];
    memcpy(counter->name, name, sizeof name);
    counter->value = value;
    return true;
}

/* What the command prints, to be read; NULL: it cannot be started. */
static FILE *start(const char *command, pid_t *pid)
{
    char *const words[] = {"sh", "-c", (char *)(uintptr_t)command, NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    int failed = posix_spawn(pid, "/bin/sh", &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *out = failed ? NULL : fdopen(ends[0], "r");
    if (!out)
        close(ends[0]);
    return out;
}

static bool has_ended_well(FILE *out, pid_t pid)
{
    int status = -1;
    fclose(out);
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

struct counters counters_read(const char *command)
{
    struct counters counters = none;
    char line[256] = "";
    pid_t pid;
    bool well = true;
    FILE *out = command ? start(command, &pid) : NULL;
    if (!command)
        return none;
    while (out && well && fgets(line, sizeof line, out))
        well = take_line(&counters, line);
    if (out && has_ended_well(out, pid) && well && counters.count)
        return counters;
    fprintf(stderr, "ringtail-bench: no counters: the command %s: %s\n",
            well ? "failed" : "printed something else than NAME NUMBER", well ? command : line);
    return none;
}

static const struct counter *find(const struct counters *counters, const char *name)
{
    for (unsigned i = 0; i < counters->count; i++)
        if (strcmp(counters->items[i].name, name) == 0)
            return &counters->items[i];
    return NULL;
}

void counters_report(const struct counters *begin, const struct counters *end, const char *unit,
                     double count, struct report *out)
{
    for (unsigned i = 0; i < begin->count; i++) {
        const struct counter *before = &begin->items[i], *after = find(end, before->name);
        if (after)
            report_add_per(out, before->name, unit, (after->value - before->value) / count, 1);
    }
}
