/* The end of an account: what needs its roster comes before storage forgets it. */
#include "core.h"
#include "hook.h"
#include "host.h"
#include "session.h"
#include "store.h"
#include "subscription.h"
#include "users.h"

/* In the arena of its accumulator. */
struct removal {
    struct subscriptions contacts; /* first: what the hook fills in */
    users_remove_fn *done;
    void *owner;
};

static void end_sessions(const struct jid *jid)
{
    struct user *user;
    /* Each end takes its session out of the list, and the last one ends the user. */
    while ((user = users_find(jid)))
        session_end(LIST_OWNER(user->sessions.next, struct session, user_link),
                    STREAM_NOT_AUTHORIZED, "the account was removed");
}

static void leave(struct acc *acc)
{
    if (acc->host)
        hook_run(HOOK_user_leaves, acc, NULL);
    end_sessions(&acc->to);
    if (acc->host)
        hook_run(HOOK_remove_user, acc, NULL);
}

static void on_stored(struct store_op *op)
{
    struct acc *acc = op->owner;
    const struct removal *removal = acc->event_data;
    removal->done(removal->owner, op->outcome);
    if (op->outcome == ERR_OK && core_self())
        leave(acc);
    acc_free(acc);
}

static void after_contacts(struct acc *acc, struct session *session, enum verdict verdict)
{
    (void)session;
    (void)verdict;
    struct store_op *op = store_op_new(STORE_ACCOUNT_REMOVE, on_stored, acc);
    op->account.user = arena_str(&op->arena, acc->to.user);
    op->account.domain = arena_str(&op->arena, acc->to.domain);
    store_ask(op, 0);
}

void users_remove(const struct jid *jid, users_remove_fn *done, void *owner)
{
    struct acc *acc = acc_new();
    struct removal *removal = arena_zero(&acc->arena, sizeof *removal);
    *removal = (struct removal){.done = done, .owner = owner};
    jid_make(&acc->arena, jid->user, jid->domain, STR(""), &acc->to);
    acc->from = acc->to;
    acc->host = host_find(acc->to.domain);
    acc->event_data = removal;
    if (acc->host)
        hook_chain(HOOK_roster_get_subscription_lists, acc, NULL, after_contacts);
    else
        after_contacts(acc, NULL, HOOK_OK);
}
