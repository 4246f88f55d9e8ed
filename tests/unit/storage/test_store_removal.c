/* What goes little by little (removal.h), on each back end in the same words. */
#include "store_messages.h"

enum { ROWS = 3 };

struct told {
    bool done, left;
    enum err outcome;
    uint64_t total;
    struct store_mam_page page;
};

static struct told told;

static void on_told(struct store_op *op)
{
    told.done = true;
    told.outcome = op->outcome;
    if (op->kind == STORE_REMOVAL_STEP)
        told.left = op->removal.left;
    else if (op->kind == STORE_MAM_PAGE)
        told.total = op->page.total;
}

static enum err tell(struct store_op *op)
{
    told = (struct told){0};
    store_ask(op, 0);
    stage_until(&told.done);
    return told.outcome;
}

static uint64_t count_of(const char *owner)
{
    struct store_op *op = store_op_new(STORE_MAM_PAGE, on_told, NULL);
    op->page = (struct store_mam_page){
        .owner = str_of(owner), .to = STANZA_ID_MAX, .before = STANZA_ID_MAX, .counted = true};
    assert_int_equal(tell(op), ERR_OK);
    return told.total;
}

static enum err change_domain(enum store_kind kind, const char *domain, uint64_t upto)
{
    struct store_op *op = store_op_new(kind, on_told, NULL);
    op->removal.domain = str_of(domain);
    op->removal.upto = upto;
    return tell(op);
}

static void remove_archive(const char *owner, uint64_t to)
{
    struct store_op *op = store_op_new(STORE_MAM_REMOVE, on_told, NULL);
    op->page.owner = str_of(owner);
    op->page.to = to;
    assert_int_equal(tell(op), ERR_OK);
}

static bool step(void)
{
    struct store_op *op = store_op_new(STORE_REMOVAL_STEP, on_told, NULL);
    op->removal.rows = ROWS;
    assert_int_equal(tell(op), ERR_OK);
    return told.left;
}

static unsigned finish(void)
{
    unsigned steps = 0;
    for (; step(); steps++)
        assert_true(steps < 1000);
    return steps;
}

static enum err do_account(enum store_kind kind, const char *user, const char *domain)
{
    struct reply reply;
    return ask_account(kind, account(user, domain, "x"), &reply);
}

static uint64_t chat(const char *one, const char *other, unsigned count)
{
    uint64_t id = 0;
    for (unsigned i = 0; i < count; i++)
        id = put(i % 2 ? message(one, other, "x") : message(other, one, "x"));
    return id;
}

/* --- Tests; each with a domain of its own --- */

static void it_is_hidden_at_once_and_others_keep_theirs(void **state)
{
    (void)state;
    chat("a@hidden", "b@hidden", 10);
    remove_archive("a@hidden", STANZA_ID_MAX);
    assert_int_equal(count_of("a@hidden"), 0);
    chat("a@hidden", "b@hidden", 2);
    assert_int_equal(count_of("a@hidden"), 2);
    finish();
    assert_int_equal(count_of("a@hidden"), 2);
    assert_int_equal(count_of("b@hidden"), 12);
    remove_archive("b@hidden", STANZA_ID_MAX);
    assert_int_equal(count_of("a@hidden"), 2);
    assert_int_equal(count_of("b@hidden"), 0);
    assert_true(config.backend == STORE_MEMORY || finish() >= 12 / 2 / ROWS);
    assert_false(step());
    assert_int_equal(count_of("a@hidden"), 2);
}

static void a_part_of_an_archive_goes(void **state)
{
    (void)state;
    chat("a@part", "b@part", 6);
    uint64_t id = chat("a@part", "b@part", 1);
    chat("a@part", "b@part", 4);
    remove_archive("a@part", id);
    assert_int_equal(count_of("a@part"), 5);
    finish();
    assert_int_equal(count_of("a@part"), 5);
    assert_int_equal(count_of("b@part"), 11);
}

/* It was removed, is there again, and is removed again before the first removal has ended. */
static void twice(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(do_account(STORE_ACCOUNT_ADD, "a", "twice"), ERR_OK);
        assert_int_equal(count_of("a@twice"), 0);
        chat("a@twice", "b@twice", 8);
        assert_int_equal(count_of("a@twice"), 8);
        assert_int_equal(do_account(STORE_ACCOUNT_REMOVE, "a", "twice"), ERR_OK);
        step();
    }
    finish();
    assert_int_equal(do_account(STORE_ACCOUNT_REMOVE, "a", "twice"), ERR_NOT_FOUND);
    assert_int_equal(count_of("a@twice"), 0);
    assert_int_equal(count_of("b@twice"), 16);
}

static void a_domain_goes_with_all_of_its_users(void **state)
{
    (void)state;
    static const char *const users[] = {"a", "b", "c", "d", "e", "f", "g"};
    for (size_t i = 0; i < COUNT_OF(users); i++)
        assert_int_equal(do_account(STORE_ACCOUNT_ADD, users[i], "whole"), ERR_OK);
    assert_int_equal(do_account(STORE_ACCOUNT_ADD, "a", "other"), ERR_OK);
    chat("a@whole", "a@other", 5);
    chat("g@whole", "b@whole", 5);
    assert_int_equal(change_domain(STORE_DOMAIN_REMOVE, "whole", 0), ERR_OK);
    if (config.backend != STORE_MEMORY)
        assert_int_equal(do_account(STORE_ACCOUNT_ADD, "h", "whole"), ERR_CONFLICT);
    finish();
    for (size_t i = 0; i < COUNT_OF(users); i++)
        assert_int_equal(do_account(STORE_ACCOUNT_GET, users[i], "whole"), ERR_NOT_FOUND);
    assert_int_equal(count_of("a@whole") + count_of("b@whole") + count_of("g@whole"), 0);
    assert_int_equal(count_of("a@other"), 5);
    assert_int_equal(do_account(STORE_ACCOUNT_GET, "a", "other"), ERR_OK);
    assert_int_equal(change_domain(STORE_DOMAIN_REMOVE, "whole", 0), ERR_NOT_FOUND);
    assert_int_equal(do_account(STORE_ACCOUNT_ADD, "a", "whole"), ERR_OK);
    assert_int_equal(count_of("a@whole"), 0);
}

static void a_domain_keeps_what_is_not_too_old(void **state)
{
    (void)state;
    static const char *const users[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < COUNT_OF(users); i++)
        assert_int_equal(do_account(STORE_ACCOUNT_ADD, users[i], "brief"), ERR_OK);
    uint64_t id = chat("a@brief", "e@brief", 7);
    chat("d@brief", "long@elsewhere", 1);
    chat("a@brief", "e@brief", 2);
    assert_int_equal(change_domain(STORE_DOMAIN_RETAIN, "brief", id), ERR_OK);
    finish();
    assert_int_equal(count_of("a@brief"), 2);
    assert_int_equal(count_of("e@brief"), 2);
    assert_int_equal(count_of("d@brief"), 1);
    assert_int_equal(change_domain(STORE_DOMAIN_RETAIN, "nowhere", id), ERR_NOT_FOUND);
}

static int close_group(void **state)
{
    (void)state;
    stage_close();
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(it_is_hidden_at_once_and_others_keep_theirs),
    cmocka_unit_test(a_part_of_an_archive_goes),
    cmocka_unit_test(twice),
    cmocka_unit_test(a_domain_goes_with_all_of_its_users),
    cmocka_unit_test(a_domain_keeps_what_is_not_too_old),
};

int main(void)
{
    return contract_run(tests, COUNT_OF(tests));
}
