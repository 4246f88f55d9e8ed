/* What store.h promises of rosters, on each back end in the same words. */
#include "store_contract.h"

struct roster {
    bool done;
    enum err outcome;
    struct store_roster_item items[64];
    size_t count;
    uint64_t version, added;
};

static struct roster got;

static void on_roster(struct store_op *op)
{
    got.done = true;
    got.outcome = op->outcome;
    if (op->outcome)
        return;
    got.added = op->roster.added;
    if (op->kind != STORE_ROSTER_GET)
        return;
    got.version = op->roster.version;
    got.count = op->roster.count;
    assert_true(got.count <= COUNT_OF(got.items));
    for (size_t i = 0; i < got.count; i++) {
        const struct store_roster_item *item = &op->roster.items[i];
        got.items[i] = (struct store_roster_item){
            .contact = arena_str(&stage_texts, item->contact),
            .name = arena_str(&stage_texts, item->name),
            .groups = arena_str(&stage_texts, item->groups),
            .request = arena_str(&stage_texts, item->request),
            .flags = item->flags,
        };
    }
}

static enum err ask(enum store_kind kind, const char *user, struct store_roster_item item,
                    uint64_t version)
{
    got = (struct roster){0};
    struct store_op *op = store_op_new(kind, on_roster, NULL);
    op->roster.user = arena_str(&op->arena, str_of(user));
    op->roster.domain = arena_str(&op->arena, STR("r.example"));
    op->roster.version = version;
    op->roster.count = 1;
    op->roster.items = arena_zero(&op->arena, sizeof item);
    op->roster.items[0] = item; /* constants */
    store_ask(op, 0);
    stage_until(&got.done);
    return got.outcome;
}

static struct store_roster_item contact(const char *jid)
{
    return (struct store_roster_item){.contact = str_of(jid)};
}

static void get(const char *user)
{
    assert_int_equal(ask(STORE_ROSTER_GET, user, contact("-"), 0), ERR_OK);
}

static void add_account(const char *user)
{
    struct reply reply;
    assert_int_equal(ask_account(STORE_ACCOUNT_ADD, account(user, "r.example", "x"), &reply),
                     ERR_OK);
}

static void remove_account(const char *user)
{
    struct reply reply;
    assert_int_equal(ask_account(STORE_ACCOUNT_REMOVE, account(user, "r.example", ""), &reply),
                     ERR_OK);
}

static void who_has_no_account_has_no_roster(void **state)
{
    (void)state;
    assert_int_equal(ask(STORE_ROSTER_GET, "nobody", contact("-"), 0), ERR_NOT_FOUND);
    assert_int_equal(ask(STORE_ROSTER_SET, "nobody", contact("a@x"), 1), ERR_NOT_FOUND);
    assert_int_equal(ask(STORE_ROSTER_REMOVE, "nobody", contact("a@x"), 1), ERR_NOT_FOUND);
}

static void a_roster_begins_empty(void **state)
{
    (void)state;
    add_account("empty");
    get("empty");
    assert_int_equal(got.count, 0);
    assert_int_equal(got.version, 0);
    assert_int_equal(ask(STORE_ROSTER_REMOVE, "empty", contact("a@x"), 1), ERR_NOT_FOUND);
    assert_int_equal(ask(STORE_ROSTER_SET, "empty", contact(""), 1), ERR_INVALID);
    get("empty");
    assert_int_equal(got.count, 0);
}

static void items_come_back_as_they_were_set(void **state)
{
    (void)state;
    const struct store_roster_item full = {.contact = STR("bob@x.example"),
                                           .name = STR("Bob <\xc3\xa4&'\">"),
                                           .groups = STR("Friends\nWork"),
                                           .request = STR("<presence type='subscribe'/>"),
                                           .flags = ROSTER_TO | ROSTER_ASKED | ROSTER_LISTED};
    add_account("alice");
    assert_int_equal(ask(STORE_ROSTER_SET, "alice", full, 1), ERR_OK);
    assert_int_equal(ask(STORE_ROSTER_SET, "alice", contact("zoe@x.example"), 2), ERR_OK);
    assert_int_equal(ask(STORE_ROSTER_SET, "alice", contact("al@x.example"), 3), ERR_OK);
    get("alice");
    assert_int_equal(got.version, 3);
    assert_int_equal(got.count, 3);
    assert_true(str_is(got.items[0].contact, "al@x.example"));
    assert_int_equal(got.items[0].name.len + got.items[0].groups.len, 0);
    assert_true(str_eq(got.items[1].contact, full.contact));
    assert_true(str_eq(got.items[1].name, full.name));
    assert_true(str_eq(got.items[1].groups, full.groups));
    assert_true(str_eq(got.items[1].request, full.request));
    assert_int_equal(got.items[1].flags, full.flags);
    assert_true(str_is(got.items[2].contact, "zoe@x.example"));
}

static void an_item_is_replaced_whole(void **state)
{
    (void)state;
    struct store_roster_item item = {.contact = STR("bob@x.example"), .flags = ROSTER_FROM};
    assert_int_equal(ask(STORE_ROSTER_SET, "alice", item, 4), ERR_OK);
    get("alice");
    assert_int_equal(got.version, 4);
    assert_int_equal(got.count, 3);
    assert_int_equal(got.items[1].flags, ROSTER_FROM);
    assert_int_equal(got.items[1].name.len + got.items[1].groups.len + got.items[1].request.len, 0);
}

static void an_item_is_removed(void **state)
{
    (void)state;
    assert_int_equal(ask(STORE_ROSTER_REMOVE, "alice", contact("bob@x.example"), 5), ERR_OK);
    get("alice");
    assert_int_equal(got.version, 5);
    assert_int_equal(got.count, 2);
}

static void many_items_come_in_order(void **state)
{
    (void)state;
    char names[50][24];
    add_account("many");
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(names[i], sizeof names[i], "c%02zu@x.example", i * 7 % COUNT_OF(names));
        assert_int_equal(ask(STORE_ROSTER_SET, "many", contact(names[i]), i + 1), ERR_OK);
    }
    get("many");
    assert_int_equal(got.count, COUNT_OF(names));
    for (size_t i = 1; i < got.count; i++)
        assert_true(memcmp(got.items[i - 1].contact.at, got.items[i].contact.at, 3) < 0);
}

static enum err import(const char *user, const struct store_roster_item *items, size_t count)
{
    got = (struct roster){0};
    struct store_op *op = store_op_new(STORE_ROSTER_IMPORT, on_roster, NULL);
    op->roster.user = arena_str(&op->arena, str_of(user));
    op->roster.domain = arena_str(&op->arena, STR("r.example"));
    op->roster.count = count;
    op->roster.items = arena_zero(&op->arena, (count + 1) * sizeof *items);
    memcpy(op->roster.items, items, count * sizeof *items); /* constants */
    store_ask(op, 0);
    stage_until(&got.done);
    return got.outcome;
}

static void an_import_adds_what_is_missing(void **state)
{
    (void)state;
    struct store_roster_item items[] = {contact("b@x"), contact("a@x"), contact("c@x"),
                                        contact("a@x")};
    items[0].name = STR("Bob");
    items[0].groups = STR("one\ntwo");
    items[0].request = STR("<presence/>");
    items[0].flags = ROSTER_TO | ROSTER_ASKED;
    assert_int_equal(import("imported", items, 1), ERR_NOT_FOUND);
    add_account("imported");
    assert_int_equal(ask(STORE_ROSTER_SET, "imported", contact("c@x"), 5), ERR_OK);
    assert_int_equal(import("imported", items, COUNT_OF(items)), ERR_OK);
    assert_int_equal(got.added, 2);
    get("imported");
    assert_int_equal(got.count, 3);
    assert_int_equal(got.version, 7);
    assert_true(str_is(got.items[1].contact, "b@x") && str_is(got.items[1].name, "Bob"));
    assert_true(str_is(got.items[1].groups, "one\ntwo"));
    assert_true(str_is(got.items[1].request, "<presence/>"));
    assert_int_equal(got.items[1].flags, ROSTER_TO | ROSTER_ASKED);
    items[0].name = STR("other");
    assert_int_equal(import("imported", items, COUNT_OF(items)), ERR_OK);
    assert_int_equal(got.added, 0);
    get("imported");
    assert_true(got.version == 7 && str_is(got.items[1].name, "Bob"));
    assert_int_equal(import("imported", items, 0), ERR_OK);
    items[2] = contact("");
    items[1] = contact("new@x");
    assert_int_equal(import("imported", items, COUNT_OF(items)), ERR_INVALID);
    get("imported");
    assert_int_equal(got.count, 3);
}

/* Who gets the name of a removed account does not get its contacts. */
static void a_roster_goes_with_its_account(void **state)
{
    (void)state;
    remove_account("alice");
    assert_int_equal(ask(STORE_ROSTER_GET, "alice", contact("-"), 0), ERR_NOT_FOUND);
    add_account("alice");
    get("alice");
    assert_int_equal(got.count, 0);
    assert_int_equal(got.version, 0);
}

static int close_group(void **state)
{
    (void)state;
    struct reply last = {0};
    store_ask(account_op(STORE_ACCOUNT_GET, account("last", "r.example", ""), &last), 0);
    stage_close();
    return last.times == 1 && last.outcome == ERR_DOWN ? 0 : -1;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(who_has_no_account_has_no_roster),
    cmocka_unit_test(a_roster_begins_empty),
    cmocka_unit_test(items_come_back_as_they_were_set),
    cmocka_unit_test(an_item_is_replaced_whole),
    cmocka_unit_test(an_item_is_removed),
    cmocka_unit_test(many_items_come_in_order),
    cmocka_unit_test(an_import_adds_what_is_missing),
    cmocka_unit_test(a_roster_goes_with_its_account),
};

int main(void)
{
    return contract_run(tests, COUNT_OF(tests));
}
