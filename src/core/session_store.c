/* Which stanzas of a client are on disk: what XEP-0198 may acknowledge. */
#include "session_private.h"

#include "acc.h"
#include "mem.h"
#include "store.h"

#include <stdatomic.h>

/* Held by the stanza on its journey, maybe on another shard, and by the session that sent it. A
 * counter rather than mail back: the session looks when it is asked, and mostly it is never. */
struct receipt {
    atomic_uint holders;
};

/* What keeps a stanza from being durable, and later ones with it, since a count has no gaps: an
 * operation that nobody waits for (effect_store) and that has not completed, or a journey that has
 * not ended. */
struct write {
    struct link link;
    struct session *session; /* NULL: it has ended */
    uint64_t before;         /* stanzas before the one that asked */
    store_fn *done;          /* the asker's */
    void *owner;
    struct receipt *receipt; /* of the journey; NULL: it is an operation */
};

void receipt_drop(struct receipt **receipt)
{
    if (*receipt && atomic_fetch_sub_explicit(&(*receipt)->holders, 1, memory_order_acq_rel) == 1)
        mem_free(*receipt);
    *receipt = NULL;
}

static struct write *first_of(struct session *session)
{
    return LIST_OWNER(session->writes.next, struct write, link);
}

static void drop_journey(struct write *write)
{
    list_drop(&write->link);
    receipt_drop(&write->receipt);
    mem_free(write);
}

static bool has_ended(const struct write *write)
{
    return write->receipt &&
           atomic_load_explicit(&write->receipt->holders, memory_order_acquire) == 1;
}

static void settle(struct session *session)
{
    while (!list_empty(&session->writes) && has_ended(first_of(session)))
        drop_journey(first_of(session));
    session->durable_count =
        list_empty(&session->writes) ? session->handled_count : first_of(session)->before;
}

void session_handled(struct session *session)
{
    session->handled_count++;
    settle(session);
}

static void on_written(struct store_op *op)
{
    struct write *write = op->owner;
    struct session *session = write->session;
    op->owner = write->owner;
    if (session) {
        list_drop(&write->link);
        settle(session);
    }
    if (write->done)
        write->done(op);
    mem_free(write);
}

void session_store(struct session *session, struct store_op *op)
{
    struct write *write = mem_zalloc(sizeof *write);
    *write = (struct write){
        .session = session, .before = session->handled_count, .done = op->done, .owner = op->owner};
    op->done = on_written;
    op->owner = write;
    list_push(&session->writes, &write->link);
    store_ask(op, 0);
}

void session_await(struct session *session, struct acc *acc)
{
    struct write *write = mem_zalloc(sizeof *write);
    write->session = session;
    write->before = session->handled_count;
    write->receipt = acc->receipt = mem_zalloc(sizeof *acc->receipt);
    atomic_init(&write->receipt->holders, 2);
    list_push(&session->writes, &write->link);
}

uint64_t session_durable(struct session *session)
{
    settle(session);
    return session->durable_count;
}

void session_forget_writes(struct session *session)
{
    while (!list_empty(&session->writes)) {
        struct write *write = first_of(session);
        write->session = NULL;
        if (write->receipt)
            drop_journey(write);
        else
            list_drop(&write->link);
    }
}
