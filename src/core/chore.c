#include "chore.h"

#include "core.h"
#include "log.h"
#include "mem.h"
#include "module.h"

struct chore_timer {
    struct timer timer;
    struct chore_timer *next;
    const struct module_on *on;
    struct store_op *op; /* under way */
};

static void set(struct chore_timer *chore);
static void ask(struct chore_timer *chore);

static void on_done(struct store_op *op)
{
    struct chore_timer *timer = op->owner;
    const struct chore *chore = timer->on->module->chore;
    timer->op = NULL;
    if (op->outcome)
        LOG(LOG_WARNING, chore->failed, LF("why", err_name(op->outcome)));
    if (!op->outcome && chore->done(op))
        ask(timer);
    else
        set(timer);
}

static void ask(struct chore_timer *timer)
{
    const struct chore *chore = timer->on->module->chore;
    timer->op = store_op_new(chore->kind, on_done, timer);
    chore->fill(timer->op);
    store_ask(timer->op, 0);
}

static void on_time(struct timer *timer)
{
    struct chore_timer *chore = LIST_OWNER(timer, struct chore_timer, timer);
    ask(chore);
}

static void set(struct chore_timer *chore)
{
    shard_after(&chore->timer, chore->on->module->chore->every_ms(chore->on->conf), on_time);
}

static void add(struct core *core, const struct module_on *on)
{
    struct chore_timer *chore = mem_zalloc(sizeof *chore);
    chore->on = on;
    chore->next = core->chores;
    core->chores = chore;
    set(chore);
}

void chores_start(struct core *core)
{
    struct host_type *type;
    for (size_t i = 0; (type = hosts_type(i)); i++)
        for (size_t k = 0; k < type->module_count; k++)
            if (type->modules[k].module->chore)
                add(core, &type->modules[k]);
}

void chores_stop(struct core *core)
{
    struct chore_timer *chore;
    while ((chore = core->chores)) {
        core->chores = chore->next;
        shard_drop(&chore->timer);
        if (chore->op)
            store_revoke(chore->op);
        mem_free(chore);
    }
}
