/* What a message costs in the embedded database, without the kernel: a batch as the writer thread
 * gets it, in a transaction of its own. */
#include "micro.h"
#include "pack.h"
#include "sqlite/lite_mam.h"
#include "stanza_id.h"
#include "store_backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BATCH = 16, USERS = 500, PEERS = 8, INBOXES = STORE_INBOX_SENDER | STORE_INBOX_RECIPIENT };

static char folder[32];
static struct schema_target target;
static uint64_t now_us = 1700000000000000;
static unsigned turn;

static void open_database(void)
{
    struct store_config config = {.backend = STORE_SQLITE, .data_dir = folder};
    char why[256];
    pack_setup(true);
    text_copy(folder, sizeof folder, STR("/tmp/ringtail-micro-XXXXXX"));
    CHECK(mkdtemp(folder));
    CHECK(store_sqlite.open(&config, &target, why, sizeof why) == ERR_OK);
    CHECK(schema_migrate(&schema_sqlite, &target, why, sizeof why) == ERR_OK);
}

static void close_database(void)
{
    char path[64];
    store_sqlite.close(&target);
    snprintf(path, sizeof path, "%s/ringtail.sqlite", folder);
    unlink(path);
    rmdir(folder);
}

static struct store_op *message_op(struct arena *arena, unsigned inbox)
{
    struct store_op *op = arena_zero(arena, sizeof *op);
    op->kind = STORE_MAM_STORE;
    arena_init(&op->arena);
    turn = turn * 1103515245 + 12345; /* who writes to whom, the same each time */
    unsigned from = turn / 65536 % USERS;
    op->message = (struct store_message){
        .id = stanza_id_next(1, now_us += 1000),
        .sender = arena_format(arena, "u%u@localhost", from),
        .recipient = arena_format(arena, "u%u@localhost", (from + 1 + turn / 128 % PEERS) % USERS),
        .sender_resource = STR("bench"),
        .client_id = STR("m4711"),
        .body = STR(MICRO_STANZA),
        .inbox = inbox ? inbox | STORE_INBOX_UNREAD : 0};
    return op;
}

static void write_batch(unsigned inbox)
{
    struct arena arena;
    struct store_op *ops[BATCH], batch = {.kind = STORE_MAM_BATCH};
    arena_init(&arena);
    arena_init(&batch.arena);
    for (int i = 0; i < BATCH; i++)
        ops[i] = message_op(&arena, inbox);
    batch.batch.ops = ops;
    batch.batch.count = BATCH;
    CHECK(lite_exec(target.own, "BEGIN IMMEDIATE") == ERR_OK);
    CHECK(lite_mam_batch(target.own, &batch) == ERR_OK);
    CHECK(lite_exec(target.own, "COMMIT") == ERR_OK);
    for (int i = 0; i < BATCH; i++)
        arena_fini(&ops[i]->arena);
    arena_fini(&batch.arena);
    arena_fini(&arena);
}

static uint64_t run_archive(uint64_t count)
{
    for (uint64_t i = 0; i < count; i += BATCH)
        write_batch(0);
    return now_us;
}

static uint64_t run_inbox(uint64_t count)
{
    for (uint64_t i = 0; i < count; i += BATCH)
        write_batch(INBOXES);
    return now_us;
}

const struct micro micro_sqlite[] = {
    {"sqlite_archive", "a message of a batch of 16 in SQLite", open_database, run_archive,
     close_database, 16000, false},
    {"sqlite_inbox", "the same, and two inboxes", open_database, run_inbox, close_database, 16000,
     false},
    {0},
};
