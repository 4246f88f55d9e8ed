#include "client.h"
#include "ctl_import_file.h"
#include "ctl_server.h"
#include "limits.h"

#include <sys/stat.h>
#include <sys/un.h>

static char folder[64];
static char got[1 << 20];
static size_t got_len;
static int code;

static int up(void **state)
{
    const char *why;
    text_copy(folder, sizeof folder, STR("/tmp/ringtail_ctl_XXXXXX"));
    if (!mkdtemp(folder) || stage_up(state) || ctl_open(folder, &why))
        return -1;
    ctl_start();
    return 0;
}

static int down(void **state)
{
    ctl_close_all();
    ctl_close();
    rmdir(folder);
    return stage_down(state);
}

static int open_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/ringtail.sock", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return connect(fd, (struct sockaddr *)&address, sizeof address) ? -1 : fd;
}

/* --- The protocol by hand --- */

static struct str to_send;
static size_t to_get;

static void client_talks(void)
{
    int fd = open_socket();
    got_len = talk(fd, to_send, got, to_get);
    close(fd);
}

static void exchange(struct str bytes, struct str expected)
{
    to_send = bytes;
    to_get = expected.len;
    with_client(client_talks);
    if (!str_eq((struct str){got, got_len}, expected))
        print_error("got %zu bytes: %s\n", got_len, got);
    assert_true(str_eq((struct str){got, got_len}, expected));
}

static void answers_end_with_a_code(void **state)
{
    (void)state;
    exchange(STR("16\nuser\0remove\0a@b\0"), STR("a@b: the domain is not one of this server\n\0"
                                                 "1\n"));
    exchange(STR("10\nuser\0list\0"
                 "28\nuser\0add\0a@localhost\0secret\0"
                 "10\nuser\0list\0"),
             STR("\0"
                 "0\n\0"
                 "0\na@localhost\n\0"
                 "0\n"));
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    struct buf large = {0};
    exchange(STR("GET / HTTP/1.0\r\n\r\n"), STR("that is not a request of ringtailctl\n\0"
                                                "2\n"));
    exchange(STR("0\n"), STR("that is not a request of ringtailctl\n\0"
                             "2\n"));
    exchange(STR("123456789\n"), STR("that is not a request of ringtailctl\n\0"
                                     "2\n"));
    buf_format(&large, "%d\n", LIMIT_CTL_REQUEST + 1);
    exchange(buf_str(&large), STR("the request is longer than CTL_REQUEST (ringtailctl limits)\n\0"
                                  "2\n"));
    buf_fini(&large);
    exchange(STR("15\nuser\0remove\0a@b"), STR("usage: ringtailctl -c FILE user remove JID\n\0"
                                               "2\n"));
    exchange(STR("4\nuser"), STR("there is no command `user`; `ringtailctl help` lists them\n\0"
                                 "2\n"));
}

static void client_drips(void)
{
    static const char bytes[] = "10\nuser\0list\0"
                                "8\nversion\0";
    int fd = open_socket();
    for (size_t i = 0; i < sizeof bytes - 1; i++) {
        talk(fd, (struct str){bytes + i, 1}, got, 0);
        usleep(200);
    }
    got_len = talk(fd, STR(""), got, 3);
    got_len += talk(fd, STR(""), got + 3, 8);
    close(fd);
}

static void every_byte_boundary(void **state)
{
    (void)state;
    with_client(client_drips);
    assert_memory_equal(got,
                        "\0"
                        "0\nringtail",
                        11);
}

static void client_vanishes(void)
{
    for (int i = 0; i < 20; i++) {
        int fd = open_socket();
        talk(fd, i % 2 ? STR("28\nuser\0add\0x@localhost\0secret\0") : STR("7\nstatus\0"), got, 0);
        close(fd);
        close(open_socket());
    }
}

static void clients_that_vanish_leave_nothing(void **state)
{
    (void)state;
    with_client(client_vanishes);
    const char *users = "";
    for (int i = 0; i < 20 && strcmp(users, "x@localhost\n") != 0; i++) {
        for (int turn = 0; turn < 400; turn++)
            shard_turn(shard, 1000);
        users = COMMAND("user", "list");
    }
    assert_string_equal(users, "x@localhost\n");
}

/* --- ringtailctl's side --- */

static const char *const *words;
static struct buf text;

static void client_commands(void)
{
    struct ctl_link link;
    const char *why;
    code = -1;
    if (ctl_link_connect(&link, folder, &why))
        return;
    for (size_t i = 0; words[i]; i++)
        ctl_link_word(&link, str_of(words[i]));
    code = ctl_link_run(&link, &text);
    ctl_link_close(&link);
}

#define ASK(...)                                                                                   \
    (words = (const char *const[]){__VA_ARGS__, NULL}, with_client(client_commands), text_of(&text))

static void commands_over_the_socket(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(stat(arena_format(&arena, "%s/ringtail.sock", folder).at, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_string_equal(ASK("user", "add", "a@localhost", "two words"), "");
    assert_int_equal(code, 0);
    assert_string_equal(ASK("session", "kick", "a@localhost", "why not"),
                        "a@localhost: there is no such session\n");
    assert_int_equal(code, 1);
    assert_string_equal(ASK("session", "kick", "7"), "7: there is no such session\n");
    assert_string_equal(ASK("session", "kick", "@"), "@: neither a JID nor a number\n");
    assert_non_null(strstr(ASK("session", "list"), "number    shard  state"));
    assert_string_equal(ASK("session", "list", "x"), "LIMIT is not a number\n");
    assert_non_null(strstr(ASK("limits"), "CTL_REQUEST "));
    assert_memory_equal(ASK("states"), "digraph c2s {", 13);
    assert_non_null(strstr(ASK("help"), "  user import FILE [--derive] "));
    assert_string_equal(ASK("hooks"), "");
    assert_int_equal(code, 0);
    assert_non_null(strstr(ASK("status"), "storage ready, 0 operations under way\n"));
    const char *json = ASK("status", "--json");
    assert_memory_equal(json, "{\"version\":", 11);
    assert_string_equal(json + strlen(json) - 3, "}}\n");
    ASK("status", "--xml");
    assert_int_equal(code, 2);
}

static char import_path[64];

static void client_imports(void)
{
    struct ctl_link link;
    const char *why;
    code = -1;
    if (ctl_link_connect(&link, folder, &why))
        return;
    code = ctl_import_file(&link, import_path, false);
    ctl_link_close(&link);
}

enum { MANY = 20000 };

/* 20,000 lines, so a few batches, and a list over the connection's high water mark. */
static void imports_a_file_and_lists_it(void **state)
{
    (void)state;
    text_copy(import_path, sizeof import_path, STR("/tmp/ringtail_csv_XXXXXX"));
    FILE *file = fdopen(mkstemp(import_path), "w");
    for (int i = 0; i < MANY; i++)
        fprintf(file, "somebody%06d@localhost,password%d\r\n", i, i);
    fclose(file);
    with_client(client_imports);
    assert_int_equal(code, 0);
    remove(import_path);
    const char *list = ASK("user", "list");
    assert_true(strlen(list) > LIMIT_OUTPUT_HIGH);
    assert_int_equal(strlen(list), MANY * strlen("somebody000000@localhost\n"));
    assert_memory_equal(list + strlen(list) - 25, "somebody019999@localhost\n", 25);
    with_client(client_imports);
    assert_int_equal(code, 1); /* the file is gone */
}

static void nobody_there(void **state)
{
    (void)state;
    struct ctl_link link;
    const char *why;
    assert_int_equal(ctl_link_connect(&link, "/nonexistent", &why), ERR_DOWN);
    assert_string_equal(why,
                        "the server is not running (nobody listens at /nonexistent/ringtail.sock)");
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_end_with_a_code),
        TEST(bad_requests_are_refused),
        TEST(every_byte_boundary),
        TEST(clients_that_vanish_leave_nothing),
        TEST(commands_over_the_socket),
        TEST(imports_a_file_and_lists_it),
        TEST(nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
