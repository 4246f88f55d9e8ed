/*
 * Writes batches. Small statements, since one that does it all (as in PostgreSQL, which is a round
 * trip away) makes SQLite build a temporary table for each subquery that it reads from: that was
 * two thirds of a message's time.
 */
#include "lite_inbox.h"
#include "lite_jid.h"
#include "lite_keeps.h"
#include "lite_mam.h"
#include "lite_search.h"
#include "pack.h"
#include "stanza_id.h"
#include "store_backend.h"

/* No row: the owner has not chosen anything. */
static const char keeps_sql[] =
    "SELECT " LITE_KEEPS("?1", "?2", "?3") " FROM mam_prefs WHERE owner = ?1";
static const char registered_sql[] =
    "SELECT 1 FROM account WHERE name = ?1 AND domain_id = (SELECT id FROM domain WHERE name = ?2)";
static const char resent_sql[] =
    "SELECT 1 FROM message WHERE sender = ?1 AND origin = ?2 AND id > ?3";
static const char add_sql[] =
    "INSERT INTO message (id, sender, recipient, flags, sender_resource, recipient_resource,"
    " origin, body, packed, client_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
    " ON CONFLICT (id) DO NOTHING";

/* Both sides as numbers, and the flags that are stored. */
struct row {
    int64_t sender, recipient;
    unsigned flags;
};

/* Sets the flag if the owner's preferences say that nothing is kept of the peer. */
static enum err look_at_prefs(struct lite *lite, int64_t owner, struct str peer,
                              struct str resource, unsigned flag, unsigned *flags)
{
    int64_t keeps = 1;
    struct lite_statement *look = lite_start(lite, keeps_sql);
    if (!look)
        return ERR_DOWN;
    lite_number(look, 1, owner);
    lite_text(look, 2, peer);
    lite_text(look, 3, resource);
    enum err err = lite_ask(lite, look, &keeps);
    if (keeps == 0)
        *flags |= flag;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err look_at_account(struct lite *lite, struct str bare, unsigned *flags)
{
    int64_t found;
    struct str domain, user = str_cut(bare, '@', &domain);
    struct lite_statement *look = lite_start(lite, registered_sql);
    if (!look)
        return ERR_DOWN;
    lite_text(look, 1, user);
    lite_text(look, 2, domain);
    enum err err = lite_ask(lite, look, &found);
    if (err == ERR_NOT_FOUND)
        *flags |= STORE_NOT_OF_RECIPIENT;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Who has a copy: what was asked for, less what preferences refuse and who is nobody here. */
static enum err decide_copies(struct lite *lite, const struct store_message *message,
                              struct row *row)
{
    row->flags = store_mam_flags(message);
    enum err err = look_at_prefs(lite, row->sender, message->recipient, message->recipient_resource,
                                 STORE_NOT_OF_SENDER, &row->flags);
    if (!err)
        err = look_at_prefs(lite, row->recipient, message->sender, message->sender_resource,
                            STORE_NOT_OF_RECIPIENT, &row->flags);
    if (!err && message->if_registered)
        err = look_at_account(lite, message->recipient, &row->flags);
    return err;
}

/* ERR_NOT_FOUND: there is nothing to store, for the sender has sent this stanza before. */
static enum err look_for_twin(struct lite *lite, const struct store_message *message,
                              const struct row *row)
{
    int64_t found;
    struct lite_statement *look = lite_start(lite, resent_sql);
    if (!look)
        return ERR_DOWN;
    lite_number(look, 1, row->sender);
    lite_number(look, 2, (int64_t)store_mam_origin(message->origin_id));
    lite_number(look, 3, (int64_t)(message->id - stanza_id_span(STORE_MAM_RESENT_US)));
    enum err err = lite_ask(lite, look, &found);
    return err == ERR_NOT_FOUND ? ERR_OK : err ? err : ERR_NOT_FOUND;
}

/* What a hash stands for stays NULL where there is nothing, which equals nothing. */
static void bind_hash(struct lite_statement *statement, int at, struct str text)
{
    if (text.len)
        lite_number(statement, at, (int64_t)store_mam_origin(text));
}

/* ERR_NOT_FOUND: there is nothing to store, for the id is there already. */
static enum err add(struct lite *lite, struct store_op *op, const struct row *row)
{
    const struct store_message *message = &op->message;
    struct packed body = pack_body(&op->arena, message->body);
    uint64_t added;
    struct lite_statement *add = lite_start(lite, add_sql);
    if (!add)
        return ERR_DOWN;
    lite_number(add, 1, (int64_t)message->id);
    lite_number(add, 2, row->sender);
    lite_number(add, 3, row->recipient);
    lite_number(add, 4, row->flags);
    lite_text(add, 5, message->sender_resource);
    lite_text(add, 6, message->recipient_resource);
    bind_hash(add, 7, message->origin_id);
    lite_blob(add, 8, body.bytes);
    lite_number(add, 9, body.dictionary);
    bind_hash(add, 10, message->client_id);
    enum err err = lite_run(lite, add, &added);
    return err || added ? err : ERR_NOT_FOUND;
}

/* ERR_NOT_FOUND: it is there already, or nobody wants a copy. Not ERR_CONFLICT, which is a failure:
 * what is taken for stored is acknowledged. */
static enum err add_message(struct lite *lite, struct store_op *op, struct row *row)
{
    const unsigned nobody = STORE_NOT_OF_SENDER | STORE_NOT_OF_RECIPIENT;
    const struct store_message *message = &op->message;
    enum err err = lite_need_jid(lite, message->sender, &row->sender);
    if (!err)
        err = lite_need_jid(lite, message->recipient, &row->recipient);
    if (!err)
        err = decide_copies(lite, message, row);
    if (!err && (row->flags & nobody) == nobody)
        return ERR_NOT_FOUND;
    if (!err && message->origin_id.len)
        err = look_for_twin(lite, message, row);
    return err ? err : add(lite, op, row);
}

/* A message, and what it means to inboxes. */
static enum err store(struct lite *lite, struct store_op *batch, struct store_op *op,
                      struct inbox_event *events, size_t *event_count)
{
    const struct store_message *message = &op->message;
    struct row row;
    if (message->rest)
        return lite_inbox_parties(lite, message, events, event_count);
    enum err err = add_message(lite, op, &row);
    if (err)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    batch->batch.stored++;
    err = lite_search_add(lite, message->id, message->text);
    if (err)
        return err;
    *event_count +=
        inbox_events(events + *event_count, message, row.flags, row.sender, row.recipient);
    return lite_inbox_parties(lite, message, events, event_count);
}

static size_t event_room(const struct store_op *op)
{
    size_t room = 0;
    for (size_t i = 0; i < op->batch.count; i++)
        room += 2 + op->batch.ops[i]->message.party_count;
    return room;
}

enum err lite_mam_batch(struct lite *lite, struct store_op *op)
{
    size_t count = 0;
    struct inbox_event *events = arena_take(&op->arena, event_room(op) * sizeof *events);
    enum err err = ERR_OK;
    op->batch.stored = 0;
    for (size_t i = 0; !err && i < op->batch.count; i++)
        err = store(lite, op, op->batch.ops[i], events, &count);
    if (!err)
        err = lite_inbox_add(lite, events, count);
    return err == ERR_CONFLICT ? ERR_INVALID : err; /* a conflict keeps the savepoint */
}
