#include "pq.h"

#include "check.h"
#include "log.h"
#include "mem.h"

#include <endian.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPTIONS_MAX = 64 };

struct pq_target {
    PQconninfoOption *options;
    size_t count; /* of those below; the rest is NULL */
    const char *keywords[OPTIONS_MAX], *values[OPTIONS_MAX];
};

struct pq {
    PGconn *conn;
    PGresult *last; /* of pq_next */
    bool ended;     /* no result since the last end */
    char error[256];
};

static const PGresult *real(const struct pq_answer *answer)
{
    return (const PGresult *)answer;
}

/* libpq's messages are of several lines; what goes into a log and to the operator is one. */
static void one_line(const char *text, char *out, size_t room)
{
    struct str rest = str_trim(str_of(text));
    size_t len = 0;
    for (size_t i = 0; i < rest.len && len + 1 < room; i++) {
        bool blank = rest.at[i] == '\n' || rest.at[i] == '\t' || rest.at[i] == ' ';
        if (!blank)
            out[len++] = rest.at[i];
        else if (len && out[len - 1] != ' ')
            out[len++] = ' ';
    }
    out[len] = '\0';
}

/* Conninfo. */

static const char *target_value(const struct pq_target *target, const char *keyword)
{
    for (size_t i = 0; i < target->count; i++)
        if (strcmp(target->keywords[i], keyword) == 0)
            return target->values[i];
    return NULL;
}

static void target_put(struct pq_target *target, const char *keyword, const char *value)
{
    CHECK(target->count < OPTIONS_MAX - 1);
    target->keywords[target->count] = keyword;
    target->values[target->count++] = value;
}

/* Unless the operator says otherwise. Looking for Kerberos tickets can block. */
static const char *const presets[][2] = {
    {"gssencmode", "disable"}, {"connect_timeout", "5"}, /* of pq_open; shards have a timer */
};

enum err pq_target_new(const char *conninfo, struct pq_target **out, char *why, size_t room)
{
    char *error = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &error);
    if (!options) {
        one_line(error ? error : "out of memory", why, room);
        PQfreemem(error);
        return ERR_INVALID;
    }
    struct pq_target *target = mem_zalloc(sizeof *target);
    target->options = options;
    for (PQconninfoOption *option = options; option->keyword; option++)
        if (option->val)
            target_put(target, option->keyword, option->val);
    for (size_t i = 0; i < COUNT_OF(presets); i++)
        if (!target_value(target, presets[i][0]))
            target_put(target, presets[i][0], presets[i][1]);
    /* What is stored is UTF-8, whatever the operator's locale is. */
    if (!target_value(target, "client_encoding"))
        target_put(target, "client_encoding", "UTF8");
    *out = target;
    return ERR_OK;
}

void pq_target_free(struct pq_target *target)
{
    if (!target)
        return;
    PQconninfoFree(target->options);
    mem_free(target);
}

const char *pq_target_application(const struct pq_target *target)
{
    return target_value(target, "application_name");
}

void pq_target_set_application(struct pq_target *target, const char *name)
{
    for (size_t i = 0; i < target->count; i++) {
        if (strcmp(target->keywords[i], "application_name") != 0)
            continue;
        target->values[i] = name;
        return;
    }
    target_put(target, "application_name", name);
}

struct resolve_request pq_target_hosts(const struct pq_target *target)
{
    const char *hosts = target_value(target, "host");
    if (!hosts)
        hosts = getenv("PGHOST");
    if (!hosts || target_value(target, "hostaddr") || !resolve_needed(hosts))
        return (struct resolve_request){0};
    const char *ports = target_value(target, "port");
    return (struct resolve_request){.hosts = hosts, .ports = ports ? ports : getenv("PGPORT")};
}

/* Connections. */

static void on_notice(void *own, const char *message)
{
    (void)own;
    char text[256];
    one_line(message, text, sizeof text);
    LOG(LOG_DEBUG, "postgresql_notice", LF("text", text));
}

static struct pq *pq_new(PGconn *conn)
{
    if (!conn)
        PANIC("libpq is out of memory");
    struct pq *pq = mem_zalloc(sizeof *pq);
    pq->conn = conn;
    pq->ended = true;
    PQsetNoticeProcessor(conn, on_notice, NULL);
    return pq;
}

enum err pq_open(const struct pq_target *target, struct pq **out, char *why, size_t room)
{
    struct pq *pq = pq_new(PQconnectdbParams(target->keywords, target->values, 0));
    if (PQstatus(pq->conn) == CONNECTION_OK) {
        *out = pq;
        return ERR_OK;
    }
    text_copy(why, room, str_of(pq_error(pq)));
    pq_close(pq);
    return ERR_DOWN;
}

static int64_t cell_number(const PGresult *result, int row, int column)
{
    int64_t number = 0;
    bool is_text = PQfformat(result, column) == 0;
    struct str cell = {PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
    if (is_text)
        return text_i64(cell, INT64_MIN, INT64_MAX, &number) ? number : 0;
    if (cell.len == sizeof(uint64_t)) {
        memcpy(&number, cell.at, sizeof number);
        return (int64_t)be64toh((uint64_t)number);
    }
    uint32_t small = 0;
    CHECK(cell.len == sizeof small);
    memcpy(&small, cell.at, sizeof small);
    return (int32_t)be32toh(small);
}

enum err pq_exec(struct pq *pq, const char *sql, int64_t *number)
{
    PGresult *result = PQexec(pq->conn, sql);
    ExecStatusType status = PQresultStatus(result);
    enum err err = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? ERR_OK : ERR_DOWN;
    if (!err && number && PQntuples(result) > 0)
        *number = cell_number(result, 0, 0);
    PQclear(result);
    return err;
}

static const int binary[PQ_PARAMS_MAX] = {[0 ... PQ_PARAMS_MAX - 1] = 1};

enum err pq_query(struct pq *pq, const char *sql, const struct pq_params *params,
                  struct pq_answer **answer)
{
    static const struct pq_params none;
    const struct pq_params *with = params ? params : &none;
    PGresult *result =
        PQexecParams(pq->conn, sql, with->count, NULL, with->values, with->lens, binary, 1);
    ExecStatusType status = PQresultStatus(result);
    *answer = (struct pq_answer *)result;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return ERR_OK;
    PQclear(result);
    *answer = NULL;
    return ERR_DOWN;
}

void pq_answer_free(struct pq_answer *answer)
{
    PQclear((PGresult *)answer);
}

struct pq *pq_connect_start(const struct pq_target *target, const struct resolved *hosts)
{
    struct pq_target with = *target;
    if (hosts) {
        /* Of a keyword that stands there twice the last counts. */
        target_put(&with, "host", hosts->hosts);
        target_put(&with, "hostaddr", hosts->addresses);
        target_put(&with, "port", hosts->ports);
    }
    return pq_new(PQconnectStartParams(with.keywords, with.values, 0));
}

enum pq_wait pq_connect_go(struct pq *pq)
{
    switch (PQconnectPoll(pq->conn)) {
    case PGRES_POLLING_OK:
        return PQ_CONNECTED;
    case PGRES_POLLING_READING:
        return PQ_WAIT_READ;
    case PGRES_POLLING_WRITING:
        return PQ_WAIT_WRITE;
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE:
    default:
        return PQ_FAILED;
    }
}

enum err pq_pipeline(struct pq *pq)
{
    return PQsetnonblocking(pq->conn, 1) == 0 && PQenterPipelineMode(pq->conn) ? ERR_OK : ERR_DOWN;
}

void pq_close(struct pq *pq)
{
    if (!pq)
        return;
    PQclear(pq->last);
    PQfinish(pq->conn);
    mem_free(pq);
}

int pq_socket(const struct pq *pq)
{
    return PQsocket(pq->conn);
}

const char *pq_error(const struct pq *pq)
{
    struct pq *self = (struct pq *)pq; /* the buffer is no state */
    one_line(PQerrorMessage(pq->conn), self->error, sizeof self->error);
    return self->error;
}

int pq_server_version(const struct pq *pq)
{
    return PQserverVersion(pq->conn);
}

/* Requests. */

enum err pq_send_prepare(struct pq *pq, const char *name, const char *sql)
{
    return PQsendPrepare(pq->conn, name, sql, 0, NULL) ? ERR_OK : ERR_DOWN;
}

enum err pq_send(struct pq *pq, const char *name, const struct pq_params *params)
{
    return PQsendQueryPrepared(pq->conn, name, params->count, params->values, params->lens, binary,
                               1)
               ? ERR_OK
               : ERR_DOWN;
}

enum err pq_send_sync(struct pq *pq)
{
    return PQpipelineSync(pq->conn) ? ERR_OK : ERR_DOWN;
}

enum err pq_flush(struct pq *pq)
{
    int left = PQflush(pq->conn);
    return left == 0 ? ERR_OK : left > 0 ? ERR_AGAIN : ERR_DOWN;
}

/* The poll of a ring tells of new bytes once, so all that is there must be read now. A TLS record
 * that was read may leave up to 16 KB inside OpenSSL, where no poll sees them; a call takes 8 KB.
 */
enum err pq_read(struct pq *pq)
{
    int calls = PQsslInUse(pq->conn) ? 3 : 1;
    while (calls--)
        if (!PQconsumeInput(pq->conn))
            return ERR_DOWN;
    struct pollfd there = {.fd = PQsocket(pq->conn), .events = POLLIN};
    return poll(&there, 1, 0) > 0 ? ERR_AGAIN : ERR_OK;
}

enum pq_kind pq_next(struct pq *pq, const struct pq_answer **answer)
{
    if (PQisBusy(pq->conn))
        return PQ_NOTHING;
    PQclear(pq->last);
    pq->last = PQgetResult(pq->conn);
    *answer = (const struct pq_answer *)pq->last;
    /* Each request has a result before its end. A second end says that libpq has nothing to wait
     * for, which after a fatal error is so although more was sent. */
    bool ended = pq->ended;
    ExecStatusType status = pq->last ? PQresultStatus(pq->last) : PGRES_COMMAND_OK;
    pq->ended = !pq->last || status == PGRES_PIPELINE_SYNC;
    if (!pq->last)
        return ended ? PQ_NOTHING : PQ_END;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return PQ_ROWS;
    if (status == PGRES_PIPELINE_SYNC)
        return PQ_SYNC;
    return status == PGRES_PIPELINE_ABORTED ? PQ_SKIPPED : PQ_ERROR;
}

/* Answers. */

int pq_rows(const struct pq_answer *answer)
{
    return PQntuples(real(answer));
}

struct str pq_cell(const struct pq_answer *answer, int row, int column)
{
    if (PQgetisnull(real(answer), row, column))
        return (struct str){0};
    return (struct str){PQgetvalue(real(answer), row, column),
                        (size_t)PQgetlength(real(answer), row, column)};
}

int64_t pq_number(const struct pq_answer *answer, int row, int column)
{
    return cell_number(real(answer), row, column);
}

uint64_t pq_changed(const struct pq_answer *answer)
{
    uint64_t count = 0;
    struct str text = str_of(PQcmdTuples((PGresult *)answer));
    return text_u64(text, 0, UINT64_MAX, &count) ? count : 0;
}

const char *pq_sqlstate(const struct pq_answer *answer)
{
    const char *state = PQresultErrorField(real(answer), PG_DIAG_SQLSTATE);
    return state ? state : "";
}

const char *pq_constraint(const struct pq_answer *answer)
{
    const char *state = PQresultErrorField(real(answer), PG_DIAG_CONSTRAINT_NAME);
    return state ? state : "";
}

const char *pq_answer_error(const struct pq_answer *answer)
{
    const char *text = PQresultErrorField(real(answer), PG_DIAG_MESSAGE_PRIMARY);
    return text ? text : PQresultErrorMessage(real(answer));
}

static void bind(struct pq_params *params, const char *value, size_t len)
{
    CHECK(params->count < PQ_PARAMS_MAX && len <= INT32_MAX);
    params->values[params->count] = value;
    params->lens[params->count++] = (int)len;
}

void pq_bind(struct pq_params *params, struct str value)
{
    bind(params, value.at ? value.at : "", value.len);
}

void pq_bind_null(struct pq_params *params)
{
    bind(params, NULL, 0);
}

void pq_bind_number(struct pq_params *params, struct arena *arena, int64_t number)
{
    uint64_t *big = arena_take(arena, sizeof *big);
    *big = htobe64((uint64_t)number);
    bind(params, (const char *)big, sizeof *big);
}

const char *pq_version(void)
{
    static char text[32];
    int version = PQlibVersion();
    snprintf(text, sizeof text, "libpq %d.%d", version / 10000, version % 10000);
    return text;
}
