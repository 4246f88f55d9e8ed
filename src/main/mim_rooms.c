/* MUC Light: rooms with their occupants and configuration, who blocks whom, and rooms' archives. A
 * room belongs to the domain that its service's name ends with (muclight.DOMAIN). */
#include "accounts.h"
#include "mim.h"

/* The domain of `server` without its first label is one of those that are imported. */
#define OF_SERVICES(server)                                                                        \
    "substring(" server " FROM position('.' IN " server ") + 1)"                                   \
    " = ANY (string_to_array($1::text, ','))"

static void count_outcome(struct mim *mim, struct mim_table *table, const struct store_op *op,
                          struct str key)
{
    if (op->outcome == ERR_OK)
        table->imported++;
    else if (op->outcome == ERR_CONFLICT)
        table->present++;
    else
        mim_refuse(mim, table, key, account_why(op->outcome));
}

/* --- Rooms --- */

static void on_room(struct store_op *op)
{
    struct mim *mim = op->owner;
    if (mim_answered(mim, op))
        count_outcome(mim, &mim->tables[MIM_ROOMS], op, op->room.bare);
}

/* "affiliation user domain", a line each; 1 owner, 2 member. */
static const char *read_occupant(struct store_op *op, struct str line,
                                 struct store_occupant *occupant)
{
    struct jid jid;
    struct str rest, server, affiliation = str_cut(line, ' ', &rest);
    struct str user = str_cut(rest, ' ', &server);
    const char *why = mim_user(&op->arena, user, server, &jid);
    occupant->bare = jid.bare;
    occupant->affiliation = str_is(affiliation, "1") ? STORE_ROOM_OWNER : STORE_ROOM_MEMBER;
    return why ? "an occupant is not a JID" : NULL;
}

static size_t count_lines(struct str text)
{
    size_t count = text.len > 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == '\n';
    return count;
}

static const char *read_occupants(struct store_op *op, struct str lines)
{
    const char *why = lines.len ? NULL : "nobody is in it";
    op->room.occupants =
        arena_zero(&op->arena, (count_lines(lines) + 1) * sizeof *op->room.occupants);
    while (lines.len && !why)
        why =
            read_occupant(op, str_cut(lines, '\n', &lines), &op->room.occupants[op->room.count++]);
    return why;
}

static const char *read_room(struct store_op *op, const struct mim_row *row)
{
    struct jid jid;
    const char *why = mim_user(&op->arena, mim_text(row, 0), mim_text(row, 1), &jid);
    if (why)
        return why;
    op->room.bare = jid.bare;
    op->room.name = jid.user;
    op->room.host = jid.domain;
    op->room.version = arena_str(&op->arena, mim_text(row, 2));
    op->room.config = arena_str(&op->arena, mim_text(row, 4));
    return read_occupants(op, mim_text(row, 3));
}

/* In a dry run there is no storage whose operation it could be. */
static void take_room(struct mim *mim, struct arena *arena, const struct mim_row *row)
{
    struct jid jid;
    mim->table->read++;
    const char *why = mim_user(arena, mim_text(row, 0), mim_text(row, 1), &jid);
    if (!why && mim->dry_run)
        return;
    struct store_op *op = why ? NULL : store_op_new(STORE_ROOM_CREATE, on_room, mim);
    if (op)
        why = read_room(op, row);
    if (!why) {
        mim_ask(mim, op, MIM_WINDOW);
        return;
    }
    if (op)
        store_revoke(op);
    mim_refuse(mim, mim->table, mim_text(row, 0), why);
}

void mim_rooms(struct mim *mim)
{
    mim_each(mim, MIM_ROOMS, "SELECT count(*) FROM muc_light_rooms WHERE " OF_SERVICES("lserver"),
             "SELECT r.luser, r.lserver, r.version,"
             " coalesce((SELECT string_agg(o.aff || ' ' || o.luser || ' ' || o.lserver, E'\\n')"
             "  FROM muc_light_occupants o WHERE o.room_id = r.id), ''),"
             " coalesce((SELECT string_agg(c.opt || '=' ||"
             "   replace(replace(c.val, E'\\\\', E'\\\\\\\\'), E'\\n', E'\\\\n') || E'\\n', ''"
             "   ORDER BY c.opt) FROM muc_light_config c WHERE c.room_id = r.id), '')"
             " FROM muc_light_rooms r WHERE " OF_SERVICES("r.lserver") " ORDER BY r.id",
             take_room);
}

/* --- Blocking --- */

static void on_blocked(struct store_op *op)
{
    struct mim *mim = op->owner;
    if (mim_answered(mim, op))
        count_outcome(mim, &mim->tables[MIM_ROOM_BLOCKS], op, op->blocking.owner);
}

/* What is to be blocked, while the list is looked at; in the arena of that operation. */
struct block {
    struct mim *mim;
    struct store_room_block item;
};

static void put_block(const struct store_op *look, const struct block *block)
{
    struct store_op *op = store_op_new(STORE_ROOM_BLOCK, on_blocked, block->mim);
    op->blocking.owner = arena_str(&op->arena, look->blocking.owner);
    op->blocking.items = arena_zero(&op->arena, sizeof *op->blocking.items);
    op->blocking.count = 1;
    op->blocking.items[0] = block->item;
    op->blocking.items[0].jid = arena_str(&op->arena, block->item.jid);
    mim_ask_now(block->mim, op);
}

static void on_looked(struct store_op *op)
{
    const struct block *block = op->owner;
    const struct store_room_blocking *list = &op->blocking;
    bool there = false;
    if (!mim_answered(block->mim, op))
        return;
    for (size_t i = 0; i < list->count; i++)
        there = there || (list->items[i].is_room == block->item.is_room &&
                          str_eq(list->items[i].jid, block->item.jid));
    if (there)
        block->mim->tables[MIM_ROOM_BLOCKS].present++;
    else
        put_block(op, block);
}

static void look_at_block(struct mim *mim, const struct jid *owner, const struct jid *peer,
                          bool is_room)
{
    struct store_op *op = store_op_new(STORE_ROOM_BLOCKING, on_looked, NULL);
    struct block *block = arena_zero(&op->arena, sizeof *block);
    *block = (struct block){mim, {is_room, true, arena_str(&op->arena, peer->bare)}};
    op->owner = block;
    op->blocking.owner = arena_str(&op->arena, owner->bare);
    mim_ask(mim, op, MIM_WINDOW);
}

static void take_block(struct mim *mim, struct arena *arena, const struct mim_row *row)
{
    struct jid owner, peer;
    mim->table->read++;
    const char *why = mim_user(arena, mim_text(row, 0), mim_text(row, 1), &owner);
    if (!why && jid_parse(arena, mim_text(row, 3), &peer))
        why = "what is blocked is not a JID";
    if (why)
        mim_refuse(mim, mim->table, mim_text(row, 0), why);
    else if (!mim->dry_run)
        look_at_block(mim, &owner, &peer, mim_int(row, 2) == 1);
}

void mim_room_blocks(struct mim *mim)
{
#define OF_DOMAINS "lserver = ANY (string_to_array($1::text, ','))"
    mim_each(mim, MIM_ROOM_BLOCKS, "SELECT count(*) FROM muc_light_blocking WHERE " OF_DOMAINS,
             "SELECT luser, lserver, what::bigint, who FROM muc_light_blocking WHERE " OF_DOMAINS
             " ORDER BY lserver, luser",
             take_block);
}

/* --- Archives --- */

static void on_message(struct store_op *op)
{
    struct mim *mim = op->owner;
    struct mim_table *table = &mim->tables[MIM_ROOM_MESSAGES];
    if (!mim_answered(mim, op))
        return;
    if (op->outcome) {
        mim_refuse(mim, table, op->batch.ops[0]->message.recipient, account_why(op->outcome));
        return;
    }
    table->imported += op->batch.stored;
    table->present += 1 - op->batch.stored;
}

/* An event is the room's own: its `from` has no resource. */
static void put_message(struct mim *mim, const struct jid *room, const struct jid *author,
                        struct element *stanza, uint64_t id)
{
    struct store_op *op = store_op_new(STORE_MAM_IMPORT, on_message, mim);
    struct store_op *one = store_op_new(STORE_MAM_STORE, NULL, NULL);
    bool event = !author;
    struct store_message *message = &one->message;
    element_unset(stanza, "to");
    message->id = id;
    message->sender = arena_str(&one->arena, event ? room->bare : author->bare);
    message->recipient = arena_str(&one->arena, room->bare);
    message->flags = event ? STORE_NOT_OF_RECIPIENT : STORE_NOT_OF_SENDER;
    message->client_id = arena_str(&one->arena, element_attr(stanza, "id"));
    message->body = element_xml(&one->arena, stanza, NS_CLIENT);
    if (!event && element_child(stanza, NS_CLIENT, "body"))
        message->inbox = STORE_INBOX_UNREAD; /* and no inbox: those are imported as they are */
    op->batch.ops = arena_zero(&op->arena, sizeof *op->batch.ops);
    op->batch.ops[op->batch.count++] = one;
    mim_ask(mim, op, MIM_WINDOW);
}

static const char *read_from(struct arena *arena, const struct element *stanza, struct jid *room,
                             struct jid *author)
{
    struct jid from;
    if (jid_parse(arena, element_attr(stanza, "from"), &from) || !str_eq(from.bare, room->bare))
        return "it is not from the room";
    *author = (struct jid){0};
    if (from.resource.len && jid_parse(arena, from.resource, author))
        return "who said it is not a JID";
    return NULL;
}

static void take_message(struct mim *mim, struct arena *arena, const struct mim_row *row)
{
    struct jid room, author = {0};
    int64_t id = mim_int(row, 0);
    mim->table->read++;
    const char *why = mim_user(arena, mim_text(row, 1), mim_text(row, 2), &room);
    if (!why && id <= 0)
        why = "its id is none";
    struct element *stanza = why ? NULL : mim_stanza(mim, arena, mim_text(row, 3));
    if (!why && (!stanza || !element_is(stanza, NS_CLIENT, "message")))
        why = "it is not a message";
    if (!why)
        why = read_from(arena, stanza, &room, &author);
    if (why)
        mim_refuse(mim, mim->table, arena_format(arena, "id %lld", (long long)id), why);
    else if (!mim->dry_run)
        put_message(mim, &room, author.bare.len ? &author : NULL, stanza,
                    mim_id((uint64_t)id / MIM_NODES, (unsigned)(id % MIM_NODES)));
}

/* Only of rooms that are there: those of MUC (XEP-0045) are in the same table. */
void mim_room_messages(struct mim *mim)
{
#define OF_ROOMS                                                                                   \
    " FROM mam_muc_message m JOIN mam_server_user u ON u.id = m.room_id"                           \
    " JOIN muc_light_rooms r ON r.luser = u.user_name AND r.lserver = u.server"                    \
    " WHERE " OF_SERVICES("u.server")
    if (!mim_has_table(mim, "muc_light_rooms") || !mim_has_table(mim, "mam_server_user"))
        return;
    mim_each(mim, MIM_ROOM_MESSAGES, "SELECT count(*)" OF_ROOMS,
             "SELECT m.id, u.user_name, u.server, m.message" OF_ROOMS " ORDER BY m.room_id, m.id",
             take_message);
}
