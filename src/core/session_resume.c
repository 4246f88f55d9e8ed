/* A session goes on with another connection (XEP-0198 section 5). */
#include "session_private.h"

#include "acc.h"
#include "c2s.h"

#define SWAP(field)                                                                                \
    do {                                                                                           \
        char kept[sizeof session->field];                                                          \
        memcpy(kept, &session->field, sizeof kept);                                                \
        memcpy(&session->field, &fresh->field, sizeof kept);                                       \
        memcpy(&fresh->field, kept, sizeof kept);                                                  \
    } while (0)

/* All that is the connection's rather than the session's. Requests in flight point into the conn,
 * not into the session, so this needs no quiet moment. */
static void swap_connections(struct session *session, struct session *fresh)
{
    SWAP(conn);
    SWAP(in);
    SWAP(listener);
    SWAP(peer);
    SWAP(header_sent);
    SWAP(said_bye);
    SWAP(socket_ended);
    SWAP(conn_gone);
    SWAP(proxied);
    SWAP(tls_at_once);
    SWAP(plus_offered);
    session->conn->owner = session;
    fresh->conn->owner = fresh;
    task_drop(&session->finish); /* of the socket that has ended */
}

/* A stanza that waits for storage holds up what comes from the client, on any connection. */
static void renew_pause(struct session *session)
{
    if (session_awaits(session))
        conn_pause(session->conn, CONN_PAUSE_OWNER);
    LIST_EACH (&session->parked, link)
        if (!hook_is_receive(LIST_OWNER(link, struct acc, link)->at))
            conn_pause(session->conn, CONN_PAUSE_OWNER);
}

void session_resume(struct session *session, struct session *fresh)
{
    swap_connections(session, fresh);
    session_end(fresh, STREAM_CONFLICT, "Resumed by new connection");
    renew_pause(session);
    state_enter(session, &state_session_established);
    struct acc *acc = acc_new();
    acc->host = session->host;
    acc->from = session->jid;
    hook_run(HOOK_session_resumed, acc, session);
    acc_free(acc);
}
