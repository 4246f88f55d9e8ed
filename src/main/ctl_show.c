/* Commands that print tables of the binary, and those that end it. */
#include "c2s.h"
#include "ctl.h"
#include "limits.h"
#include "version.h"

#include <inttypes.h>

enum { DRAIN_GRACE_MS = 10000 };

static void put_rule(struct ctl_call *call, const char *word, const char *modules)
{
    if (modules)
        ctl_say(call, "  (%s %s)", word, modules);
}

static void put_hooks(struct ctl_call *call, const struct host_type *type)
{
    ctl_say(call, "host type %s\n", type->name);
    for (int at = 0; at < HOOK_COUNT; at++) {
        const struct hook_list *list = &type->hooks[at];
        if (list->count)
            ctl_say(call, "  %s: %s\n", hook_name((enum hook_point)at),
                    hook_when((enum hook_point)at));
        for (size_t i = 0; i < list->count; i++) {
            const struct hook *hook = list->entries[i].hook;
            ctl_say(call, "    %zu. %s", i + 1, list->entries[i].module->name);
            put_rule(call, "before", hook->before);
            put_rule(call, "after", hook->after);
            ctl_say(call, "\n");
        }
    }
}

void ctl_hooks(struct ctl_call *call)
{
    const struct host_type *type;
    for (size_t i = 0; (type = hosts_type(i)); i++)
        put_hooks(call, type);
    ctl_done(call, CTL_OK);
}

void ctl_states(struct ctl_call *call)
{
    ctl_say(call, "digraph c2s {\n  rankdir=LR;\n  node [shape=box];\n");
    states_graph(&call->out, c2s_states);
    for (size_t i = 0; modules_all[i]; i++)
        if (modules_all[i]->states)
            states_graph(&call->out, modules_all[i]->states);
    ctl_say(call, "}\n");
    ctl_done(call, CTL_OK);
}

void ctl_limits(struct ctl_call *call)
{
    for (size_t i = 0; i < limits_count; i++)
        ctl_say(call, "%-18s %10" PRIu64 " %-11s %s\n", limits[i].name, limits[i].value,
                limits[i].unit, limits[i].help);
    ctl_done(call, CTL_OK);
}

void ctl_version(struct ctl_call *call)
{
    version_print(&call->out);
    ctl_done(call, CTL_OK);
}

void ctl_help(struct ctl_call *call)
{
    ctl_print_help(&call->out);
    ctl_done(call, CTL_OK);
}

/* The answer is out before the shards stop: a turn lies between. The connection stays open until
 * the process is gone, and ringtailctl waits for that. */
void ctl_drain(struct ctl_call *call)
{
    bool already = core_is_draining();
    if (!already)
        core_drain(DRAIN_GRACE_MS);
    ctl_say(call, already ? "draining already\n" : "draining\n");
    ctl_done(call, CTL_OK);
}

void ctl_stop(struct ctl_call *call)
{
    ctl_say(call, "stopping\n");
    ctl_done(call, CTL_OK);
    core_drain(0);
}
