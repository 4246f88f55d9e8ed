/* What waits for its user, on each back end in the same words. */
#include "store_messages.h"

#include "store_backend.h"

enum { NOW_US = 1763992000 };

static struct store_offline asked;

static struct {
    bool done;
    enum err outcome;
    uint64_t numbers[STORE_OFFLINE_PAGE_MAX], messages[STORE_OFFLINE_PAGE_MAX], stamp_us, dropped;
    size_t count;
    char bodies[512]; /* joined by spaces; "-": there is none */
    char rooms[64];   /* joined */
} got;

static void take_room(struct str room)
{
    size_t len = strlen(got.rooms);
    snprintf(got.rooms + len, sizeof got.rooms - len, "%.*s", (int)room.len, room.at);
}

static void take_item(const struct store_offline_item *item)
{
    size_t len = strlen(got.bodies);
    got.numbers[got.count] = item->number;
    got.messages[got.count++] = item->message;
    got.stamp_us = item->stamp_us;
    take_room(item->room);
    if (item->body.len < 100)
        snprintf(got.bodies + len, sizeof got.bodies - len, "%s%.*s", len ? " " : "",
                 item->body.at ? (int)item->body.len : 1, item->body.at ? item->body.at : "-");
}

static void on_offline(struct store_op *op)
{
    got.done = true;
    got.outcome = op->outcome;
    if (op->outcome)
        return;
    got.dropped = op->offline.dropped;
    for (size_t i = 0; op->kind == STORE_OFFLINE_PAGE && i < op->offline.count; i++)
        take_item(&op->offline.items[i]);
}

static void start(enum store_kind kind, const char *user)
{
    memset(&got, 0, sizeof got);
    struct store_op *op = store_op_new(kind, on_offline, NULL);
    op->offline = asked;
    op->offline.user = arena_str(&op->arena, str_of(user));
    op->offline.domain = STR("o");
    op->offline.bare = arena_format(&op->arena, "%s@o", user);
    if (!op->offline.now_us)
        op->offline.now_us = NOW_US;
    store_ask(op, 0);
}

static enum err ask(enum store_kind kind, const char *user)
{
    start(kind, user);
    stage_until(&got.done);
    asked = (struct store_offline){0};
    return got.outcome;
}

static void set_add(uint64_t number, const char *body)
{
    asked.item = (struct store_offline_item){.number = number, .stamp_us = 7, .body = str_of(body)};
    asked.add.max = 10;
}

static void add(const char *user, uint64_t number, const char *body)
{
    set_add(number, body);
    assert_int_equal(ask(STORE_OFFLINE_ADD, user), ERR_OK);
}

static void add_mark(const char *user, uint64_t number, uint64_t message, const char *peer)
{
    set_add(number, "copy");
    asked.item.message = message;
    asked.add.archived = true;
    asked.add.peer = str_of(peer);
    assert_int_equal(ask(STORE_OFFLINE_ADD, user), ERR_OK);
}

static void assert_page(const char *user, uint64_t after, const char *bodies)
{
    asked.after = after;
    asked.limit = 10;
    assert_int_equal(ask(STORE_OFFLINE_PAGE, user), ERR_OK);
    assert_string_equal(got.bodies, bodies);
}

static void add_account(const char *user)
{
    struct reply reply;
    assert_int_equal(ask_account(STORE_ACCOUNT_ADD, account(user, "o", "x"), &reply), ERR_OK);
}

/* --- Tests; each with users of its own --- */

static void test_order(void **state)
{
    (void)state;
    add_account("order");
    assert_page("order", 0, "");
    assert_page("nobody", 0, "");
    set_add(1, "x");
    assert_int_equal(ask(STORE_OFFLINE_ADD, "nobody"), ERR_NOT_FOUND);
    add("order", 5, "one");
    add("order", 6, "two<\xc3\xa4>");
    add("order", 9, "three");
    assert_page("order", 0, "one two<\xc3\xa4> three");
    assert_true(got.numbers[0] == 5 && got.numbers[2] == 9 && got.stamp_us == 7);
    assert_true(got.messages[0] == 0);
    assert_page("order", 5, "two<\xc3\xa4> three");
    asked.limit = 2;
    assert_int_equal(ask(STORE_OFFLINE_PAGE, "order"), ERR_OK);
    assert_int_equal(got.count, 2);
}

static void test_drop(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {1, 3, 77};
    add_account("drop");
    add("drop", 1, "one");
    add("drop", 2, "two");
    add("drop", 3, "three");
    asked.numbers = numbers;
    asked.number_count = 3;
    assert_int_equal(ask(STORE_OFFLINE_DROP, "drop"), ERR_OK);
    assert_page("drop", 0, "two");
    asked.numbers = numbers;
    asked.number_count = 3;
    assert_int_equal(ask(STORE_OFFLINE_DROP, "nobody"), ERR_OK);
}

/* What was asked before a page is in it. */
static void test_page_sees_what_was_asked(void **state)
{
    (void)state;
    add_account("seen");
    set_add(1, "first");
    start(STORE_OFFLINE_ADD, "seen");
    set_add(2, "second");
    start(STORE_OFFLINE_ADD, "seen");
    assert_page("seen", 0, "first second");
    static const uint64_t numbers[] = {1};
    asked.numbers = numbers;
    asked.number_count = 1;
    start(STORE_OFFLINE_DROP, "seen");
    assert_page("seen", 0, "second");
}

static void test_limit(void **state)
{
    (void)state;
    add_account("limit");
    set_add(1, "old");
    asked.add.expires_us = NOW_US;
    assert_int_equal(ask(STORE_OFFLINE_ADD, "limit"), ERR_OK);
    add("limit", 2, "a");
    for (uint64_t number = 3; number < 5; number++) {
        set_add(number, "b");
        asked.add.max = 2;
        assert_int_equal(ask(STORE_OFFLINE_ADD, "limit"), number == 3 ? ERR_OK : ERR_CONFLICT);
    }
    assert_page("limit", 0, "a b");
}

static void test_expiry(void **state)
{
    (void)state;
    add_account("expiry");
    set_add(1, "short");
    asked.add.expires_us = NOW_US + 1;
    assert_int_equal(ask(STORE_OFFLINE_ADD, "expiry"), ERR_OK);
    set_add(2, "long");
    asked.add.expires_us = NOW_US + 100;
    assert_int_equal(ask(STORE_OFFLINE_ADD, "expiry"), ERR_OK);
    add("expiry", 3, "ever");
    assert_page("expiry", 0, "short long ever");
    asked.now_us = NOW_US + 1;
    assert_page("expiry", 0, "long ever");
    asked.now_us = NOW_US + 1;
    assert_int_equal(ask(STORE_OFFLINE_CLEAN, "expiry"), ERR_OK);
    assert_in_range(got.dropped, 1, 2); /* another test leaves one */
    asked.now_us = NOW_US + 1;
    assert_int_equal(ask(STORE_OFFLINE_CLEAN, "expiry"), ERR_OK);
    assert_int_equal(got.dropped, 0);
    assert_page("expiry", 0, "long ever");
}

/* The mark may be there before the message is, and a page waits for what is under way. */
static void test_mark(void **state)
{
    (void)state;
    add_account("mark");
    struct store_message first = message("a@o", "mark@o", "archived");
    add_mark("mark", 1, first.id, "a@o");
    assert_page("mark", 0, "-");
    put(first);
    assert_page("mark", 0, "archived");
    assert_true(got.messages[0] == first.id);
    struct reply reply;
    struct store_message second = message("b@o", "mark@o", "batched");
    ask_store(second, &reply);
    add_mark("mark", 2, second.id, "b@o");
    assert_page("mark", 0, "archived batched");
    add("mark", 3, "text");
    assert_page("mark", 0, "archived batched text");
}

static void add_room_mark(const char *user, uint64_t number, uint64_t message, const char *room)
{
    set_add(number, "");
    asked.item.message = message;
    asked.item.room = str_of(room);
    assert_int_equal(ask(STORE_OFFLINE_ADD, user), ERR_OK);
}

/* A room's message is in its archive for all, whoever keeps one of their own; a page waits for what
 * is under way in any room. */
static void test_room_mark(void **state)
{
    (void)state;
    struct reply reply;
    add_account("occupant");
    struct store_message first = message("a@o", "room@m", "said");
    struct store_message second = message("room@m", "room@m", "event");
    second.flags = STORE_NOT_OF_RECIPIENT;
    add_room_mark("occupant", 1, first.id, "room@m");
    assert_page("occupant", 0, "-");
    put(first);
    assert_page("occupant", 0, "said");
    assert_string_equal(got.rooms, "room@m");
    ask_store(second, &reply);
    add_room_mark("occupant", 2, second.id, "room@m");
    add("occupant", 3, "text");
    asked.of_rooms = true;
    assert_page("occupant", 0, "said event text");
    assert_true(reply.done);
    assert_string_equal(got.rooms, "room@mroom@m");
    add_room_mark("occupant", 4, first.id + 1, "none@m");
    assert_page("occupant", 3, "-");
}

static void on_prefs(struct store_op *op)
{
    got.done = true;
    got.outcome = op->outcome;
}

static void set_prefs(const char *owner, bool keeps, const char *peer, bool keeps_peer)
{
    memset(&got, 0, sizeof got);
    struct store_op *op = store_op_new(STORE_MAM_PREFS_SET, on_prefs, NULL);
    op->prefs = (struct store_mam_prefs){.owner = str_of(owner), .keeps = keeps, .count = 1};
    op->prefs.items = arena_zero(&op->arena, sizeof *op->prefs.items);
    op->prefs.items[0] = (struct store_mam_pref){.bare = str_of(peer), .keeps = keeps_peer};
    store_ask(op, 0);
    stage_until(&got.done);
    assert_int_equal(got.outcome, ERR_OK);
}

/* Who keeps no archive still gets what was sent: then the row has the stanza. */
static void test_preferences(void **state)
{
    (void)state;
    add_account("prefs");
    set_prefs("prefs@o", false, "friend@o", true);
    add_mark("prefs", 1, message("other@o", "prefs@o", "").id, "other@o");
    struct store_message kept = message("friend@o", "prefs@o", "archived");
    add_mark("prefs", 2, kept.id, "friend@o");
    put(kept);
    assert_page("prefs", 0, "copy archived");
    assert_true(got.messages[0] != 0);
}

/* A page is bounded in bytes, too. */
static void test_large(void **state)
{
    (void)state;
    add_account("large");
    char *body = mem_alloc(STORE_OFFLINE_PAGE_BYTES / 2 + 1);
    memset(body, 'x', STORE_OFFLINE_PAGE_BYTES / 2);
    body[STORE_OFFLINE_PAGE_BYTES / 2] = '\0';
    for (uint64_t number = 1; number <= 3; number++)
        add("large", number, body);
    mem_free(body);
    assert_page("large", 0, "");
    assert_int_equal(got.count, 2);
    assert_page("large", 2, "");
    assert_int_equal(got.count, 1);
}

static void test_account_goes(void **state)
{
    (void)state;
    struct reply reply;
    add_account("gone");
    add("gone", 1, "x");
    assert_int_equal(ask_account(STORE_ACCOUNT_REMOVE, account("gone", "o", ""), &reply), ERR_OK);
    add_account("gone");
    assert_page("gone", 0, "");
}

static int close_group(void **state)
{
    (void)state;
    asked.limit = 1;
    start(STORE_OFFLINE_PAGE, "order");
    stage_close();
    return got.done && got.outcome == ERR_DOWN ? 0 : -1;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_order),
    cmocka_unit_test(test_drop),
    cmocka_unit_test(test_page_sees_what_was_asked),
    cmocka_unit_test(test_limit),
    cmocka_unit_test(test_expiry),
    cmocka_unit_test(test_mark),
    cmocka_unit_test(test_room_mark),
    cmocka_unit_test(test_preferences),
    cmocka_unit_test(test_large),
    cmocka_unit_test(test_account_goes),
};

int main(void)
{
    return contract_run(tests, COUNT_OF(tests));
}
