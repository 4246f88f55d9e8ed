#include "lite_inbox.h"

#include "lite_jid.h"
#include "pack.h"
#include "stanza_id.h"
#include "store_backend.h"

/* What the owner has got from the peer, by the index of the pair. */
#define RECEIVED                                                                                   \
    "min(m.sender, m.recipient) = min(?1, ?2) AND max(m.sender, m.recipient) = max(?1, ?2)"        \
    " AND m.recipient = ?1 AND m.flags & 2 = 0"

/* The same in a room. */
#define IN_ROOM "m.recipient = ?2 AND m.sender <> ?1"

/* … behind a message, that counts as unread. */
#define BEHIND(received, behind)                                                                   \
    "(SELECT count(*) FROM message m WHERE " received " AND m.flags & 4 AND m.id > max(" behind    \
    ", (SELECT j.since FROM jid j WHERE j.id = ?1)))"
#define UNREAD(behind)                                                                             \
    "CASE room WHEN 0 THEN " BEHIND(RECEIVED, behind) " ELSE " BEHIND(IN_ROOM, behind) " END"

/* Mostly what is added is newer than all that is there; if not, what is behind the newest that is
 * read is counted. */
static const char add_sql[] =
    "INSERT INTO inbox (owner, peer, box, last, read_to, unread, muted_until, expires, room)"
    " VALUES (?1, ?2, 0, ?3, ?4, ?5, 0, 0, ?7) ON CONFLICT (owner, peer) DO UPDATE SET"
    " unread = CASE WHEN ?4 >= last THEN ?5 WHEN ?4 = 0 AND read_to < ?6 THEN unread + ?5"
    " ELSE min(unread + ?5, " UNREAD(
        "max(read_to, ?4)") ") END,"
                            " read_to = max(read_to, ?4), last = max(last, ?3), box = CASE box "
                            "WHEN 1 THEN 0 ELSE box END";

#define ENTRY                                                                                      \
    "SELECT p.bare, b.name, i.last, i.unread, i.muted_until, m.body, m.packed, i.room FROM inbox " \
    "i"                                                                                            \
    " JOIN jid p ON p.id = i.peer JOIN inbox_box b ON b.id = i.box"                                \
    " LEFT JOIN message m ON ?3 AND m.id = i.last WHERE i.owner = ?1"

static const char get_sql[] = ENTRY " AND i.peer = ?2";

static const char box_sql[] = "INSERT OR IGNORE INTO inbox_box (name) VALUES (?1)";
static const char set_sql[] =
    "UPDATE inbox SET"
    " box = CASE ?3 WHEN '' THEN box ELSE (SELECT id FROM inbox_box WHERE name = ?3) END,"
    " expires = CASE ?3 WHEN '' THEN expires ELSE ?4 END,"
    " muted_until = CASE ?5 WHEN 1 THEN ?6 ELSE muted_until END,"
    " read_to = CASE ?7 WHEN 1 THEN last ELSE read_to END,"
    " unread = CASE ?7 WHEN 1 THEN 0 WHEN 2 THEN max(unread, 1) ELSE unread END"
    " WHERE owner = ?1 AND peer = ?2";

/* The newest of the last ones that has the id or the client id. */
#define MARK(received)                                                                             \
    "SELECT id FROM (SELECT m.id, m.client_id FROM message m WHERE " received                      \
    " ORDER BY m.id DESC LIMIT ?5) WHERE id = ?3 OR client_id = ?4 ORDER BY id DESC LIMIT 1"
static const char mark_sql[] = MARK(RECEIVED);
static const char mark_room_sql[] = MARK(IN_ROOM);
static const char read_sql[] =
    "UPDATE inbox SET read_to = max(read_to, ?3),"
    " unread = min(unread, " UNREAD("max(read_to, ?3)") ")"
                                                        " WHERE owner = ?1 AND peer = ?2";

/* The newest message that the owner has of the peer, which is a room if ?8. */
#define NEWEST                                                                                     \
    "(SELECT CASE WHEN ?8 THEN (SELECT max(m.id) FROM message m WHERE m.recipient = ?2) ELSE"      \
    " (SELECT m.id FROM message m WHERE min(m.sender, m.recipient) = min(?1, ?2)"                  \
    " AND max(m.sender, m.recipient) = max(?1, ?2)"                                                \
    " AND (m.sender = ?1 AND m.flags & 1 = 0 OR m.recipient = ?1 AND m.flags & 2 = 0)"             \
    " ORDER BY m.id DESC LIMIT 1) END)"

#define NTH(received)                                                                              \
    "(SELECT m.id - 1 FROM message m WHERE " received                                              \
    " AND m.flags & 4 ORDER BY m.id DESC LIMIT 1 OFFSET ?5 - 1)"

/* ?5 are unread: what is counted anew later gives the same, if so many messages are there. */
static const char import_sql[] =
    "INSERT INTO inbox (owner, peer, box, last, read_to, unread, muted_until, expires, room)"
    " SELECT ?1, ?2, (SELECT id FROM inbox_box WHERE name = ?3), coalesce(" NEWEST ", ?4),"
    " CASE WHEN ?5 = 0 THEN coalesce(" NEWEST ", ?4) WHEN ?8 THEN coalesce(" NTH(
        IN_ROOM) ", 0)"
                 " ELSE coalesce(" NTH(RECEIVED) ", 0) END, ?5, ?6, ?7, ?8 WHERE true ON CONFLICT "
                                                 "(owner, peer) DO NOTHING";

static const char empty_bin_sql[] = "DELETE FROM inbox WHERE owner = ?1 AND box = 2";
static const char drop_sql[] = "DELETE FROM inbox WHERE owner = ?1 AND peer = ?2"
                               " AND (?3 = 0 OR last <= ?3)";
static const char remove_sql[] = "DELETE FROM inbox WHERE owner = ?1";
static const char clean_sql[] = "DELETE FROM inbox WHERE (owner, peer) IN (SELECT owner, peer"
                                " FROM inbox WHERE expires <> 0 AND expires < ?1 LIMIT ?2)";

static const char count_sql[] =
    "SELECT count(*) FILTER (WHERE (?2 = '' OR b.name = ?2) AND NOT (?3 AND i.box = 2)"
    " AND NOT (?4 AND i.unread = 0)),"
    " count(*) FILTER (WHERE i.box <> 2),"
    " count(*) FILTER (WHERE i.box <> 2 AND i.unread > 0),"
    " coalesce(sum(i.unread) FILTER (WHERE i.box <> 2), 0)"
    " FROM inbox i JOIN inbox_box b ON b.id = i.box WHERE i.owner = ?1";

/* Places are compared by the microseconds in the id, which are in front of STANZA_ID_WRITERS. */
#define US "(i.last / 4096)"
#define PAGE(way)                                                                                  \
    ENTRY " AND (?4 = '' OR b.name = ?4) AND NOT (?5 AND i.box = 2)"                               \
          " AND NOT (?6 AND i.unread = 0)"                                                         \
          " AND (" US ", p.bare) > (?7, ?8) AND (" US ", p.bare) < (?9, ?10)"                      \
          " ORDER BY " US way ", p.bare" way " LIMIT ?11"

static const char page_sql[] = PAGE("");
static const char page_down_sql[] = PAGE(" DESC");

/* --- Messages --- */

static struct lite_statement *start_with(struct lite *lite, const char *sql, int64_t owner,
                                         int64_t peer)
{
    struct lite_statement *statement = lite_start(lite, sql);
    if (!statement)
        return NULL;
    lite_number(statement, 1, owner);
    if (peer)
        lite_number(statement, 2, peer);
    return statement;
}

static enum err add(struct lite *lite, const struct inbox_change *change)
{
    struct lite_statement *add = lite_start(lite, add_sql);
    uint64_t changed;
    if (!add)
        return ERR_DOWN;
    lite_number(add, 1, change->owner);
    lite_number(add, 2, change->peer);
    lite_number(add, 3, (int64_t)change->last);
    lite_number(add, 4, (int64_t)change->read_to);
    lite_number(add, 5, (int64_t)change->unread);
    lite_number(add, 6, (int64_t)change->first);
    lite_number(add, 7, change->room);
    return lite_run(lite, add, &changed);
}

enum err lite_inbox_add(struct lite *lite, struct inbox_event *events, size_t count)
{
    struct inbox_change change;
    enum err err = ERR_OK;
    inbox_sort(events, count);
    while (!err && inbox_merge(&events, &count, &change))
        err = add(lite, &change);
    return err;
}

/* Whether there is such an account, the newest message that its inbox has of the room, and whether
 * there is this one. */
static const char party_sql[] =
    "SELECT EXISTS (SELECT 1 FROM account a JOIN domain d ON d.id = a.domain_id"
    "  WHERE a.name = ?3 AND d.name = ?4),"
    " coalesce((SELECT last FROM inbox WHERE owner = ?1 AND peer = ?2), 0),"
    " EXISTS (SELECT 1 FROM message WHERE id = ?5)";

/* The rest of what an earlier operation began may have been written in an earlier try. */
static enum err look_at_party(struct lite *lite, const struct store_message *message,
                              const struct store_party *party, struct inbox_event *event,
                              bool *wanted)
{
    struct lite_statement *look = start_with(lite, party_sql, event->owner, event->peer);
    if (!look)
        return ERR_DOWN;
    struct str domain, user = str_cut(party->bare, '@', &domain);
    lite_text(look, 3, user);
    lite_text(look, 4, domain);
    lite_number(look, 5, (int64_t)message->id);
    enum err err = lite_row(lite, look);
    if (!err) {
        bool written = (uint64_t)lite_get_number(look, 1) >= message->id;
        *wanted =
            lite_get_number(look, 0) && (!message->rest || (!written && lite_get_number(look, 2)));
    }
    lite_done(look);
    return err;
}

enum err lite_inbox_parties(struct lite *lite, const struct store_message *message,
                            struct inbox_event *events, size_t *event_count)
{
    struct inbox_event event = {.id = message->id, .room = true};
    enum err err = ERR_OK;
    if (message->party_count)
        err = lite_need_jid(lite, message->recipient, &event.peer);
    for (size_t i = 0; !err && i < message->party_count; i++) {
        bool wanted = false;
        event.own = message->parties[i].own;
        event.counts = message->parties[i].counts;
        err = lite_need_jid(lite, message->parties[i].bare, &event.owner);
        if (!err)
            err = look_at_party(lite, message, &message->parties[i], &event, &wanted);
        if (!err && wanted)
            events[(*event_count)++] = event;
    }
    return err;
}

/* --- One conversation --- */

static enum err find_both(struct lite *lite, const struct store_op *op, int64_t *owner,
                          int64_t *peer)
{
    enum err err = lite_find_jid(lite, op->inbox.owner, owner);
    return err ? err : lite_find_jid(lite, op->inbox.peer, peer);
}

static enum err take_entry(struct lite_statement *row, struct arena *arena,
                           struct store_inbox_entry *entry)
{
    struct packed body = {(unsigned)lite_get_number(row, 6), lite_get(row, 5, arena)};
    *entry = (struct store_inbox_entry){.peer = lite_get(row, 0, arena),
                                        .box = lite_get(row, 1, arena),
                                        .room = lite_get_number(row, 7) != 0,
                                        .last = (uint64_t)lite_get_number(row, 2),
                                        .unread = (uint64_t)lite_get_number(row, 3),
                                        .muted_until_us = (uint64_t)lite_get_number(row, 4)};
    return body.bytes.len ? unpack_body(arena, body, &entry->body) : ERR_OK;
}

static enum err get(struct lite *lite, struct store_op *op, int64_t owner, int64_t peer)
{
    struct lite_statement *row = start_with(lite, get_sql, owner, peer);
    if (!row)
        return ERR_DOWN;
    lite_number(row, 3, op->inbox.bodies);
    enum err err = lite_row(lite, row);
    if (!err)
        err = take_entry(row, &op->arena, &op->inbox.entry);
    lite_done(row);
    return err;
}

enum err lite_inbox_get(struct lite *lite, struct store_op *op)
{
    int64_t owner, peer;
    enum err err = find_both(lite, op, &owner, &peer);
    return err ? err : get(lite, op, owner, peer);
}

static enum err need_box(struct lite *lite, struct str name)
{
    struct lite_statement *need = lite_start(lite, box_sql);
    uint64_t changed;
    if (!need)
        return ERR_DOWN;
    lite_text(need, 1, name);
    return lite_run(lite, need, &changed);
}

static enum err set(struct lite *lite, const struct store_op *op, int64_t owner, int64_t peer)
{
    struct lite_statement *set = start_with(lite, set_sql, owner, peer);
    if (!set)
        return ERR_DOWN;
    lite_text(set, 3, op->inbox.set.box);
    lite_number(set, 4, (int64_t)op->inbox.set.expires_us);
    lite_number(set, 5, op->inbox.set.mutes);
    lite_number(set, 6, (int64_t)op->inbox.set.muted_until_us);
    lite_number(set, 7, op->inbox.set.read);
    return lite_change(lite, set);
}

enum err lite_inbox_set(struct lite *lite, struct store_op *op)
{
    int64_t owner, peer;
    enum err err = find_both(lite, op, &owner, &peer);
    if (!err && op->inbox.set.box.len)
        err = need_box(lite, op->inbox.set.box);
    if (!err)
        err = set(lite, op, owner, peer);
    return err ? err : get(lite, op, owner, peer);
}

static enum err import(struct lite *lite, const struct store_op *op, int64_t owner, int64_t peer)
{
    const struct store_inbox_entry *entry = &op->inbox.entry;
    struct lite_statement *import = start_with(lite, import_sql, owner, peer);
    uint64_t added;
    if (!import)
        return ERR_DOWN;
    lite_text(import, 3, entry->box);
    lite_number(import, 4, (int64_t)entry->last);
    lite_number(import, 5, (int64_t)entry->unread);
    lite_number(import, 6, (int64_t)entry->muted_until_us);
    lite_number(import, 7, (int64_t)op->inbox.set.expires_us);
    lite_number(import, 8, entry->room);
    enum err err = lite_run(lite, import, &added);
    return err || added ? err : ERR_CONFLICT;
}

enum err lite_inbox_import(struct lite *lite, struct store_op *op)
{
    int64_t owner, peer;
    enum err err = lite_need_jid(lite, op->inbox.owner, &owner);
    if (!err)
        err = lite_need_jid(lite, op->inbox.peer, &peer);
    if (!err)
        err = need_box(lite, op->inbox.entry.box);
    return err ? err : import(lite, op, owner, peer);
}

/* 0: no such message. */
static enum err find_marked(struct lite *lite, const struct store_op *op, int64_t owner,
                            int64_t peer, int64_t *id)
{
    struct str client_id = op->inbox.up_to.client_id;
    const char *sql = op->inbox.entry.room ? mark_room_sql : mark_sql;
    struct lite_statement *mark = start_with(lite, sql, owner, peer);
    *id = 0;
    if (!mark)
        return ERR_DOWN;
    lite_number(mark, 3, (int64_t)op->inbox.up_to.id);
    if (client_id.len)
        lite_number(mark, 4, (int64_t)store_mam_origin(client_id));
    lite_number(mark, 5, STORE_INBOX_LOOK);
    enum err err = lite_ask(lite, mark, id);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err lite_inbox_read(struct lite *lite, struct store_op *op)
{
    int64_t owner, peer, id = 0;
    uint64_t changed;
    enum err err = find_both(lite, op, &owner, &peer);
    if (!err)
        err = get(lite, op, owner, peer);
    if (!err && op->inbox.up_to.all)
        id = (int64_t)op->inbox.entry.last;
    else if (!err && op->inbox.entry.unread)
        err = find_marked(lite, op, owner, peer, &id);
    if (err || !id)
        return err;
    struct lite_statement *read = start_with(lite, read_sql, owner, peer);
    if (!read)
        return ERR_DOWN;
    lite_number(read, 3, id);
    return lite_run(lite, read, &changed);
}

/* --- All that fit --- */

static enum err drop_of_owner(struct lite *lite, struct store_op *op, const char *sql)
{
    int64_t owner;
    enum err err = lite_find_jid(lite, op->inbox.owner, &owner);
    op->inbox.count = 0;
    if (err)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    struct lite_statement *drop = start_with(lite, sql, owner, 0);
    return drop ? lite_run(lite, drop, &op->inbox.count) : ERR_DOWN;
}

enum err lite_inbox_drop(struct lite *lite, struct store_op *op)
{
    int64_t owner, peer;
    enum err err = find_both(lite, op, &owner, &peer);
    struct lite_statement *drop = err ? NULL : start_with(lite, drop_sql, owner, peer);
    if (drop)
        lite_number(drop, 3, (int64_t)op->inbox.up_to.id);
    return err ? err : lite_change(lite, drop);
}

enum err lite_inbox_empty_bin(struct lite *lite, struct store_op *op)
{
    return drop_of_owner(lite, op, empty_bin_sql);
}

enum err lite_inbox_remove(struct lite *lite, struct store_op *op)
{
    return drop_of_owner(lite, op, remove_sql);
}

enum err lite_inbox_clean(struct lite *lite, struct store_op *op)
{
    struct lite_statement *clean = lite_start(lite, clean_sql);
    if (!clean)
        return ERR_DOWN;
    lite_number(clean, 1, (int64_t)op->inbox.now_us);
    lite_number(clean, 2, STORE_INBOX_CLEAN_MAX);
    return lite_run(lite, clean, &op->inbox.count);
}

/* --- Pages --- */

static enum err take_counts(struct lite *lite, struct store_op *op, int64_t owner)
{
    struct store_inbox_page *page = &op->inbox_page;
    struct lite_statement *count = start_with(lite, count_sql, owner, 0);
    if (!count)
        return ERR_DOWN;
    lite_text(count, 2, page->box);
    lite_number(count, 3, page->without_bin);
    lite_number(count, 4, page->only_unread);
    enum err err = lite_row(lite, count);
    if (!err) {
        page->total = (uint64_t)lite_get_number(count, 0);
        page->all.conversations = (uint64_t)lite_get_number(count, 1);
        page->all.active = (uint64_t)lite_get_number(count, 2);
        page->all.unread = (uint64_t)lite_get_number(count, 3);
    }
    lite_done(count);
    return err;
}

static void bind_place(struct lite_statement *rows, int at, struct store_inbox_place place)
{
    lite_number(rows, at, (int64_t)(stanza_id_at(place.us) / STANZA_ID_WRITERS));
    lite_text(rows, at + 1, place.peer);
}

static enum err take_rows(struct lite *lite, struct store_op *op, int64_t owner)
{
    struct store_inbox_page *page = &op->inbox_page;
    const char *sql = store_inbox_falls(op) ? page_down_sql : page_sql;
    struct lite_statement *rows = start_with(lite, sql, owner, 0);
    if (!rows)
        return ERR_DOWN;
    lite_number(rows, 3, page->bodies);
    lite_text(rows, 4, page->box);
    lite_number(rows, 5, page->without_bin);
    lite_number(rows, 6, page->only_unread);
    bind_place(rows, 7, page->above);
    bind_place(rows, 9, page->below);
    lite_number(rows, 11, (int64_t)store_inbox_fetch(op));
    enum err err;
    while (!(err = lite_row(lite, rows)))
        if ((err = take_entry(rows, &op->arena, &page->items[page->count++])))
            break;
    lite_done(rows);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err lite_inbox_page(struct lite *lite, struct store_op *op)
{
    int64_t owner;
    store_inbox_room(op);
    enum err err = lite_find_jid(lite, op->inbox_page.owner, &owner);
    if (!err)
        err = take_counts(lite, op, owner);
    if (!err)
        err = take_rows(lite, op, owner);
    if (err && err != ERR_NOT_FOUND)
        return err;
    store_inbox_settle(op);
    return ERR_OK;
}
