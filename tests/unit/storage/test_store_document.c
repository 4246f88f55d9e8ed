/* What store.h promises of the documents that accounts keep, on each back end in the same words. */
#include "store_contract.h"

static struct {
    bool done;
    enum err outcome;
    struct str bodies[4];
} got;

static uint64_t max_count = 10, max_bytes = 1000;

static void on_documents(struct store_op *op)
{
    got.done = true;
    got.outcome = op->outcome;
    for (size_t i = 0; op->kind == STORE_DOCUMENT_GET && !op->outcome && i < op->documents.count;
         i++)
        if (op->documents.items[i].body.at)
            got.bodies[i] = arena_str(&stage_texts, op->documents.items[i].body);
}

/* `texts`: names, or pairs of name and body, NULL-ended. */
static enum err ask(enum store_kind kind, const char *user, enum store_document_kind of,
                    const char *const *texts)
{
    memset(&got, 0, sizeof got);
    struct store_op *op = store_op_new(kind, on_documents, NULL);
    struct store_documents *documents = &op->documents;
    documents->user = str_of(user); /* constants */
    documents->domain = STR("d.example");
    documents->kind = of;
    documents->max_count = max_count;
    documents->max_bytes = max_bytes;
    documents->items = arena_zero(&op->arena, 4 * sizeof *documents->items);
    while (*texts) {
        struct store_document *item = &documents->items[documents->count++];
        item->name = str_of(*texts++);
        if (kind == STORE_DOCUMENT_SET)
            item->body = str_of(*texts++);
    }
    store_ask(op, 0);
    stage_until(&got.done);
    return got.outcome;
}

#define NAMES(...)         ((const char *const[]){__VA_ARGS__, NULL})
#define get(user, of, ...) ask(STORE_DOCUMENT_GET, (user), (of), NAMES(__VA_ARGS__))
#define set(user, of, ...) ask(STORE_DOCUMENT_SET, (user), (of), NAMES(__VA_ARGS__))

static void add_account(const char *user)
{
    struct reply reply;
    assert_int_equal(ask_account(STORE_ACCOUNT_ADD, account(user, "d.example", "x"), &reply),
                     ERR_OK);
}

static void who_has_no_account_has_no_documents(void **state)
{
    (void)state;
    assert_int_equal(get("nobody", DOCUMENT_VCARD, "v"), ERR_NOT_FOUND);
    assert_int_equal(set("nobody", DOCUMENT_VCARD, "v", "<x/>"), ERR_NOT_FOUND);
    add_account("alice");
    assert_int_equal(get("alice", DOCUMENT_VCARD, "v"), ERR_OK);
    assert_null(got.bodies[0].at);
    assert_int_equal(set("alice", DOCUMENT_VCARD, "", "<x/>"), ERR_INVALID);
}

static void they_come_back_as_they_were_set(void **state)
{
    (void)state;
    assert_int_equal(set("alice", DOCUMENT_PRIVATE, "one", "<a>\xc3\xa4&amp;\n'\"</a>", "two", ""),
                     ERR_OK);
    assert_int_equal(set("alice", DOCUMENT_VCARD, "one", "<card/>"), ERR_OK);
    assert_int_equal(get("alice", DOCUMENT_PRIVATE, "two", "none", "one"), ERR_OK);
    assert_non_null(got.bodies[0].at);
    assert_int_equal(got.bodies[0].len, 0);
    assert_null(got.bodies[1].at);
    assert_true(str_is(got.bodies[2], "<a>\xc3\xa4&amp;\n'\"</a>"));
    assert_int_equal(get("alice", DOCUMENT_VCARD, "one", "two"), ERR_OK);
    assert_true(str_is(got.bodies[0], "<card/>"));
    assert_null(got.bodies[1].at);
}

static void one_is_replaced(void **state)
{
    (void)state;
    assert_int_equal(set("alice", DOCUMENT_PRIVATE, "two", "<b/>", "three", "<c/>"), ERR_OK);
    assert_int_equal(get("alice", DOCUMENT_PRIVATE, "two", "three", "one"), ERR_OK);
    assert_true(str_is(got.bodies[0], "<b/>"));
    assert_true(str_is(got.bodies[1], "<c/>"));
    assert_true(got.bodies[2].len > 0);
}

static void caps_hold_for_a_kind(void **state)
{
    (void)state;
    max_count = 3;
    assert_int_equal(set("alice", DOCUMENT_PRIVATE, "two", "<d/>", "four", "<d/>"), ERR_CONFLICT);
    assert_int_equal(get("alice", DOCUMENT_PRIVATE, "two", "four"), ERR_OK);
    assert_true(str_is(got.bodies[0], "<b/>"));
    assert_null(got.bodies[1].at);
    assert_int_equal(set("alice", DOCUMENT_PRIVATE, "two", "<d/>"), ERR_OK);
    max_count = 4;
    max_bytes = 27; /* 17 + 4 + 7 bytes do not fit, 16 + 4 + 7 characters would */
    assert_int_equal(set("alice", DOCUMENT_PRIVATE, "two", "<four/>"), ERR_CONFLICT);
    assert_int_equal(set("alice", DOCUMENT_PRIVATE, "two", ""), ERR_OK);
    assert_int_equal(set("alice", DOCUMENT_PRIVATE, "two", "<f/>"), ERR_OK);
    assert_int_equal(set("alice", DOCUMENT_VCARD, "one", "<card><with>more</with></card>"),
                     ERR_CONFLICT);
    max_bytes = 1000;
    assert_int_equal(get("alice", DOCUMENT_VCARD, "one"), ERR_OK);
    assert_true(str_is(got.bodies[0], "<card/>"));
}

static void they_go_with_their_account(void **state)
{
    (void)state;
    struct reply reply;
    assert_int_equal(ask_account(STORE_ACCOUNT_REMOVE, account("alice", "d.example", ""), &reply),
                     ERR_OK);
    add_account("alice");
    assert_int_equal(get("alice", DOCUMENT_PRIVATE, "one"), ERR_OK);
    assert_null(got.bodies[0].at);
}

static int close_group(void **state)
{
    (void)state;
    struct reply last = {0};
    store_ask(account_op(STORE_ACCOUNT_GET, account("last", "d.example", ""), &last), 0);
    stage_close();
    return last.times == 1 && last.outcome == ERR_DOWN ? 0 : -1;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(who_has_no_account_has_no_documents),
    cmocka_unit_test(they_come_back_as_they_were_set),
    cmocka_unit_test(one_is_replaced),
    cmocka_unit_test(caps_hold_for_a_kind),
    cmocka_unit_test(they_go_with_their_account),
};

int main(void)
{
    return contract_run(tests, COUNT_OF(tests));
}
