/*
 * A shard's connection to PostgreSQL: it comes up, works in pipeline mode, and when it is lost
 * fails what it had and comes up again after a while. Its shard's thread.
 *
 * What is asked in one turn shares one sync and so one transaction. When one operation of such a
 * group fails, the server has undone those before it and skipped those behind it: they are sent
 * again without it. So each is done or not by itself; but those that are under way at the same time
 * may be done in another order than they were asked in.
 */
#ifndef RT_PG_CONN_H
#define RT_PG_CONN_H

#include "pg_base.h"
#include "pg_statement.h"
#include "prng.h"
#include "shard.h"

enum pg_state { PG_DOWN, PG_VISITING, PG_CONNECTING, PG_PREPARING, PG_UP };

struct pg_conn {
    struct shard *shard;
    enum pg_state state;
    bool stopping;
    struct link ending; /* stopped, while the ring or the helper holds a part of it */
    struct pq *pq;

    struct op poll;
    int poll_fd; /* what `poll` waits for, or will when its last completion has come */
    unsigned poll_events;
    bool poll_ending;

    struct link asked;    /* requests whose answers have not all come, in order */
    struct link answered; /* those of the group whose sync has not come */
    unsigned owed;        /* ends and syncs that the server still has to send */
    unsigned group_count; /* requests since the last sync that was sent */
    enum err group_error; /* of the transaction itself */
    bool group_failed, leaving;
    struct task flush;

    struct task *news;  /* asked for when it has come up, or has not */
    struct timer timer; /* next attempt, connecting takes too long, no answer */
    uint64_t heard_ms, patience_ms;
    unsigned attempts;
    struct prng prng;
    struct pg_visit visit;
    char why[256]; /* why it is not up */
};

/* Starts to connect; `news` (the starter's) runs soon after it has come up, or an attempt has
 * failed. A connection that was stopped frees itself when the ring and the helper have given back
 * what they hold; pg_conn_teardown frees those that were left when all threads ended. */
struct pg_conn *pg_conn_start(struct shard *shard, unsigned index, struct task *news);
void pg_conn_stop(struct pg_conn *conn);
void pg_conn_teardown(void);

/* False as well while the server has not answered for longer than anyone waits: what is asked then
 * fails at once instead of piling up. */
bool pg_conn_is_up(const struct pg_conn *conn);

/* True during the first attempt: nobody knows yet. */
bool pg_conn_is_coming(const struct pg_conn *conn);

/* Sends an operation on a connection that is up. */
void pg_conn_ask(struct pg_conn *conn, const struct pg_kind *kind, struct store_op *op);

/* What is executed first on a connection: its settings; answers with the version of the schema. */
extern const char pg_conn_settings[];

/* pg.c: all statements, ended by an empty one, table after table. */
const struct pg_statement *pg_statement_at(unsigned index);

#endif
