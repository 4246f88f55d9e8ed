/* Items that accounts have published (XEP-0163), with what their nodes are set to. */
#include "accounts.h"
#include "mim.h"

#include <stdio.h>

/* Those of services have no user in their key. */
#define OF_ACCOUNTS                                                                                \
    "position('@' in n.p_key) > 0"                                                                 \
    " AND split_part(n.p_key, '@', 2) = ANY (string_to_array($1::text, ','))"

#define OPTION(name) "CASE WHEN json_typeof(n.options) = 'object' THEN n.options ->> '" name "' END"

enum { KEEP_ALL = INT32_MAX, NAME_MAX_LEN = 1023 };

/* In the arena of `add`. */
struct item {
    struct mim *mim;
    struct mim_table *table;
    struct store_op *add;
};

static void refuse(struct mim *mim, struct mim_table *table, const struct store_pep *pep,
                   const char *why)
{
    char key[512];
    snprintf(key, sizeof key, "%.*s@%.*s, %.*s", STR_ARG(pep->user), STR_ARG(pep->domain),
             STR_ARG(pep->node));
    mim_refuse(mim, table, str_of(key), why);
}

static void on_added(struct store_op *op)
{
    const struct item *item = op->owner;
    if (!mim_answered(item->mim, op))
        return;
    if (op->outcome == ERR_OK)
        item->table->imported++;
    else
        refuse(item->mim, item->table, &op->pep, account_why(op->outcome));
}

/* What is here stays. */
static void on_looked(struct store_op *op)
{
    const struct item *item = op->owner;
    bool answered = mim_answered(item->mim, op);
    bool present = op->outcome == ERR_OK && op->pep.count > 0;
    if (answered && !present && (op->outcome == ERR_OK || op->outcome == ERR_NOT_FOUND)) {
        mim_ask_now(item->mim, item->add);
        return;
    }
    item->table->present += answered && present;
    if (answered && !present)
        refuse(item->mim, item->table, &item->add->pep, account_why(op->outcome));
    store_revoke(item->add);
}

static struct store_op *new_op(enum store_kind kind, const struct jid *owner, struct str node,
                               struct str name)
{
    struct store_op *op = store_op_new(kind, NULL, NULL);
    op->pep.user = arena_str(&op->arena, owner->user);
    op->pep.domain = arena_str(&op->arena, owner->domain);
    op->pep.node = arena_str(&op->arena, node);
    op->pep.count = 1;
    op->pep.items = arena_zero(&op->arena, sizeof *op->pep.items);
    op->pep.items[0].name = arena_str(&op->arena, name);
    return op;
}

/* As store_pep.h says. What is not known here is for members only, of whom there are none. */
static struct str settings_of(struct arena *arena, const struct mim_row *row)
{
    static const char *const models[] = {"open", "presence", "roster", NULL};
    struct str model = mim_text(row, 6), last = mim_text(row, 7);
    const char *known = "whitelist";
    for (size_t i = 0; models[i]; i++)
        if (str_is(model, models[i]))
            known = models[i];
    return arena_format(arena, "access_model %s\nmax_items max\nsend_last_published_item %s\n\f\f",
                        known, str_is(last, "never") ? "never" : "on_sub_and_presence");
}

static void keep(struct mim *mim, const struct jid *owner, const struct mim_row *row,
                 const struct element *payload)
{
    struct str node = mim_text(row, 1), name = mim_text(row, 2);
    uint64_t us = (uint64_t)mim_int(row, 4);
    struct store_op *add = new_op(STORE_PEP_PUBLISH, owner, node, name);
    struct store_op *look = new_op(STORE_PEP_PICK, owner, node, name);
    struct item *item = arena_zero(&add->arena, sizeof *item);
    *item = (struct item){mim, mim->table, add};
    add->pep.settings = settings_of(&add->arena, row);
    add->pep.keep = KEEP_ALL;
    add->pep.items[0].number = mim_id(us, (unsigned)(mim_int(row, 5) % MIM_NODES));
    add->pep.items[0].body = element_xml(&add->arena, payload, NS_NONE);
    add->done = on_added;
    look->done = on_looked;
    add->owner = look->owner = item;
    mim_ask(mim, look, MIM_WINDOW);
}

/* The payload is in an <item/> there. */
static const struct element *payload_of(struct mim *mim, struct arena *arena, struct str text)
{
    const struct element *item = mim_stanza(mim, arena, text);
    const struct element *payload = item && str_is(item->name, "item") ? element_first(item) : item;
    return payload && payload->ns_uri.len ? payload : NULL;
}

static void take_item(struct mim *mim, struct arena *arena, const struct mim_row *row)
{
    struct jid owner;
    struct str domain, user = str_cut(mim_text(row, 0), '@', &domain);
    const struct element *payload = NULL;
    mim->table->read++;
    const char *why = mim_user(arena, user, domain, &owner);
    if (!why && (mim_text(row, 1).len > NAME_MAX_LEN || !mim_text(row, 2).len))
        why = "its node or item has no name that is one here";
    if (!why && !(payload = payload_of(mim, arena, mim_text(row, 3))))
        why = "it has no payload";
    if (why)
        mim_refuse(
            mim, mim->table,
            arena_format(arena, "%.*s, %.*s", STR_ARG(mim_text(row, 0)), STR_ARG(mim_text(row, 1))),
            why);
    else if (!mim->dry_run)
        keep(mim, &owner, row, payload);
}

void mim_pep(struct mim *mim)
{
    mim_each(mim, MIM_PEP,
             "SELECT count(*) FROM pubsub_items i JOIN pubsub_nodes n ON n.nidx = i.nidx"
             " WHERE " OF_ACCOUNTS,
             "SELECT n.p_key, n.name, i.itemid, i.payload, i.modified_at::bigint, n.nidx::bigint,"
             " " OPTION("access_model") ", " OPTION(
                 "send_last_published_item") " FROM pubsub_items i JOIN pubsub_nodes n ON n.nidx = "
                                             "i.nidx WHERE " OF_ACCOUNTS
                                             " ORDER BY n.p_key, n.name, i.modified_at",
             take_item);
}
