/* A client's lane: what makes its input, or what comes to it, wait. */
#include "session_private.h"

#include "core.h"

void session_on_lane(struct task *task)
{
    struct session *session = LIST_OWNER(task, struct session, lane);
    if (mail_crowded(session->crowded_target))
        shard_uncrowded(task);
    else
        conn_resume(session->conn, CONN_PAUSE_LANE);
}

void session_mind_lane(struct session *session, unsigned target)
{
    if (!mail_crowded(target) || session->ended)
        return;
    metric_count(&session_lane_pauses);
    session->crowded_target = target;
    conn_pause(session->conn, CONN_PAUSE_LANE);
    shard_uncrowded(&session->lane);
}

static bool receive_parked(const struct session *session)
{
    LIST_EACH ((struct link *)&session->parked, link)
        if (hook_is_receive(LIST_OWNER(link, struct acc, link)->at))
            return true;
    return false;
}

static bool send_parked(const struct session *session)
{
    LIST_EACH ((struct link *)&session->parked, link)
        if (!hook_is_receive(LIST_OWNER(link, struct acc, link)->at))
            return true;
    return false;
}

bool session_must_wait(const struct session *session)
{
    return !list_empty(&session->parked) && receive_parked(session);
}

void session_unparked(struct session *session)
{
    if (!send_parked(session) && !session_awaits(session))
        conn_resume(session->conn, CONN_PAUSE_OWNER);
    while (!session_must_wait(session) && !session->ended) {
        struct link *link = list_pop(&session->waiting);
        if (!link)
            return;
        session->waiting_count--;
        session_receive(session, LIST_OWNER(link, struct acc, link));
    }
}
