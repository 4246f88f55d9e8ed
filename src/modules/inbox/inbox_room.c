/* What rooms say, in the inboxes of their occupants: in the batch that archives it. */
#include "inbox.h"

static struct metric lost = {"inbox_room_lost_total",
                             "Messages of rooms that some inboxes did not get.", METRIC_COUNTER, 0};

struct metric *const inbox_room_metrics[] = {&lost, NULL};

static void on_rest(struct store_op *op)
{
    if (!op->outcome)
        return;
    metric_count(&lost);
    LOG(LOG_ERROR, "room_inboxes_lost", LF("why", err_name(op->outcome)));
}

/* More parties than an operation takes are in others, asked behind it. */
static struct store_op *rest_op(struct acc *acc, const struct store_message *message)
{
    struct store_op *op = store_op_new(STORE_MAM_STORE, on_rest, NULL);
    op->message.id = message->id;
    op->message.recipient = arena_str(&op->arena, message->recipient);
    op->message.inbox = message->inbox;
    op->message.rest = true;
    effect_store(acc, op);
    return op;
}

static void add_party(struct acc *acc, struct store_op **op, struct store_party party, size_t left)
{
    struct store_message *message = &(*op)->message;
    if (message->party_count == STORE_BATCH_PARTIES) {
        *op = rest_op(acc, message);
        message = &(*op)->message;
    }
    size_t room = left < STORE_BATCH_PARTIES ? left : STORE_BATCH_PARTIES;
    if (!message->parties)
        message->parties = arena_take(&(*op)->arena, room * sizeof *message->parties);
    struct store_party *parties = (struct store_party *)message->parties;
    party.bare = arena_str(&(*op)->arena, party.bare);
    parties[message->party_count++] = party;
}

static void list_message(struct acc *acc, struct store_op *op, const struct room_packet *packet)
{
    struct str domain = {NULL, 0};
    bool has = false;
    if (inbox_is_marker(acc->element))
        return;
    bool counts = inbox_is_new_to_read(acc->element);
    op->message.inbox = counts ? STORE_INBOX_UNREAD : 0;
    for (size_t i = 0; i < packet->occupant_count; i++) {
        const struct jid *occupant = &packet->occupants[i];
        bool own = str_eq(occupant->bare, packet->author);
        if (!str_eq(domain, occupant->domain))
            has = inbox_is_of(occupant);
        domain = occupant->domain;
        if (has)
            add_party(acc, &op, (struct store_party){occupant->bare, own, counts && !own},
                      packet->occupant_count - i);
    }
}

static bool has_failed(const struct store_op *op)
{
    bool failed = op->outcome && op->outcome != ERR_NOT_FOUND;
    if (failed)
        LOG(LOG_WARNING, "inbox_not_removed", LF("why", err_name(op->outcome)));
    return failed;
}

static void on_dropped(struct store_op *op)
{
    has_failed(op);
}

static struct store_op *drop_op(store_fn *done, void *asker, struct str owner, struct str room)
{
    struct store_op *op = store_op_new(STORE_INBOX_DROP, done, asker);
    op->inbox.owner = arena_str(&op->arena, owner);
    op->inbox.peer = arena_str(&op->arena, room);
    return op;
}

/* It is something to read for those who come or go, and nobody else. */
static void list_event(struct acc *acc, struct store_op *op, const struct room_packet *packet)
{
    const struct inbox_conf *conf = module_conf(acc->host, &module_inbox);
    for (size_t i = 0; i < packet->change_count; i++) {
        const struct room_change *change = &packet->changes[i];
        bool kicked = !change->joins && conf->remove_on_kicked;
        if (conf->aff_changes && !kicked)
            add_party(acc, &op, (struct store_party){change->bare, false, true},
                      packet->change_count - i);
    }
}

static void drop_left(struct acc *acc, const struct room_packet *packet)
{
    const struct inbox_conf *conf = module_conf(acc->host, &module_inbox);
    for (size_t i = 0; conf->remove_on_kicked && i < packet->change_count; i++)
        if (!packet->changes[i].joins)
            effect_store(acc, drop_op(on_dropped, NULL, packet->changes[i].bare, packet->room));
}

enum verdict inbox_room_packet(struct acc *acc, struct session *session)
{
    const struct room_packet *packet = acc->event_data;
    struct store_op *op = effect_archiving(acc);
    (void)session;
    if (op && packet->author.len)
        list_message(acc, op, packet);
    else if (op)
        list_event(acc, op, packet);
    drop_left(acc, packet);
    return HOOK_OK;
}

/* --- Rooms that are no more --- */

/* Whose inboxes have to forget a room, so many at a time, since a large one has thousands. It lies
 * in its arena. */
struct forgetting {
    struct arena arena;
    struct str room;
    uint64_t upto; /* what has come since is of another room with the same name */
    struct str *owners;
    size_t count, next, under_way;
    bool failed;
};

static void go_on(struct forgetting *forgetting);

static void on_forgotten(struct store_op *op)
{
    struct forgetting *forgetting = op->owner;
    forgetting->failed |= has_failed(op);
    if (--forgetting->under_way == 0)
        go_on(forgetting);
}

static void go_on(struct forgetting *forgetting)
{
    if (forgetting->failed || forgetting->next == forgetting->count) {
        struct arena arena = forgetting->arena;
        arena_fini(&arena);
        return;
    }
    while (forgetting->under_way < LIMIT_TURN_STANZAS && forgetting->next < forgetting->count) {
        struct str owner = forgetting->owners[forgetting->next++];
        struct store_op *op = drop_op(on_forgotten, forgetting, owner, forgetting->room);
        op->inbox.up_to.id = forgetting->upto;
        forgetting->under_way++;
        store_ask(op, 0);
    }
}

static struct forgetting *forgetting_new(const struct room_packet *packet)
{
    struct arena arena;
    arena_init(&arena);
    struct forgetting *forgetting = arena_zero(&arena, sizeof *forgetting);
    forgetting->room = arena_str(&arena, packet->room);
    forgetting->upto = stanza_id_next(shard_self->id, shard_self->unix_us);
    forgetting->owners = arena_take(&arena, packet->change_count * sizeof *forgetting->owners);
    for (size_t i = 0; i < packet->change_count; i++)
        forgetting->owners[forgetting->count++] = arena_str(&arena, packet->changes[i].bare);
    forgetting->arena = arena;
    return forgetting;
}

enum verdict inbox_forget_room(struct acc *acc, struct session *session)
{
    const struct inbox_conf *conf = module_conf(acc->host, &module_inbox);
    (void)session;
    if (conf->remove_on_kicked)
        go_on(forgetting_new(acc->event_data));
    return HOOK_OK;
}
