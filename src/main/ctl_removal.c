/* Commands that remove much: it is hidden at once, and goes little by little (removal.h). */
#include "accounts.h"
#include "ctl.h"
#include "stanza_id.h"

static void on_done(struct store_op *op)
{
    struct ctl_call *call = op->owner;
    if (op->outcome == ERR_NOT_FOUND)
        ctl_fail(call, "%.*s: nothing is stored of such a domain", STR_ARG(call->args[0]));
    else if (op->outcome)
        ctl_fail(call, "%.*s: %s", STR_ARG(call->args[0]), account_why(op->outcome));
    else
        ctl_done(call, CTL_OK);
}

/* NULL while the server stops; then the call has ended. */
static struct store_op *op_new(struct ctl_call *call, enum store_kind kind)
{
    if (shard_self->store)
        return store_op_new(kind, on_done, call);
    ctl_fail(call, "the server is stopping");
    return NULL;
}

static bool read_time(struct ctl_call *call, uint64_t *id)
{
    uint64_t us;
    *id = STANZA_ID_MAX;
    if (call->arg_count < 2)
        return true;
    if (!text_time_parse(call->args[1], &us)) {
        ctl_fail(call, "%.*s is not a time like 2026-01-31T00:00:00Z", STR_ARG(call->args[1]));
        return false;
    }
    *id = stanza_id_at(us);
    return true;
}

void ctl_archive_remove(struct ctl_call *call)
{
    struct jid jid;
    uint64_t to;
    const char *why = account_parse(ctl_world.config, &call->arena, call->args[0], &jid);
    if (why) {
        ctl_fail(call, "%.*s: %s", STR_ARG(call->args[0]), why);
        return;
    }
    struct store_op *op = read_time(call, &to) ? op_new(call, STORE_MAM_REMOVE) : NULL;
    if (!op)
        return;
    op->page.owner = arena_str(&op->arena, jid.bare);
    op->page.to = to;
    store_ask(op, 0);
}

void ctl_domain_remove(struct ctl_call *call)
{
    struct str domain;
    if (jid_prep_domain(&call->arena, call->args[0], &domain)) {
        ctl_fail(call, "%.*s is not a domain", STR_ARG(call->args[0]));
        return;
    }
    if (config_has_domain(ctl_world.config, domain)) {
        ctl_fail(call, "%.*s is served: take it out of the configuration first, and restart",
                 STR_ARG(domain));
        return;
    }
    struct store_op *op = op_new(call, STORE_DOMAIN_REMOVE);
    if (!op)
        return;
    op->removal.domain = arena_str(&op->arena, domain);
    store_ask(op, 0);
}
