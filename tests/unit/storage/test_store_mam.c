/* The message archive and its batches, on each back end in the same words. */
#include "store_pages.h"

#include "limits.h"
#include "store_backend.h"

enum { MANY = 3000 };

static void remove_archive(const char *owner)
{
    struct paged paged;
    ask_page(STORE_MAM_REMOVE, of(owner, 0), &paged);
    stage_until(&paged.done);
    assert_int_equal(paged.outcome, ERR_OK);
}

/* --- Tests; each with users of its own --- */

static void test_both_sides(void **state)
{
    (void)state;
    assert_page(of("a@both", 10), "", false);
    say("a@both", "b@both", "one");
    say("b@both", "a@both", "two");
    say("a@both", "c@both", "three");
    say("a@both", "a@both", "note");
    assert_page(of("a@both", 10), "one two three note", false);
    assert_page(of("b@both", 10), "one two", false);
    assert_page(of("c@both", 10), "three", false);
    assert_page(of("d@both", 10), "", false);
}

static void test_pages(void **state)
{
    (void)state;
    uint64_t ids[7];
    for (int i = 0; i < 7; i++) {
        char body[2] = {(char)('0' + i), '\0'};
        ids[i] = say(i % 2 ? "a@pages" : "b@pages", i % 2 ? "b@pages" : "a@pages", body);
    }
    struct store_mam_page page = of("a@pages", 3);
    assert_page(page, "0 1 2", true);
    page.after = ids[2];
    assert_page(page, "3 4 5", true);
    page.after = ids[5];
    assert_page(page, "6", false);
    page = of("a@pages", 3);
    page.backwards = true;
    assert_page(page, "4 5 6", true);
    page.before = ids[4];
    assert_page(page, "1 2 3", true);
    page.before = ids[1];
    assert_page(page, "0", false);
    page = of("a@pages", 0);
    page.counted = true;
    assert_int_equal(look(page).page.total, 7);
    page.from = ids[1];
    page.to = ids[5];
    struct paged counted = look(page);
    assert_int_equal(counted.page.total, 3);
    assert_int_equal(counted.page.count, 0);
    page.limit = 10;
    assert_page(page, "2 3 4", false);
}

static void test_with(void **state)
{
    (void)state;
    struct store_message other = message("b@with", "a@with", "other");
    say("a@with", "b@with", "to-b");
    say("c@with", "a@with", "from-c");
    other.sender_resource = STR("phone");
    put(other);
    say("a@with", "a@with", "self");
    struct store_mam_page page = of("a@with", 10);
    page.with = STR("b@with");
    page.counted = true;
    struct paged counted = look(page);
    assert_string_equal(counted.bodies, "other to-b"); /* by id, not by arrival */
    assert_int_equal(counted.page.total, 2);
    page.with_resource = STR("phone");
    assert_page(page, "other", false);
    page.with_resource = STR("to");
    assert_page(page, "to-b", false);
    page = of("a@with", 10);
    page.with = STR("a@with");
    assert_page(page, "self", false);
    page.with = STR("nobody@with");
    assert_page(page, "", false);
}

static void test_ids(void **state)
{
    (void)state;
    uint64_t one = say("a@ids", "b@ids", "one"), two = say("b@ids", "a@ids", "two");
    uint64_t alien = say("c@ids", "d@ids", "alien");
    uint64_t both[] = {one, two}, wrong[] = {one, alien};
    struct store_mam_page page = of("a@ids", 10);
    page.ids = both;
    page.id_count = 1;
    assert_page(page, "one two", false); /* it must be there, and is no bound by itself */
    page.only_ids = true;
    assert_page(page, "one", false);
    page.id_count = 2;
    assert_page(page, "one two", false);
    page.limit = 1;
    assert_page(page, "one", true);
    page.backwards = true;
    assert_page(page, "two", true);
    page.ids = wrong;
    assert_int_equal(look(page).outcome, ERR_NOT_FOUND);
    page.only_ids = false;
    assert_int_equal(look(page).outcome, ERR_NOT_FOUND);
    page.owner = STR("never.heard@ids");
    assert_int_equal(look(page).outcome, ERR_NOT_FOUND);
}

static void test_resent(void **state)
{
    (void)state;
    struct reply replies[2];
    struct store_message first = message("a@resent", "b@resent", "once");
    first.origin_id = STR("o1");
    put(first);
    struct store_message again = message("a@resent", "b@resent", "once");
    again.origin_id = STR("o1");
    put(again);
    again.id = stanza_id_next(0, last_us += 1000);
    again.origin_id = STR("o2");
    ask_store(again, &replies[0]);
    again.id = stanza_id_next(0, last_us += 1000);
    ask_store(again, &replies[1]);
    stage_until(&replies[1].done);
    assert_true(replies[0].done);
    again.sender = STR("b@resent"); /* another one's is another one */
    again.recipient = STR("a@resent");
    put(again);
    assert_page(of("a@resent", 10), "once once once", false);
    put(first); /* the same id: a batch whose commit was not heard of */
    assert_page(of("a@resent", 10), "once once once", false);
}

static void test_sees_unwritten(void **state)
{
    (void)state;
    struct reply reply;
    struct paged mine, theirs;
    ask_store(message("a@fresh", "b@fresh", "just now"), &reply);
    ask_page(STORE_MAM_PAGE, of("a@fresh", 10), &mine);
    ask_page(STORE_MAM_PAGE, of("b@fresh", 10), &theirs);
    stage_until(&theirs.done);
    stage_until(&mine.done);
    assert_string_equal(mine.bodies, "just now");
    assert_string_equal(theirs.bodies, "just now");
}

static void test_metadata(void **state)
{
    (void)state;
    struct paged meta;
    ask_page(STORE_MAM_METADATA, of("a@meta", 0), &meta);
    stage_until(&meta.done);
    assert_int_equal(meta.outcome, ERR_OK);
    assert_int_equal(meta.page.last, 0);
    uint64_t first = say("b@meta", "a@meta", "x");
    uint64_t last = say("a@meta", "c@meta", "x");
    ask_page(STORE_MAM_METADATA, of("a@meta", 0), &meta);
    stage_until(&meta.done);
    assert_true(meta.page.first == first && meta.page.last == last);
}

struct imported {
    bool done;
    enum err outcome;
    uint64_t stored;
};

static void on_imported(struct store_op *op)
{
    struct imported *imported = op->owner;
    *imported = (struct imported){true, op->outcome, op->outcome ? 0 : op->batch.stored};
}

static struct imported import(const struct store_message *messages, size_t count)
{
    struct imported imported = {0};
    struct store_op *op = store_op_new(STORE_MAM_IMPORT, on_imported, &imported);
    op->batch.ops = arena_zero(&op->arena, count * sizeof *op->batch.ops);
    op->batch.count = count;
    for (size_t i = 0; i < count; i++) {
        op->batch.ops[i] = store_op_new(STORE_MAM_STORE, NULL, NULL);
        op->batch.ops[i]->message = messages[i];
    }
    store_ask(op, 0);
    stage_until(&imported.done);
    return imported;
}

/* A batch of the asker's, who is told how many were new. */
static void test_import(void **state)
{
    (void)state;
    struct store_message messages[] = {message("a@import", "b@import", "one"),
                                       message("b@import", "a@import", "two"),
                                       message("a@import", "b@import", "three")};
    messages[1].flags = STORE_NOT_OF_RECIPIENT;
    assert_int_equal(import(messages, 2).stored, 2);
    assert_int_equal(import(messages, 3).stored, 1);
    assert_int_equal(import(messages, 3).stored, 0);
    assert_page(of("a@import", 10), "one three", false);
    assert_page(of("b@import", 10), "one two three", false);
    messages[0] = message("a@import", "b@import", "four");
    messages[2] = message("", "b@import", "five");
    struct imported spoiled = import(messages, 3);
    assert_true(spoiled.outcome == ERR_INVALID);
    assert_page(of("a@import", 10), "one three", false);
}

static void test_flags(void **state)
{
    (void)state;
    struct store_message received = message("x@far", "a@flags", "received");
    received.flags = STORE_NOT_OF_SENDER;
    put(received);
    assert_page(of("a@flags", 10), "received", false);
    assert_page(of("x@far", 10), "", false);
}

static void say_if_registered(const char *body)
{
    struct store_message one = message("a@registered", "b@registered", body);
    one.if_registered = true;
    put(one);
}

/* Who comes to have an account does not find what was sent to the name before, nor what somebody of
 * that name had. */
static void test_registered(void **state)
{
    (void)state;
    say_if_registered("1");
    say_if_registered("2");
    do_account(STORE_ACCOUNT_ADD, "b", "registered");
    say_if_registered("3");
    say_if_registered("4");
    do_account(STORE_ACCOUNT_REMOVE, "b", "registered");
    say_if_registered("5");
    do_account(STORE_ACCOUNT_ADD, "b", "registered");
    say_if_registered("6");
    assert_page(of("a@registered", 10), "1 2 3 4 5 6", false);
    assert_page(of("b@registered", 10), "6", false);
}

static void test_remove(void **state)
{
    (void)state;
    say("a@gone", "b@gone", "sent");
    say("b@gone", "a@gone", "received");
    say("a@gone", "a@gone", "self");
    remove_archive("a@gone");
    assert_page(of("a@gone", 10), "", false);
    assert_page(of("b@gone", 10), "sent received", false);
    say("a@gone", "b@gone", "later");
    assert_page(of("a@gone", 10), "later", false);
    remove_archive("b@gone");
    remove_archive("b@gone");
    remove_archive("never.heard@gone");
    assert_page(of("b@gone", 10), "", false);
    assert_page(of("a@gone", 10), "later", false);
}

/* One that is refused (the schema has no empty JID) does not take the others with it. */
static void test_spoiler(void **state)
{
    (void)state;
    struct reply replies[60];
    for (int i = 0; i < 60; i++)
        ask_store(message("a@spoilt", i == 17 ? "" : "b@spoilt", "."), &replies[i]);
    for (int i = 0; i < 60; i++) {
        stage_until(&replies[i].done);
        assert_int_equal(replies[i].outcome, i == 17 ? ERR_INVALID : ERR_OK);
    }
    struct store_mam_page page = of("a@spoilt", 0);
    page.counted = true;
    assert_int_equal(look(page).page.total, 59);
}

static void test_many(void **state)
{
    (void)state;
    static struct reply replies[MANY];
    uint64_t commits = metric_sum(&store_commits);
    for (int i = 0; i < MANY; i++)
        ask_store(message("a@many", "b@many", "x"), &replies[i]);
    for (int i = 0; i < MANY; i++) {
        stage_until(&replies[i].done);
        assert_int_equal(replies[i].outcome, ERR_OK);
    }
    if (config.backend != STORE_MEMORY)
        assert_in_range(metric_sum(&store_commits) - commits, 1, MANY / 100);
    struct store_mam_page page = of("b@many", 0);
    page.counted = true;
    assert_int_equal(look(page).page.total, MANY);
    assert_int_equal(store_pending(stage_shard), 0);
}

static void ask_room(struct reply *reply, uint64_t deadline_ms)
{
    struct store_op *op = store_op_new(STORE_MAM_ROOM, on_stored, reply);
    *reply = (struct reply){0};
    store_ask(op, deadline_ms);
}

static void test_full(void **state)
{
    (void)state;
    static struct reply replies[STORE_BATCH_ROWS + 2];
    struct reply room;
    ask_room(&room, 10000);
    stage_until(&room.done);
    assert_true(store_mam_has_room());
    for (size_t i = 0; i < STORE_BATCH_ROWS; i++)
        ask_store(message("a@full", "b@full", "x"), &replies[i]);
    assert_false(store_mam_has_room());
    ask_room(&room, 10000);
    assert_false(room.done);
    ask_store(message("a@full", "b@full", "x"), &replies[STORE_BATCH_ROWS]);
    stage_until(&replies[STORE_BATCH_ROWS].done);
    assert_int_equal(replies[STORE_BATCH_ROWS].outcome, ERR_FULL);
    stage_until(&room.done);
    assert_int_equal(room.outcome, ERR_OK);
    assert_true(store_mam_has_room());
    for (size_t i = 0; i < STORE_BATCH_ROWS; i++)
        stage_until(&replies[i].done);
}

/* A waiter of the test below. */
struct guest {
    struct reply reply; /* first: on_stored's */
    bool let_in, had_room;
};

static char big_body[1 << 20];

static void on_room(struct store_op *op)
{
    struct guest *guest = op->owner;
    guest->let_in = true;
    guest->had_room = op->outcome == ERR_OK && store_mam_has_room();
    if (guest->had_room)
        ask_store(message("a@bytes", "b@bytes", big_body), &guest->reply);
}

/* Bytes fill the queue before rows do: who is let in finds room all the same. */
static void test_full_of_bytes(void **state)
{
    (void)state;
    enum { BIG = 64, GUESTS = 48 };
    static struct reply replies[BIG];
    static struct guest guests[GUESTS];
    size_t count = 0;
    memset(big_body, 'x', sizeof big_body - 1);
    while (store_mam_has_room() && count < BIG)
        ask_store(message("a@bytes", "b@bytes", big_body), &replies[count++]);
    assert_in_range(count, 2, BIG - 1);
    for (size_t i = 0; i < GUESTS; i++) {
        struct store_op *op = store_op_new(STORE_MAM_ROOM, on_room, &guests[i]);
        store_ask(op, 60000);
    }
    for (size_t i = 0; i < count; i++)
        stage_until(&replies[i].done);
    for (size_t i = 0; i < GUESTS; i++) {
        stage_until(&guests[i].let_in);
        assert_true(guests[i].had_room);
        stage_until(&guests[i].reply.done);
        assert_int_equal(guests[i].reply.outcome, ERR_OK);
    }
}

/* The memory back end can be told to be down. */
static unsigned down_times;

static enum err unwell(const struct store_op *op, uint64_t *delay_ms)
{
    (void)delay_ms;
    if (op->kind != STORE_MAM_BATCH || !down_times)
        return ERR_OK;
    down_times--;
    return ERR_DOWN;
}

/* Who comes behind one that waited in vain does not wait: the database is not there. */
static void test_no_room(void **state)
{
    (void)state;
    static struct reply replies[STORE_BATCH_ROWS];
    struct reply room[3];
    if (config.backend != STORE_MEMORY)
        return;
    store_mem_hook = unwell;
    down_times = 1000000;
    for (size_t i = 0; i < STORE_BATCH_ROWS; i++)
        ask_store(message("a@noroom", "b@noroom", "x"), &replies[i]);
    ask_room(&room[0], 100);
    stage_until(&room[0].done);
    assert_int_equal(room[0].outcome, ERR_TIMEOUT);
    ask_room(&room[1], 10000);
    shard_turn(stage_shard, 0);
    shard_turn(stage_shard, 0);
    assert_true(room[1].done);
    assert_int_equal(room[1].outcome, ERR_FULL);
    store_mem_hook = NULL;
    for (size_t i = 0; i < STORE_BATCH_ROWS; i++)
        stage_until(&replies[i].done);
    ask_room(&room[2], 10000);
    stage_until(&room[2].done);
    assert_int_equal(room[2].outcome, ERR_OK);
}

static void test_down(void **state)
{
    (void)state;
    struct reply replies[3];
    if (config.backend != STORE_MEMORY)
        return;
    store_mem_hook = unwell;
    down_times = 4;
    ask_store(message("a@down", "b@down", "1"), &replies[0]);
    stage_turns(30);
    ask_store(message("a@down", "b@down", "2"), &replies[1]);
    stage_until(&replies[0].done);
    stage_until(&replies[1].done);
    store_mem_hook = NULL;
    assert_int_equal(down_times, 0);
    assert_int_equal(replies[0].outcome, ERR_OK);
    assert_page(of("a@down", 10), "1 2", false);
}

/* What was not written at the end is answered, once. */
static int close_group(void **state)
{
    (void)state;
    static struct reply last[700];
    for (size_t i = 0; i < COUNT_OF(last); i++)
        ask_store(message("a@last", "b@last", "x"), &last[i]);
    stage_close();
    for (size_t i = 0; i < COUNT_OF(last); i++)
        if (last[i].times != 1 || last[i].outcome != ERR_DOWN)
            return -1;
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_both_sides), cmocka_unit_test(test_pages),
    cmocka_unit_test(test_with),       cmocka_unit_test(test_ids),
    cmocka_unit_test(test_resent),     cmocka_unit_test(test_sees_unwritten),
    cmocka_unit_test(test_metadata),   cmocka_unit_test(test_flags),
    cmocka_unit_test(test_remove),     cmocka_unit_test(test_spoiler),
    cmocka_unit_test(test_many),       cmocka_unit_test(test_registered),
    cmocka_unit_test(test_full),       cmocka_unit_test(test_full_of_bytes),
    cmocka_unit_test(test_no_room),    cmocka_unit_test(test_down),
    cmocka_unit_test(test_import),
};

int main(void)
{
    return contract_run(tests, COUNT_OF(tests));
}
