/* The inbox, on each back end in the same words. */
#include "store_messages.h"

#include "store_backend.h"

enum { BOTH = STORE_INBOX_SENDER | STORE_INBOX_RECIPIENT, COUNTED = BOTH | STORE_INBOX_UNREAD };

static struct store_message said(const char *sender, const char *recipient, const char *body,
                                 unsigned inbox)
{
    struct store_message one = message(sender, recipient, body);
    one.inbox = inbox;
    one.client_id = str_of(body);
    return one;
}

static uint64_t say(const char *sender, const char *recipient, const char *body)
{
    return put(said(sender, recipient, body, COUNTED));
}

/* What an operation answered. */
struct told {
    bool done;
    enum err outcome;
    uint64_t last, unread, muted_until_us, count;
    char box[32], body[32];
    struct store_inbox_page page;
    char peers[512]; /* peer:unread, joined by spaces */
};

static void take_entry(struct told *told, const struct store_inbox_entry *entry)
{
    told->last = entry->last;
    told->unread = entry->unread;
    told->muted_until_us = entry->muted_until_us;
    text_copy(told->box, sizeof told->box, entry->box);
    text_copy(told->body, sizeof told->body, entry->body.at ? entry->body : STR("(none)"));
}

static void take_page(struct told *told, const struct store_inbox_page *page)
{
    told->page = *page;
    for (size_t i = 0; i < page->count; i++) {
        size_t len = strlen(told->peers);
        struct str rest, user = str_cut(page->items[i].peer, '@', &rest);
        snprintf(told->peers + len, sizeof told->peers - len, "%s%.*s:%d", i ? " " : "",
                 STR_ARG(user), (int)page->items[i].unread);
    }
}

static void on_told(struct store_op *op)
{
    struct told *told = op->owner;
    told->done = true;
    told->outcome = op->outcome;
    if (op->outcome)
        return;
    if (op->kind == STORE_INBOX_PAGE)
        take_page(told, &op->inbox_page);
    else if (op->kind == STORE_INBOX_GET || op->kind == STORE_INBOX_SET)
        take_entry(told, &op->inbox.entry);
    else
        told->count = op->inbox.count;
}

static void start(enum store_kind kind, struct store_inbox inbox, struct told *told)
{
    struct store_op *op = store_op_new(kind, on_told, told);
    *told = (struct told){0};
    op->inbox = inbox;
    store_ask(op, 0);
}

static struct told ask(enum store_kind kind, struct store_inbox inbox)
{
    struct told told;
    start(kind, inbox, &told);
    stage_until(&told.done);
    return told;
}

static struct store_inbox of(const char *owner, const char *peer)
{
    return (struct store_inbox){.owner = str_of(owner), .peer = str_of(peer), .bodies = true};
}

static struct told get(const char *owner, const char *peer)
{
    return ask(STORE_INBOX_GET, of(owner, peer));
}

static void assert_unread(const char *owner, const char *peer, uint64_t unread)
{
    struct told told = get(owner, peer);
    assert_int_equal(told.outcome, ERR_OK);
    assert_int_equal(told.unread, unread);
}

static enum err mark(const char *owner, const char *peer, const char *client_id)
{
    struct store_inbox inbox = of(owner, peer);
    inbox.up_to.client_id = str_of(client_id);
    return ask(STORE_INBOX_READ, inbox).outcome;
}

static enum err mark_id(const char *owner, const char *peer, uint64_t id)
{
    struct store_inbox inbox = of(owner, peer);
    inbox.up_to.id = id;
    return ask(STORE_INBOX_READ, inbox).outcome;
}

static void move(const char *owner, const char *peer, const char *box, uint64_t expires_us)
{
    struct store_inbox inbox = of(owner, peer);
    inbox.set.box = str_of(box);
    inbox.set.expires_us = expires_us;
    struct told told = ask(STORE_INBOX_SET, inbox);
    assert_int_equal(told.outcome, ERR_OK);
    assert_string_equal(told.box, box);
}

static struct store_inbox_page all_of(const char *owner)
{
    return (struct store_inbox_page){.owner = str_of(owner),
                                     .below = {.us = UINT64_MAX},
                                     .bodies = true,
                                     .descending = true,
                                     .limit = 10};
}

static struct told look(struct store_inbox_page page)
{
    struct told told = {0};
    struct store_op *op = store_op_new(STORE_INBOX_PAGE, on_told, &told);
    op->inbox_page = page;
    store_ask(op, 0);
    stage_until(&told.done);
    assert_int_equal(told.outcome, ERR_OK);
    return told;
}

static void assert_page(struct store_inbox_page page, const char *peers, bool more)
{
    struct told told = look(page);
    assert_string_equal(told.peers, peers);
    assert_int_equal(told.page.more, more);
}

/* --- Tests; each with users of its own --- */

static void test_both_sides(void **state)
{
    (void)state;
    assert_int_equal(get("a@both", "b@both").outcome, ERR_NOT_FOUND);
    say("a@both", "b@both", "one");
    uint64_t two = say("a@both", "b@both", "two");
    struct told b = get("b@both", "a@both"), a = get("a@both", "b@both");
    assert_true(b.last == two && a.last == two && b.unread == 2 && a.unread == 0);
    assert_string_equal(b.body, "two");
    assert_string_equal(a.box, STORE_BOX_INBOX);
    say("b@both", "a@both", "three"); /* who answers has read */
    assert_unread("b@both", "a@both", 0);
    assert_unread("a@both", "b@both", 1);
    put(said("b@both", "a@both", "reaction", BOTH)); /* is the last, and does not count */
    assert_unread("a@both", "b@both", 1);
    assert_string_equal(get("a@both", "b@both").body, "reaction");
    put(said("b@both", "a@both", "marker", 0));
    assert_string_equal(get("a@both", "b@both").body, "reaction");
    put(said("b@both", "far@both", "out", STORE_INBOX_SENDER));
    assert_int_equal(get("far@both", "b@both").outcome, ERR_NOT_FOUND);
    struct store_inbox bare = of("a@both", "b@both");
    bare.bodies = false;
    assert_string_equal(ask(STORE_INBOX_GET, bare).body, "(none)");
}

/* A conversation of one batch is one change, in the order of the ids. */
static void test_merged(void **state)
{
    (void)state;
    struct reply replies[6];
    const char *const names[] = {"a@merged", "b@merged"};
    for (int i = 0; i < 6; i++) /* a a b a a b: each has read what is before its own */
        ask_store(said(names[i % 3 == 2], names[i % 3 != 2], "x", COUNTED), &replies[i]);
    struct told a, b;
    start(STORE_INBOX_GET, of("a@merged", "b@merged"), &a);
    start(STORE_INBOX_GET, of("b@merged", "a@merged"), &b);
    stage_until(&a.done);
    stage_until(&b.done);
    stage_until(&replies[5].done);
    assert_int_equal(a.unread, 1);
    assert_int_equal(b.unread, 0);
}

static void test_once(void **state)
{
    (void)state;
    struct store_message first = said("a@once", "b@once", "once", COUNTED);
    struct reply replies[2];
    first.origin_id = STR("o1");
    put(first);
    put(first); /* a batch whose commit was not heard of */
    assert_unread("b@once", "a@once", 1);
    struct store_message again = first;
    again.id = stanza_id_next(0, last_us += 1000);
    put(again); /* sent again by its client */
    struct told b = get("b@once", "a@once");
    assert_true(b.unread == 1 && b.last == first.id);
    again.origin_id = STR("o2");
    again.id = stanza_id_next(0, last_us += 1000);
    ask_store(again, &replies[0]);
    again.id = stanza_id_next(0, last_us += 1000);
    ask_store(again, &replies[1]);
    stage_until(&replies[1].done);
    assert_unread("b@once", "a@once", 2);
}

/* Messages of two shards may be committed in another order than they were sent. */
static void test_late(void **state)
{
    (void)state;
    struct store_message own = said("a@late", "b@late", "own", COUNTED);
    struct store_message next = said("b@late", "a@late", "next", COUNTED);
    say("b@late", "a@late", "newest");
    put(next);
    struct told told = get("a@late", "b@late");
    assert_true(told.unread == 2 && told.last > next.id);
    put(own); /* came before both: it reads neither */
    assert_unread("a@late", "b@late", 2);
    struct store_message before = said("b@late", "a@late", "before", COUNTED);
    say("a@late", "b@late", "own again");
    assert_unread("a@late", "b@late", 0);
    put(before); /* came before what answered it */
    assert_unread("a@late", "b@late", 0);
    /* half of a batch is late */
    struct store_message late = said("b@late", "a@late", "late", COUNTED);
    put(said("a@late", "b@late", "answer", COUNTED));
    struct reply replies[2];
    ask_store(late, &replies[0]);
    ask_store(said("b@late", "a@late", "fresh", COUNTED), &replies[1]);
    stage_until(&replies[1].done);
    assert_unread("a@late", "b@late", 1);
    struct store_inbox inbox = of("a@late", "b@late");
    inbox.set.read = STORE_READ_NONE;
    assert_int_equal(ask(STORE_INBOX_SET, inbox).unread, 1);
    say("b@late", "a@late", "last");
    assert_page(all_of("a@late"), "b:2", false);
    mark("a@late", "b@late", "fresh");
    assert_unread("a@late", "b@late", 1);
    say("b@late", "a@late", "more");
    assert_unread("a@late", "b@late", 2);
}

static void test_marks(void **state)
{
    (void)state;
    uint64_t ids[5];
    char name[] = "m0";
    assert_int_equal(mark("a@marks", "b@marks", "m0"), ERR_NOT_FOUND);
    for (int i = 0; i < 5; i++) {
        name[1] = (char)('0' + i);
        ids[i] = say("b@marks", "a@marks", name);
    }
    put(said("b@marks", "a@marks", "edit", BOTH));
    assert_int_equal(mark("a@marks", "b@marks", "unheard"), ERR_OK);
    assert_unread("a@marks", "b@marks", 5);
    mark("a@marks", "b@marks", "m1");
    assert_unread("a@marks", "b@marks", 3);
    mark("a@marks", "b@marks", "m0"); /* was read before */
    assert_unread("a@marks", "b@marks", 3);
    mark_id("a@marks", "b@marks", ids[2]);
    assert_unread("a@marks", "b@marks", 2);
    mark("b@marks", "a@marks", "m3"); /* one's own says nothing */
    assert_unread("a@marks", "b@marks", 2);
    mark("a@marks", "b@marks", "edit");
    assert_unread("a@marks", "b@marks", 0);
    say("b@marks", "a@marks", "more");
    struct store_inbox inbox = of("a@marks", "b@marks");
    inbox.up_to.all = true;
    ask(STORE_INBOX_READ, inbox);
    assert_unread("a@marks", "b@marks", 0);
}

/* A marker that comes right behind its message finds it. */
static void test_sees_unwritten(void **state)
{
    (void)state;
    struct reply reply;
    struct told read, got;
    struct store_inbox inbox = of("b@fresh", "a@fresh");
    ask_store(said("a@fresh", "b@fresh", "now", COUNTED), &reply);
    inbox.up_to.client_id = STR("now");
    start(STORE_INBOX_READ, inbox, &read);
    stage_until(&read.done);
    stage_until(&reply.done);
    assert_int_equal(read.outcome, ERR_OK);
    assert_unread("b@fresh", "a@fresh", 0);
    ask_store(said("a@fresh", "b@fresh", "then", COUNTED), &reply);
    start(STORE_INBOX_GET, inbox, &got);
    stage_until(&got.done);
    assert_int_equal(got.unread, 1);
    stage_until(&reply.done);
}

/* Changes of one owner are done in the order in which they were asked for, and who asks behind them
 * sees them. */
static void test_order(void **state)
{
    (void)state;
    struct store_inbox read = of("a@order", "b@order"), unread = of("a@order", "b@order");
    read.up_to.all = true;
    unread.set.read = STORE_READ_NONE;
    for (int i = 0; i < 20; i++) {
        bool ends_read = i % 2;
        struct reply reply;
        struct told told[3];
        ask_store(said("b@order", "a@order", "x", COUNTED), &reply);
        start(ends_read ? STORE_INBOX_SET : STORE_INBOX_READ, ends_read ? unread : read, &told[0]);
        start(ends_read ? STORE_INBOX_READ : STORE_INBOX_SET, ends_read ? read : unread, &told[1]);
        start(STORE_INBOX_GET, read, &told[2]);
        for (int k = 0; k < 3; k++)
            stage_until(&told[k].done);
        stage_until(&reply.done);
        assert_int_equal(told[2].unread, !ends_read);
    }
}

static enum err import(const char *owner, const char *peer, uint64_t unread, uint64_t last)
{
    struct store_inbox inbox = of(owner, peer);
    inbox.entry = (struct store_inbox_entry){
        .box = STR("work"), .unread = unread, .last = last, .muted_until_us = 77};
    return ask(STORE_INBOX_IMPORT, inbox).outcome;
}

/* A conversation that points at what the archive has, and whose count goes on from there. */
static void test_import(void **state)
{
    (void)state;
    uint64_t last = 0;
    char name[] = "m0";
    for (int i = 0; i < 4; i++) {
        name[1] = (char)('0' + i);
        last = put(said("b@import", "a@import", name, STORE_INBOX_UNREAD));
    }
    struct store_message lone = said("b@import", "a@import", "of b", 0);
    lone.flags = STORE_NOT_OF_RECIPIENT;
    put(lone);
    assert_int_equal(get("a@import", "b@import").outcome, ERR_NOT_FOUND);
    assert_int_equal(import("a@import", "b@import", 2, 1), ERR_OK);
    assert_int_equal(import("a@import", "b@import", 9, 1), ERR_CONFLICT);
    struct told told = get("a@import", "b@import");
    assert_true(told.unread == 2 && told.last == last && told.muted_until_us == 77);
    assert_string_equal(told.box, "work");
    assert_string_equal(told.body, "m3");
    mark("a@import", "b@import", "m1"); /* was read before */
    assert_unread("a@import", "b@import", 2);
    mark("a@import", "b@import", "m2");
    assert_unread("a@import", "b@import", 1);
    put(said("b@import", "a@import", "next", STORE_INBOX_RECIPIENT | STORE_INBOX_UNREAD));
    assert_unread("a@import", "b@import", 2);
    assert_int_equal(import("b@import", "a@import", 0, 1), ERR_OK);
    told = get("b@import", "a@import");
    assert_true(told.unread == 0 && strcmp(told.body, "next") == 0);
    assert_int_equal(import("a@import", "c@import", 3, 4096), ERR_OK);
    told = get("a@import", "c@import");
    assert_true(told.unread == 3 && told.last == 4096 && strcmp(told.body, "(none)") == 0);
    assert_int_equal(import("a@import", "a@import", 0, 4096), ERR_OK);
}

static void test_set(void **state)
{
    (void)state;
    struct store_inbox inbox = of("a@set", "b@set");
    inbox.set.read = STORE_READ_NONE;
    assert_int_equal(ask(STORE_INBOX_SET, inbox).outcome, ERR_NOT_FOUND);
    say("b@set", "a@set", "x");
    say("b@set", "a@set", "y");
    assert_int_equal(ask(STORE_INBOX_SET, inbox).unread, 2); /* some are unread already */
    inbox.set.read = STORE_READ_ALL;
    inbox.set.mutes = true;
    inbox.set.muted_until_us = 1234567890123456;
    struct told told = ask(STORE_INBOX_SET, inbox);
    assert_true(told.unread == 0 && told.muted_until_us == 1234567890123456);
    assert_string_equal(told.body, "y");
    inbox.set.mutes = false;
    inbox.set.read = STORE_READ_NONE;
    told = ask(STORE_INBOX_SET, inbox);
    assert_true(told.unread == 1 && told.muted_until_us == 1234567890123456);
    struct store_inbox all = of("a@set", "b@set");
    all.up_to.all = true;
    ask(STORE_INBOX_READ, all);
    assert_unread("a@set", "b@set", 0);
    ask(STORE_INBOX_SET, inbox);
    mark("a@set", "b@set", "y"); /* which was read before */
    assert_unread("a@set", "b@set", 0);
    ask(STORE_INBOX_SET, inbox);
    say("b@set", "a@set", "z");
    assert_unread("a@set", "b@set", 2);
    mark("a@set", "b@set", "z");
    assert_unread("a@set", "b@set", 0);
}

static void test_boxes(void **state)
{
    (void)state;
    const char *const boxes[] = {STORE_BOX_ARCHIVE, STORE_BOX_BIN, "work"};
    const char *const behind[] = {STORE_BOX_INBOX, STORE_BOX_BIN, "work"};
    say("b@boxes", "a@boxes", "x");
    for (size_t i = 0; i < COUNT_OF(boxes); i++) {
        move("a@boxes", "b@boxes", boxes[i], 0);
        assert_string_equal(get("a@boxes", "b@boxes").box, boxes[i]);
        i % 2 ? say("b@boxes", "a@boxes", "x") : say("a@boxes", "b@boxes", "x");
        assert_string_equal(get("a@boxes", "b@boxes").box, behind[i]);
    }
    move("a@boxes", "b@boxes", STORE_BOX_INBOX, 0);
}

static void test_pages(void **state)
{
    (void)state;
    static const char *const peers[] = {"p0@pages", "p1@pages", "p2@pages", "p3@pages", "p4@pages"};
    uint64_t ids[5];
    for (int i = 0; i < 5; i++)
        ids[i] = say(peers[i], "a@pages", "x");
    say(peers[4], "a@pages", "y");
    mark("a@pages", peers[1], "x");
    move("a@pages", peers[0], STORE_BOX_BIN, 0);
    move("a@pages", peers[2], "work", 0);
    struct store_inbox_page page = all_of("a@pages");
    assert_page(page, "p4:2 p3:1 p2:1 p1:0 p0:1", false);
    struct told told = look(page);
    assert_int_equal(told.page.total, 5);
    assert_int_equal(told.page.all.conversations, 4);
    assert_int_equal(told.page.all.active, 3);
    assert_int_equal(told.page.all.unread, 4);
    page.without_bin = true;
    assert_page(page, "p4:2 p3:1 p2:1 p1:0", false);
    page.descending = false;
    page.limit = 2;
    assert_page(page, "p1:0 p2:1", true);
    page.backwards = true;
    assert_page(page, "p3:1 p4:2", true);
    page.descending = true;
    assert_page(page, "p2:1 p1:0", true);
    page.backwards = false;
    page.only_unread = true;
    assert_page(page, "p4:2 p3:1", true);
    told = look(page);
    assert_int_equal(told.page.total, 3);
    assert_int_equal(told.page.all.conversations, 4);
    page.below = (struct store_inbox_place){stanza_id_us(ids[3]), str_of(peers[3])};
    assert_page(page, "p2:1", false);
    page = all_of("a@pages");
    page.above = (struct store_inbox_place){stanza_id_us(ids[2]), {NULL, 0}};
    assert_page(page, "p4:2 p3:1 p2:1", false); /* a place without a peer is before them */
    page.below = (struct store_inbox_place){stanza_id_us(ids[3]), {NULL, 0}};
    assert_page(page, "p2:1", false);
    page = all_of("a@pages");
    page.box = STR("work");
    assert_page(page, "p2:1", false);
    page.box = STR("never used");
    assert_page(page, "", false);
    page = all_of("a@pages");
    page.limit = 0;
    assert_page(page, "", true);
    assert_page(all_of("never.heard@pages"), "", false);
}

/* Two conversations of one moment are in the order of the peers. */
static void test_one_moment(void **state)
{
    (void)state;
    struct store_message one = said("p1@moment", "a@moment", "x", COUNTED);
    struct store_message other = said("p2@moment", "a@moment", "x", COUNTED);
    other.id = one.id + 1;
    put(other);
    put(one);
    struct store_inbox_page page = all_of("a@moment");
    assert_page(page, "p2:1 p1:1", false);
    page.below = (struct store_inbox_place){stanza_id_us(one.id), STR("p2@moment")};
    assert_page(page, "p1:1", false);
    page.descending = false;
    page.above = (struct store_inbox_place){stanza_id_us(one.id), STR("p1@moment")};
    page.below = (struct store_inbox_place){UINT64_MAX, {NULL, 0}};
    assert_page(page, "p2:1", false);
}

static void test_bin(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        say((const char *[]){"p0@bin", "p1@bin", "p2@bin"}[i], "a@bin", "x");
    move("a@bin", "p0@bin", STORE_BOX_BIN, 1000);
    move("a@bin", "p1@bin", STORE_BOX_BIN, 2000);
    struct store_inbox clean = {.now_us = 1001};
    assert_int_equal(ask(STORE_INBOX_CLEAN, clean).count, 1);
    assert_int_equal(ask(STORE_INBOX_CLEAN, clean).count, 0);
    assert_page(all_of("a@bin"), "p2:1 p1:1", false);
    move("a@bin", "p2@bin", STORE_BOX_BIN, 3000);
    move("a@bin", "p2@bin", STORE_BOX_INBOX, 0); /* it was taken out again */
    clean.now_us = 5000;
    assert_int_equal(ask(STORE_INBOX_CLEAN, clean).count, 1);
    move("a@bin", "p2@bin", STORE_BOX_BIN, 9000);
    assert_int_equal(ask(STORE_INBOX_EMPTY_BIN, of("a@bin", "")).count, 1);
    assert_int_equal(ask(STORE_INBOX_EMPTY_BIN, of("a@bin", "")).count, 0);
    assert_int_equal(ask(STORE_INBOX_EMPTY_BIN, of("never.heard@bin", "")).outcome, ERR_OK);
    say("p2@bin", "a@bin", "anew");
    assert_page(all_of("a@bin"), "p2:1", false);
}

static void set_prefs(const char *owner, bool keeps)
{
    struct told told = {0};
    struct store_op *op = store_op_new(STORE_MAM_PREFS_SET, on_told, &told);
    op->prefs.owner = arena_str(&op->arena, str_of(owner));
    op->prefs.keeps = keeps;
    store_ask(op, 0);
    stage_until(&told.done);
}

/* Who keeps no copy has no conversation of it. */
static void test_prefs(void **state)
{
    (void)state;
    set_prefs("b@prefs", false);
    say("a@prefs", "b@prefs", "x");
    assert_int_equal(get("b@prefs", "a@prefs").outcome, ERR_NOT_FOUND);
    assert_unread("a@prefs", "b@prefs", 0);
    set_prefs("a@prefs", false);
    say("b@prefs", "a@prefs", "nobody");
    assert_string_equal(get("a@prefs", "b@prefs").body, "x");
}

static void test_remove(void **state)
{
    (void)state;
    say("a@gone", "b@gone", "x");
    say("c@gone", "a@gone", "x");
    assert_int_equal(ask(STORE_INBOX_REMOVE, of("a@gone", "")).outcome, ERR_OK);
    assert_int_equal(ask(STORE_INBOX_REMOVE, of("a@gone", "")).outcome, ERR_OK);
    assert_page(all_of("a@gone"), "", false);
    assert_page(all_of("b@gone"), "a:1", false);
    assert_page(all_of("c@gone"), "a:0", false);
}

/* A spoiler in the batch takes nothing of the others with it, and nothing is counted twice. */
static void test_spoiler(void **state)
{
    (void)state;
    struct reply replies[60];
    for (int i = 0; i < 60; i++)
        ask_store(said("a@spoilt", i == 17 ? "" : "b@spoilt", "x", COUNTED), &replies[i]);
    for (int i = 0; i < 60; i++)
        stage_until(&replies[i].done);
    assert_unread("b@spoilt", "a@spoilt", 59);
}

static int close_group(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_both_sides), cmocka_unit_test(test_merged),
    cmocka_unit_test(test_once),       cmocka_unit_test(test_late),
    cmocka_unit_test(test_marks),      cmocka_unit_test(test_sees_unwritten),
    cmocka_unit_test(test_order),      cmocka_unit_test(test_import),
    cmocka_unit_test(test_set),        cmocka_unit_test(test_boxes),
    cmocka_unit_test(test_pages),      cmocka_unit_test(test_one_moment),
    cmocka_unit_test(test_bin),        cmocka_unit_test(test_prefs),
    cmocka_unit_test(test_remove),     cmocka_unit_test(test_spoiler),
};

int main(void)
{
    return contract_run(tests, COUNT_OF(tests));
}
