/* What store.h promises of the nodes of accounts, on each back end in the same words. */
#include "store_contract.h"

enum { ROOM = 8 };

static struct {
    bool done;
    enum err outcome;
    char nodes[ROOM][32], settings[ROOM][32]; /* in order */
    uint64_t count[ROOM], bytes[ROOM];
    struct store_pep_item last[ROOM];
    size_t node_count;
    char items[256]; /* names and bodies: "a=1 b=2" */
    uint64_t total;
} got;

static struct store_pep_item keep_item(const struct store_pep_item *item)
{
    struct str body = item->body;
    return (struct store_pep_item){.name = arena_str(&stage_texts, item->name),
                                   .number = item->number,
                                   .body = body.at ? arena_str(&stage_texts, body) : body};
}

static void on_pep(struct store_op *op)
{
    const struct store_pep *pep = &op->pep;
    got.done = true;
    got.outcome = op->outcome;
    got.node_count = op->outcome ? 0 : pep->node_count;
    for (size_t i = 0; i < got.node_count; i++) {
        text_copy(got.nodes[i], sizeof got.nodes[i], pep->nodes[i].name);
        text_copy(got.settings[i], sizeof got.settings[i], pep->nodes[i].settings);
        got.count[i] = pep->nodes[i].count;
        got.bytes[i] = pep->nodes[i].bytes;
        got.last[i] = keep_item(&pep->nodes[i].last);
    }
    got.total = pep->total;
    for (size_t i = 0; (op->kind == STORE_PEP_PICK || op->kind == STORE_PEP_PAGE) && !op->outcome &&
                       i < pep->count;
         i++) {
        size_t len = strlen(got.items);
        snprintf(got.items + len, sizeof got.items - len, "%s%.*s=%.*s", i ? " " : "",
                 STR_ARG(pep->items[i].name), STR_ARG(pep->items[i].body));
    }
}

static struct store_op *new_op(enum store_kind kind, const char *user, const char *node)
{
    memset(&got, 0, sizeof got);
    struct store_op *op = store_op_new(kind, on_pep, NULL);
    op->pep.user = str_of(user); /* constants */
    op->pep.domain = STR("n.example");
    op->pep.node = str_of(node);
    op->pep.keep = 100;
    op->pep.limit = 100;
    op->pep.items = arena_zero(&op->arena, ROOM * sizeof *op->pep.items);
    return op;
}

static enum err ask(struct store_op *op)
{
    store_ask(op, 0);
    stage_until(&got.done);
    return got.outcome;
}

static enum err run(enum store_kind kind, const char *user, const char *node)
{
    return ask(new_op(kind, user, node));
}

static enum err publish(const char *node, const char *name, uint64_t number, const char *body,
                        uint64_t keep)
{
    struct store_op *op = new_op(STORE_PEP_PUBLISH, "alice", node);
    op->pep.settings = STR("fresh");
    op->pep.keep = keep;
    op->pep.count = 1;
    op->pep.items[0] = (struct store_pep_item){str_of(name), number, str_of(body)};
    return ask(op);
}

static enum err set(const char *node, const char *settings, uint64_t keep)
{
    struct store_op *op = new_op(STORE_PEP_SET, "alice", node);
    op->pep.settings = str_of(settings);
    op->pep.keep = keep;
    return ask(op);
}

static enum err by_names(enum store_kind kind, const char *node, const char *one, const char *other)
{
    struct store_op *op = new_op(kind, "alice", node);
    op->pep.items[op->pep.count++].name = str_of(one);
    if (other)
        op->pep.items[op->pep.count++].name = str_of(other);
    return ask(op);
}

static enum err page(const char *node, const char *from, bool backwards, uint64_t limit)
{
    struct store_op *op = new_op(STORE_PEP_PAGE, "alice", node);
    op->pep.from = str_of(from);
    op->pep.backwards = backwards;
    op->pep.limit = limit;
    return ask(op);
}

static void add_account(const char *user)
{
    struct reply reply;
    assert_int_equal(ask_account(STORE_ACCOUNT_ADD, account(user, "n.example", "x"), &reply),
                     ERR_OK);
}

static void who_has_no_account_has_no_nodes(void **state)
{
    (void)state;
    for (int kind = STORE_PEP_NODES; kind <= STORE_PEP_PAGE; kind++)
        assert_int_equal(run((enum store_kind)kind, "nobody", "n"), ERR_NOT_FOUND);
    add_account("alice");
    assert_int_equal(run(STORE_PEP_NODES, "alice", ""), ERR_OK);
    assert_int_equal(got.node_count, 0);
    for (int kind = STORE_PEP_RETRACT; kind <= STORE_PEP_PAGE; kind++)
        assert_int_equal(run((enum store_kind)kind, "alice", "n"), ERR_NOT_FOUND);
    assert_int_equal(set("", "x", 1), ERR_INVALID);
}

static void nodes_are_set(void **state)
{
    (void)state;
    assert_int_equal(set("one", "first", 10), ERR_OK);
    assert_int_equal(got.node_count, 1);
    assert_string_equal(got.settings[0], "first");
    assert_int_equal(got.count[0] + got.last[0].number, 0);
    assert_int_equal(set("one", "second <\xc3\xa4&\n>", 10), ERR_OK);
    assert_int_equal(set("a", "", 10), ERR_OK);
    assert_int_equal(run(STORE_PEP_NODES, "alice", ""), ERR_OK);
    assert_int_equal(got.node_count, 2);
    assert_string_equal(got.nodes[0], "a");
    assert_string_equal(got.nodes[1], "one");
    assert_string_equal(got.settings[1], "second <\xc3\xa4&\n>");
}

static void publishing_makes_the_node_and_keeps_its_settings(void **state)
{
    (void)state;
    assert_int_equal(publish("new", "i1", 11, "<x/>", 10), ERR_OK);
    assert_string_equal(got.settings[0], "fresh");
    assert_int_equal(got.count[0], 1);
    assert_int_equal(got.bytes[0], 4);
    assert_int_equal(got.last[0].number, 11);
    assert_true(str_is(got.last[0].name, "i1"));
    assert_true(str_is(got.last[0].body, "<x/>"));
    assert_int_equal(publish("one", "i1", 12, "<y>\xc3\xa4</y>", 10), ERR_OK);
    assert_string_equal(got.settings[0], "second <\xc3\xa4&\n>");
    assert_int_equal(got.bytes[0], 9);
    assert_int_equal(publish("one", "", 13, "<y/>", 10), ERR_INVALID);
}

static void the_latest_stay(void **state)
{
    (void)state;
    assert_int_equal(publish("new", "i2", 21, "<two/>", 3), ERR_OK);
    assert_int_equal(publish("new", "i3", 22, "<three/>", 3), ERR_OK);
    assert_int_equal(publish("new", "i1", 23, "<one/>", 3), ERR_OK); /* again: now the latest */
    assert_int_equal(got.count[0], 3);
    assert_true(str_is(got.last[0].body, "<one/>"));
    assert_int_equal(page("new", "", false, 100), ERR_OK);
    assert_string_equal(got.items, "i1=<one/> i3=<three/> i2=<two/>");
    assert_int_equal(publish("new", "i4", 24, "<four/>", 3), ERR_OK);
    assert_int_equal(got.count[0], 3);
    assert_int_equal(page("new", "", false, 100), ERR_OK);
    assert_string_equal(got.items, "i4=<four/> i1=<one/> i3=<three/>");
    assert_int_equal(set("new", "fewer", 2), ERR_OK);
    assert_int_equal(got.count[0], 2);
    assert_int_equal(page("new", "", false, 100), ERR_OK);
    assert_string_equal(got.items, "i4=<four/> i1=<one/>");
    assert_int_equal(got.total, 2);
    assert_int_equal(page("one", "", false, 100), ERR_OK); /* another node's stay out of it */
    assert_string_equal(got.items, "i1=<y>\xc3\xa4</y>");
}

static void pages_go_both_ways(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (uint64_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(publish("many", names[i], 31 + i, names[i], UINT64_MAX), ERR_OK);
    assert_int_equal(page("many", "", false, 2), ERR_OK);
    assert_string_equal(got.items, "e=e d=d");
    assert_int_equal(got.total, 5);
    assert_int_equal(page("many", "d", false, 2), ERR_OK);
    assert_string_equal(got.items, "c=c b=b");
    assert_int_equal(page("many", "a", false, 2), ERR_OK);
    assert_string_equal(got.items, "");
    assert_int_equal(page("many", "", true, 2), ERR_OK);
    assert_string_equal(got.items, "b=b a=a");
    assert_int_equal(page("many", "b", true, 2), ERR_OK);
    assert_string_equal(got.items, "d=d c=c");
    assert_int_equal(page("many", "d", true, 2), ERR_OK);
    assert_string_equal(got.items, "e=e");
    assert_int_equal(page("many", "e", true, 2), ERR_OK);
    assert_string_equal(got.items, "");
    assert_int_equal(page("many", "x", false, 2), ERR_NOT_FOUND);
    assert_int_equal(page("many", "", false, 0), ERR_OK);
    assert_string_equal(got.items, "");
    assert_int_equal(got.total, 5);
}

static void items_are_found_by_name(void **state)
{
    (void)state;
    assert_int_equal(by_names(STORE_PEP_PICK, "many", "b", "d"), ERR_OK);
    assert_string_equal(got.items, "d=d b=b");
    assert_int_equal(by_names(STORE_PEP_PICK, "many", "x", "c"), ERR_OK);
    assert_string_equal(got.items, "c=c");
    assert_int_equal(by_names(STORE_PEP_PICK, "many", "x", NULL), ERR_OK);
    assert_string_equal(got.items, "");
    assert_int_equal(by_names(STORE_PEP_PICK, "none", "a", NULL), ERR_NOT_FOUND);
}

static void items_are_retracted(void **state)
{
    (void)state;
    assert_int_equal(by_names(STORE_PEP_RETRACT, "many", "x", NULL), ERR_NOT_FOUND);
    assert_int_equal(by_names(STORE_PEP_RETRACT, "many", "e", "x"), ERR_OK);
    assert_int_equal(got.count[0], 4);
    assert_true(str_is(got.last[0].name, "d"));
    assert_int_equal(run(STORE_PEP_PURGE, "alice", "many"), ERR_OK);
    assert_int_equal(got.count[0] + got.bytes[0] + got.last[0].number, 0);
    assert_int_equal(run(STORE_PEP_PURGE, "alice", "many"), ERR_OK);
    assert_int_equal(page("many", "", false, 10), ERR_OK);
    assert_int_equal(got.total, 0);
}

static void a_long_body_is_not_told_with_its_node(void **state)
{
    (void)state;
    static char body[STORE_PEP_LAST_MAX + 2];
    memset(body, 'x', STORE_PEP_LAST_MAX);
    body[STORE_PEP_LAST_MAX] = '\0';
    assert_int_equal(publish("long", "i", 41, body, 1), ERR_OK);
    assert_int_equal(got.last[0].body.len, STORE_PEP_LAST_MAX);
    body[STORE_PEP_LAST_MAX] = 'x';
    assert_int_equal(publish("long", "i", 42, body, 1), ERR_OK);
    assert_int_equal(got.last[0].number, 42);
    assert_null(got.last[0].body.at);
    assert_int_equal(got.bytes[0], STORE_PEP_LAST_MAX + 1);
}

static void a_node_is_deleted(void **state)
{
    (void)state;
    assert_int_equal(run(STORE_PEP_DELETE, "alice", "new"), ERR_OK);
    assert_int_equal(run(STORE_PEP_DELETE, "alice", "new"), ERR_NOT_FOUND);
    assert_int_equal(page("new", "", false, 10), ERR_NOT_FOUND);
    assert_int_equal(publish("new", "i9", 51, "<nine/>", 3), ERR_OK);
    assert_int_equal(got.count[0], 1);
}

static void they_go_with_their_account(void **state)
{
    (void)state;
    struct reply reply;
    assert_int_equal(ask_account(STORE_ACCOUNT_REMOVE, account("alice", "n.example", ""), &reply),
                     ERR_OK);
    add_account("alice");
    assert_int_equal(run(STORE_PEP_NODES, "alice", ""), ERR_OK);
    assert_int_equal(got.node_count, 0);
}

static int close_group(void **state)
{
    (void)state;
    struct reply last = {0};
    store_ask(account_op(STORE_ACCOUNT_GET, account("last", "n.example", ""), &last), 0);
    stage_close();
    return last.times == 1 && last.outcome == ERR_DOWN ? 0 : -1;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(who_has_no_account_has_no_nodes),
    cmocka_unit_test(nodes_are_set),
    cmocka_unit_test(publishing_makes_the_node_and_keeps_its_settings),
    cmocka_unit_test(the_latest_stay),
    cmocka_unit_test(pages_go_both_ways),
    cmocka_unit_test(items_are_found_by_name),
    cmocka_unit_test(items_are_retracted),
    cmocka_unit_test(a_long_body_is_not_told_with_its_node),
    cmocka_unit_test(a_node_is_deleted),
    cmocka_unit_test(they_go_with_their_account),
};

int main(void)
{
    return contract_run(tests, COUNT_OF(tests));
}
