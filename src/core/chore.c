#include "chore.h"

#include "core.h"
#include "log.h"
#include "mem.h"
#include "module.h"

struct chore_timer {
    struct timer timer;
    struct chore_timer *next;
    const struct host_type *type;
    const struct module_on *on;
    struct host *host;   /* whose turn it is, if domains have turns */
    struct store_op *op; /* under way */
};

static void set(struct chore_timer *chore);
static void ask(struct chore_timer *chore);

/* The next domain of the host type; false: there are no more. */
static bool next_host(struct chore_timer *chore)
{
    do
        chore->host = hosts_next(chore->host);
    while (chore->host && chore->host->type != chore->type);
    return chore->host != NULL;
}

static void on_done(struct store_op *op)
{
    struct chore_timer *timer = op->owner;
    const struct chore *chore = timer->on->module->chore;
    timer->op = NULL;
    if (op->outcome && op->outcome != ERR_NOT_FOUND)
        LOG(LOG_WARNING, chore->failed, LF("why", err_name(op->outcome)));
    bool more = !op->outcome && chore->done(op);
    if (more || (chore->each_domain && next_host(timer)))
        ask(timer);
    else
        set(timer);
}

static void ask(struct chore_timer *timer)
{
    const struct chore *chore = timer->on->module->chore;
    timer->op = store_op_new(chore->kind, on_done, timer);
    struct str domain = timer->host ? timer->host->jid.domain : (struct str){0};
    chore->fill(timer->op, timer->on->conf, arena_str(&timer->op->arena, domain));
    store_ask(timer->op, 0);
}

static void on_time(struct timer *timer)
{
    struct chore_timer *chore = LIST_OWNER(timer, struct chore_timer, timer);
    chore->host = NULL;
    if (!chore->on->module->chore->each_domain || next_host(chore))
        ask(chore);
}

static void set(struct chore_timer *chore)
{
    uint64_t every_ms = chore->on->module->chore->every_ms(chore->on->conf);
    if (every_ms)
        shard_after(&chore->timer, every_ms, on_time);
}

static void add(struct core *core, const struct host_type *type, const struct module_on *on)
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
        if (chore->op)
            store_revoke(chore->op);
        mem_free(chore);
    }
}
