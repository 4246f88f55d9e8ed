/* What store.h promises, on each back end in the same words. */
#include "store_contract.h"

enum { MANY = 1000 };

static void must(enum store_kind kind, struct store_account account, enum err expected)
{
    struct reply reply;
    enum err outcome = ask_account(kind, account, &reply);
    if (outcome != expected)
        fail_msg("%.*s: %s, not %s", STR_ARG(account.user), err_name(outcome), err_name(expected));
}

static void assert_str(struct str got, const char *expected)
{
    if (!str_is(got, expected))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), expected);
}

static struct reply page(const char *domain, const char *after, size_t limit)
{
    struct reply reply = {0};
    struct store_op *op = store_op_new(STORE_ACCOUNT_LIST, on_reply, &reply);
    op->list.domain = arena_str(&op->arena, str_of(domain));
    op->list.after = arena_str(&op->arena, str_of(after));
    op->list.limit = limit;
    store_ask(op, 0);
    stage_until(&reply.done);
    assert_int_equal(reply.outcome, ERR_OK);
    return reply;
}

static uint64_t count(const char *domain)
{
    struct reply reply = {0};
    struct store_op *op = store_op_new(STORE_ACCOUNT_COUNT, on_reply, &reply);
    op->list.domain = arena_str(&op->arena, str_of(domain));
    store_ask(op, 0);
    stage_until(&reply.done);
    assert_int_equal(reply.outcome, ERR_OK);
    return reply.total;
}

static void test_missing(void **state)
{
    (void)state;
    must(STORE_ACCOUNT_GET, account("nobody", "a.example", ""), ERR_NOT_FOUND);
    must(STORE_ACCOUNT_SET, account("nobody", "a.example", "x"), ERR_NOT_FOUND);
    must(STORE_ACCOUNT_REMOVE, account("nobody", "a.example", ""), ERR_NOT_FOUND);
    assert_int_equal(count("a.example"), 0);
    assert_int_equal(page("a.example", "", 10).count, 0);
}

static void test_life(void **state)
{
    (void)state;
    struct reply reply;
    must(STORE_ACCOUNT_ADD, account("romeo", "life.example", "first"), ERR_OK);
    must(STORE_ACCOUNT_ADD, account("romeo", "life.example", "other"), ERR_CONFLICT);
    must(STORE_ACCOUNT_ADD, account("romeo", "second.example", "second"), ERR_OK);
    assert_int_equal(ask_account(STORE_ACCOUNT_GET, account("romeo", "life.example", ""), &reply),
                     ERR_OK);
    assert_str(reply.credentials, "first");
    assert_int_equal(reply.pending.len, 0);
    must(STORE_ACCOUNT_SET, account("romeo", "life.example", "new"), ERR_OK);
    ask_account(STORE_ACCOUNT_GET, account("romeo", "life.example", ""), &reply);
    assert_str(reply.credentials, "new");
    must(STORE_ACCOUNT_REMOVE, account("romeo", "life.example", ""), ERR_OK);
    must(STORE_ACCOUNT_GET, account("romeo", "life.example", ""), ERR_NOT_FOUND);
    ask_account(STORE_ACCOUNT_GET, account("romeo", "second.example", ""), &reply);
    assert_str(reply.credentials, "second");
    must(STORE_ACCOUNT_ADD, account("romeo", "life.example", "again"), ERR_OK);
}

static void test_pending(void **state)
{
    (void)state;
    struct store_account sealed = account("eve", "pending.example", "");
    struct reply reply;
    sealed.pending = (struct str){"a\0b\xff\x01", 5};
    must(STORE_ACCOUNT_ADD, sealed, ERR_OK);
    ask_account(STORE_ACCOUNT_GET, sealed, &reply);
    assert_int_equal(reply.credentials.len, 0);
    assert_true(str_eq(reply.pending, sealed.pending));
    must(STORE_ACCOUNT_SET, account("eve", "pending.example", "keys"), ERR_OK);
    ask_account(STORE_ACCOUNT_GET, sealed, &reply);
    assert_str(reply.credentials, "keys");
    assert_int_equal(reply.pending.len, 0);
}

static void test_odd_text(void **state)
{
    (void)state;
    char long_user[1024];
    memset(long_user, 'u', 1023);
    long_user[1023] = '\0';
    const char *const users[] = {
        "o'neil", "\"quoted\"", "a\\b", "%_",     "jürgen.ß.日本", "🦝",
        "$1",     "{a,NULL}",   "null", "a b;--", long_user,
    };
    for (size_t i = 0; i < COUNT_OF(users); i++) {
        struct reply reply;
        must(STORE_ACCOUNT_ADD, account(users[i], "odd'd.example", users[i]), ERR_OK);
        ask_account(STORE_ACCOUNT_GET, account(users[i], "odd'd.example", ""), &reply);
        assert_str(reply.credentials, users[i]);
    }
    assert_int_equal(count("odd'd.example"), COUNT_OF(users));
    struct reply all = page("odd'd.example", "", 100);
    assert_int_equal(all.count, COUNT_OF(users));
    for (size_t i = 1; i < all.count; i++) /* by bytes, on every back end */
        assert_true(strcmp(all.users[i - 1].at, all.users[i].at) < 0);
}

static void test_refused(void **state)
{
    (void)state;
    must(STORE_ACCOUNT_ADD, account("", "refused.example", "x"), ERR_INVALID);
    must(STORE_ACCOUNT_ADD, account("x", "", "x"), ERR_INVALID);
    must(STORE_ACCOUNT_GET, account("", "refused.example", "x"), ERR_NOT_FOUND);
    assert_int_equal(count("refused.example"), 0);
}

static void test_pages(void **state)
{
    (void)state;
    char user[16];
    for (int i = 0; i < 25; i++) {
        snprintf(user, sizeof user, "user%02d", (i * 7) % 25);
        must(STORE_ACCOUNT_ADD, account(user, "pages.example", "x"), ERR_OK);
    }
    struct reply first = page("pages.example", "", 10);
    assert_int_equal(first.count, 10);
    assert_str(first.users[0], "user00");
    assert_str(first.users[9], "user09");
    struct reply second = page("pages.example", "user09", 10);
    assert_str(second.users[0], "user10");
    struct reply third = page("pages.example", "user19", 10);
    assert_int_equal(third.count, 5);
    assert_str(third.users[4], "user24");
    assert_int_equal(page("pages.example", "user24", 10).count, 0);
    assert_str(page("pages.example", "user1", 1).users[0], "user10");
    assert_int_equal(page("pages.example", "", 0).count, 0);
}

static struct store_op *import_op(const char *domain, size_t first, size_t number,
                                  struct reply *reply)
{
    struct store_op *op = store_op_new(STORE_ACCOUNT_IMPORT, on_reply, reply);
    struct store_account *accounts = arena_zero(&op->arena, (number + 1) * sizeof *accounts);
    for (size_t i = 0; i < number; i++) {
        accounts[i].user = arena_format(&op->arena, "imported%06zu", first + i);
        accounts[i].domain = arena_str(&op->arena, str_of(domain));
        accounts[i].pending = arena_format(&op->arena, "sealed %zu", i);
    }
    op->import.accounts = accounts;
    op->import.count = number;
    return op;
}

static struct reply import(const char *domain, size_t first, size_t number)
{
    struct reply reply = {0};
    store_ask(import_op(domain, first, number, &reply), 0);
    stage_until(&reply.done);
    return reply;
}

static void test_import(void **state)
{
    (void)state;
    struct reply reply;
    must(STORE_ACCOUNT_ADD, account("imported000003", "import.example", "kept"), ERR_OK);
    assert_int_equal(import("import.example", 0, 10).added, 9);
    assert_int_equal(import("import.example", 5, 10).added, 5);
    assert_int_equal(import("import.example", 0, 0).added, 0);
    assert_int_equal(import("other.example", 0, 10).added, 10);
    assert_int_equal(count("import.example"), 15);
    ask_account(STORE_ACCOUNT_GET, account("imported000003", "import.example", ""), &reply);
    assert_str(reply.credentials, "kept");
    ask_account(STORE_ACCOUNT_GET, account("imported000004", "import.example", ""), &reply);
    assert_str(reply.pending, "sealed 4");
    assert_int_equal(import("import.example", 0, STORE_IMPORT_MAX + 1).outcome, ERR_TOO_BIG);
}

static void test_import_mixed(void **state)
{
    (void)state;
    struct reply reply = {0};
    struct store_op *op = store_op_new(STORE_ACCOUNT_IMPORT, on_reply, &reply);
    struct store_account accounts[] = {
        account("a", "m1.example", "1"), account("a", "m2.example", "2"),
        account("a", "m1.example", "3"), account("b", "m2.example", "4"),
        account("b", "m1.example", "5"),
    };
    op->import.accounts = accounts;
    op->import.count = COUNT_OF(accounts);
    store_ask(op, 0);
    stage_until(&reply.done);
    assert_int_equal(reply.outcome, ERR_OK);
    assert_int_equal(reply.added, 4); /* one stands there twice */
    ask_account(STORE_ACCOUNT_GET, account("b", "m1.example", ""), &reply);
    assert_str(reply.credentials, "5");
}

/* All or nothing. */
static void test_import_refused(void **state)
{
    (void)state;
    struct reply reply = {0};
    struct store_op *op = store_op_new(STORE_ACCOUNT_IMPORT, on_reply, &reply);
    struct store_account accounts[] = {account("a", "half.example", "1"),
                                       account("", "half.example", "2")};
    op->import.accounts = accounts;
    op->import.count = COUNT_OF(accounts);
    store_ask(op, 0);
    stage_until(&reply.done);
    assert_int_equal(reply.outcome, ERR_INVALID);
    assert_int_equal(count("half.example"), 0);
}

static struct reply replies[MANY];

static void ask_many(enum store_kind kind, const char *domain)
{
    memset(replies, 0, sizeof replies);
    for (int i = 0; i < MANY; i++) {
        char user[16];
        snprintf(user, sizeof user, "many%04d", i);
        store_ask(account_op(kind, account(user, domain, user), &replies[i]), 15000);
    }
    for (int i = 0; i < MANY; i++)
        stage_until(&replies[i].done);
    assert_int_equal(store_pending(stage_shard), 0);
}

static void test_many(void **state)
{
    (void)state;
    ask_many(STORE_ACCOUNT_ADD, "many.example");
    for (int i = 0; i < MANY; i++)
        assert_int_equal(replies[i].outcome, ERR_OK);
    ask_many(STORE_ACCOUNT_GET, "many.example");
    for (int i = 0; i < MANY; i++) {
        char user[16];
        snprintf(user, sizeof user, "many%04d", i);
        assert_str(replies[i].credentials, user);
        assert_int_equal(replies[i].times, 1);
    }
}

/* Those that fail do not spoil those that were asked in the same turn. */
static void test_poison(void **state)
{
    (void)state;
    memset(replies, 0, sizeof replies);
    must(STORE_ACCOUNT_ADD, account("p05", "poison.example", "x"), ERR_OK);
    for (int i = 0; i < 50; i++) {
        char user[16];
        snprintf(user, sizeof user, "p%02d", i);
        if (i % 10 == 7)
            user[0] = '\0';
        enum store_kind kind = i % 10 == 9 ? STORE_ACCOUNT_GET : STORE_ACCOUNT_ADD;
        store_ask(account_op(kind, account(user, "poison.example", user), &replies[i]), 0);
    }
    for (int i = 0; i < 50; i++) {
        stage_until(&replies[i].done);
        assert_int_equal(replies[i].outcome, i == 5        ? ERR_CONFLICT
                                             : i % 10 == 7 ? ERR_INVALID
                                             : i % 10 == 9 ? ERR_NOT_FOUND
                                                           : ERR_OK);
    }
    assert_int_equal(count("poison.example"), 40);
}

static void test_revoke(void **state)
{
    (void)state;
    struct reply revoked = {0};
    struct store_op *op =
        account_op(STORE_ACCOUNT_ADD, account("r", "revoke.example", "x"), &revoked);
    store_ask(op, 0);
    store_revoke(op);
    store_revoke(account_op(STORE_ACCOUNT_ADD, account("never", "revoke.example", "x"), &revoked));
    while (store_pending(stage_shard))
        shard_turn(stage_shard, 10000);
    assert_false(revoked.done);
    assert_int_equal(count("revoke.example"), 1); /* it was done, and nobody was told */
}

static void test_revoke_in_done(struct store_op *op)
{
    store_revoke(op);
    on_reply(op);
}

static void test_revoke_itself(void **state)
{
    (void)state;
    struct reply reply = {0};
    struct store_op *op = account_op(STORE_ACCOUNT_GET, account("x", "x.example", ""), &reply);
    op->done = test_revoke_in_done;
    store_ask(op, 0);
    stage_until(&reply.done);
    assert_int_equal(reply.times, 1);
}

/* A completion that asks for the next one. */
static void on_chain(struct store_op *op)
{
    struct reply *reply = op->owner;
    assert_int_equal(op->outcome, reply->times ? ERR_CONFLICT : ERR_OK);
    if (++reply->times == 20) {
        reply->done = true;
        return;
    }
    struct store_op *next =
        account_op(STORE_ACCOUNT_ADD, account("c", "chain.example", "x"), reply);
    next->done = on_chain;
    store_ask(next, 0);
}

static void test_chain(void **state)
{
    (void)state;
    struct reply reply = {0};
    struct store_op *op = account_op(STORE_ACCOUNT_ADD, account("c", "chain.example", "x"), &reply);
    op->done = on_chain;
    store_ask(op, 0);
    stage_until(&reply.done);
}

/* What is under way at the end is answered all the same. */
static int close_group(void **state)
{
    (void)state;
    struct reply last[3] = {0};
    for (int i = 0; i < 3; i++)
        store_ask(account_op(i ? STORE_ACCOUNT_GET : STORE_ACCOUNT_ADD,
                             account("last", "last.example", "x"), &last[i]),
                  0);
    stage_close();
    for (int i = 0; i < 3; i++)
        if (last[i].times != 1 || last[i].outcome != ERR_DOWN)
            return -1;
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_missing),        cmocka_unit_test(test_life),
    cmocka_unit_test(test_pending),        cmocka_unit_test(test_odd_text),
    cmocka_unit_test(test_refused),        cmocka_unit_test(test_pages),
    cmocka_unit_test(test_import),         cmocka_unit_test(test_import_mixed),
    cmocka_unit_test(test_import_refused), cmocka_unit_test(test_many),
    cmocka_unit_test(test_poison),         cmocka_unit_test(test_revoke),
    cmocka_unit_test(test_revoke_itself),  cmocka_unit_test(test_chain),
};

int main(void)
{
    return contract_run(tests, COUNT_OF(tests));
}
