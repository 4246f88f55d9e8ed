/*
 * One connection to PostgreSQL; the only part that knows libpq. Either in pipeline mode and never
 * blocking, on a shard, or blocking, at boot and on a helper. One thread at a time.
 */
#ifndef RT_PQ_H
#define RT_PQ_H

#include "arena.h"
#include "err.h"
#include "resolve.h"

#include <stdbool.h>
#include <stdint.h>

struct pq;
struct pq_answer;

/* A conninfo taken apart; read-only once made, so that all shards share it. */
struct pq_target;

enum { PQ_PARAMS_MAX = 24 };

/* Parameters of a prepared statement, all in binary form. */
struct pq_params {
    int count;
    const char *values[PQ_PARAMS_MAX]; /* NULL: SQL's NULL */
    int lens[PQ_PARAMS_MAX];
};

/* ERR_INVALID: libpq does not understand it; `why` gets its reason. */
RT_NODISCARD enum err pq_target_new(const char *conninfo, struct pq_target **out, char *why,
                                    size_t room);
void pq_target_free(struct pq_target *target);

/* What connections are called in the database's own views; NULL: nothing was said. `name` must
 * live as long as the target. */
const char *pq_target_application(const struct pq_target *target);
void pq_target_set_application(struct pq_target *target, const char *name);

/* The hosts it names (hosts == NULL: none that must be looked up). */
struct resolve_request pq_target_hosts(const struct pq_target *target);

/* Blocking. ERR_DOWN: nobody there, or refused; `why` gets libpq's reason. pq_exec runs SQL of any
 * number of statements; `number` (may be NULL) gets the first column of the first row. */
RT_NODISCARD enum err pq_open(const struct pq_target *target, struct pq **out, char *why,
                              size_t room);
RT_NODISCARD enum err pq_exec(struct pq *pq, const char *sql, int64_t *number);

/* Blocking: one statement with parameters (NULL: none). The answer, in binary form, is the
 * caller's, who gives it back with pq_answer_free. ERR_DOWN: pq_error says why. */
RT_NODISCARD enum err pq_query(struct pq *pq, const char *sql, const struct pq_params *params,
                               struct pq_answer **answer);
void pq_answer_free(struct pq_answer *answer); /* NULL is fine */

/* Not blocking. `hosts` are those of the target, looked up; or NULL. After pq_connect_start ask
 * pq_connect_go each time the socket (which may be another one each time) is ready. */
enum pq_wait { PQ_WAIT_READ, PQ_WAIT_WRITE, PQ_CONNECTED, PQ_FAILED };
struct pq *pq_connect_start(const struct pq_target *target, const struct resolved *hosts);
enum pq_wait pq_connect_go(struct pq *pq);
RT_NODISCARD enum err pq_pipeline(struct pq *pq);

void pq_close(struct pq *pq);
int pq_socket(const struct pq *pq);
const char *pq_error(const struct pq *pq); /* one line */
int pq_server_version(const struct pq *pq);

/* Queue a request; its answers come in this order. ERR_DOWN: the connection is lost. */
RT_NODISCARD enum err pq_send_prepare(struct pq *pq, const char *name, const char *sql);
RT_NODISCARD enum err pq_send(struct pq *pq, const char *name, const struct pq_params *params);
RT_NODISCARD enum err pq_send_sync(struct pq *pq);

/* Sends what is queued. ERR_AGAIN: ask again when the socket can be written or read. */
RT_NODISCARD enum err pq_flush(struct pq *pq);

/* Reads what is there. ERR_AGAIN: there may be more, call again; ERR_DOWN: the connection is lost,
 * but what came before that can still be had from pq_next. */
RT_NODISCARD enum err pq_read(struct pq *pq);

/* Takes the next answer; PQ_NOTHING while it has not come. A request gives any number of rows,
 * errors or skips, and then an end; a sync gives a sync. The answer is freed by the next call. */
enum pq_kind { PQ_NOTHING, PQ_ROWS, PQ_ERROR, PQ_SKIPPED, PQ_END, PQ_SYNC };
enum pq_kind pq_next(struct pq *pq, const struct pq_answer **answer);

int pq_rows(const struct pq_answer *answer);
struct str pq_cell(const struct pq_answer *answer, int row, int column); /* NULL: at is NULL */
int64_t pq_number(const struct pq_answer *answer, int row, int column);  /* int8 or int4 */
uint64_t pq_changed(const struct pq_answer *answer);
const char *pq_sqlstate(const struct pq_answer *answer);   /* "" when there is none */
const char *pq_constraint(const struct pq_answer *answer); /* violated; "" when there is none */
const char *pq_answer_error(const struct pq_answer *answer);

void pq_bind(struct pq_params *params, struct str value); /* never NULL */
void pq_bind_null(struct pq_params *params);
void pq_bind_number(struct pq_params *params, struct arena *arena, int64_t number);

/* For --version. */
const char *pq_version(void);

#endif
