/* Which stanzas of a client are on disk: what XEP-0198 may acknowledge. */
#include "session_private.h"

#include "mem.h"
#include "store.h"

/* An operation that nobody waits for (effect_store). Until it has completed, the stanza that asked
 * for it is not durable, nor are later ones: a count has no gaps. */
struct write {
    struct link link;
    struct session *session; /* NULL: it has ended */
    uint64_t before;         /* stanzas before the one that asked */
    store_fn *done;          /* the asker's */
    void *owner;
};

static void settle(struct session *session)
{
    session->durable_count = list_empty(&session->writes)
                                 ? session->handled_count
                                 : LIST_OWNER(session->writes.next, struct write, link)->before;
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

void session_forget_writes(struct session *session)
{
    struct link *link;
    while ((link = list_pop(&session->writes)))
        LIST_OWNER(link, struct write, link)->session = NULL;
}
