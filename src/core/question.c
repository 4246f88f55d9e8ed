#include "question.h"

#include "acc.h"

/* The query that goes through a hook, and who waits for it; in the arena of the hook's accumulator.
 */
struct question {
    struct element query; /* first: it is that accumulator's element */
    struct acc *acc;      /* NULL: it went away */
};

static void after_hook(struct acc *inner, struct session *session, enum verdict verdict)
{
    struct acc *acc = ((struct question *)inner->element)->acc;
    (void)session;
    (void)verdict;
    if (acc)
        acc->event_data = element_copy(&acc->arena, inner->element);
    acc_free(inner);
    if (acc && acc->parked)
        acc_unpark(acc);
}

static void on_revoke(void *question)
{
    ((struct question *)question)->acc = NULL;
}

enum verdict question_ask(enum hook_point at, struct acc *acc, struct session *session,
                          const struct element *query, hook_fn *then)
{
    struct acc *inner = acc_new();
    struct question *question = arena_zero(&inner->arena, sizeof *question);
    question->query = *element_copy(&inner->arena, query);
    question->acc = acc;
    inner->host = acc->host;
    inner->element = &question->query;
    jid_make(&inner->arena, acc->from.user, acc->from.domain, acc->from.resource, &inner->from);
    jid_make(&inner->arena, acc->to.user, acc->to.domain, acc->to.resource, &inner->to);
    acc->event_data = NULL;
    hook_chain(at, inner, NULL, after_hook);
    if (acc->event_data)
        return then(acc, session);
    acc_park(acc, session, then, question, on_revoke);
    return HOOK_PARK;
}
