/* Messages for the archive, and storing them, for the contract tests. */
#ifndef RT_STORE_MESSAGES_H
#define RT_STORE_MESSAGES_H

#include "store_contract.h"

#include "stanza_id.h"

static uint64_t last_us = 1750000000000000;

static inline struct store_message message(const char *sender, const char *recipient,
                                           const char *body)
{
    last_us += 1000;
    return (struct store_message){.id = stanza_id_next(0, last_us),
                                  .sender = str_of(sender),
                                  .recipient = str_of(recipient),
                                  .sender_resource = STR("from"),
                                  .recipient_resource = STR("to"),
                                  .body = str_of(body)};
}

static inline void on_stored(struct store_op *op)
{
    struct reply *reply = op->owner;
    reply->done = true;
    reply->times++;
    reply->outcome = op->outcome;
}

static inline void ask_store(struct store_message message, struct reply *reply)
{
    struct store_op *op = store_op_new(STORE_MAM_STORE, on_stored, reply);
    *reply = (struct reply){0};
    op->message = message;
    op->message.sender = arena_str(&op->arena, message.sender);
    op->message.recipient = arena_str(&op->arena, message.recipient);
    op->message.sender_resource = arena_str(&op->arena, message.sender_resource);
    op->message.recipient_resource = arena_str(&op->arena, message.recipient_resource);
    op->message.origin_id = arena_str(&op->arena, message.origin_id);
    op->message.client_id = arena_str(&op->arena, message.client_id);
    op->message.text = arena_str(&op->arena, message.text);
    op->message.body = arena_str(&op->arena, message.body);
    store_ask(op, 0);
    assert_false(reply->done);
}

static inline uint64_t put(struct store_message message)
{
    struct reply reply;
    ask_store(message, &reply);
    stage_until(&reply.done);
    assert_int_equal(reply.outcome, ERR_OK);
    return message.id;
}

#endif
