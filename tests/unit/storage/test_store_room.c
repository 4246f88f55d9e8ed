/* Rooms, and what their messages do to inboxes, on each back end in the same words. */
#include "store_messages.h"

#include "store_backend.h"

static struct {
    bool done;
    enum err outcome;
    char text[1024]; /* what was answered, in words */
    struct store_inbox_entry entry;
    uint64_t total;
    bool more, crowded;
} got;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    size_t len = strlen(got.text);
    va_list args;
    va_start(args, format);
    vsnprintf(got.text + len, sizeof got.text - len, format, args);
    va_end(args);
}

static int by_bare(const void *a, const void *b)
{
    const struct store_occupant *one = a, *other = b;
    size_t len = one->bare.len < other->bare.len ? one->bare.len : other->bare.len;
    int order = memcmp(one->bare.at, other->bare.at, len);
    return order ? order : (one->bare.len > other->bare.len) - (one->bare.len < other->bare.len);
}

static void say_room(struct store_room *room)
{
    qsort(room->occupants, room->count, sizeof *room->occupants, by_bare);
    say("%.*s %.*s %.*s", STR_ARG(room->name), STR_ARG(room->version), STR_ARG(room->config));
    for (size_t i = 0; i < room->count; i++)
        say(" %.*s:%d", STR_ARG(room->occupants[i].bare), room->occupants[i].affiliation);
}

static void say_page(const struct store_room_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        say("%s%.*s/%zu", i ? " " : "", STR_ARG(page->items[i].name), page->items[i].count);
    got.total = page->total;
    got.more = page->more;
}

static void on_room(struct store_op *op)
{
    got.done = true;
    got.outcome = op->outcome;
    got.crowded = op->kind <= STORE_ROOM_SET && op->kind >= STORE_ROOM_CREATE && op->room.crowded;
    if (op->outcome)
        return;
    if (op->kind == STORE_ROOM_GET)
        say_room(&op->room);
    if (op->kind == STORE_ROOM_PAGE)
        say_page(&op->room_page);
    for (size_t i = 0; op->kind == STORE_ROOM_GUESTS && i < op->guests.count; i++)
        say("%d", op->guests.prevented[i]);
    for (size_t i = 0; op->kind == STORE_ROOM_BLOCKING && i < op->blocking.count; i++)
        say("%s%.*s ", op->blocking.items[i].is_room ? "#" : "",
            STR_ARG(op->blocking.items[i].jid));
    for (size_t i = 0; op->kind == STORE_ROOM_GONE && i < op->gone.count; i++)
        say("%.*s/%.*s ", STR_ARG(op->gone.items[i].room), STR_ARG(op->gone.items[i].bare));
    if (op->kind == STORE_INBOX_GET) {
        got.entry = op->inbox.entry;
        say("%.*s", STR_ARG(op->inbox.entry.body));
    }
}

static struct store_op *start(enum store_kind kind)
{
    memset(&got, 0, sizeof got);
    return store_op_new(kind, on_room, NULL);
}

static enum err finish(struct store_op *op)
{
    store_ask(op, 0);
    stage_until(&got.done);
    return got.outcome;
}

/* "alice@h:2 bob@h:1" */
static void read_occupants(struct store_op *op, const char *text)
{
    struct str rest = str_of(text);
    op->room.occupants = arena_zero(&op->arena, 20 * sizeof *op->room.occupants);
    while (rest.len) {
        struct str affiliation, bare = str_cut(str_cut(rest, ' ', &rest), ':', &affiliation);
        op->room.occupants[op->room.count++] = (struct store_occupant){
            arena_str(&op->arena, bare), (enum store_affiliation)(affiliation.at[0] - '0')};
    }
}

static struct store_op *room_op(enum store_kind kind, const char *name)
{
    struct store_op *op = start(kind);
    op->room.name = arena_str(&op->arena, str_of(name));
    op->room.host = STR("rooms.h");
    op->room.bare = arena_format(&op->arena, "%s@rooms.h", name);
    op->room.version = STR("v1");
    return op;
}

static enum err create(const char *name, const char *occupants)
{
    struct store_op *op = room_op(STORE_ROOM_CREATE, name);
    op->room.config = STR("roomname=x\n");
    read_occupants(op, occupants);
    return finish(op);
}

static enum err set(const char *name, const char *version, const char *fields,
                    const char *occupants)
{
    struct store_op *op = room_op(STORE_ROOM_SET, name);
    op->room.version = str_of(version);
    op->room.config = str_of(fields);
    read_occupants(op, occupants);
    return finish(op);
}

static void assert_room(const char *name, const char *text)
{
    assert_int_equal(finish(room_op(STORE_ROOM_GET, name)), ERR_OK);
    assert_string_equal(got.text, text);
}

static void assert_page(const char *owner, const char *after, const char *before, bool backwards,
                        size_t limit, const char *text)
{
    struct store_op *op = start(STORE_ROOM_PAGE);
    op->room_page.owner = str_of(owner);
    op->room_page.host = STR("rooms.h");
    op->room_page.after = str_of(after);
    op->room_page.before = str_of(before);
    op->room_page.backwards = backwards;
    op->room_page.counted = true;
    op->room_page.limit = limit;
    assert_int_equal(finish(op), ERR_OK);
    assert_string_equal(got.text, text);
}

/* --- Tests; each with names of its own --- */

static void test_life(void **state)
{
    (void)state;
    assert_int_equal(finish(room_op(STORE_ROOM_GET, "life")), ERR_NOT_FOUND);
    assert_int_equal(set("life", "v2", NULL, ""), ERR_NOT_FOUND);
    assert_int_equal(finish(room_op(STORE_ROOM_DESTROY, "life")), ERR_NOT_FOUND);
    assert_int_equal(create("life", "l1@h:2 l2@h:1"), ERR_OK);
    assert_int_equal(create("life", "l3@h:2"), ERR_CONFLICT);
    assert_room("life", "life v1 roomname=x\n l1@h:2 l2@h:1");
    assert_int_equal(set("life", "v2", "roomname=\xc3\xa4\n", ""), ERR_OK);
    assert_room("life", "life v2 roomname=\xc3\xa4\n l1@h:2 l2@h:1");
    assert_int_equal(set("life", "v3", NULL, "l1@h:0 l2@h:2 l3@h:1 l4@h:0"), ERR_OK);
    assert_room("life", "life v3 roomname=\xc3\xa4\n l2@h:2 l3@h:1");
    assert_int_equal(finish(room_op(STORE_ROOM_DESTROY, "life")), ERR_OK);
    assert_int_equal(finish(room_op(STORE_ROOM_GET, "life")), ERR_NOT_FOUND);
    assert_int_equal(create("life", "l3@h:2"), ERR_OK);
    assert_room("life", "life v1 roomname=x\n l3@h:2");
}

static enum err change_up_to(enum store_kind kind, const char *name, const char *occupants,
                             uint64_t max_rooms)
{
    struct store_op *op = room_op(kind, name);
    op->room.version = STR("v2");
    op->room.max_rooms = max_rooms;
    read_occupants(op, occupants);
    return finish(op);
}

/* What the operation itself sees to: guests were asked for before. */
static void test_too_many_rooms(void **state)
{
    (void)state;
    assert_int_equal(change_up_to(STORE_ROOM_CREATE, "m1", "mary@h:2", 2), ERR_OK);
    assert_int_equal(change_up_to(STORE_ROOM_CREATE, "m1", "mary@h:2", 2), ERR_CONFLICT);
    assert_false(got.crowded);
    assert_int_equal(change_up_to(STORE_ROOM_CREATE, "m2", "mark@h:2 mary@h:1", 2), ERR_OK);
    assert_int_equal(change_up_to(STORE_ROOM_CREATE, "m3", "mark@h:2 mary@h:1", 2), ERR_CONFLICT);
    assert_true(got.crowded);
    assert_int_equal(finish(room_op(STORE_ROOM_GET, "m3")), ERR_NOT_FOUND);
    assert_int_equal(change_up_to(STORE_ROOM_SET, "m2", "mark@h:1 mary@h:2", 2), ERR_OK);
    assert_int_equal(create("m4", "mark@h:2"), ERR_OK);
    assert_int_equal(change_up_to(STORE_ROOM_SET, "m4", "mark@h:1 mary@h:2", 2), ERR_CONFLICT);
    assert_true(got.crowded);
    assert_room("m4", "m4 v1 roomname=x\n mark@h:2");
    assert_int_equal(change_up_to(STORE_ROOM_SET, "m1", "mary@h:0 mark@h:0", 1), ERR_OK);
    assert_int_equal(change_up_to(STORE_ROOM_SET, "m4", "mary@h:1", 2), ERR_OK);
}

static void test_pages(void **state)
{
    (void)state;
    assert_page("p1@h", "", "", false, 5, "");
    assert_true(got.total == 0 && !got.more);
    for (char name[] = "pa"; name[1] <= 'e'; name[1]++)
        assert_int_equal(create(name, name[1] == 'c' ? "p2@h:2" : "p1@h:2 p2@h:1"), ERR_OK);
    assert_page("p1@h", "", "", false, 3, "pa/2 pb/2 pd/2");
    assert_true(got.total == 4 && got.more);
    assert_page("p1@h", "pd", "", false, 3, "pe/2");
    assert_false(got.more);
    assert_page("p1@h", "", "", true, 2, "pd/2 pe/2");
    assert_true(got.more);
    assert_page("p1@h", "", "pb", true, 2, "pa/2");
    assert_false(got.more);
    assert_page("p1@h", "pa", "pe", false, 9, "pb/2 pd/2");
    assert_page("p1@h", "", "", false, 0, "");
    assert_true(got.more);
    assert_page("", "p", "pz", false, 2, "pa/2 pb/2");
    assert_page("", "", "pz", true, 2, "pd/2 pe/2");
    assert_page("p2@h", "", "", false, 9, "pa/2 pb/2 pc/1 pd/2 pe/2");
}

static enum err block(const char *owner, const char *jid, bool is_room, bool denied)
{
    struct store_op *op = start(STORE_ROOM_BLOCK);
    op->blocking.owner = str_of(owner);
    op->blocking.items = arena_zero(&op->arena, sizeof *op->blocking.items);
    op->blocking.items[0] = (struct store_room_block){is_room, denied, str_of(jid)};
    op->blocking.count = 1;
    return finish(op);
}

static void assert_blocking(const char *owner, const char *text)
{
    struct store_op *op = start(STORE_ROOM_BLOCKING);
    op->blocking.owner = str_of(owner);
    assert_int_equal(finish(op), ERR_OK);
    assert_string_equal(got.text, text);
}

static void test_blocking(void **state)
{
    (void)state;
    assert_blocking("b1@h", "");
    assert_int_equal(block("b1@h", "x@h", false, true), ERR_OK);
    assert_int_equal(block("b1@h", "x@h", false, true), ERR_OK);
    assert_int_equal(block("b1@h", "r@rooms.h", true, true), ERR_OK);
    assert_int_equal(block("b1@h", "nobody@h", false, false), ERR_OK);
    assert_blocking("b1@h", "x@h #r@rooms.h ");
    assert_int_equal(block("b1@h", "x@h", false, false), ERR_OK);
    assert_blocking("b1@h", "#r@rooms.h ");
}

static void assert_gone(const char *room, const char *bare, size_t limit, const char *text)
{
    struct store_op *op = start(STORE_ROOM_GONE);
    op->gone.after = (struct store_room_goner){str_of(room), str_of(bare)};
    op->gone.limit = limit;
    assert_int_equal(finish(op), ERR_OK);
    assert_string_equal(got.text, text);
}

static enum err remove_account(const char *user)
{
    struct store_op *op = start(STORE_ACCOUNT_REMOVE);
    op->account.user = str_of(user);
    op->account.domain = STR("h");
    return finish(op);
}

static void test_too_much_is_blocked(void **state)
{
    (void)state;
    struct store_op *op = start(STORE_ROOM_BLOCK);
    size_t count = STORE_ROOM_BLOCKING_MAX + 1;
    op->blocking.owner = STR("b2@h");
    op->blocking.items = arena_zero(&op->arena, count * sizeof *op->blocking.items);
    op->blocking.count = count;
    for (size_t i = 0; i < count; i++)
        op->blocking.items[i] =
            (struct store_room_block){.denied = true, .jid = arena_format(&op->arena, "u%zu@h", i)};
    assert_int_equal(finish(op), ERR_INVALID);
    assert_blocking("b2@h", "");
}

static void assert_guests(uint64_t max_rooms, const char *text)
{
    static const struct str bares[] = {STR("g1@h"), STR("g2@h"), STR("g3@h"), STR("stranger@h")};
    bool prevented[COUNT_OF(bares)];
    struct store_op *op = start(STORE_ROOM_GUESTS);
    op->guests = (struct store_room_guests){.room = STR("gr@rooms.h"),
                                            .inviter = STR("inviter@h"),
                                            .bares = bares,
                                            .prevented = prevented,
                                            .count = COUNT_OF(bares),
                                            .max_rooms = max_rooms};
    assert_int_equal(finish(op), ERR_OK);
    assert_string_equal(got.text, text);
}

static void test_guests(void **state)
{
    (void)state;
    assert_guests(UINT64_MAX, "0000");
    assert_int_equal(block("g1@h", "inviter@h", false, true), ERR_OK);
    assert_int_equal(block("g2@h", "gr@rooms.h", true, true), ERR_OK);
    assert_int_equal(block("g3@h", "gr@rooms.h", false, true), ERR_OK); /* no user is called that */
    assert_guests(UINT64_MAX, "1100");
    assert_int_equal(create("g-a", "g3@h:2"), ERR_OK);
    assert_guests(1, "1110");
    assert_guests(2, "1100");
}

static void test_fields(void **state)
{
    (void)state;
    struct arena arena;
    struct buf fields = {0};
    struct str rest, name, value;
    arena_init(&arena);
    store_room_push_field(&fields, STR("a"), STR("one\ntwo\\three=4"));
    store_room_push_field(&fields, STR("b"), STR(""));
    assert_memory_equal(buf_at(&fields), "a=one\\ntwo\\\\three=4\nb=\n", 22);
    rest = buf_str(&fields);
    assert_true(store_room_next_field(&arena, &rest, &name, &value));
    assert_true(str_is(name, "a") && str_is(value, "one\ntwo\\three=4"));
    assert_true(store_room_next_field(&arena, &rest, &name, &value));
    assert_true(str_is(name, "b") && value.len == 0);
    assert_false(store_room_next_field(&arena, &rest, &name, &value));
    buf_fini(&fields);
    arena_fini(&arena);
}

/* --- Inboxes --- */

static void add_account(const char *user)
{
    struct reply reply;
    assert_int_equal(ask_account(STORE_ACCOUNT_ADD, account(user, "h", "x"), &reply), ERR_OK);
}

/* A message in a room, from the first of the parties unless `event`. */
static struct store_op *room_message(uint64_t id, const char *room, const char *author,
                                     const char *const *parties, bool rest, struct reply *reply)
{
    struct store_op *op = store_op_new(STORE_MAM_STORE, on_stored, reply);
    struct store_party *list = arena_zero(&op->arena, 8 * sizeof *list);
    *reply = (struct reply){0};
    op->message = (struct store_message){
        .id = id,
        .recipient = arena_str(&op->arena, str_of(room)),
        .flags = STORE_NOT_OF_SENDER,
        .inbox = STORE_INBOX_UNREAD,
        .client_id = arena_format(&op->arena, "c%llu", (unsigned long long)id),
        .parties = list,
        .rest = rest};
    if (!rest) {
        op->message.sender = arena_str(&op->arena, str_of(author));
        op->message.body = arena_format(&op->arena, "<m>%s</m>", author);
    }
    for (size_t i = 0; parties[i]; i++)
        list[op->message.party_count++] =
            (struct store_party){arena_str(&op->arena, str_of(parties[i])),
                                 strcmp(parties[i], author) == 0, strcmp(parties[i], author) != 0};
    return op;
}

static void put_message(uint64_t id, const char *room, const char *author,
                        const char *const *parties, bool rest)
{
    struct reply reply;
    store_ask(room_message(id, room, author, parties, rest, &reply), 0);
    stage_until(&reply.done);
    assert_int_equal(reply.outcome, ERR_OK);
}

static enum err ask_inbox(enum store_kind kind, const char *owner, const char *room)
{
    struct store_op *op = start(kind);
    op->inbox.owner = str_of(owner);
    op->inbox.peer = str_of(room);
    op->inbox.bodies = true;
    return finish(op);
}

static enum err drop_older(const char *owner, const char *room, uint64_t id)
{
    struct store_op *op = start(STORE_INBOX_DROP);
    op->inbox.owner = str_of(owner);
    op->inbox.peer = str_of(room);
    op->inbox.up_to.id = id;
    return finish(op);
}

static void assert_unread(const char *owner, const char *room, uint64_t unread, const char *body)
{
    assert_int_equal(ask_inbox(STORE_INBOX_GET, owner, room), ERR_OK);
    assert_int_equal(got.entry.unread, unread);
    assert_true(got.entry.room);
    assert_string_equal(got.text, body);
}

static enum err mark(const char *owner, const char *room, uint64_t id)
{
    struct store_op *op = start(STORE_INBOX_READ);
    op->inbox.owner = str_of(owner);
    op->inbox.peer = str_of(room);
    op->inbox.up_to.client_id = arena_format(&op->arena, "c%llu", (unsigned long long)id);
    return finish(op);
}

static uint64_t fresh_id(void)
{
    last_us += 1000;
    return stanza_id_next(0, last_us);
}

static void test_unread_of_rooms(void **state)
{
    (void)state;
    static const char *const all[] = {"i1@h", "i2@h", "ghost@h", NULL};
    uint64_t ids[4];
    add_account("i1");
    add_account("i2");
    for (size_t i = 0; i < 4; i++) {
        ids[i] = fresh_id();
        put_message(ids[i], "ir@rooms.h", "i1@h", all, false);
    }
    assert_unread("i1@h", "ir@rooms.h", 0, "<m>i1@h</m>");
    assert_unread("i2@h", "ir@rooms.h", 4, "<m>i1@h</m>");
    assert_int_equal(ask_inbox(STORE_INBOX_GET, "ghost@h", "ir@rooms.h"), ERR_NOT_FOUND);
    put_message(ids[3], "ir@rooms.h", "i1@h", all, false); /* again: its commit was not heard of */
    assert_unread("i2@h", "ir@rooms.h", 4, "<m>i1@h</m>");
    assert_int_equal(mark("i2@h", "ir@rooms.h", ids[1]), ERR_OK);
    assert_unread("i2@h", "ir@rooms.h", 2, "<m>i1@h</m>");
    assert_int_equal(mark("i2@h", "ir@rooms.h", 4711), ERR_OK);
    assert_unread("i2@h", "ir@rooms.h", 2, "<m>i1@h</m>");
    put_message(fresh_id(), "ir@rooms.h", "i2@h", all, false);
    assert_unread("i2@h", "ir@rooms.h", 0, "<m>i2@h</m>");
    assert_unread("i1@h", "ir@rooms.h", 1, "<m>i2@h</m>");
    assert_int_equal(drop_older("i1@h", "ir@rooms.h", ids[3]), ERR_NOT_FOUND);
    assert_unread("i1@h", "ir@rooms.h", 1, "<m>i2@h</m>");
    assert_int_equal(drop_older("i2@h", "ir@rooms.h", fresh_id()), ERR_OK);
    assert_int_equal(ask_inbox(STORE_INBOX_GET, "i2@h", "ir@rooms.h"), ERR_NOT_FOUND);
    put_message(fresh_id(), "ir@rooms.h", "i2@h", all, false);
    assert_int_equal(ask_inbox(STORE_INBOX_DROP, "i1@h", "ir@rooms.h"), ERR_OK);
    assert_int_equal(ask_inbox(STORE_INBOX_DROP, "i1@h", "ir@rooms.h"), ERR_NOT_FOUND);
    assert_int_equal(ask_inbox(STORE_INBOX_GET, "i1@h", "ir@rooms.h"), ERR_NOT_FOUND);
    assert_unread("i2@h", "ir@rooms.h", 0, "<m>i2@h</m>");
}

/* What an operation has no room for comes in others, once, also when they are written again. */
static void test_the_rest(void **state)
{
    (void)state;
    static const char *const some[] = {"r1@h", NULL}, *const rest[] = {"r2@h", NULL};
    struct reply replies[2];
    uint64_t id = fresh_id();
    add_account("r1");
    add_account("r2");
    store_ask(room_message(id, "rr@rooms.h", "r1@h", some, false, &replies[0]), 0);
    store_ask(room_message(id, "rr@rooms.h", "r1@h", rest, true, &replies[1]), 0);
    stage_until(&replies[1].done);
    assert_unread("r2@h", "rr@rooms.h", 1, "<m>r1@h</m>");
    put_message(id, "rr@rooms.h", "r1@h", rest, true);
    assert_unread("r2@h", "rr@rooms.h", 1, "<m>r1@h</m>");
    put_message(fresh_id(), "rr@rooms.h", "r1@h", rest, true); /* there is no such message */
    assert_unread("r2@h", "rr@rooms.h", 1, "<m>r1@h</m>");
    id = fresh_id();
    put_message(id, "rr@rooms.h", "r1@h", some, false);
    put_message(id, "rr@rooms.h", "r1@h", rest, true);
    assert_unread("r2@h", "rr@rooms.h", 2, "<m>r1@h</m>");
    assert_unread("r1@h", "rr@rooms.h", 0, "<m>r1@h</m>");
}

static int close_group(void **state)
{
    (void)state;
    struct store_op *op = room_op(STORE_ROOM_GET, "life");
    store_ask(op, 0);
    stage_close();
    return got.done && got.outcome == ERR_DOWN ? 0 : -1;
}

/* Who was removed has to leave, and blocks nothing any more. */
static void test_gone(void **state)
{
    (void)state;
    add_account("left1");
    add_account("left2");
    assert_int_equal(create("lefta", "left1@h:2 left2@h:1 left3@h:1"), ERR_OK);
    assert_int_equal(create("leftb", "left1@h:1 left3@h:2"), ERR_OK);
    assert_int_equal(block("left1@h", "x@h", false, true), ERR_OK);
    assert_gone("", "", 10, "");
    assert_int_equal(remove_account("left1"), ERR_OK);
    assert_blocking("left1@h", "");
    assert_int_equal(remove_account("left2"), ERR_OK);
    assert_gone("", "", 10, "lefta@rooms.h/left1@h lefta@rooms.h/left2@h leftb@rooms.h/left1@h ");
    assert_gone("", "", 1, "lefta@rooms.h/left1@h ");
    assert_gone("lefta@rooms.h", "left1@h", 1, "lefta@rooms.h/left2@h ");
    assert_gone("leftb@rooms.h", "left1@h", 1, "");
    assert_int_equal(set("lefta", "v2", NULL, "left2@h:2"), ERR_OK);
    assert_int_equal(set("lefta", "v3", NULL, "left1@h:0"), ERR_OK);
    assert_int_equal(set("lefta", "v4", NULL, "left1@h:1"), ERR_OK);
    assert_gone("", "", 10, "lefta@rooms.h/left2@h leftb@rooms.h/left1@h ");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_life),
    cmocka_unit_test(test_too_many_rooms),
    cmocka_unit_test(test_pages),
    cmocka_unit_test(test_blocking),
    cmocka_unit_test(test_gone),
    cmocka_unit_test(test_too_much_is_blocked),
    cmocka_unit_test(test_guests),
    cmocka_unit_test(test_fields),
    cmocka_unit_test(test_unread_of_rooms),
    cmocka_unit_test(test_the_rest),
};

int main(void)
{
    return contract_run(tests, COUNT_OF(tests));
}
