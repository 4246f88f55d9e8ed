#include "acc.h"

#include "check.h"
#include "core.h"
#include "delivery.h"
#include "effect.h"
#include "order.h"
#include "promise.h"
#include "session.h"
#include "shard.h"
#include "stanza_id.h"
#include "store.h"

struct acc *acc_new(void)
{
    struct arena arena;
    arena_init(&arena);
    struct acc *acc = arena_zero(&arena, sizeof *acc);
    acc->arena = arena;
    acc->stamp_us = shard_self->unix_us;
    acc->effects_tail = &acc->effects;
    return acc;
}

void acc_set(struct acc *acc, struct element *element)
{
    acc->element = element;
    acc->kind = element ? stanza_kind(element) : STANZA_NONE;
    acc->type = element ? stanza_type(element, acc->kind) : TYPE_UNKNOWN;
}

uint64_t acc_identify(struct acc *acc)
{
    if (!acc->stanza_id)
        acc->stanza_id = stanza_id_next(shard_self->id, acc->stamp_us);
    return acc->stanza_id;
}

struct element *acc_parse(struct acc *acc, struct str xml)
{
    struct element *element = NULL;
    enum err err = parser_element(core_self()->parser, &acc->arena, xml, &element);
    return err ? NULL : element;
}

void acc_tell_id(struct acc *acc, struct str by, uint64_t id)
{
    struct element *told = element_add(&acc->arena, acc->element, NS_SID, "stanza-id");
    element_set(&acc->arena, told, "by", arena_str(&acc->arena, by));
    element_set(&acc->arena, told, "id", stanza_id_text(&acc->arena, id));
}

void acc_unshare(struct acc *acc)
{
    if (!acc->shared)
        return;
    struct element *whole = acc_parse(acc, element_xml(&acc->arena, acc->element, NS_NONE));
    CHECK(whole); /* it was written by us */
    acc->element = whole;
    blob_unref(&acc->shared);
}

void acc_free(struct acc *acc)
{
    effects_drop(acc);
    delivery_leave(&acc->delivery);
    promise_keep(&acc->promise);
    order_end(&acc->order);
    blob_unref(&acc->shared);
    struct arena arena = acc->arena; /* it holds the accumulator itself */
    arena_fini(&arena);
}

static void copy_jid(struct acc *to, struct jid *out, const struct jid *jid)
{
    if (jid->full.len)
        jid_make(&to->arena, jid->user, jid->domain, jid->resource, out);
}

/* What many carry is shared by copies, too. */
static struct element *copy_element(struct acc *copy, const struct acc *acc)
{
    if (!acc->shared)
        return element_copy(&copy->arena, acc->element);
    copy->shared = blob_ref(acc->shared);
    return element_copy_sharing(&copy->arena, acc->element, blob_str(acc->shared));
}

struct acc *acc_copy(const struct acc *acc)
{
    struct acc *copy = acc_new();
    if (acc->element)
        acc_set(copy, copy_element(copy, acc));
    copy->news_of = arena_str(&copy->arena, acc->news_of);
    copy->asks_for = arena_str(&copy->arena, acc->asks_for);
    copy_jid(copy, &copy->from, &acc->from);
    copy_jid(copy, &copy->to, &acc->to);
    copy->host = acc->host;
    copy->stanza_id = acc->stanza_id;
    copy->room_id = acc->room_id;
    copy->stamp_us = acc->stamp_us;
    copy->rerouted = acc->rerouted;
    copy->in_archive = acc->in_archive;
    copy->waited = acc->waited;
    copy->room_copy = acc->room_copy;
    return copy;
}

void acc_park(struct acc *acc, struct session *session, hook_fn *on, void *waits_for,
              void (*revoke)(void *waits_for))
{
    CHECK(!acc->parked);
    acc->parked = true;
    acc->continuation = on;
    acc->waits_for = waits_for;
    acc->revoke = revoke;
    acc->session = session;
    if (!session)
        return;
    list_push(&session->parked, &acc->link);
    if (!hook_is_receive(acc->at))
        conn_pause(session->conn, CONN_PAUSE_OWNER);
}

static void leave_park(struct acc *acc)
{
    CHECK(acc->parked);
    acc->parked = false;
    acc->waits_for = NULL;
    if (list_has(&acc->link))
        list_drop(&acc->link);
}

void acc_unpark(struct acc *acc)
{
    struct session *session = acc->session;
    leave_park(acc);
    acc->session = NULL;
    hook_resume(acc, session, acc->continuation(acc, session));
    if (session && !session->ended)
        session_unparked(session);
}

void acc_revoke(struct acc *acc)
{
    acc->revoke(acc->waits_for);
    leave_park(acc);
}

static void revoke_store(void *op)
{
    store_revoke(op);
}

static void on_store(struct store_op *op)
{
    struct acc *acc = op->owner;
    acc->answer = op;
    acc_unpark(acc);
}

enum verdict acc_park_store(struct acc *acc, struct session *session, hook_fn *on,
                            struct store_op *op)
{
    op->owner = acc;
    op->done = on_store;
    acc_park(acc, session, on, op, revoke_store);
    store_ask(op, 0);
    return HOOK_PARK;
}
