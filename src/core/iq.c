#include "iq.h"

#include "effect.h"
#include "host.h"
#include "mem.h"
#include "module.h"
#include "router.h"

void iq_compile(struct iq_table *table, const struct module *const *modules, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (const struct iq_handler *handler = modules[i]->iqs; handler && handler->run;
             handler++) {
            table->handlers =
                mem_realloc(table->handlers, (table->count + 1) * sizeof *table->handlers);
            table->handlers[table->count++] = handler;
        }
}

void iq_free(struct iq_table *table)
{
    mem_free(table->handlers);
}

static bool answers(const struct iq_handler *handler, const struct acc *acc, enum iq_target target,
                    const struct element *payload)
{
    return (handler->target & target) &&
           (handler->type == TYPE_UNKNOWN || handler->type == acc->type) &&
           element_is(payload, handler->ns, handler->element);
}

static void after_answer(struct acc *acc, struct session *session, enum verdict verdict)
{
    (void)session;
    if (verdict == HOOK_OK)
        router_bounce(acc, STANZA_SERVICE_UNAVAILABLE, NULL);
    else
        acc_free(acc);
}

static enum verdict run_handlers(struct acc *acc, enum iq_target target, struct session *session,
                                 const struct element *payload)
{
    const struct iq_table *table = &acc->host->type->iqs;
    for (size_t i = 0; i < table->count; i++) {
        if (!answers(table->handlers[i], acc, target, payload))
            continue;
        enum verdict verdict = table->handlers[i]->run(acc, session);
        if (verdict != HOOK_OK)
            return verdict;
    }
    return HOOK_OK;
}

void iq_answer(struct acc *acc, enum iq_target target, struct session *session)
{
    const struct element *payload = element_first(acc->element);
    if (!payload || element_next(payload)) {
        router_bounce(acc, STANZA_BAD_REQUEST, "a request has exactly one child element");
        return;
    }
    /* A handler may park: the accumulator then stands at the end of a chain without entries. */
    acc->at = HOOK_user_send_iq;
    acc->next_entry = acc->host->type->hooks[acc->at].count;
    acc->then = after_answer;
    enum verdict verdict = run_handlers(acc, target, session, payload);
    if (verdict != HOOK_PARK)
        hook_resume(acc, session, verdict == HOOK_OK ? HOOK_OK : HOOK_STOP);
}
