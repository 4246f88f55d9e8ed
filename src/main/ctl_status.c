/* The command `status`: a look at the busy time, a moment later all the rest. */
#include "ctl.h"
#include "status.h"

enum { WINDOW_MS = 250 };

struct looking {
    struct timer timer;
    struct ctl_call *call;
    uint64_t begun_us;
    bool json;
    uint64_t busy[];
};

static void on_gathered(struct gather *gather)
{
    struct looking *looking = gather->own;
    struct status status = {.gather = gather,
                            .busy_before = looking->busy,
                            .window_us = shard_self->now_us - looking->begun_us};
    if (looking->json)
        status_print_json(&looking->call->out, &status);
    else
        status_print(&looking->call->out, &status);
    ctl_done(looking->call, CTL_OK);
}

static void on_window(struct timer *timer)
{
    gather_start(GATHER_ALL, status_each, on_gathered, NULL, (struct looking *)timer);
}

void ctl_status(struct ctl_call *call)
{
    bool json = call->arg_count && str_is(call->args[0], "--json");
    if (call->arg_count && !json) {
        ctl_say(call, "usage: ringtailctl -c FILE status [--json]\n");
        ctl_done(call, CTL_USAGE);
        return;
    }
    struct looking *looking =
        arena_zero(&call->arena, sizeof *looking + shard_count * sizeof looking->busy[0]);
    looking->call = call;
    looking->json = json;
    looking->begun_us = shard_self->now_us;
    status_busy(looking->busy);
    shard_after(&looking->timer, WINDOW_MS, on_window);
}
