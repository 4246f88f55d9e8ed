/* Commands on accounts, except import. */
#include "accounts.h"
#include "core.h"
#include "ctl.h"
#include "users.h"

/* --- add, passwd --- */

static void on_answer(void *owner, const char *why)
{
    struct ctl_call *call = owner;
    if (why)
        ctl_fail(call, "%.*s: %s", STR_ARG(call->args[0]), why);
    else
        ctl_done(call, CTL_OK);
}

void ctl_user_add(struct ctl_call *call)
{
    account_add(ctl_world.config, call->args[0], call->args[1], on_answer, call);
}

void ctl_user_passwd(struct ctl_call *call)
{
    account_passwd(ctl_world.config, call->args[0], call->args[1], on_answer, call);
}

/* --- remove: at the user's home, where contacts are told and sessions end --- */

struct removal {
    struct mail mail;
    struct jid jid; /* on the heap */
    enum err outcome;
    struct ctl_call *call;
};

static void on_back(struct mail *mail)
{
    struct removal *removal = LIST_OWNER(mail, struct removal, mail);
    if (core_self()) /* else the shard has stopped, and who asked is gone */
        on_answer(removal->call, account_why(removal->outcome));
    jid_drop(&removal->jid);
    mem_free(removal);
}

static void on_removed(void *owner, enum err outcome)
{
    struct removal *removal = owner;
    removal->outcome = outcome;
    removal->mail.run = on_back;
    mail_send(0, &removal->mail);
}

static void on_home_shard(struct mail *mail)
{
    struct removal *removal = LIST_OWNER(mail, struct removal, mail);
    if (core_self() && !shard_self->stopping)
        users_remove(&removal->jid, on_removed, removal);
    else
        on_removed(removal, ERR_DOWN);
}

static void remove_at_home(struct ctl_call *call, const struct jid *jid)
{
    struct removal *removal = mem_zalloc(sizeof *removal);
    jid_keep(&removal->jid, jid);
    removal->call = call;
    removal->mail.run = on_home_shard;
    mail_send(shard_of(jid->bare_hash), &removal->mail);
}

void ctl_user_remove(struct ctl_call *call)
{
    struct jid jid;
    const char *why = account_parse(ctl_world.config, &call->arena, call->args[0], &jid);
    if (why)
        on_answer(call, why);
    else if (ctl_world.is_server)
        remove_at_home(call, &jid);
    else
        account_remove(ctl_world.config, call->args[0], on_answer, call);
}

/* --- list --- */

struct listing {
    size_t domain; /* number in the configuration */
    bool one;      /* only this one */
    struct str after;
};

static void ask_page(struct ctl_call *call);

static void next_domain(struct ctl_call *call)
{
    struct listing *listing = call->own;
    listing->after = (struct str){0};
    if (listing->one || ++listing->domain >= ctl_world.config->domains.count)
        ctl_done(call, CTL_OK);
    else
        ask_page(call);
}

static void on_page(struct store_op *op)
{
    struct ctl_call *call = op->owner;
    struct listing *listing = call->own;
    if (op->outcome) {
        ctl_fail(call, "%s", account_why(op->outcome));
        return;
    }
    const struct store_account *items = op->list.items;
    for (size_t i = 0; i < op->list.count; i++)
        ctl_say(call, "%.*s@%.*s\n", STR_ARG(items[i].user), STR_ARG(items[i].domain));
    bool last = op->list.count < STORE_LIST_MAX;
    if (!last)
        listing->after = arena_str(&call->arena, items[op->list.count - 1].user);
    ctl_flush(call, last ? next_domain : ask_page);
}

static void ask_page(struct ctl_call *call)
{
    struct listing *listing = call->own;
    if (!shard_self->store) {
        ctl_fail(call, "the server is stopping");
        return;
    }
    struct store_op *op = store_op_new(STORE_ACCOUNT_LIST, on_page, call);
    const char *domain = ctl_world.config->domains.items[listing->domain];
    op->list.domain = arena_str(&op->arena, str_of(domain));
    op->list.after = arena_str(&op->arena, listing->after);
    op->list.limit = STORE_LIST_MAX;
    store_ask(op, 0);
}

void ctl_user_list(struct ctl_call *call)
{
    const struct key_texts *domains = &ctl_world.config->domains;
    struct listing *listing = arena_zero(&call->arena, sizeof *listing);
    struct str wanted = {0};
    call->own = listing;
    if (call->arg_count) {
        listing->one = true;
        if (jid_prep_domain(&call->arena, call->args[0], &wanted))
            wanted = call->args[0];
        while (listing->domain < domains->count && !str_is(wanted, domains->items[listing->domain]))
            listing->domain++;
    }
    if (listing->domain == domains->count)
        ctl_fail(call, "%.*s is not a domain of this server", STR_ARG(call->args[0]));
    else
        ask_page(call);
}
