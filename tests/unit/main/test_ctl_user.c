#include "credentials.h"
#include "ctl_stage.h"
#include "store_backend.h"

static struct store_account found;
static enum err outcome;

static void on_found(struct store_op *op)
{
    outcome = op->outcome;
    found.credentials = arena_str(&arena, op->account.credentials);
    found.pending = arena_str(&arena, op->account.pending);
    exit_code = 0;
}

static enum err look_up(const char *user, const char *domain)
{
    struct store_op *op = store_op_new(STORE_ACCOUNT_GET, on_found, NULL);
    op->account.user = arena_str(&op->arena, str_of(user));
    op->account.domain = arena_str(&op->arena, str_of(domain));
    exit_code = -1;
    store_ask(op, 0);
    while (exit_code < 0)
        shard_turn(shard, 1000);
    return outcome;
}

static bool has_password(const char *user, const char *domain, const char *password)
{
    struct credentials credentials;
    assert_int_equal(look_up(user, domain), ERR_OK);
    assert_int_equal(found.pending.len, 0);
    assert_int_equal(credentials_parse(found.credentials, &credentials), ERR_OK);
    assert_int_equal(credentials.iterations, 4096);
    return credentials_check(&credentials, str_of(password));
}

static void add_passwd_remove(void **state)
{
    (void)state;
    ANSWERS(0, "", "user", "add", "Alice@LOCALHOST", "secret word");
    assert_true(has_password("alice", "localhost", "secret word"));
    ANSWERS(1, "alice@localhost: the account is there already\n", "user", "add", "alice@localhost",
            "x");
    ANSWERS(0, "", "user", "passwd", "alice@localhost", "other");
    assert_true(has_password("alice", "localhost", "other"));
    assert_false(has_password("alice", "localhost", "secret word"));
    ANSWERS(0, "", "user", "remove", "alice@localhost");
    assert_int_equal(look_up("alice", "localhost"), ERR_NOT_FOUND);
    ANSWERS(1, "alice@localhost: there is no such account\n", "user", "remove", "alice@localhost");
    ANSWERS(1, "bob@localhost: there is no such account\n", "user", "passwd", "bob@localhost", "x");
}

static void bad_words(void **state)
{
    (void)state;
    ANSWERS(1, "localhost: expects a JID like user@domain\n", "user", "add", "localhost", "x");
    ANSWERS(1, "a@localhost/r: expects a JID like user@domain\n", "user", "add", "a@localhost/r",
            "x");
    ANSWERS(1, "a@@b: that is not a JID\n", "user", "add", "a@@b", "x");
    ANSWERS(1, "a@nowhere: the domain is not one of this server\n", "user", "add", "a@nowhere",
            "x");
    ANSWERS(1, "a@localhost: the password is empty\n", "user", "add", "a@localhost", "");
    ANSWERS(1, "a@localhost: the password has characters that are not allowed (RFC 4013)\n", "user",
            "add", "a@localhost", "a\tb");
    ANSWERS(2, "usage: ringtailctl -c FILE user add JID [PASSWORD]\n", "user", "add", "a@b");
    ANSWERS(2, "usage: ringtailctl -c FILE user add JID [PASSWORD]\n", "user", "add", "a@b", "c",
            "d");
    ANSWERS(2,
            "there is no command `user ad` (did you mean `user add`?); `ringtailctl help` lists "
            "them\n",
            "user", "ad");
    ANSWERS(2, "there is no command `x y z`; `ringtailctl help` lists them\n", "x", "y", "z");
}

static void lists_by_domain(void **state)
{
    (void)state;
    ANSWERS(0, "", "user", "list");
    COMMAND("user", "add", "b@localhost", "x");
    COMMAND("user", "add", "a@localhost", "x");
    COMMAND("user", "add", "c@example.org", "x");
    ANSWERS(0, "a@localhost\nb@localhost\nc@example.org\n", "user", "list");
    ANSWERS(0, "c@example.org\n", "user", "list", "EXAMPLE.org");
    ANSWERS(1, "nowhere is not a domain of this server\n", "user", "list", "nowhere");
}

static void import_seals(void **state)
{
    (void)state;
    uint8_t password[64];
    ANSWERS(0, "added 2 present 0 bad 0\n", "user", "import", "1", "pending", "a@localhost,p,w",
            "b@example.org,x");
    ANSWERS(0,
            "line 8: expects `jid,password`\n"
            "line 10: the domain is not one of this server\n"
            "line 11: the password is empty\n"
            "added 1 present 1 bad 3\n",
            "user", "import", "7", "pending", "a@localhost,other", "bad", "", "a@nowhere,x",
            "d@localhost,", "c@localhost,x");
    assert_int_equal(look_up("a", "localhost"), ERR_OK);
    assert_int_equal(found.credentials.len, 0);
    assert_int_equal(found.pending.len, 3 + DIGEST_SEAL_EXTRA);
    assert_int_equal(digest_unseal(core_config.secret, found.pending, password), ERR_OK);
    assert_memory_equal(password, "p,w", 3);
    ANSWERS(0, "", "user", "passwd", "a@localhost", "new");
    assert_true(has_password("a", "localhost", "new"));
}

static void import_derives(void **state)
{
    (void)state;
    ANSWERS(0, "added 2 present 0 bad 0\n", "user", "import", "1", "derive", "a@localhost,one",
            "b@localhost,two");
    assert_true(has_password("a", "localhost", "one"));
    assert_true(has_password("b", "localhost", "two"));
}

/* More than a page of the list, more words than a call holds by itself. */
static void many(void **state)
{
    (void)state;
    enum { COUNT = 2500 };
    const char **words = arena_zero(&arena, (COUNT + 4) * sizeof *words);
    words[0] = "user";
    words[1] = "import";
    words[2] = "1";
    words[3] = "pending";
    for (int i = 0; i < COUNT; i++)
        words[4 + i] = arena_format(&arena, "u%04d@localhost,pw%d", i, i).at;
    assert_string_equal(command_of(COUNT + 4, words), "added 2500 present 0 bad 0\n");
    const char *list = COMMAND("user", "list", "localhost");
    for (int i = 0; i < COUNT; i++)
        assert_memory_equal(list + i * 16, arena_format(&arena, "u%04d@localhost\n", i).at, 16);
    assert_int_equal(strlen(list), COUNT * 16);
}

static enum err lose(const struct store_op *op, uint64_t *delay_ms)
{
    (void)op;
    *delay_ms = 0;
    return ERR_DOWN;
}

static void a_store_that_is_down(void **state)
{
    (void)state;
    store_mem_hook = lose;
    ANSWERS(1, "a@localhost: the database is not there now\n", "user", "add", "a@localhost", "x");
    ANSWERS(1, "the database is not there now\n", "user", "list");
    ANSWERS(1, "the database is not there now\n", "user", "import", "1", "pending",
            "a@localhost,x");
    store_mem_hook = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(add_passwd_remove),    STAGE_TEST(bad_words),      STAGE_TEST(lists_by_domain),
        STAGE_TEST(import_seals),         STAGE_TEST(import_derives), STAGE_TEST(many),
        STAGE_TEST(a_store_that_is_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
