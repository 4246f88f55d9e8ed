/*
 * A batch of messages as one statement with array parameters. Parties that this shard has met are
 * given by their numbers; for the others two statements before it, in the same sync, make their
 * rows and tell their numbers.
 */
#include "limits.h"
#include "map.h"
#include "pack.h"
#include "pg_jids.h"
#include "pg_statement.h"
#include "stanza_id.h"
#include "store_backend.h"

/* In a row's marks, above the flags of the message: preferences have to be looked at; inboxes that
 * it goes to; the recipient's account has to be looked for. */
enum {
    SENDER_CHOOSES = 8,
    RECIPIENT_CHOOSES = 16,
    SENDER_LISTS = 32,
    RECIPIENT_LISTS = 64,
    RECIPIENT_MAY_LACK = 128, /* an account */
};

struct row {
    const struct store_message *message;
    struct pg_jid sender, recipient; /* id 0: not met */
    uint64_t origin;                 /* 0: none */
    struct packed body;
    unsigned marks;
};

/* In a party's marks. */
enum { OWN = 1, COUNTS = 2, MAY_LACK = 4, REST = 8 };

/* Of a room's message: whose inbox it goes to. */
struct party {
    const struct store_message *message;
    const struct store_party *party;
    struct pg_jid owner, room; /* id 0: not met */
    unsigned marks;
};

/* In the arena of the operation. */
struct rows {
    struct row *at;
    size_t count;
    struct party *parties;
    size_t party_count;
    uint64_t oldest;       /* id */
    struct str *strangers; /* JIDs that were not met */
    size_t stranger_count;
    struct pg_jid *found; /* what was told of them, in the order of `names` */
    struct str *names;
    size_t found_count;
    bool listed; /* some go to inboxes */
};

/* --- The rows --- */

/* The same origin-id of a sender may come twice in a batch, where the statement sees neither. A set
 * of what has come, in a table that is never full. */
static bool is_repeated(struct row **seen, size_t room, struct row *row)
{
    size_t at = (row->origin ^ map_hash(row->message->sender)) % room;
    for (; seen[at]; at = (at + 1) % room)
        if (seen[at]->origin == row->origin &&
            str_eq(seen[at]->message->sender, row->message->sender))
            return true;
    seen[at] = row;
    return false;
}

static void meet(struct rows *rows, struct str bare, struct pg_jid *jid)
{
    if (!pg_jids_find(bare, jid))
        rows->strangers[rows->stranger_count++] = pg_not_null(bare);
}

static void fill_row(struct rows *rows, struct row *row)
{
    const struct store_message *message = row->message;
    meet(rows, message->sender, &row->sender);
    meet(rows, message->recipient, &row->recipient);
    row->marks = store_mam_flags(message);
    if (message->inbox & STORE_INBOX_SENDER)
        row->marks |= SENDER_LISTS;
    if (message->inbox & STORE_INBOX_RECIPIENT)
        row->marks |= RECIPIENT_LISTS;
    rows->listed |= message->inbox != 0;
    if (!row->sender.id || row->sender.chooses)
        row->marks |= SENDER_CHOOSES;
    if (!row->recipient.id || row->recipient.chooses)
        row->marks |= RECIPIENT_CHOOSES;
    if (message->if_registered && !row->recipient.registered)
        row->marks |= RECIPIENT_MAY_LACK;
}

static void fill_parties(struct rows *rows, const struct store_message *message)
{
    unsigned common = message->rest ? REST : 0;
    struct pg_jid room = {0};
    if (message->party_count)
        meet(rows, message->recipient, &room);
    for (size_t i = 0; i < message->party_count; i++) {
        struct party *party = &rows->parties[rows->party_count++];
        *party = (struct party){message, &message->parties[i], {0}, room, common};
        meet(rows, party->party->bare, &party->owner);
        if (party->party->own)
            party->marks |= OWN;
        if (party->party->counts)
            party->marks |= COUNTS;
        if (!party->owner.registered)
            party->marks |= MAY_LACK;
    }
}

static size_t count_parties(const struct store_op *op)
{
    size_t count = 0;
    for (size_t i = 0; i < op->batch.count; i++)
        count += op->batch.ops[i]->message.party_count;
    return count;
}

static struct rows *rows_new(struct store_op *op)
{
    struct arena *arena = &op->arena;
    struct rows *rows = arena_zero(arena, sizeof *rows);
    size_t count = op->batch.count, room = count * 2 + 1, parties = count_parties(op);
    struct row **seen = arena_zero(arena, room * sizeof *seen);
    rows->at = arena_zero(arena, count * sizeof *rows->at);
    rows->parties = arena_zero(arena, (parties + 1) * sizeof *rows->parties);
    rows->strangers = arena_take(arena, (count * 3 + parties) * sizeof *rows->strangers);
    rows->oldest = STANZA_ID_MAX;
    for (size_t i = 0; i < count; i++) {
        struct row *row = &rows->at[rows->count];
        row->message = &op->batch.ops[i]->message;
        if (row->message->rest) {
            fill_parties(rows, row->message);
            continue;
        }
        struct str origin_id = row->message->origin_id;
        row->origin = origin_id.len ? store_mam_origin(origin_id) : 0;
        if (row->origin && is_repeated(seen, room, row))
            continue;
        fill_row(rows, row);
        fill_parties(rows, row->message);
        row->body = pack_body(arena, row->message->body);
        rows->oldest = row->message->id < rows->oldest ? row->message->id : rows->oldest;
        rows->count++;
    }
    return rows;
}

/* --- Binding --- */

static const struct row *row_at(const void *rows, size_t index)
{
    return &((const struct rows *)rows)->at[index];
}

static bool get_id(const void *rows, size_t index, int64_t *number)
{
    *number = (int64_t)row_at(rows, index)->message->id;
    return true;
}

static bool get_sender(const void *rows, size_t index, int64_t *number)
{
    *number = row_at(rows, index)->sender.id;
    return *number != 0;
}

static bool get_recipient(const void *rows, size_t index, int64_t *number)
{
    *number = row_at(rows, index)->recipient.id;
    return *number != 0;
}

static bool get_origin(const void *rows, size_t index, int64_t *number)
{
    *number = (int64_t)row_at(rows, index)->origin;
    return *number != 0;
}

static bool get_client_id(const void *rows, size_t index, int64_t *number)
{
    struct str client_id = row_at(rows, index)->message->client_id;
    *number = client_id.len ? (int64_t)store_mam_origin(client_id) : 0;
    return *number != 0;
}

static bool get_marks(const void *rows, size_t index, int64_t *number)
{
    *number = row_at(rows, index)->marks;
    return true;
}

static bool get_packed(const void *rows, size_t index, int64_t *number)
{
    *number = row_at(rows, index)->body.dictionary;
    return true;
}

/* A name is needed to find its number, and to find what the other side has chosen of it. */
static struct str get_sender_bare(const void *rows, size_t index)
{
    const struct row *row = row_at(rows, index);
    bool needed = !row->sender.id || row->marks & RECIPIENT_CHOOSES;
    return needed ? pg_not_null(row->message->sender) : (struct str){NULL, 0};
}

static struct str get_recipient_bare(const void *rows, size_t index)
{
    const struct row *row = row_at(rows, index);
    bool needed = !row->recipient.id || row->marks & (SENDER_CHOOSES | RECIPIENT_MAY_LACK);
    return needed ? pg_not_null(row->message->recipient) : (struct str){NULL, 0};
}

static struct str get_sender_resource(const void *rows, size_t index)
{
    return pg_not_null(row_at(rows, index)->message->sender_resource);
}

static struct str get_recipient_resource(const void *rows, size_t index)
{
    return pg_not_null(row_at(rows, index)->message->recipient_resource);
}

static struct str get_body(const void *rows, size_t index)
{
    return pg_not_null(row_at(rows, index)->body.bytes);
}

static struct str get_text(const void *rows, size_t index)
{
    struct str text = row_at(rows, index)->message->text;
    return text.len ? text : (struct str){0};
}

static void bind_rows(struct store_op *op, struct pq_params *params)
{
    struct arena *arena = &op->arena;
    const struct rows *rows = op->batch.own;
    size_t count = rows->count;
    pg_bind_numbers(params, arena, get_id, rows, count);
    pg_bind_numbers(params, arena, get_sender, rows, count);
    pg_bind_numbers(params, arena, get_recipient, rows, count);
    pg_bind_array(params, arena, PG_TEXT, get_sender_bare, rows, count);
    pg_bind_array(params, arena, PG_TEXT, get_recipient_bare, rows, count);
    pg_bind_array(params, arena, PG_TEXT, get_sender_resource, rows, count);
    pg_bind_array(params, arena, PG_TEXT, get_recipient_resource, rows, count);
    pg_bind_numbers(params, arena, get_origin, rows, count);
    pg_bind_numbers(params, arena, get_marks, rows, count);
    pg_bind_numbers(params, arena, get_packed, rows, count);
    pg_bind_array(params, arena, PG_BYTES, get_body, rows, count);
    pg_bind_numbers(params, arena, get_client_id, rows, count);
    pq_bind_number(params, arena, (int64_t)(rows->oldest - stanza_id_span(STORE_MAM_RESENT_US)));
    if (store_searches())
        pg_bind_array(params, arena, PG_TEXT, get_text, rows, count);
    else
        pq_bind_null(params);
}

/* --- The parties --- */

static const struct party *party_at(const void *rows, size_t index)
{
    return &((const struct rows *)rows)->parties[index];
}

static bool get_party_id(const void *rows, size_t index, int64_t *number)
{
    *number = (int64_t)party_at(rows, index)->message->id;
    return true;
}

static bool get_owner(const void *rows, size_t index, int64_t *number)
{
    *number = party_at(rows, index)->owner.id;
    return *number != 0;
}

static struct str get_owner_bare(const void *rows, size_t index)
{
    const struct party *party = party_at(rows, index);
    bool needed = !party->owner.id || party->marks & MAY_LACK;
    return needed ? pg_not_null(party->party->bare) : (struct str){NULL, 0};
}

static bool get_room(const void *rows, size_t index, int64_t *number)
{
    *number = party_at(rows, index)->room.id;
    return *number != 0;
}

static struct str get_room_bare(const void *rows, size_t index)
{
    const struct party *party = party_at(rows, index);
    return party->room.id ? (struct str){NULL, 0} : pg_not_null(party->message->recipient);
}

static bool get_party_marks(const void *rows, size_t index, int64_t *number)
{
    *number = party_at(rows, index)->marks;
    return true;
}

static void bind_rooms(struct store_op *op, struct pq_params *params)
{
    struct arena *arena = &op->arena;
    const struct rows *rows = op->batch.own;
    size_t count = rows->party_count;
    bind_rows(op, params);
    pg_bind_numbers(params, arena, get_party_id, rows, count);
    pg_bind_numbers(params, arena, get_owner, rows, count);
    pg_bind_array(params, arena, PG_TEXT, get_owner_bare, rows, count);
    pg_bind_numbers(params, arena, get_room, rows, count);
    pg_bind_array(params, arena, PG_TEXT, get_room_bare, rows, count);
    pg_bind_numbers(params, arena, get_party_marks, rows, count);
}

static struct str get_stranger(const void *rows, size_t index)
{
    return ((const struct rows *)rows)->strangers[index];
}

static void bind_strangers(struct store_op *op, struct pq_params *params)
{
    const struct rows *rows = op->batch.own;
    pg_bind_array(params, &op->arena, PG_TEXT, get_stranger, rows, rows->stranger_count);
}

/* --- Answers --- */

static void note_found(struct store_op *op, const struct pq_answer *answer, unsigned step)
{
    struct rows *rows = op->batch.own;
    if (step != 1)
        return;
    rows->found_count = (size_t)pq_rows(answer);
    rows->found = arena_take(&op->arena, rows->found_count * sizeof *rows->found);
    rows->names = arena_take(&op->arena, rows->found_count * sizeof *rows->names);
    for (int i = 0; i < pq_rows(answer); i++) {
        rows->names[i] = arena_str(&op->arena, pq_cell(answer, i, 0));
        rows->found[i] = (struct pg_jid){pq_number(answer, i, 1), pq_number(answer, i, 2) != 0,
                                         pq_number(answer, i, 3) != 0};
    }
}

static enum err take_stored(struct store_op *op, const struct pq_answer *answer)
{
    op->batch.stored = pq_changed(answer);
    return ERR_OK;
}

static enum err take_counted(struct store_op *op, const struct pq_answer *answer)
{
    op->batch.stored = (uint64_t)pq_number(answer, 0, 0);
    return ERR_OK;
}

/* Not before: numbers that were rolled back are nobody's. */
static void keep_found(struct store_op *op)
{
    const struct rows *rows = op->batch.own;
    for (size_t i = 0; i < rows->found_count; i++)
        pg_jids_keep(rows->names[i], rows->found[i]);
}

/* By whether some go to inboxes, or to those of rooms, and whether there are strangers. */
const struct pg_kind *pg_mam_batch(struct store_op *op)
{
#define STRANGERS                                                                                  \
    {"jids_need", bind_strangers},                                                                 \
    {                                                                                              \
        "jids_find", bind_strangers                                                                \
    }
    static const struct pg_kind kinds[3][2] = {
        {{.writes = true, .steps = {{"mam_batch", bind_rows}}, .take = take_stored},
         {.writes = true,
          .steps = {STRANGERS, {"mam_batch", bind_rows}},
          .note = note_found,
          .take = take_stored,
          .committed = keep_found}},
        {{.writes = true, .steps = {{"mam_batch_inbox", bind_rows}}, .take = take_counted},
         {.writes = true,
          .steps = {STRANGERS, {"mam_batch_inbox", bind_rows}},
          .note = note_found,
          .take = take_counted,
          .committed = keep_found}},
        {{.writes = true, .steps = {{"mam_batch_rooms", bind_rooms}}, .take = take_counted},
         {.writes = true,
          .steps = {STRANGERS, {"mam_batch_rooms", bind_rooms}},
          .note = note_found,
          .take = take_counted,
          .committed = keep_found}},
    };
    struct rows *rows = rows_new(op);
    op->batch.own = rows;
    unsigned inboxes = rows->party_count ? 2 : rows->listed ? 1 : 0;
    return &kinds[inboxes][rows->stranger_count > 0];
}
