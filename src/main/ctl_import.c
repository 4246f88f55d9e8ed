/*
 * Bulk import, a batch of lines at a time. Passwords are sealed under the server's secret and
 * stored as they are, because deriving keys takes tens of milliseconds each: the server derives at
 * the first login. With "derive" helper threads do it now.
 */
#include "accounts.h"
#include "ctl.h"

/* One line that is good. */
struct import_line {
    struct job job;
    struct import *import;
    struct jid jid;
    struct str password;
    uint32_t iterations;
    struct credentials *credentials; /* NULL: sealed instead */
    enum err derived;
};

struct import {
    struct ctl_call *call;
    struct import_line *lines;
    size_t count, bad, left, room;
};

enum { IMPORT_DEADLINE_MS = 60000 };

/* Seals a password into the operation's arena. */
static struct str seal(struct arena *arena, struct str password)
{
    size_t len = password.len + DIGEST_SEAL_EXTRA;
    uint8_t *sealed = arena_take(arena, len);
    digest_seal(core_config.secret, password, sealed);
    return (struct str){(const char *)sealed, len};
}

static void on_imported(struct store_op *op)
{
    struct import *import = op->owner;
    struct ctl_call *call = import->call;
    if (op->outcome) {
        ctl_fail(call, "%s", account_why(op->outcome));
        return;
    }
    uint64_t added = op->import.added;
    ctl_say(call, "added %llu present %llu bad %zu\n", (unsigned long long)added,
            (unsigned long long)(import->count - added), import->bad);
    ctl_done(call, CTL_OK);
}

static void fill(struct arena *arena, const struct import_line *line, struct store_account *out)
{
    out->user = arena_str(arena, line->jid.user);
    out->domain = arena_str(arena, line->jid.domain);
    if (line->credentials)
        out->credentials = credentials_write(arena, line->credentials);
    else
        out->pending = seal(arena, line->password);
}

static void ask(struct import *import)
{
    if (!shard_self->store) {
        ctl_fail(import->call, "the server is stopping");
        return;
    }
    struct store_op *op = store_op_new(STORE_ACCOUNT_IMPORT, on_imported, import);
    struct store_account *accounts = arena_zero(&op->arena, (import->count + 1) * sizeof *accounts);
    size_t count = 0;
    for (size_t i = 0; i < import->count; i++)
        if (!import->lines[i].derived)
            fill(&op->arena, &import->lines[i], &accounts[count++]);
    op->import.accounts = accounts;
    op->import.count = import->count = count;
    store_ask(op, IMPORT_DEADLINE_MS);
}

/* --- Derivation --- */

static void work_derive(struct job *job)
{
    struct import_line *line = LIST_OWNER(job, struct import_line, job);
    line->derived = credentials_derive(line->password, line->iterations, line->credentials);
}

static void on_derived(struct job *job)
{
    struct import_line *line = LIST_OWNER(job, struct import_line, job);
    if (line->derived)
        line->import->bad++;
    if (--line->import->left == 0)
        ask(line->import);
}

static void derive_all(struct import *import)
{
    import->left = import->count;
    for (size_t i = 0; i < import->count; i++) {
        struct import_line *line = &import->lines[i];
        line->import = import;
        line->iterations = (uint32_t)ctl_world.config->auth.scram_iterations;
        line->credentials = arena_zero(&import->call->arena, sizeof *line->credentials);
        line->job.work = work_derive;
        line->job.done = on_derived;
        helper_anyone(&line->job);
    }
}

/* --- Lines --- */

static void take_line(struct import *import, struct str text, uint64_t number)
{
    struct arena *arena = &import->call->arena;
    struct import_line *line = &import->lines[import->count];
    struct str password, jid = str_trim(str_cut(text, ',', &password));
    if (str_trim(text).len == 0)
        return;
    const char *why = password.at ? account_parse(ctl_world.config, arena, jid, &line->jid)
                                  : "expects `jid,password`";
    if (!why)
        why = account_check_password(arena, password);
    if (why) {
        import->bad++;
        ctl_say(import->call, "line %llu: %s\n", (unsigned long long)number, why);
        return;
    }
    line->password = password;
    import->count++;
}

static size_t count_words(const struct ctl_call *call)
{
    size_t count = call->arg_count;
    for (size_t i = 0; i < call->rest.len; i++)
        count += call->rest.at[i] == '\0';
    return count;
}

static void take_lines(struct import *import, uint64_t number)
{
    struct ctl_call *call = import->call;
    struct str rest = call->rest;
    import->lines = arena_zero(&call->arena, count_words(call) * sizeof *import->lines);
    for (size_t i = 2; i < call->arg_count; i++)
        take_line(import, call->args[i], number++);
    while (rest.len)
        take_line(import, str_cut(rest, '\0', &rest), number++);
}

/* Arguments: the number of the first line, "pending" or "derive", then the lines. */
void ctl_user_import(struct ctl_call *call)
{
    struct import *import = arena_zero(&call->arena, sizeof *import);
    uint64_t first = 0;
    import->call = call;
    if (!text_u64(call->args[0], 1, UINT64_MAX, &first)) {
        ctl_fail(call, "the file is read by ringtailctl: user import FILE [--derive]");
        return;
    }
    take_lines(import, first);
    if (import->count && str_is(call->args[1], "derive"))
        derive_all(import);
    else
        ask(import);
}
