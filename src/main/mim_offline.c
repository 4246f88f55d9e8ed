/* Messages that wait for users who are offline. They are kept as text, whether the archive has them
 * or not. */
#include "accounts.h"
#include "clock.h"
#include "mim.h"

#define OF_DOMAINS "server = ANY (string_to_array($1::text, ','))"

static void on_kept(struct store_op *op)
{
    struct mim *mim = op->owner;
    struct mim_table *table = &mim->tables[MIM_OFFLINE];
    if (!mim_answered(mim, op))
        return;
    if (op->outcome == ERR_OK)
        table->imported++;
    else if (op->outcome == ERR_CONFLICT) /* of its number: there is no cap here */
        table->present++;
    else
        mim_refuse(mim, table, op->offline.bare, account_why(op->outcome));
}

static struct str as_text(struct arena *arena, const struct element *stanza)
{
    struct buf xml = {0};
    element_write(&xml, stanza, NS_CLIENT);
    struct str text = arena_str(arena, buf_str(&xml));
    buf_fini(&xml);
    return text;
}

/* The number is made of time and place there: it is the same when it comes again, and less than
 * those of messages that come here. */
static void keep(struct mim *mim, const struct jid *owner, const struct jid *from,
                 const struct element *stanza, const struct mim_row *row)
{
    struct store_op *op = store_op_new(STORE_OFFLINE_ADD, on_kept, mim);
    struct store_offline *offline = &op->offline;
    uint64_t stamp_us = (uint64_t)mim_int(row, 2);
    offline->user = arena_str(&op->arena, owner->user);
    offline->domain = arena_str(&op->arena, owner->domain);
    offline->bare = arena_str(&op->arena, owner->bare);
    offline->now_us = clock_unix_us();
    offline->item.number = mim_id(stamp_us, (unsigned)(mim_int(row, 6) % MIM_NODES));
    offline->item.stamp_us = stamp_us;
    offline->item.body = as_text(&op->arena, stanza);
    offline->add.peer = arena_str(&op->arena, from->bare);
    offline->add.peer_resource = arena_str(&op->arena, from->resource);
    offline->add.expires_us = (uint64_t)mim_int(row, 3);
    offline->add.max = INT32_MAX;
    mim_ask(mim, op, MIM_WINDOW);
}

static void take_message(struct mim *mim, struct arena *arena, const struct mim_row *row)
{
    struct jid owner, from;
    struct element *stanza = NULL;
    mim->table->read++;
    const char *why = mim_user(arena, mim_text(row, 0), mim_text(row, 1), &owner);
    if (!why && jid_parse(arena, mim_text(row, 4), &from))
        why = "the sender is not a JID";
    if (!why && (mim_int(row, 2) < 0 || mim_int(row, 3) < 0))
        why = "a time is negative";
    if (!why)
        stanza = mim_stanza(mim, arena, mim_text(row, 5));
    if (!why && (!stanza || !element_is(stanza, NS_CLIENT, "message")))
        why = "it is not a message";
    if (why) {
        mim_refuse(mim, mim->table, mim_text(row, 0), why);
        return;
    }
    element_set(arena, stanza, "from", from.full);
    if (!element_attr(stanza, "to").at)
        element_set(arena, stanza, "to", owner.bare);
    if (!mim->dry_run)
        keep(mim, &owner, &from, stanza, row);
}

void mim_offline(struct mim *mim)
{
    mim_each(mim, MIM_OFFLINE, "SELECT count(*) FROM offline_message WHERE " OF_DOMAINS,
             "SELECT username, server, timestamp, coalesce(expire, 0), from_jid, packet, id::bigint"
             " FROM offline_message WHERE " OF_DOMAINS " ORDER BY id",
             take_message);
}
