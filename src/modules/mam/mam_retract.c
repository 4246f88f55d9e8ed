/*
 * Retraction (XEP-0424 0.4): a message of one's own is replaced by a tombstone in both archives.
 * The retraction itself is a message like others. It waits until that is done, so who has got it
 * does not find the original; only one that is archived at its recipient's home does not wait, or
 * others would overtake it.
 */
#include "mam.h"

struct metric mam_retracted = {"mam_retracted_total", "Messages replaced by a tombstone.",
                               METRIC_COUNTER, 0};

struct retraction {
    struct str id;     /* of the original; empty: nothing is retracted */
    struct str own_id; /* of the message that retracts it */
    uint64_t stamp_us;
};

static struct retraction read_retraction(const struct acc *acc, struct arena *arena)
{
    const struct mam_conf *conf = module_conf(acc->host, &module_mam);
    const struct element *retract = element_child(acc->element, NS_RETRACT, "retract");
    if (!retract || !conf->message_retraction)
        return (struct retraction){0};
    return (struct retraction){.id = arena_str(arena, element_attr(retract, "id")),
                               .own_id = arena_str(arena, element_attr(acc->element, "id")),
                               .stamp_us = shard_self->unix_us};
}

static void log_outcome(const struct store_op *op)
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

static struct store_op *replace_op(const struct store_op *found, size_t item,
                                   const struct element *tombstone, store_fn *done)
{
    struct store_op *op = store_op_new(STORE_MAM_REPLACE, done, NULL);
    op->message.id = found->page.items[item].id;
    op->message.sender = arena_str(&op->arena, found->page.owner);
    op->message.body = element_xml(&op->arena, tombstone, NS_CLIENT);
    return op;
}

/* What replaces the original; NULL: it was not found. */
static struct store_op *replacement(const struct store_op *found,
                                    const struct retraction *retraction, store_fn *done)
{
    struct store_op *op = NULL;
    if (found->outcome) {
        log_outcome(found);
        return NULL;
    }
    struct acc *acc = acc_new();
    for (size_t i = 0; !op && i < found->page.count; i++) {
        const struct element *original = acc_parse(acc, found->page.items[i].body);
        if (is_meant(original, retraction))
            op = replace_op(found, i, tombstone_of(acc, original, retraction), done);
    }
    acc_free(acc);
    return op;
}

static struct store_op *find_op(const struct acc *acc, struct str author, struct str id,
                                store_fn *done)
{
    struct store_op *op = store_op_new(STORE_MAM_FIND, done, NULL);
    op->page.owner = arena_str(&op->arena, author);
    op->page.with = arena_str(&op->arena, acc->to.bare);
    op->page.client_id = arena_str(&op->arena, id);
    return op;
}

/* --- The message waits --- */

static enum verdict after_replaced(struct acc *acc, struct session *session)
{
    log_outcome(acc->answer);
    return mam_archive(acc, session);
}

static enum verdict after_found(struct acc *acc, struct session *session)
{
    struct retraction retraction = read_retraction(acc, &acc->arena);
    struct store_op *op = replacement(acc->answer, &retraction, NULL);
    return op ? acc_park_store(acc, session, after_replaced, op) : mam_archive(acc, session);
}

enum verdict mam_retract_first(struct acc *acc, struct session *session)
{
    struct retraction retraction = read_retraction(acc, &acc->arena);
    if (!retraction.id.len)
        return mam_archive(acc, session);
    return acc_park_store(acc, session, after_found,
                          find_op(acc, acc->from.bare, retraction.id, NULL));
}

/* --- The message does not wait --- */

static void on_replaced(struct store_op *op)
{
    log_outcome(op);
}

static void on_found(struct store_op *found)
{
    struct store_op *op = replacement(found, found->owner, on_replaced);
    if (op)
        store_ask(op, 0);
}

void mam_retract(struct acc *acc, struct str author)
{
    struct retraction retraction = read_retraction(acc, &acc->arena);
    if (!retraction.id.len)
        return;
    struct store_op *op = find_op(acc, author, retraction.id, on_found);
    struct retraction *kept = arena_zero(&op->arena, sizeof *kept);
    *kept = read_retraction(acc, &op->arena);
    op->owner = kept;
    effect_store(acc, op);
}
