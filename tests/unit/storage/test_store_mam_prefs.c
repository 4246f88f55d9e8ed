/* Preferences of archives, and messages that are replaced, on each back end in the same words. */
#include "store_pages.h"

static void on_prefs(struct store_op *op)
{
    struct paged *paged = op->owner;
    paged->done = true;
    paged->outcome = op->outcome;
    if (op->outcome)
        return;
    paged->prefs.keeps = op->prefs.keeps;
    paged->prefs.count = op->prefs.count;
}

static struct paged ask_prefs(enum store_kind kind, struct store_mam_prefs prefs)
{
    struct paged paged = {0};
    struct store_op *op = store_op_new(kind, on_prefs, &paged);
    op->prefs = prefs;
    store_ask(op, 0);
    stage_until(&paged.done);
    return paged;
}

static void test_prefs(void **state)
{
    (void)state;
    struct store_mam_pref lists[] = {{STR("b@prefs"), STR(""), true},
                                     {STR("b@prefs"), STR("from"), false}};
    struct store_mam_prefs prefs = {.owner = STR("a@prefs")};
    assert_int_equal(ask_prefs(STORE_MAM_PREFS_GET, prefs).outcome, ERR_NOT_FOUND);
    assert_int_equal(ask_prefs(STORE_MAM_PREFS_SET, prefs).outcome, ERR_OK);
    struct paged got = ask_prefs(STORE_MAM_PREFS_GET, prefs);
    assert_true(got.outcome == ERR_OK && !got.prefs.keeps && got.prefs.count == 0);
    say("b@prefs", "a@prefs", "never");
    prefs.items = lists;
    prefs.count = 2;
    assert_int_equal(ask_prefs(STORE_MAM_PREFS_SET, prefs).outcome, ERR_OK);
    assert_int_equal(ask_prefs(STORE_MAM_PREFS_GET, prefs).prefs.count, 2);
    say("b@prefs", "a@prefs", "not-that-resource");
    say("a@prefs", "b@prefs", "always");
    say("a@prefs", "c@prefs", "not-listed");
    assert_page(of("a@prefs", 10), "always", false);
    assert_page(of("b@prefs", 10), "never not-that-resource always", false);
    assert_page(of("c@prefs", 10), "not-listed", false);
    assert_int_equal(
        ask_prefs(STORE_MAM_PREFS_SET, (struct store_mam_prefs){STR("c@prefs"), 0, 0, 0}).outcome,
        ERR_OK);
    say("a@prefs", "c@prefs", "nobody-wants-it");
    assert_page(of("c@prefs", 10), "not-listed", false);
}

static void set_contact(const char *user, const char *contact, unsigned flags)
{
    struct reply reply = {0};
    struct store_op *op = store_op_new(STORE_ROSTER_SET, on_stored, &reply);
    op->roster.user = str_of(user);
    op->roster.domain = STR("listed");
    op->roster.count = 1;
    op->roster.items = arena_zero(&op->arena, sizeof *op->roster.items);
    op->roster.items[0] = (struct store_roster_item){.contact = str_of(contact), .flags = flags};
    store_ask(op, 0);
    stage_until(&reply.done);
    assert_int_equal(reply.outcome, ERR_OK);
}

/* XEP-0441 `roster`: with contacts that are in the roster, and no others, and what is listed
 * for a peer goes before that. */
static void test_roster_prefs(void **state)
{
    (void)state;
    struct store_mam_pref never = {STR("d@listed"), STR(""), false};
    struct store_mam_prefs prefs = {STR("a@listed"), STORE_KEEPS_ROSTER, &never, 1};
    do_account(STORE_ACCOUNT_ADD, "a", "listed");
    set_contact("a", "b@listed", ROSTER_LISTED | ROSTER_TO);
    set_contact("a", "c@listed", ROSTER_ASKED);
    set_contact("a", "d@listed", ROSTER_LISTED);
    assert_int_equal(ask_prefs(STORE_MAM_PREFS_SET, prefs).outcome, ERR_OK);
    assert_int_equal(ask_prefs(STORE_MAM_PREFS_GET, prefs).prefs.keeps, STORE_KEEPS_ROSTER);
    say("b@listed", "a@listed", "contact");
    say("c@listed", "a@listed", "asks");
    say("d@listed", "a@listed", "never");
    say("a@listed", "e@listed", "stranger");
    say("a@listed", "b@listed", "to-contact");
    assert_page(of("a@listed", 10), "contact to-contact", false);
    assert_page(of("e@listed", 10), "stranger", false);
}

static struct paged find(const char *sender, const char *recipient, const char *client_id)
{
    struct paged paged;
    struct store_mam_page page = of(sender, 0);
    page.with = str_of(recipient);
    page.client_id = str_of(client_id);
    ask_page(STORE_MAM_FIND, page, &paged);
    stage_until(&paged.done);
    assert_int_equal(paged.outcome, ERR_OK);
    return paged;
}

static enum err replace(uint64_t id, const char *sender, const char *body)
{
    struct reply reply = {0};
    struct store_op *op = store_op_new(STORE_MAM_REPLACE, on_stored, &reply);
    op->message.id = id;
    op->message.sender = str_of(sender);
    op->message.body = str_of(body);
    store_ask(op, 0);
    stage_until(&reply.done);
    return reply.outcome;
}

static uint64_t say_named(const char *sender, const char *recipient, const char *client_id)
{
    struct store_message one = message(sender, recipient, client_id);
    one.client_id = str_of(client_id);
    return put(one);
}

static void test_replace(void **state)
{
    (void)state;
    say_named("a@replaced", "b@replaced", "one");
    uint64_t again = say_named("a@replaced", "b@replaced", "one");
    say_named("b@replaced", "a@replaced", "one");
    say_named("a@replaced", "c@replaced", "two");
    struct paged found = find("a@replaced", "b@replaced", "one");
    assert_int_equal(found.page.count, 2);
    assert_true(found.first == again);
    assert_int_equal(find("a@replaced", "b@replaced", "two").page.count, 0);
    assert_int_equal(find("a@replaced", "nobody@replaced", "one").page.count, 0);
    assert_int_equal(find("nobody@replaced", "a@replaced", "one").page.count, 0);
    assert_int_equal(replace(again, "b@replaced", "forged"), ERR_NOT_FOUND);
    assert_int_equal(replace(again, "a@replaced", "tombstone"), ERR_OK);
    assert_page(of("b@replaced", 10), "one tombstone one", false);
    assert_page(of("a@replaced", 10), "one tombstone one two", false);
}

static void assert_found(const char *text, const char *with, const char *bodies)
{
    struct store_mam_page page = of("a@searched", 10);
    page.text = str_of(text);
    page.with = str_of(with);
    assert_page(page, bodies, false);
    page.backwards = true;
    assert_page(page, bodies, false);
}

static uint64_t say_text(const char *sender, const char *recipient, const char *text,
                         const char *body)
{
    struct store_message one = message(sender, recipient, body);
    one.text = str_of(text);
    return put(one);
}

/* XEP-0431: messages that have all the words, in one's own archive. */
static void test_search(void **state)
{
    (void)state;
    uint64_t first = say_text("a@searched", "b@searched", "Hello, World: a cat", "1");
    say_text("b@searched", "a@searched", "the world is \"flat\"", "2");
    say_text("a@searched", "c@searched", "hello again", "3");
    say_text("b@searched", "c@searched", "hello world", "4");
    say("a@searched", "b@searched", "5");
    assert_found("hello", "", "1 3");
    assert_found("WORLD", "", "1 2");
    assert_found("hello  world", "", "1");
    assert_found("hello", "c@searched", "3");
    assert_found("hello", "nobody@searched", "");
    assert_found("wor", "", "");
    assert_found("\"flat\" OR -x* ()", "", "");
    assert_found("\"flat\"", "", "2");
    struct store_mam_page page = of("a@searched", 0);
    page.text = STR("world");
    page.counted = true;
    assert_int_equal(look(page).page.total, 2);
    assert_int_equal(replace(first, "a@searched", "tombstone"), ERR_OK);
    assert_found("hello", "", "3");
}

static int close_group(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_prefs),
    cmocka_unit_test(test_roster_prefs),
    cmocka_unit_test(test_replace),
    cmocka_unit_test(test_search),
};

int main(void)
{
    config.full_text = true;
    return contract_run(tests, COUNT_OF(tests));
}
