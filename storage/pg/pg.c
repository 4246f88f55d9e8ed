/*
 * The PostgreSQL back end: a few connections a shard. The first is for writes, the others for
 * reads, so that a read does not wait behind a batch; each stands in for the others.
 */
#include "mem.h"
#include "pg_base.h"
#include "pg_conn.h"
#include "pg_jids.h"
#include "pg_schema.h"
#include "pg_statement.h"
#include "store_backend.h"

enum { CONNECTIONS = 2, CONNECTIONS_MAX = 16 };

static unsigned connections_per_shard;

struct pg_shard {
    unsigned count;
    unsigned next_reader;
    struct pg_conn *conns[CONNECTIONS_MAX];
    struct link early; /* operations that came before it was known whether there is a database */
    struct task news;
};

static const struct pg_kind *const kinds[STORE_KIND_COUNT] = {
    [STORE_ACCOUNT_GET] = &pg_account_get,
    [STORE_ACCOUNT_ADD] = &pg_account_add,
    [STORE_ACCOUNT_SET] = &pg_account_set,
    [STORE_ACCOUNT_REMOVE] = &pg_account_remove,
    [STORE_ACCOUNT_LIST] = &pg_account_list,
    [STORE_ACCOUNT_IMPORT] = &pg_account_import,
    [STORE_ACCOUNT_COUNT] = &pg_account_count,
    [STORE_DOMAIN_REMOVE] = &pg_domain_remove,
    [STORE_DOMAIN_RETAIN] = &pg_domain_retain,
    [STORE_REMOVAL_STEP] = &pg_removal_step,
    [STORE_ROSTER_GET] = &pg_roster_get,
    [STORE_ROSTER_SET] = &pg_roster_set,
    [STORE_ROSTER_REMOVE] = &pg_roster_remove,
    [STORE_ROSTER_IMPORT] = &pg_roster_import,
    [STORE_MAM_METADATA] = &pg_mam_metadata,
    [STORE_MAM_REMOVE] = &pg_mam_remove,
    [STORE_MAM_FIND] = &pg_mam_find,
    [STORE_MAM_REPLACE] = &pg_mam_replace,
    [STORE_MAM_PREFS_GET] = &pg_mam_prefs_get,
    [STORE_MAM_PREFS_SET] = &pg_mam_prefs_set,
    [STORE_INBOX_GET] = &pg_inbox_get,
    [STORE_INBOX_SET] = &pg_inbox_set,
    [STORE_INBOX_READ] = &pg_inbox_read,
    [STORE_INBOX_EMPTY_BIN] = &pg_inbox_empty_bin,
    [STORE_INBOX_DROP] = &pg_inbox_drop,
    [STORE_INBOX_REMOVE] = &pg_inbox_remove,
    [STORE_INBOX_IMPORT] = &pg_inbox_import,
    [STORE_INBOX_CLEAN] = &pg_inbox_clean,
    [STORE_PRIVACY_GET] = &pg_privacy_get,
    [STORE_PRIVACY_SET] = &pg_privacy_set,
    [STORE_PRIVACY_REMOVE] = &pg_privacy_remove,
    [STORE_PRIVACY_DEFAULT] = &pg_privacy_default,
    [STORE_LAST_GET] = &pg_last_get,
    [STORE_LAST_SET] = &pg_last_set,
    [STORE_DOCUMENT_GET] = &pg_document_get,
    [STORE_DOCUMENT_SET] = &pg_document_set,
    [STORE_PEP_NODES] = &pg_pep_nodes,
    [STORE_PEP_SET] = &pg_pep_set,
    [STORE_PEP_PUBLISH] = &pg_pep_publish,
    [STORE_PEP_RETRACT] = &pg_pep_retract,
    [STORE_PEP_PURGE] = &pg_pep_purge,
    [STORE_PEP_DELETE] = &pg_pep_delete,
    [STORE_PEP_PICK] = &pg_pep_pick,
    [STORE_PEP_PAGE] = &pg_pep_page,
    [STORE_OFFLINE_ADD] = &pg_offline_add,
    [STORE_OFFLINE_PAGE] = &pg_offline_page,
    [STORE_OFFLINE_DROP] = &pg_offline_drop,
    [STORE_OFFLINE_CLEAN] = &pg_offline_clean,
    [STORE_ROOM_GET] = &pg_room_get,
    [STORE_ROOM_DESTROY] = &pg_room_destroy,
    [STORE_ROOM_GUESTS] = &pg_room_guests,
    [STORE_ROOM_BLOCKING] = &pg_room_blocking,
    [STORE_ROOM_BLOCK] = &pg_room_block,
    [STORE_ROOM_GONE] = &pg_room_gone,
    [STORE_UPKEEP] = &pg_mam_upkeep,
};

/* Those of which each one is looked at first. */
static pg_choose_fn *const choices[STORE_KIND_COUNT] = {
    [STORE_MAM_BATCH] = pg_mam_batch, [STORE_MAM_IMPORT] = pg_mam_batch,
    [STORE_MAM_PAGE] = pg_mam_page,   [STORE_INBOX_PAGE] = pg_inbox_page,
    [STORE_ROOM_PAGE] = pg_room_page, [STORE_ROOM_CREATE] = pg_room_create,
    [STORE_ROOM_SET] = pg_room_set,
};

/* Each part of the domain brings its statements; the last table is the end. */
static const struct pg_statement no_statements[] = {{NULL, NULL}};
static const struct pg_statement *const tables[] = {
    pg_account_statements,   pg_roster_statements, pg_mam_statements,     pg_mam_batch_statements,
    pg_mam_prefs_statements, pg_inbox_statements,  pg_privacy_statements, pg_last_statements,
    pg_document_statements,  pg_pep_statements,    pg_offline_statements, pg_removal_statements,
    pg_room_statements,      no_statements};

const struct pg_statement *pg_statement_at(unsigned index)
{
    const struct pg_statement *at = tables[0];
    for (size_t table = 0; table < COUNT_OF(tables); table++)
        for (at = tables[table]; at->name; at++)
            if (index-- == 0)
                return at;
    return at;
}

static enum err setup(const struct store_config *config, const char **why)
{
    connections_per_shard = CONNECTIONS;
    if (config->connections_per_shard)
        connections_per_shard = (unsigned)config->connections_per_shard;
    if (config->connections_per_shard > CONNECTIONS_MAX)
        connections_per_shard = CONNECTIONS_MAX;
    return pg_base_setup(config, why);
}

static void teardown(void)
{
    pg_conn_teardown();
    pg_base_teardown();
}

/* The first connection that is up, looked for from `first` on. */
static struct pg_conn *any_up(struct pg_shard *own, unsigned first)
{
    for (unsigned i = 0; i < own->count; i++) {
        struct pg_conn *conn = own->conns[(first + i) % own->count];
        if (pg_conn_is_up(conn))
            return conn;
    }
    return NULL;
}

static bool any_coming(const struct pg_shard *own)
{
    for (unsigned i = 0; i < own->count; i++)
        if (pg_conn_is_coming(own->conns[i]))
            return true;
    return false;
}

static struct pg_conn *choose(struct pg_shard *own, bool writes)
{
    if (writes || own->count == 1)
        return any_up(own, 0);
    return any_up(own, 1 + own->next_reader++ % (own->count - 1));
}

/* A server that has just been started does not refuse its first clients. */
static void submit(void *state, struct store_op *op)
{
    struct pg_shard *own = state;
    pg_choose_fn *choose_kind = choices[op->kind];
    const struct pg_kind *kind = choose_kind ? choose_kind(op) : kinds[op->kind];
    struct pg_conn *conn = choose(own, kind->writes);
    if (conn)
        pg_conn_ask(conn, kind, op);
    else if (any_coming(own))
        list_push(&own->early, &op->backend_link);
    else
        store_finish(op, ERR_DOWN);
}

static void take_early(struct pg_shard *own, struct link *into)
{
    struct link *link;
    list_init(into);
    while ((link = list_pop(&own->early)))
        list_push(into, link);
}

/* Whose asker has gone, or was told that it took too long, is not done any more. */
static void on_news(struct task *task)
{
    struct pg_shard *own = LIST_OWNER(task, struct pg_shard, news);
    struct link ops, *link;
    take_early(own, &ops);
    while ((link = list_pop(&ops))) {
        struct store_op *op = LIST_OWNER(link, struct store_op, backend_link);
        if (op->answered)
            store_finish(op, ERR_TIMEOUT);
        else
            submit(own, op);
    }
}

static void *shard_start(struct shard *shard)
{
    struct pg_shard *own = mem_zalloc(sizeof *own);
    list_init(&own->early);
    own->news.run = on_news;
    own->count = connections_per_shard;
    for (unsigned i = 0; i < own->count; i++)
        own->conns[i] = pg_conn_start(shard, i, &own->news);
    pg_jids_start(shard->id);
    return own;
}

static void shard_stop(void *state)
{
    struct pg_shard *own = state;
    struct link ops, *link;
    take_early(own, &ops);
    while ((link = list_pop(&ops)))
        store_finish(LIST_OWNER(link, struct store_op, backend_link), ERR_DOWN);
    for (unsigned i = 0; i < own->count; i++)
        pg_conn_stop(own->conns[i]);
    task_drop(&own->news);
    pg_jids_stop(shard_self->id);
    mem_free(own);
}

static bool ready(void *state, const char **why)
{
    struct pg_shard *own = state;
    if (any_up(own, 0))
        return true;
    bool silent = own->conns[0]->state == PG_UP;
    *why = silent ? "the server does not answer" : own->conns[0]->why;
    return false;
}

const struct store_backend store_postgresql = {
    .name = "postgresql",
    .partitions = true,
    .setup = setup,
    .teardown = teardown,
    .shard_start = shard_start,
    .shard_stop = shard_stop,
    .submit = submit,
    .ready = ready,
    .version = pg_base_version,
    .schema = &schema_pg,
    .looks = pg_schema_looks,
    .open = pg_schema_open,
    .close = pg_schema_close,
};
