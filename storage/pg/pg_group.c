#include "pg_group.h"

#include "log.h"
#include "store_backend.h"

/* SERIALIZABLE is not used, so what can fail by bad luck is a deadlock; three in a row are none. */
enum { GROUP_MAX = 256, TRIES_MAX = 3 };

/* In the arena of its operation. */
struct pg_request {
    struct link link;
    struct store_op *op;
    const struct pg_kind *kind;
    unsigned steps, left; /* left: those whose end has not come */
    unsigned tries;
    enum err outcome;
    bool failed, unlucky, skipped, done;
};

static struct pg_request *request_of(struct link *link)
{
    return LIST_OWNER(link, struct pg_request, link);
}

/* Sending. */

static enum err send_step(struct pg_conn *conn, struct store_op *op, const struct pg_step *step)
{
    struct pq_params params = {0};
    step->bind(op, &params);
    return pq_send(conn->pq, step->name, &params);
}

static enum err send_steps(struct pg_conn *conn, struct pg_request *request)
{
    for (unsigned i = 0; i < PG_STEPS_MAX && request->kind->steps[i].name; i++) {
        if (send_step(conn, request->op, &request->kind->steps[i]))
            return ERR_DOWN;
        request->steps = ++request->left;
        conn->owed++;
    }
    if (++conn->group_count < GROUP_MAX)
        return ERR_OK;
    conn->group_count = 0;
    conn->owed++;
    return pq_send_sync(conn->pq);
}

static void send_request(struct pg_conn *conn, struct pg_request *request)
{
    request->left = 0;
    request->outcome = ERR_DOWN;
    request->failed = request->unlucky = request->skipped = request->done = false;
    list_push(&conn->asked, &request->link);
    pg_conn_expect(conn, request->op);
    shard_flush(&conn->flush);
    if (send_steps(conn, request))
        pg_conn_lost(conn, pq_error(conn->pq));
}

void pg_conn_ask(struct pg_conn *conn, const struct pg_kind *kind, struct store_op *op)
{
    struct pg_request *request = arena_zero(&op->arena, sizeof *request);
    request->op = op;
    request->kind = kind;
    send_request(conn, request);
}

void pg_group_fail_all(struct pg_conn *conn)
{
    struct link all;
    list_init(&all);
    list_move(&all, &conn->answered);
    list_move(&all, &conn->asked);
    for (struct link *link; (link = list_pop(&all));)
        store_finish(request_of(link)->op, ERR_DOWN);
}

/* Answers. */

/* The first that fits: SQLSTATE or its beginning. */
static const struct {
    const char *state;
    enum err err;
} outcomes[] = {
    {"23505", ERR_CONFLICT}, /* unique_violation */
    {"21", ERR_INVALID},     /* rows that are two for one: what makes them so is in the request */
    {"22", ERR_INVALID},     /* data exception: bytes that are no UTF-8 */
    {"23", ERR_INVALID},     /* other constraints */
    {"53100", ERR_FULL},     /* disk_full */
    {"57014", ERR_TIMEOUT},  /* query_canceled: statement_timeout */
};

static enum err outcome_of(const struct pq_answer *answer)
{
    const char *sqlstate = pq_sqlstate(answer);
    /* check_violation without a constraint: no partition is there (upkeep.h makes it) */
    if (strcmp(sqlstate, "23514") == 0 && !pq_constraint(answer)[0])
        return ERR_DOWN;
    for (size_t i = 0; i < COUNT_OF(outcomes); i++)
        if (strncmp(sqlstate, outcomes[i].state, strlen(outcomes[i].state)) == 0)
            return outcomes[i].err;
    return ERR_DOWN;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void on_error(struct pg_conn *conn, struct pg_request *request,
                     const struct pq_answer *answer)
{
    const char *state = pq_sqlstate(answer);
    enum err err = outcome_of(answer);
    if (state[0]) /* else it is libpq that tells of a lost connection, as pg_conn_lost will */
        LOG(LOG_WARNING, "store_failed", LF("database", "postgresql"), LF("sqlstate", state),
            LF("why", pq_answer_error(answer)));
    conn->group_failed = true;
    /* Shutdown, or a server that has become read-only: another one may be the right one now. */
    if (begins(state, "57P") || begins(state, "25006"))
        conn->leaving = true;
    if (!request) {
        conn->group_error = err;
        return;
    }
    request->failed = true;
    request->outcome = err;
    request->unlucky = begins(state, "40"); /* deadlock_detected, serialization_failure */
}

static void on_rows(struct pg_request *request, const struct pq_answer *answer)
{
    if (request->left == 1)
        request->outcome = request->kind->take(request->op, answer);
    else if (request->kind->note)
        request->kind->note(request->op, answer, request->steps - request->left);
}

static void on_end(struct pg_conn *conn, struct pg_request *request)
{
    if (!request) /* of an error that belongs to the sync */
        return;
    conn->owed--;
    if (--request->left)
        return;
    list_drop(&request->link);
    list_push(&conn->answered, &request->link);
}

static bool is_done(const struct pg_conn *conn, const struct pg_request *request)
{
    if (!conn->group_failed || conn->group_error)
        return true;
    if (request->failed)
        return !request->unlucky;
    return !request->skipped && !request->kind->writes; /* a read has what it wanted */
}

static void settle(struct pg_conn *conn, struct pg_request *request)
{
    if (request->done && !request->outcome && request->kind->committed)
        request->kind->committed(request->op);
    bool again = !request->done && !request->op->answered && conn->state == PG_UP;
    if (again && request->failed)
        again = ++request->tries < TRIES_MAX;
    if (again)
        send_request(conn, request);
    else
        store_finish(request->op, request->done ? request->outcome : ERR_DOWN);
}

/* What is done about one request may lose the connection, so the group is taken off it before. */
static void on_sync(struct pg_conn *conn)
{
    struct link group;
    list_init(&group);
    list_move(&group, &conn->answered);
    bool writes = false;
    LIST_EACH (&group, link) {
        struct pg_request *request = request_of(link);
        writes |= request->kind->writes;
        request->done = is_done(conn, request);
        if (conn->group_error)
            request->outcome = conn->group_error;
    }
    if (writes && !conn->group_failed)
        metric_count(&store_commits);
    conn->owed--;
    conn->group_failed = false;
    conn->group_error = ERR_OK;
    for (struct link *link; (link = list_pop(&group));)
        settle(conn, request_of(link));
    if (conn->leaving && conn->state == PG_UP)
        pg_conn_lost(conn, "the server shuts down or is read-only");
}

void pg_group_answer(struct pg_conn *conn, enum pq_kind kind, const struct pq_answer *answer)
{
    struct link *first = conn->asked.next;
    struct pg_request *request = first == &conn->asked ? NULL : request_of(first);
    switch (kind) {
    case PQ_ROWS:
        if (request && !request->failed)
            on_rows(request, answer);
        return;
    case PQ_ERROR:
        on_error(conn, request, answer);
        return;
    case PQ_SKIPPED:
        if (request)
            request->skipped = true;
        return;
    case PQ_END:
        on_end(conn, request);
        return;
    case PQ_SYNC:
        on_sync(conn);
        return;
    case PQ_NOTHING:
        return;
    }
}
