/* The archives of rooms: one row a message, whose recipient is the room. */
#include "mam.h"

struct metric mam_room_archived = {"mam_room_archived_total", "Messages of rooms archived.",
                                   METRIC_COUNTER, 0};

static void on_stored(struct store_op *op)
{
    (void)op; /* what was refused is in the log (batch.c) */
}

/* An event is from the room to itself. */
static struct store_op *message_op(struct acc *acc, const struct room_packet *packet)
{
    struct store_op *op = store_op_new(STORE_MAM_STORE, on_stored, NULL);
    struct store_message *message = &op->message;
    const struct element *origin = element_child(acc->element, NS_SID, "origin-id");
    bool event = packet->author.len == 0;
    message->id = acc_identify(acc);
    message->sender = arena_str(&op->arena, event ? packet->room : packet->author);
    message->recipient = arena_str(&op->arena, packet->room);
    message->flags = event ? STORE_NOT_OF_RECIPIENT : STORE_NOT_OF_SENDER;
    if (origin)
        message->origin_id = arena_str(&op->arena, element_attr(origin, "id"));
    message->client_id = arena_str(&op->arena, element_attr(acc->element, "id"));
    message->body = element_xml(&op->arena, acc->element, NS_CLIENT);
    message->text = mam_text(&op->arena, acc->element);
    return op;
}

enum verdict mam_room_packet(struct acc *acc, struct session *session)
{
    const struct room_packet *packet = acc->event_data;
    (void)session;
    if (packet->author.len && !mam_is_worth(acc))
        return HOOK_OK;
    if (packet->author.len && !store_mam_has_room())
        return HOOK_STOP;
    metric_count(&mam_room_archived);
    effect_store(acc, message_op(acc, packet));
    if (packet->author.len)
        mam_retract(acc, packet->author);
    acc_tell_id(acc, packet->room, acc->stanza_id);
    acc->room_id = acc->stanza_id;
    return HOOK_OK;
}

static void on_gone(struct store_op *op)
{
    if (op->outcome)
        LOG(LOG_ERROR, "archive_not_removed", LF("why", err_name(op->outcome)));
}

enum verdict mam_forget_room(struct acc *acc, struct session *session)
{
    struct store_op *op = store_op_new(STORE_MAM_REMOVE, on_gone, NULL);
    (void)session;
    op->page.owner = arena_str(&op->arena, acc->to.bare);
    op->page.to = stanza_id_next(shard_self->id, shard_self->unix_us); /* there may be another */
    effect_store(acc, op);
    return HOOK_OK;
}
