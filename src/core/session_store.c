/* Which stanzas of a client are on disk: what XEP-0198 may acknowledge. */
#include "session_private.h"

#include "mail.h"
#include "mem.h"
#include "promise.h"
#include "store.h"

/* An operation that nobody waits for (effect_store). Until it has completed, the stanza that asked
 * for it is not durable, nor are later ones: a count has no gaps. */
struct write {
    struct link link;
    struct session *session; /* NULL: it has ended */
    uint64_t before;         /* stanzas before the one that asked */
    store_fn *done;          /* the asker's */
    void *owner;
    bool undecided; /* another shard has not yet found out whether there is something to write */
};

struct promise {
    struct mail decided, kept;
    struct write write; /* in the session's list; done and owner are those of promise_store */
    unsigned home;
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

static void end_write(struct write *write)
{
    if (!write->session)
        return;
    list_drop(&write->link);
    settle(write->session);
}

static void on_written(struct store_op *op)
{
    struct write *write = op->owner;
    op->owner = write->owner;
    end_write(write);
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

/* --- Promises --- */

bool session_awaits(const struct session *session)
{
    LIST_EACH ((struct link *)&session->writes, link)
        if (LIST_OWNER(link, struct write, link)->undecided)
            return true;
    return false;
}

struct promise *promise_new(struct session *session, bool undecided)
{
    struct promise *promise = mem_zalloc(sizeof *promise);
    promise->write = (struct write){
        .session = session, .before = session->handled_count, .undecided = undecided};
    promise->home = shard_self->id;
    list_push(&session->writes, &promise->write.link);
    if (undecided)
        conn_pause(session->conn, CONN_PAUSE_OWNER);
    return promise;
}

static void decide(struct write *write)
{
    bool news = write->undecided;
    write->undecided = false;
    if (news && write->session)
        session_unparked(write->session);
}

static void on_decided(struct mail *mail)
{
    decide(&LIST_OWNER(mail, struct promise, decided)->write);
}

/* Behind on_decided, if that was sent: mail between two shards keeps its order. */
static void on_kept(struct mail *mail)
{
    struct promise *promise = LIST_OWNER(mail, struct promise, kept);
    decide(&promise->write);
    end_write(&promise->write);
    mem_free(promise);
}

void promise_keep(struct promise **promise)
{
    struct promise *mine = *promise;
    *promise = NULL;
    if (!mine)
        return;
    mine->kept.run = on_kept;
    mail_send(mine->home, &mine->kept);
}

static void on_promised(struct store_op *op)
{
    struct promise *promise = op->owner;
    op->owner = promise->write.owner;
    if (promise->write.done)
        promise->write.done(op);
    promise_keep(&promise);
}

void promise_store(struct promise **promise, struct store_op *op)
{
    struct promise *mine = *promise;
    *promise = NULL;
    mine->write.done = op->done;
    mine->write.owner = op->owner;
    op->done = on_promised;
    op->owner = mine;
    store_ask(op, 0);
    mine->decided.run = on_decided;
    mail_send(mine->home, &mine->decided);
}
