#include "subscription.h"

#include "acc.h"
#include "check.h"

/* The question to whoever keeps rosters; in the arena of its accumulator. */
struct look {
    struct subscription contact; /* first: what the hook fills in */
    struct acc *acc;             /* who waits; NULL: it went away */
};

static void after_look(struct acc *news, struct session *session, enum verdict verdict)
{
    const struct look *look = news->event_data;
    struct acc *acc = look->acc;
    (void)session;
    (void)verdict;
    if (acc) {
        struct subscription *contact = arena_zero(&acc->arena, sizeof *contact);
        contact->contact = arena_str(&acc->arena, look->contact.contact);
        contact->flags = look->contact.flags;
        contact->groups = arena_str(&acc->arena, look->contact.groups);
        acc->event_data = contact;
    }
    acc_free(news);
    if (acc && acc->parked)
        acc_unpark(acc);
}

static void on_revoke(void *own)
{
    ((struct look *)own)->acc = NULL;
}

enum verdict subscription_ask(struct acc *acc, struct session *session, const struct jid *user,
                              const struct jid *contact, hook_fn *then)
{
    struct acc *news = acc_new();
    struct look *look = arena_zero(&news->arena, sizeof *look);
    look->contact.contact = arena_str(&news->arena, contact->bare);
    look->acc = acc;
    news->host = acc->host;
    news->event_data = look;
    jid_make(&news->arena, user->user, user->domain, STR(""), &news->to);
    acc->event_data = NULL;
    hook_chain(HOOK_roster_get_jid_info, news, NULL, after_look);
    if (acc->event_data)
        return then(acc, session);
    acc_park(acc, session, then, look, on_revoke);
    return HOOK_PARK;
}
