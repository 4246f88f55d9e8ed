#include "client.h"
#include "server.h"
#include "users.h"

static struct c2s_listener listener = {
    .max_stanza_size = 65536, .state_timeout_ms = 60000, .plaintext_auth = true, .shaper = "none"};
static int ends[3];

static int up(void **state)
{
    const char *why;
    if (stage_up(state) || server_setup_hosts(&config, &why))
        return -1;
    ctl_world.is_server = true;
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
            return -1;
        ends[i] = pair[0];
        session_new(&listener, pair[1]);
    }
    shard_turn(shard, 1000);
    return 0;
}

static int down(void **state)
{
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        close(ends[i]);
    for (int i = 0; i < 20; i++)
        shard_turn(shard, 1000);
    hosts_free();
    return stage_down(state);
}

/* As after binding; the states before are others' business. */
static struct session *bind_nth(size_t index, const char *text)
{
    struct link *link = session_list()->next;
    while (index--)
        link = link->next;
    struct session *session = LIST_OWNER(link, struct session, shard_link);
    struct jid jid;
    assert_int_equal(jid_parse(&arena, str_of(text), &jid), ERR_OK);
    jid_keep(&session->jid, &jid);
    session->host = host_find(jid.domain);
    session->authenticated = true;
    session_opened(session);
    return session;
}

static const char *number_of(const struct session *session)
{
    return arena_format(&arena, "%llu", (unsigned long long)session->number).at;
}

/* What the peer of an ended session got. */
static const char *read_end(int fd)
{
    char *text = arena_take(&arena, 4096);
    for (int i = 0; i < 5; i++)
        shard_turn(shard, 1000);
    ssize_t len = recv(fd, text, 4095, MSG_DONTWAIT);
    text[len > 0 ? len : 0] = '\0';
    return text;
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void lists(void **state)
{
    (void)state;
    bind_nth(1, "alice@localhost/a");
    const char *text = COMMAND("session", "list");
    assert_int_equal(lines_of(text), 4);
    assert_non_null(strstr(text, "  alice@localhost/a\n"));
    assert_non_null(strstr(text, "  -\n"));
    text = COMMAND("session", "list", "2");
    assert_int_equal(lines_of(text), 4);
    assert_non_null(strstr(text, "\n1 more: session list LIMIT\n"));
}

static void kicks_one_of_two(void **state)
{
    (void)state;
    bind_nth(0, "alice@localhost/a");
    bind_nth(1, "alice@localhost/b");
    ANSWERS(0, "ended 1\n", "session", "kick", "Alice@localhost/b", "out & away");
    const char *text = read_end(ends[1]);
    assert_non_null(strstr(text, "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text"));
    assert_non_null(strstr(text, "out &amp; away</text></stream:error></stream:stream>"));
    assert_string_equal(read_end(ends[0]), "");
    ANSWERS(1, "alice@localhost/b: there is no such session\n", "session", "kick",
            "alice@localhost/b");
    ANSWERS(1, "REASON has characters that XML does not allow\n", "session", "kick",
            "alice@localhost/a", "\x01");
}

static void asks_for_presence(void **state)
{
    (void)state;
    bind_nth(0, "alice@localhost/a");
    ANSWERS(0, "alice@localhost/a  module presence is off\n", "session", "presence",
            "Alice@localhost");
    ANSWERS(1, "bob@localhost: there is no such session\n", "session", "presence", "bob@localhost");
    ANSWERS(1, "alice@localhost/b: there is no such session\n", "session", "presence",
            "alice@localhost/b", "<presence/>");
    ANSWERS(1, "localhost: not the JID of a user\n", "session", "presence", "localhost");
}

static void kicks_all_of_a_user(void **state)
{
    (void)state;
    bind_nth(0, "alice@localhost/a");
    bind_nth(1, "bob@localhost/a");
    bind_nth(2, "alice@localhost/b");
    ANSWERS(0, "ended 2\n", "session", "kick", "alice@localhost");
    assert_non_null(strstr(read_end(ends[2]), "kicked by an administrator"));
    assert_string_equal(read_end(ends[1]), "");
    assert_int_equal(users_count(), 1);
}

static void kicks_by_number(void **state)
{
    (void)state;
    const struct session *session = bind_nth(2, "alice@localhost/b");
    ANSWERS(0, "ended 1\n", "session", "kick", number_of(session));
    assert_non_null(strstr(read_end(ends[2]), "<conflict "));
}

static void removing_a_user_ends_its_sessions(void **state)
{
    (void)state;
    COMMAND("user", "add", "alice@localhost", "x");
    bind_nth(0, "alice@localhost/a");
    bind_nth(1, "alice@localhost/b");
    bind_nth(2, "bob@localhost/a");
    ANSWERS(0, "", "user", "remove", "alice@localhost");
    assert_non_null(strstr(read_end(ends[0]), "<not-authorized "));
    assert_non_null(strstr(read_end(ends[1]), "the account was removed"));
    assert_string_equal(read_end(ends[2]), "");
}

static void status_counts(void **state)
{
    (void)state;
    bind_nth(0, "alice@localhost/a");
    const char *text = COMMAND("status");
    assert_non_null(strstr(text, "streams 3, users online 1, "));
    text = COMMAND("status", "--json");
    assert_non_null(strstr(text, "\"streams\":3,\"users\":1,"));
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lists),
        TEST(kicks_one_of_two),
        TEST(asks_for_presence),
        TEST(kicks_all_of_a_user),
        TEST(kicks_by_number),
        TEST(removing_a_user_ends_its_sessions),
        TEST(status_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
