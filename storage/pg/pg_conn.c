#include "pg_conn.h"

#include "log.h"
#include "mem.h"
#include "pg_group.h"
#include "store_backend.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>

enum {
    CONNECT_MS = 10000,
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 2000,
    GRACE_MS = 5000,
    SILENCE_MS = 1000, /* at least; an operation may have a shorter deadline */
    CANCEL_MS = 10,    /* the ring gives a cancelled poll back within a turn or two */
};

static const char schema_name[] = "schema_version";

/* Plans are made once a connection: over many partitions that costs more than running them, and so
 * does compiling them. They may be made while the tables are empty, and a sequential scan, which is
 * best then, would be used until statistics are there, with all that has come meanwhile. */
const char pg_conn_settings[] =
    "SELECT coalesce(max(version), 0), set_config('plan_cache_mode', 'force_generic_plan', false),"
    " set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false)"
    " FROM schema_migration";

/* Of all shards. */
static pthread_mutex_t ending_lock = PTHREAD_MUTEX_INITIALIZER;
static struct link ending = {&ending, &ending};

static void on_poll(struct op *op, int result, const uint8_t *data, bool more);
static void on_timer(struct timer *timer);

/* Waiting for the socket. A poll that is armed is cancelled first, and the new one armed when its
 * last completion comes. fd -1: nothing to wait for. */

static void watch(struct pg_conn *conn, int fd, unsigned events)
{
    conn->poll_fd = fd;
    conn->poll_events = events;
    if (conn->poll.armed) {
        if (!conn->poll_ending)
            ring_cancel(conn->shard->ring, &conn->poll);
        conn->poll_ending = true;
    } else if (fd >= 0) {
        ring_poll(conn->shard->ring, &conn->poll, fd, events);
    }
}

static void free_if_over(struct pg_conn *conn)
{
    if (!conn->stopping || conn->poll.armed || conn->state == PG_VISITING)
        return;
    pthread_mutex_lock(&ending_lock);
    list_drop(&conn->ending);
    pthread_mutex_unlock(&ending_lock);
    mem_free(conn);
}

/* Coming up. */

static void set_why(struct pg_conn *conn, const char *why)
{
    text_copy(conn->why, sizeof conn->why, str_of(why));
}

/* Half of the delay is by chance, so that a thousand connections do not come back together. */
static void try_later(struct pg_conn *conn)
{
    uint64_t delay = BACKOFF_MAX_MS;
    if (conn->attempts < 7)
        delay = (uint64_t)BACKOFF_MIN_MS << conn->attempts;
    if (delay > BACKOFF_MAX_MS)
        delay = BACKOFF_MAX_MS;
    conn->attempts++;
    shard_after(&conn->timer, delay / 2 + prng_below(&conn->prng, delay / 2 + 1), on_timer);
}

void pg_conn_lost(struct pg_conn *conn, const char *why)
{
    bool was_up = conn->state == PG_UP;
    set_why(conn, why); /* before the connection that may own the text is closed */
    LOG(LOG_WARNING, was_up ? "store_connection_lost" : "store_connection_failed",
        LF("database", "postgresql"), LF("why", conn->why));
    if (was_up)
        metric_count(&store_lost);
    conn->state = PG_DOWN;
    watch(conn, -1, 0);
    pq_close(conn->pq);
    conn->pq = NULL;
    conn->owed = conn->group_count = 0;
    conn->group_failed = conn->leaving = false;
    conn->group_error = ERR_OK;
    task_drop(&conn->flush);
    try_later(conn);
    shard_soon(conn->news);
    pg_group_fail_all(conn);
}

static void flush(struct pg_conn *conn)
{
    enum err err = pq_flush(conn->pq);
    unsigned events = err == ERR_AGAIN ? POLLIN | POLLOUT : POLLIN;
    if (err == ERR_DOWN)
        pg_conn_lost(conn, pq_error(conn->pq));
    else if (events != conn->poll_events)
        watch(conn, pq_socket(conn->pq), events);
}

/* All statements in one round trip, with a look at the schema behind them. */
static enum err send_preparation(struct pg_conn *conn)
{
    const struct pg_statement *statement;
    enum err err = pq_pipeline(conn->pq);
    for (unsigned i = 0; !err && (statement = pg_statement_at(i))->name; i++)
        err = pq_send_prepare(conn->pq, statement->name, statement->sql);
    if (!err)
        err = pq_send_prepare(conn->pq, schema_name, pg_conn_settings);
    if (!err)
        err = pq_send(conn->pq, schema_name, &(struct pq_params){0});
    return err ? err : pq_send_sync(conn->pq);
}

static void prepare(struct pg_conn *conn)
{
    conn->state = PG_PREPARING;
    conn->owed = 1; /* the sync; ends are not counted here */
    pg_base_server(pq_server_version(conn->pq));
    watch(conn, pq_socket(conn->pq), POLLIN);
    if (send_preparation(conn))
        pg_conn_lost(conn, pq_error(conn->pq));
    else
        flush(conn);
}

static void on_prepared(struct pg_conn *conn, enum pq_kind kind, const struct pq_answer *answer)
{
    char why[sizeof conn->why];
    if (kind == PQ_ERROR) {
        snprintf(why, sizeof why, "preparing statements failed: %s", pq_answer_error(answer));
    } else if (kind == PQ_ROWS && pq_rows(answer)) {
        if (pg_base_schema_fits((unsigned)pq_number(answer, 0, 0), why, sizeof why))
            return;
    } else if (kind == PQ_SYNC) {
        conn->owed = 0;
        conn->state = PG_UP;
        conn->attempts = 0;
        shard_drop(&conn->timer);
        shard_soon(conn->news);
        LOG(LOG_INFO, "store_connected", LF("database", "postgresql"));
        return;
    } else {
        return;
    }
    pg_base_doubt();
    pg_conn_lost(conn, why);
}

static void go_on_connecting(struct pg_conn *conn)
{
    switch (pq_connect_go(conn->pq)) {
    case PQ_WAIT_READ:
        watch(conn, pq_socket(conn->pq), POLLIN);
        return;
    case PQ_WAIT_WRITE:
        watch(conn, pq_socket(conn->pq), POLLOUT);
        return;
    case PQ_CONNECTED:
        prepare(conn);
        return;
    case PQ_FAILED:
        pg_conn_lost(conn, pq_error(conn->pq));
        return;
    }
}

static void start_connecting(struct pg_conn *conn, const struct resolved *hosts)
{
    conn->state = PG_CONNECTING;
    conn->pq = pq_connect_start(pg_base_target(), hosts);
    if (pq_socket(conn->pq) < 0) {
        pg_conn_lost(conn, pq_error(conn->pq));
        return;
    }
    shard_after(&conn->timer, CONNECT_MS, on_timer);
    watch(conn, pq_socket(conn->pq), POLLOUT);
}

static void on_visited(struct job *job)
{
    struct pg_conn *conn = LIST_OWNER(job, struct pg_conn, visit.job);
    conn->state = PG_DOWN;
    if (conn->stopping)
        free_if_over(conn);
    else if (conn->visit.outcome)
        pg_conn_lost(conn, conn->visit.why);
    else
        start_connecting(conn, conn->visit.has_hosts ? &conn->visit.hosts : NULL);
}

static void begin(struct pg_conn *conn)
{
    if (conn->poll.armed) {
        shard_after(&conn->timer, CANCEL_MS, on_timer);
        return;
    }
    if (!pg_base_needs_visit()) {
        start_connecting(conn, NULL);
        return;
    }
    conn->state = PG_VISITING;
    pg_base_visit(&conn->visit, on_visited);
}

/* A server that is stopped, or behind a broken network, keeps the socket open and says nothing. */
void pg_conn_expect(struct pg_conn *conn, const struct store_op *op)
{
    uint64_t now = shard_now_ms();
    uint64_t until = op->deadline_ms > now ? op->deadline_ms - now : 0;
    if (conn->owed == 0) {
        conn->heard_ms = now;
        conn->patience_ms = 0;
    }
    if (conn->patience_ms < until + GRACE_MS)
        conn->patience_ms = until + GRACE_MS;
    if (!timer_is_set(&conn->timer))
        shard_after(&conn->timer, conn->patience_ms, on_timer);
}

bool pg_conn_is_up(const struct pg_conn *conn)
{
    if (conn->state != PG_UP)
        return false;
    uint64_t wait_ms = conn->patience_ms - GRACE_MS;
    if (wait_ms < SILENCE_MS)
        wait_ms = SILENCE_MS;
    return conn->owed == 0 || shard_now_ms() <= conn->heard_ms + wait_ms;
}

bool pg_conn_is_coming(const struct pg_conn *conn)
{
    return conn->state != PG_UP && conn->attempts == 0;
}

static void look_for_silence(struct pg_conn *conn)
{
    if (conn->owed == 0)
        return;
    uint64_t due = conn->heard_ms + conn->patience_ms, now = shard_now_ms();
    if (now < due)
        shard_after(&conn->timer, due - now, on_timer);
    else
        pg_conn_lost(conn, "the server does not answer");
}

static void on_timer(struct timer *timer)
{
    struct pg_conn *conn = LIST_OWNER(timer, struct pg_conn, timer);
    switch (conn->state) {
    case PG_DOWN:
        begin(conn);
        return;
    case PG_UP:
        look_for_silence(conn);
        return;
    case PG_CONNECTING:
    case PG_PREPARING:
        pg_conn_lost(conn, "the server does not answer");
        return;
    case PG_VISITING:
        return;
    }
}

/* Working. */

static void on_flush(struct task *task)
{
    struct pg_conn *conn = LIST_OWNER(task, struct pg_conn, flush);
    if (conn->group_count) {
        conn->group_count = 0;
        conn->owed++;
        if (pq_send_sync(conn->pq)) {
            pg_conn_lost(conn, pq_error(conn->pq));
            return;
        }
    }
    flush(conn);
}

static void take_answers(struct pg_conn *conn)
{
    const struct pq_answer *answer;
    enum pq_kind kind;
    while (conn->owed && (kind = pq_next(conn->pq, &answer)) != PQ_NOTHING) {
        conn->heard_ms = shard_now_ms();
        if (conn->state == PG_UP)
            pg_group_answer(conn, kind, answer);
        else
            on_prepared(conn, kind, answer);
    }
}

static void read_all(struct pg_conn *conn)
{
    enum err err;
    do {
        err = pq_read(conn->pq);
        char why[sizeof conn->why];
        text_copy(why, sizeof why, str_of(err == ERR_DOWN ? pq_error(conn->pq) : ""));
        take_answers(conn);
        if (err == ERR_DOWN && conn->pq)
            pg_conn_lost(conn, why);
    } while (err == ERR_AGAIN && conn->pq);
    if (conn->pq)
        flush(conn);
}

static void on_poll(struct op *op, int result, const uint8_t *data, bool more)
{
    struct pg_conn *conn = LIST_OWNER(op, struct pg_conn, poll);
    (void)data;
    (void)result; /* events or an error: libpq looks for itself */
    bool stale = conn->poll_ending;
    if (!more) {
        conn->poll_ending = false;
        watch(conn, conn->poll_fd, conn->poll_events);
    }
    if (conn->stopping)
        free_if_over(conn);
    else if (stale || !conn->pq)
        return;
    else if (conn->state == PG_CONNECTING)
        go_on_connecting(conn);
    else
        read_all(conn);
}

struct pg_conn *pg_conn_start(struct shard *shard, unsigned index, struct task *news)
{
    struct pg_conn *conn = mem_zalloc(sizeof *conn);
    conn->shard = shard;
    conn->news = news;
    conn->poll.done = on_poll;
    conn->poll_fd = -1;
    conn->flush.run = on_flush;
    list_init(&conn->asked);
    list_init(&conn->answered);
    prng_init(&conn->prng, clock_unix_us() * 31 + shard->id * 1000 + index);
    set_why(conn, "the first connection is being made");
    begin(conn);
    return conn;
}

void pg_conn_stop(struct pg_conn *conn)
{
    conn->stopping = true;
    if (conn->state != PG_VISITING)
        conn->state = PG_DOWN;
    shard_drop(&conn->timer);
    task_drop(&conn->flush);
    watch(conn, -1, 0);
    pq_close(conn->pq);
    conn->pq = NULL;
    conn->owed = 0;
    pg_group_fail_all(conn);
    pthread_mutex_lock(&ending_lock);
    list_push(&ending, &conn->ending);
    pthread_mutex_unlock(&ending_lock);
    free_if_over(conn);
}

void pg_conn_teardown(void)
{
    for (struct link *link; (link = list_pop(&ending));)
        mem_free(LIST_OWNER(link, struct pg_conn, ending));
}
