/* Which of a client's stanzas are on disk: all up to the first whose write is under way. */
#include "session.h"

#include "mem.h"
#include "store.h"

/* What an operation is written for; its owner. */
struct write {
    struct link link;
    struct session *session; /* NULL: it has ended */
    uint64_t number;         /* of the stanza */
};

static void advance(struct session *session)
{
    session->durable_count = session->handled_count;
    if (list_empty(&session->writes))
        return;
    const struct write *first = LIST_OWNER(session->writes.next, struct write, link);
    if (first->number <= session->handled_count)
        session->durable_count = first->number - 1;
}

void session_writes(struct session *session, struct store_op *op)
{
    struct write *write = mem_zalloc(sizeof *write);
    write->session = session;
    write->number = session->handled_count + 1;
    list_push(&session->writes, &write->link);
    op->owner = write;
}

void session_handled(struct session *session)
{
    session->handled_count++;
    advance(session);
}

/* What was refused for good was told to the operator (batch.c); the stanza is done with. */
void session_on_written(struct store_op *op)
{
    struct write *write = op->owner;
    if (write && write->session) {
        list_drop(&write->link);
        advance(write->session);
    }
    mem_free(write);
}

void session_drop_writes(struct session *session)
{
    for (struct link *link; (link = list_pop(&session->writes));)
        LIST_OWNER(link, struct write, link)->session = NULL;
}
