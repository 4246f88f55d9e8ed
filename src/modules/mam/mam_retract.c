/*
 * Retraction (XEP-0424 0.4): a message of one's own is replaced by a tombstone in both archives.
 * The retraction itself is a message like others. The original is looked for and replaced behind
 * it: nobody waits.
 */
#include "mam.h"

struct metric mam_retracted = {"mam_retracted_total", "Messages replaced by a tombstone.",
                               METRIC_COUNTER, 0};

/* What is to be retracted, in the arena of the operation that looks for it. */
struct retraction {
    struct str id;     /* of the original */
    struct str own_id; /* of the message that retracts it */
    uint64_t stamp_us;
};

static void on_replaced(struct store_op *op)
{
    if (!op->outcome)
        metric_count(&mam_retracted);
    else if (op->outcome != ERR_NOT_FOUND)
        LOG(LOG_ERROR, "message_not_retracted", LF("why", err_name(op->outcome)));
}

/* Address, type and id stay; of a tombstone nothing can be retracted. */
static struct element *tombstone_of(struct acc *acc, const struct element *original,
                                    const struct retraction *retraction)
{
    static const char *const kept[] = {"from", "to", "type", "id"};
    struct element *tombstone = element_new(&acc->arena, NS_CLIENT, "message");
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        struct str value = element_attr(original, kept[i]);
        if (value.at)
            element_set(&acc->arena, tombstone, kept[i], value);
    }
    char stamp[TEXT_TIME_ROOM];
    size_t len = text_time(stamp, retraction->stamp_us);
    struct element *retracted = element_add(&acc->arena, tombstone, NS_RETRACT, "retracted");
    if (retraction->own_id.len)
        element_set(&acc->arena, retracted, "id", retraction->own_id);
    element_set(&acc->arena, retracted, "stamp", arena_str(&acc->arena, (struct str){stamp, len}));
    return tombstone;
}

/* The hash of the id may be another's. */
static bool is_meant(const struct element *original, const struct retraction *retraction)
{
    return original && str_eq(element_attr(original, "id"), retraction->id) &&
           !element_child(original, NS_RETRACT, "retracted") &&
           !element_child(original, NS_RETRACT, "retract");
}

static void replace(const struct store_op *found, const struct store_mam_item *item,
                    const struct element *tombstone)
{
    struct store_op *op = store_op_new(STORE_MAM_REPLACE, on_replaced, NULL);
    op->message.id = item->id;
    op->message.sender = arena_str(&op->arena, found->page.owner);
    op->message.body = element_xml(&op->arena, tombstone, NS_CLIENT);
    store_ask(op, 0);
}

static void on_found(struct store_op *op)
{
    const struct retraction *retraction = op->owner;
    if (op->outcome) {
        LOG(LOG_ERROR, "message_not_retracted", LF("why", err_name(op->outcome)));
        return;
    }
    struct acc *acc = acc_new();
    for (size_t i = 0; i < op->page.count; i++) {
        const struct element *original = acc_parse(acc, op->page.items[i].body);
        if (!is_meant(original, retraction))
            continue;
        replace(op, &op->page.items[i], tombstone_of(acc, original, retraction));
        break;
    }
    acc_free(acc);
}

void mam_retract(struct acc *acc)
{
    const struct mam_conf *conf = module_conf(acc->host, &module_mam);
    const struct element *retract = element_child(acc->element, NS_RETRACT, "retract");
    struct str id = retract ? element_attr(retract, "id") : (struct str){0};
    if (!id.len || !conf->message_retraction)
        return;
    struct store_op *op = store_op_new(STORE_MAM_FIND, on_found, NULL);
    struct retraction *retraction = arena_zero(&op->arena, sizeof *retraction);
    retraction->id = arena_str(&op->arena, id);
    retraction->own_id = arena_str(&op->arena, element_attr(acc->element, "id"));
    retraction->stamp_us = shard_self->unix_us;
    op->owner = retraction;
    op->page.owner = arena_str(&op->arena, acc->from.bare);
    op->page.with = arena_str(&op->arena, acc->to.bare);
    op->page.client_id = retraction->id;
    effect_store(acc, op);
}
