#include "chore.h"

#include "core.h"
#include "mem.h"
#include "module.h"

struct chore_timer {
    struct timer timer;
    struct chore_timer *next;
    struct host_type *type;
    const struct module_on *on;
};

static void set(struct chore_timer *chore);

static void on_time(struct timer *timer)
{
    struct chore_timer *chore = LIST_OWNER(timer, struct chore_timer, timer);
    chore->on->module->chore->run(chore->type, chore->on->conf);
    set(chore);
}

static void set(struct chore_timer *chore)
{
    shard_after(&chore->timer, chore->on->module->chore->every_ms(chore->on->conf), on_time);
}

static void add(struct core *core, struct host_type *type, const struct module_on *on)
{
    struct chore_timer *chore = mem_zalloc(sizeof *chore);
    chore->type = type;
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
                add(core, type, &type->modules[k]);
}

void chores_stop(struct core *core)
{
    struct chore_timer *chore;
    while ((chore = core->chores)) {
        core->chores = chore->next;
        shard_drop(&chore->timer);
        mem_free(chore);
    }
}
