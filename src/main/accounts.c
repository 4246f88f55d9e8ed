#include "accounts.h"

#include "limits.h"

#include <stdio.h>

/* One operation, from the words to the answer. */
struct account {
    struct job job; /* derivation */
    struct arena arena;
    enum store_kind kind;
    struct jid jid;
    struct str password;
    uint32_t iterations;
    struct credentials credentials;
    enum err derived;
    account_fn *done;
    void *owner;
};

/* The database's own words, if it has any. */
static const char *why_down(void)
{
    static _Thread_local char text[512];
    const char *why = NULL;
    if (!shard_self->store || store_ready(shard_self, &why) || !why || !*why)
        return "the database is not there now";
    snprintf(text, sizeof text, "the database is not there now: %s", why);
    return text;
}

const char *account_why(enum err outcome)
{
    static const struct {
        enum err err;
        const char *why;
    } sentences[] = {
        {ERR_OK, NULL},
        {ERR_NOT_FOUND, "there is no such account"},
        {ERR_CONFLICT, "the account is there already"},
        {ERR_TIMEOUT, "the database did not answer in time; it is not known whether it was done"},
        {ERR_FULL, "too much is under way, or the disk is full; try again"},
        {ERR_INVALID, "the database refuses it"},
    };
    if (outcome == ERR_DOWN)
        return why_down();
    for (size_t i = 0; i < COUNT_OF(sentences); i++)
        if (sentences[i].err == outcome)
            return sentences[i].why;
    return err_name(outcome);
}

const char *account_parse(const struct config *config, struct arena *arena, struct str text,
                          struct jid *out)
{
    if (jid_parse(arena, text, out))
        return "that is not a JID";
    if (out->user.len == 0 || out->resource.len)
        return "expects a JID like user@domain";
    if (!config_has_domain(config, out->domain))
        return "the domain is not one of this server";
    return NULL;
}

const char *account_check_password(struct arena *arena, struct str password)
{
    struct str prepared;
    if (password.len == 0)
        return "the password is empty";
    if (password.len > LIMIT_PASSWORD)
        return "the password is too long";
    if (jid_saslprep(arena, password, &prepared))
        return "the password has characters that are not allowed (RFC 4013)";
    mem_wipe((void *)prepared.at, prepared.len);
    return NULL;
}

static struct account *account_new(enum store_kind kind, account_fn *done, void *owner)
{
    struct account *account = mem_zalloc(sizeof *account);
    arena_init(&account->arena);
    account->kind = kind;
    account->done = done;
    account->owner = owner;
    return account;
}

static void account_end(struct account *account, const char *why)
{
    account->done(account->owner, why);
    if (account->password.len)
        mem_wipe((void *)account->password.at, account->password.len);
    arena_fini(&account->arena);
    mem_wipe(account, sizeof *account);
    mem_free(account);
}

static void on_stored(struct store_op *op)
{
    account_end(op->owner, account_why(op->outcome));
}

static void ask(struct account *account, struct str credentials)
{
    struct store_op *op = store_op_new(account->kind, on_stored, account);
    op->account.user = arena_str(&op->arena, account->jid.user);
    op->account.domain = arena_str(&op->arena, account->jid.domain);
    op->account.credentials = arena_str(&op->arena, credentials);
    store_ask(op, 0);
}

static void work_derive(struct job *job)
{
    struct account *account = LIST_OWNER(job, struct account, job);
    account->derived =
        credentials_derive(account->password, account->iterations, &account->credentials);
}

static void on_derived(struct job *job)
{
    struct account *account = LIST_OWNER(job, struct account, job);
    if (account->derived)
        account_end(account, "keys cannot be made of this password");
    else if (!shard_self->store)
        account_end(account, "the server is stopping");
    else
        ask(account, credentials_write(&account->arena, &account->credentials));
}

static void set_password(const struct config *config, enum store_kind kind, struct str jid,
                         struct str password, account_fn *done, void *owner)
{
    struct account *account = account_new(kind, done, owner);
    const char *why = account_parse(config, &account->arena, jid, &account->jid);
    if (!why)
        why = account_check_password(&account->arena, password);
    if (why) {
        account_end(account, why);
        return;
    }
    account->password = arena_str(&account->arena, password);
    account->iterations = (uint32_t)config->auth.scram_iterations;
    account->job.work = work_derive;
    account->job.done = on_derived;
    helper_anyone(&account->job);
}

void account_add(const struct config *config, struct str jid, struct str password, account_fn *done,
                 void *owner)
{
    set_password(config, STORE_ACCOUNT_ADD, jid, password, done, owner);
}

void account_passwd(const struct config *config, struct str jid, struct str password,
                    account_fn *done, void *owner)
{
    set_password(config, STORE_ACCOUNT_SET, jid, password, done, owner);
}

void account_remove(const struct config *config, struct str jid, account_fn *done, void *owner)
{
    struct account *account = account_new(STORE_ACCOUNT_REMOVE, done, owner);
    const char *why = account_parse(config, &account->arena, jid, &account->jid);
    if (why)
        account_end(account, why);
    else
        ask(account, STR(""));
}
