/*
 * One shard on the test's own thread, with helpers and a storage back end, that turns until an
 * operation has been answered.
 */
#ifndef RT_STORE_STAGE_H
#define RT_STORE_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "boot.h"
#include "mem.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct shard *stage_shard;

/* What came of an operation; texts live in `arena` until the next stage_open. */
struct reply {
    bool done;
    unsigned times;
    enum err outcome;
    struct str credentials, pending;
    struct str users[STORE_LIST_MAX];
    size_t count;
    uint64_t total, added;
};

static struct arena stage_texts;

static inline enum err stage_open(const struct store_config *config, const char **why)
{
    enum err err = store_setup(config, why);
    if (err)
        return err;
    assert_int_equal(boot_single(&stage_shard), ERR_OK);
    store_shard_start(stage_shard);
    return ERR_OK;
}

static inline void stage_close(void)
{
    store_shard_stop(stage_shard);
    boot_single_end(stage_shard);
    store_teardown();
    arena_fini(&stage_texts);
    arena_pool_drop();
}

/* Turns until *done, at most 20 s. A turn waits at its end, after what may have been the answer. */
static inline void stage_until(const bool *done)
{
    uint64_t end = clock_monotonic_us() + 20000000;
    while (!*done && clock_monotonic_us() < end)
        shard_turn(stage_shard, 2000);
    assert_true(*done);
}

static inline void stage_turns(uint64_t ms)
{
    uint64_t end = clock_monotonic_us() + ms * 1000;
    while (clock_monotonic_us() < end)
        shard_turn(stage_shard, 5000);
}

/* Turns until the store is ready (or not), at most 20 s. */
static inline void stage_until_ready(bool ready)
{
    const char *why = "";
    uint64_t end = clock_monotonic_us() + 20000000;
    while (store_ready(stage_shard, &why) != ready && clock_monotonic_us() < end)
        shard_turn(stage_shard, 20000);
    if (store_ready(stage_shard, &why) != ready)
        fail_msg("the store is not as it should be: %s", why);
}

static inline void on_reply(struct store_op *op)
{
    struct reply *reply = op->owner;
    reply->done = true;
    reply->times++;
    reply->outcome = op->outcome;
    if (op->outcome)
        return;
    if (op->kind == STORE_ACCOUNT_GET) {
        reply->credentials = arena_str(&stage_texts, op->account.credentials);
        reply->pending = arena_str(&stage_texts, op->account.pending);
    } else if (op->kind == STORE_ACCOUNT_LIST || op->kind == STORE_ACCOUNT_COUNT) {
        reply->count = op->list.count;
        reply->total = op->list.total;
        for (size_t i = 0; i < op->list.count; i++)
            reply->users[i] = arena_str(&stage_texts, op->list.items[i].user);
    } else if (op->kind == STORE_ACCOUNT_IMPORT) {
        reply->added = op->import.added;
    }
}

/* An operation on an account whose texts are copied. */
static inline struct store_op *account_op(enum store_kind kind, struct store_account account,
                                          struct reply *reply)
{
    struct store_op *op = store_op_new(kind, on_reply, reply);
    op->account.user = arena_str(&op->arena, account.user);
    op->account.domain = arena_str(&op->arena, account.domain);
    op->account.credentials = arena_str(&op->arena, account.credentials);
    op->account.pending = arena_str(&op->arena, account.pending);
    return op;
}

static inline enum err ask_account(enum store_kind kind, struct store_account account,
                                   struct reply *reply)
{
    *reply = (struct reply){0};
    store_ask(account_op(kind, account, reply), 0);
    assert_false(reply->done); /* never inside store_ask */
    stage_until(&reply->done);
    return reply->outcome;
}

#endif
