#include "counters.h"

#include <stdio.h>
#include <string.h>

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

struct counters counters_read(const char *command)
{
    struct counters counters = none;
    char line[256] = "";
    bool well = true;
    FILE *out = command ? popen(command, "r") : NULL;
    if (!command)
        return none;
    while (out && well && fgets(line, sizeof line, out))
        well = take_line(&counters, line);
    if (out && pclose(out) == 0 && well && counters.count)
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
