/* The requests of a connection (pg_conn.h) and what becomes of a group of them. */
#ifndef RT_PG_GROUP_H
#define RT_PG_GROUP_H

#include "pg_conn.h"

/* Fails all requests of a connection that is lost. */
void pg_group_fail_all(struct pg_conn *conn);

/* An answer of the server to a request or a sync. */
void pg_group_answer(struct pg_conn *conn, enum pq_kind kind, const struct pq_answer *answer);

/* pg_conn.c: the connection is of no use any more. */
void pg_conn_lost(struct pg_conn *conn, const char *why);

/* pg_conn.c: from now on the server must say something before the deadline of `op`, and a grace. */
void pg_conn_expect(struct pg_conn *conn, const struct store_op *op);

#endif
