#include "session_private.h"

#include "c2s.h"
#include "core.h"
#include "delivery.h"
#include "limits.h"
#include "log.h"
#include "module.h"
#include "proxy.h"

/* --- Events of the connection --- */

/* The PROXY header stands before everything else; ERR_AGAIN holds what is there of it. */
static size_t take_proxy_header(struct session *session, struct str bytes)
{
    char address[PROXY_ADDRESS_ROOM];
    size_t used = 0;
    buf_push_str(&session->in.partial, bytes);
    size_t held = buf_len(&session->in.partial) - bytes.len;
    enum err err = proxy_parse(buf_str(&session->in.partial), &used, address);
    if (err == ERR_AGAIN)
        return bytes.len;
    buf_fini(&session->in.partial);
    if (err) {
        LOG(LOG_WARNING, "proxy_header_bad", LF("peer", session->peer));
        conn_abort(session->conn, ERR_INVALID);
        return bytes.len;
    }
    if (address[0])
        text_copy(session->peer, sizeof session->peer, str_of(address));
    session->proxied = false;
    if (session->tls_at_once)
        conn_start_tls(session->conn, tls_new(session->listener->tls_context), false);
    return used - held;
}

static void take_item(struct session *session, enum stream_event event, struct stream_item *item,
                      struct acc *acc)
{
    static const enum c2s_event events[] = {
        [STREAM_OPEN] = EV_OPEN, [STREAM_ELEMENT] = EV_ELEMENT, [STREAM_CLOSE] = EV_CLOSE};
    if (event == STREAM_OPEN && item->content_ns != NS_CLIENT) { /* a server's stream */
        event = STREAM_BAD;
        item->error = STREAM_INVALID_NAMESPACE;
    }
    if (event == STREAM_BAD) {
        acc_free(acc);
        session_end(session, item->error, item->text);
        return;
    }
    acc_set(acc, item->element);
    acc->host = session->host;
    if (acc->kind != STANZA_NONE) {
        session->sent_count++;
        metric_count(&session_stanzas_in);
    }
    session_event(session, events[event], acc);
}

/* A turn's share of what the client sent; it stops early when the session waits for something. */
static size_t on_bytes(struct conn *conn, struct str bytes)
{
    struct session *session = conn->owner;
    if (session->proxied)
        return take_proxy_header(session, bytes);
    const struct tls *filter = conn->tls;
    struct str rest = bytes;
    for (int i = 0; i < LIMIT_TURN_STANZAS && rest.len; i++) {
        struct stream_item item;
        struct acc *acc = acc_new();
        enum stream_event event =
            stream_in_next(&session->in, core_self()->parser, &acc->arena, &rest, &item);
        if (event == STREAM_MORE) {
            acc_free(acc);
            break;
        }
        take_item(session, event, &item, acc);
        session = conn->owner; /* another one after a resumption */
        if (session->ended)
            return bytes.len;
        if (conn->paused || conn->tls != filter)
            break;
    }
    return bytes.len - rest.len;
}

static void on_secured(struct conn *conn)
{
    struct session *session = conn->owner;
    if (session->state)
        session_event(session, EV_SECURED, NULL);
}

/* The end of the socket is told to the states once, also when a reset follows the peer's FIN. */
static void socket_ended(struct session *session, enum c2s_event event)
{
    if (session->said_bye) {
        session_end(session, STREAM_NO_ERROR, NULL);
    } else if (!session->socket_ended) {
        session->socket_ended = true;
        session_event(session, event, NULL);
    }
}

static void on_closed(struct conn *conn, enum err why)
{
    struct session *session = conn->owner;
    task_drop(&session->finish);
    socket_ended(session, why == ERR_CLOSED || why == ERR_OK ? EV_SOCKET_CLOSED : EV_SOCKET_ERROR);
}

/* RFC 6120 4.4: what the client asked for before it said good-bye, or shut its side, is still
 * answered. Answers of this shard are mail to itself, which runs before tasks. */
static void on_finish(struct task *task)
{
    struct session *session = LIST_OWNER(task, struct session, finish);
    socket_ended(session, EV_SOCKET_CLOSED);
    if (!session->ended) /* a module keeps it without its socket */
        conn_abort(session->conn, ERR_CLOSED);
}

void session_finish(struct session *session)
{
    session->finish.run = on_finish;
    shard_soon(&session->finish);
}

static void on_end(struct conn *conn)
{
    session_finish(conn->owner);
}

/* What ties a session to its shard is undone by the shard that it leaves. */
static void on_leave(struct conn *conn)
{
    struct session *session = conn->owner;
    metric_add(&session_now, -1);
    shard_drop(&session->state_timer);
    list_drop(&session->shard_link);
}

void session_arrived(struct conn *conn)
{
    struct session *session = conn->owner;
    session->home = shard_self->id;
    metric_count(&session_now);
    if (!core_self()) { /* this shard has stopped meanwhile: the process is about to end */
        session_drop_now(session);
        return;
    }
    list_push(session_list(), &session->shard_link);
    state_enter(session, session->state);
    if (core_is_draining())
        session_end(session, STREAM_SYSTEM_SHUTDOWN, NULL);
}

static void on_gone(struct conn *conn)
{
    struct session *session = conn->owner;
    session_lose_conn(session);
    if (session->ended)
        session_free(session);
}

const struct conn_events session_conn_events = {.on_bytes = on_bytes,
                                                .on_secured = on_secured,
                                                .on_end = on_end,
                                                .on_closed = on_closed,
                                                .on_gone = on_gone,
                                                .on_leave = on_leave};

/* --- To the client --- */

void session_write(struct session *session, const struct element *element)
{
    if (session->conn->dead || session->conn->closing)
        return;
    element_write(conn_out(session->conn), element, NS_CLIENT);
    conn_flush(session->conn);
    if (stanza_kind(element) != STANZA_NONE) {
        session->received_count++;
        metric_count(&session_stanzas_out);
    }
}

static void after_presend(struct acc *acc, struct session *session, enum verdict verdict)
{
    if (verdict == HOOK_OK && !session->ended) {
        session_write(session, acc->element);
        delivery_take(&acc->delivery);
        if (acc->host->type->hooks[HOOK_xmpp_send_element].count)
            hook_run(HOOK_xmpp_send_element, acc, session);
    }
    acc_free(acc);
}

void session_flush(struct session *session, struct acc *acc)
{
    hook_chain(HOOK_xmpp_presend_element, acc, session, after_presend);
}

void session_receive(struct session *session, struct acc *acc)
{
    session_event(session, EV_ROUTE, acc);
}
