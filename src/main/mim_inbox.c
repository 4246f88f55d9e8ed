/* The inbox. Conversations point at what the archive has of them, so that comes first. */
#include "accounts.h"
#include "clock.h"
#include "mim.h"

#define OF_DOMAINS "lserver = ANY (string_to_array($1::text, ','))"

/* What is in the bin there is dropped so long after it was imported. */
#define BIN_US (30ull * 86400 * 1000000)

static void on_imported(struct store_op *op)
{
    struct mim *mim = op->owner;
    struct mim_table *table = &mim->tables[MIM_INBOX];
    if (!mim_answered(mim, op))
        return;
    if (op->outcome == ERR_OK)
        table->imported++;
    else if (op->outcome == ERR_CONFLICT)
        table->present++;
    else
        mim_refuse(mim, table, op->inbox.owner, account_why(op->outcome));
}

static void put_entry(struct mim *mim, const struct jid *owner, const struct jid *peer,
                      const struct mim_row *row)
{
    struct store_op *op = store_op_new(STORE_INBOX_IMPORT, on_imported, mim);
    struct store_inbox_entry *entry = &op->inbox.entry;
    op->inbox.owner = arena_str(&op->arena, owner->bare);
    op->inbox.peer = arena_str(&op->arena, peer->bare);
    entry->room = mim_int(row, 8) != 0;
    entry->box = arena_str(&op->arena, mim_text(row, 3));
    entry->last = mim_id((uint64_t)mim_int(row, 5), 0);
    entry->muted_until_us = (uint64_t)mim_int(row, 6);
    entry->unread = (uint64_t)mim_int(row, 7);
    if (str_is(entry->box, STORE_BOX_BIN))
        op->inbox.set.expires_us = clock_unix_us() + BIN_US;
    mim_ask(mim, op, MIM_WINDOW);
}

static const char *check(const struct mim_row *row)
{
    if (mim_text(row, 3).len == 0)
        return "it is in no box";
    if (mim_int(row, 5) < 0 || mim_int(row, 6) < 0 || mim_int(row, 7) < 0)
        return "a number is negative";
    return NULL;
}

static void take_entry(struct mim *mim, struct arena *arena, const struct mim_row *row)
{
    struct jid owner, peer;
    struct mim_table *table = mim->table;
    table->read++;
    const char *why = mim_user(arena, mim_text(row, 0), mim_text(row, 1), &owner);
    const struct element *content = why ? NULL : mim_stanza(mim, arena, mim_text(row, 4));
    if (!why && jid_parse(arena, mim_text(row, 2), &peer))
        why = "the peer is not a JID";
    if (!why)
        why = check(row);
    if (!why && !content)
        why = "its content is not a message";
    if (why)
        mim_refuse(mim, table,
                   arena_format(arena, "%.*s with %.*s", STR_ARG(mim_text(row, 0)),
                                STR_ARG(mim_text(row, 2))),
                   why);
    else if (str_is(element_attr(content, "type"), "groupchat") && !mim_int(row, 8))
        table->left++; /* of MUC (XEP-0045) */
    else if (!mim->dry_run)
        put_entry(mim, &owner, &peer, row);
}

/* Whether the peer is a room of MUC Light is known where its rooms are. */
#define ENTRIES(is_room)                                                                           \
    "SELECT luser, lserver, remote_bare_jid, box, content, timestamp,"                             \
    " coalesce(muted_until, 0), unread_count::bigint, " is_room " FROM inbox WHERE " OF_DOMAINS    \
    " ORDER BY lserver, luser, remote_bare_jid"

void mim_inbox(struct mim *mim)
{
    static const char with_rooms[] =
        ENTRIES("(SELECT count(*) FROM muc_light_rooms r WHERE r.luser = split_part("
                "remote_bare_jid, '@', 1) AND r.lserver = split_part(remote_bare_jid, '@', 2))");
    static const char without[] = ENTRIES("0::bigint");
    mim_each(mim, MIM_INBOX, "SELECT count(*) FROM inbox WHERE " OF_DOMAINS,
             mim_has_table(mim, "muc_light_rooms") ? with_rooms : without, take_entry);
    if (mim->tables[MIM_INBOX].left)
        buf_format(&mim->notes, "inbox: %llu conversations of rooms were left out\n",
                   (unsigned long long)mim->tables[MIM_INBOX].left);
}
