#include "foreign.h"

#include "acc.h"
#include "session.h"

bool foreign_ask(struct session *session, const struct foreign_event *event)
{
    struct acc *acc = acc_new();
    acc->host = session->host;
    jid_make(&acc->arena, session->jid.user, session->jid.domain, session->jid.resource,
             &acc->from);
    acc->event_data = (void *)event;
    bool known = session->open && hook_run(HOOK_foreign_event, acc, session) == HOOK_STOP;
    acc_free(acc);
    return known;
}
