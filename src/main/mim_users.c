/* Accounts, their last activity, and the preferences of their archives. */
#include "accounts.h"
#include "mim.h"
#include "mim_scram.h"

#define OF_DOMAINS(server) server " = ANY (string_to_array($1::text, ','))"

/* --- Accounts --- */

/* The one that is being filled. */
static struct store_op *batch;

static void on_imported(struct store_op *op)
{
    struct mim *mim = op->owner;
    struct mim_table *table = &mim->tables[MIM_USERS];
    if (!mim_answered(mim, op))
        return;
    for (size_t i = 0; op->outcome && i < op->import.count; i++)
        mim_refuse(mim, table, op->import.accounts[i].user, account_why(op->outcome));
    if (op->outcome)
        return;
    table->imported += op->import.added;
    table->present += op->import.count - op->import.added;
}

static void flush(struct mim *mim)
{
    if (batch)
        mim_ask(mim, batch, MIM_WINDOW);
    batch = NULL;
}

static struct store_account *next_account(struct mim *mim)
{
    if (batch && batch->import.count == MIM_PAGE)
        flush(mim);
    if (!batch) {
        batch = store_op_new(STORE_ACCOUNT_IMPORT, on_imported, mim);
        batch->import.accounts = arena_zero(&batch->arena, MIM_PAGE * sizeof(struct store_account));
    }
    return (struct store_account *)&batch->import.accounts[batch->import.count++];
}

/* Keys are derived from a password at its owner's first login, as in other imports. */
static struct str seal(struct arena *arena, struct str password)
{
    size_t len = password.len + DIGEST_SEAL_EXTRA;
    uint8_t *sealed = arena_take(arena, len);
    digest_seal(core_config.secret, password, sealed);
    return (struct str){(const char *)sealed, len};
}

static void put_account(struct mim *mim, const struct jid *jid, struct str password,
                        const struct credentials *credentials)
{
    struct store_account *account = next_account(mim);
    struct arena *arena = &batch->arena;
    account->user = arena_str(arena, jid->user);
    account->domain = arena_str(arena, jid->domain);
    if (credentials)
        account->credentials = credentials_write(arena, credentials);
    else
        account->pending = seal(arena, password);
}

static void take_user(struct mim *mim, struct arena *arena, const struct mim_row *row)
{
    struct str details = mim_text(row, 2), password = mim_text(row, 3);
    struct credentials credentials;
    struct jid jid;
    mim->table->read++;
    const char *why = mim_user(arena, mim_text(row, 0), mim_text(row, 1), &jid);
    if (!why)
        why = details.len ? mim_scram_read(details, &credentials)
                          : account_check_password(arena, password);
    if (why)
        mim_refuse(
            mim, mim->table,
            arena_format(arena, "%.*s@%.*s", STR_ARG(mim_text(row, 0)), STR_ARG(mim_text(row, 1))),
            why);
    else if (!mim->dry_run)
        put_account(mim, &jid, password, details.len ? &credentials : NULL);
}

void mim_users(struct mim *mim)
{
    mim_each(mim, MIM_USERS, "SELECT count(*) FROM users WHERE " OF_DOMAINS("server"),
             "SELECT username, server, pass_details, password FROM users"
             " WHERE " OF_DOMAINS("server") " ORDER BY server, username",
             take_user);
    flush(mim);
    mim_wait(mim);
}

/* --- Last activity --- */

static struct store_op *last_op(enum store_kind kind, const struct jid *jid)
{
    struct store_op *op = store_op_new(kind, NULL, NULL);
    op->last.user = arena_str(&op->arena, jid->user);
    op->last.domain = arena_str(&op->arena, jid->domain);
    return op;
}

static void take_last(struct mim *mim, struct arena *arena, const struct mim_row *row)
{
    struct jid jid;
    int64_t seconds = mim_int(row, 2);
    mim->table->read++;
    const char *why = mim_user(arena, mim_text(row, 0), mim_text(row, 1), &jid);
    if (!why && seconds <= 0)
        why = "it is no time";
    if (why) {
        mim_refuse(mim, mim->table, mim_text(row, 0), why);
    } else if (!mim->dry_run) {
        struct store_op *add = last_op(STORE_LAST_SET, &jid);
        add->last.stamp_us = (uint64_t)seconds * 1000000;
        add->last.status = arena_str(&add->arena, mim_text(row, 3));
        mim_add(mim, last_op(STORE_LAST_GET, &jid), add, 1, jid.bare);
    }
}

void mim_last(struct mim *mim)
{
    mim_each(mim, MIM_LAST, "SELECT count(*) FROM last WHERE " OF_DOMAINS("server"),
             "SELECT username, server, seconds::bigint, state FROM last"
             " WHERE " OF_DOMAINS("server") " ORDER BY server, username",
             take_last);
}

/* --- Preferences: a row for each peer, one without for all others --- */

struct prefs {
    struct arena arena;
    struct jid owner; /* of the rows that have come so far; empty: there is none */
    struct store_mam_pref *items;
    size_t count, rows;
    int keeps; /* enum store_mam_keeps */
};

static struct prefs prefs;
static uint64_t by_roster;

static void put_prefs(struct mim *mim)
{
    struct store_op *look = store_op_new(STORE_MAM_PREFS_GET, NULL, NULL);
    struct store_op *add = store_op_new(STORE_MAM_PREFS_SET, NULL, NULL);
    struct arena *arena = &add->arena;
    look->prefs.owner = arena_str(&look->arena, prefs.owner.bare);
    add->prefs.owner = arena_str(arena, prefs.owner.bare);
    add->prefs.keeps = prefs.keeps;
    add->prefs.count = prefs.count;
    add->prefs.items = arena_zero(arena, (prefs.count + 1) * sizeof *prefs.items);
    for (size_t i = 0; i < prefs.count; i++)
        add->prefs.items[i] = (struct store_mam_pref){arena_str(arena, prefs.items[i].bare),
                                                      arena_str(arena, prefs.items[i].resource),
                                                      prefs.items[i].keeps};
    mim_add(mim, look, add, prefs.rows, prefs.owner.bare);
}

static void end_prefs(struct mim *mim)
{
    if (prefs.rows && !mim->dry_run)
        put_prefs(mim);
    arena_fini(&prefs.arena);
    prefs = (struct prefs){.keeps = STORE_KEEPS_ALWAYS};
}

static const char *take_pref(const struct mim_row *row)
{
    struct str peer = mim_text(row, 2), behaviour = mim_text(row, 3);
    struct jid jid;
    bool keeps = !str_is(behaviour, "N"), by_contact = str_is(behaviour, "R");
    if (peer.len == 0) {
        prefs.keeps = by_contact ? STORE_KEEPS_ROSTER : keeps;
        return NULL;
    }
    by_roster += by_contact;
    if (prefs.count == STORE_MAM_PREFS_MAX)
        return "there are too many of this user";
    if (jid_parse(&prefs.arena, peer, &jid))
        return "the peer is not a JID";
    prefs.items[prefs.count++] = (struct store_mam_pref){jid.bare, jid.resource, keeps};
    return NULL;
}

static void take_config(struct mim *mim, struct arena *arena, const struct mim_row *row)
{
    struct jid owner;
    mim->table->read++;
    const char *why = mim_user(arena, mim_text(row, 0), mim_text(row, 1), &owner);
    if (!why && !str_eq(owner.bare, prefs.owner.bare)) {
        end_prefs(mim);
        jid_make(&prefs.arena, owner.user, owner.domain, STR(""), &prefs.owner);
        prefs.items = arena_zero(&prefs.arena, STORE_MAM_PREFS_MAX * sizeof *prefs.items);
    }
    if (!why)
        why = take_pref(row);
    if (why)
        mim_refuse(mim, mim->table, mim_text(row, 0), why);
    else
        prefs.rows++;
}

void mim_prefs(struct mim *mim)
{
    prefs = (struct prefs){.keeps = STORE_KEEPS_ALWAYS};
    mim_each(mim, MIM_PREFS,
             "SELECT count(*) FROM mam_config c JOIN mam_server_user u ON u.id = c.user_id"
             " WHERE " OF_DOMAINS("u.server"),
             "SELECT u.user_name, u.server, c.remote_jid, c.behaviour::text FROM mam_config c"
             " JOIN mam_server_user u ON u.id = c.user_id WHERE " OF_DOMAINS(
                 "u.server") " ORDER BY u.id, c.remote_jid",
             take_config);
    end_prefs(mim);
    mim_wait(mim);
    if (by_roster)
        buf_format(&mim->notes,
                   "mam_config: %llu times a peer's was `roster`, which is `always` here\n",
                   (unsigned long long)by_roster);
}
