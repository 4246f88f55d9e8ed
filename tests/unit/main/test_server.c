/* Whole servers, each in a process of its own. */
#include "config.h"
#include "main_test.h"
#include "server.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static uint16_t port; /* of its own, because tests run side by side */

/* One where nobody listens: the system's choice. */
static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static int up(void **state)
{
    text_copy(folder, sizeof folder, STR("/tmp/ringtail_srv_XXXXXX"));
    port = free_port();
    return mkdtemp(folder) ? main_up(state) : -1;
}

static int down(void **state)
{
    static const char *const files[] = {"secret.key", "ringtail.lock", "ringtail.sock"};
    for (size_t i = 0; i < COUNT_OF(files); i++)
        remove(arena_format(&arena, "%s/%s", folder, files[i]).at);
    rmdir(folder);
    return main_down(state);
}

static const char *secret_path(void)
{
    return arena_format(&arena, "%s/secret.key", folder).at;
}

/* A server on shards of its own, with its log on a pipe. */
static pid_t start(const char *more, int *log)
{
    int ends[2];
    const char *text =
        arena_format(&arena,
                     "data_dir: %s\ndomains: [localhost]\nshards: 2\nstorage: {backend: memory}\n"
                     "listen: {c2s: [{ip: 127.0.0.1, port: %u, tls: {mode: none}, "
                     "plaintext_auth: true}]}\n%s",
                     folder, port, more)
            .at;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        static struct config config;
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        if (!config_read(str_of(text), "t.yaml", &config, &problems))
            _exit(99);
        int code = server_run(&config);
        config_free(&config);
        _exit(code);
    }
    close(ends[1]);
    *log = ends[0];
    return pid;
}

/* Reads the log until the word comes, or to its end. */
static bool log_says(int log, const char *word)
{
    static char text[65536];
    size_t len = 0;
    ssize_t got;
    while (len < sizeof text - 1 && (got = read(log, text + len, 1)) > 0) {
        len++;
        text[len] = '\0';
        if (text[len - 1] == '\n' && strstr(text, word))
            return true;
    }
    print_error("%s\nnowhere says %s\n", text, word);
    return false;
}

static int end_of(pid_t pid, int log)
{
    int status = -1;
    waitpid(pid, &status, 0);
    close(log);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void a_signal_drains(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        int log;
        pid_t pid = start("", &log);
        assert_true(log_says(log, "event=ready"));
        kill(pid, SIGHUP);
        assert_true(log_says(log, "event=reload_not_supported"));
        kill(pid, SIGPIPE);
        kill(pid, signals[i]);
        assert_true(log_says(log, "event=stopped"));
        assert_int_equal(end_of(pid, log), 0);
    }
}

static int connect_to(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/ringtail.sock", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return connect(fd, (struct sockaddr *)&address, sizeof address) ? -1 : fd;
}

static void ends_by_command(void **state)
{
    (void)state;
    static const struct str requests[] = {{"6\ndrain\0", 8}, {"5\nstop\0", 7}};
    static const struct str answers[] = {{"draining\n\0000\n", 12}, {"stopping\n\0000\n", 12}};
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        int log;
        char got[64];
        size_t len = 0;
        ssize_t more;
        pid_t pid = start("log: {format: json}\n", &log);
        assert_true(log_says(log, "\"event\":\"ready\""));
        int fd = connect_to();
        assert_int_equal(write(fd, requests[i].at, requests[i].len), (ssize_t)requests[i].len);
        while ((more = read(fd, got + len, sizeof got - len)) > 0) /* to the end of the server */
            len += (size_t)more;
        close(fd);
        assert_true(str_eq((struct str){got, len}, answers[i]));
        assert_int_equal(end_of(pid, log), 0);
        assert_int_equal(connect_to(), -1);
    }
}

static void two_do_not_share_a_folder(void **state)
{
    (void)state;
    int log, second_log;
    pid_t pid = start("", &log);
    assert_true(log_says(log, "event=ready"));
    pid_t second = start("", &second_log);
    assert_true(log_says(second_log, "is in use by another process (pid "));
    assert_int_equal(end_of(second, second_log), 1);
    kill(pid, SIGTERM);
    assert_int_equal(end_of(pid, log), 0);
}

static void refuses_to_start(const char *more, const char *why)
{
    int log;
    pid_t pid = start(more, &log);
    assert_true(log_says(log, why));
    assert_int_equal(end_of(pid, log), 1);
}

static void a_start_that_fails_says_why(void **state)
{
    (void)state;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    refuses_to_start("", "ringtaild: cannot listen at 127.0.0.1 port ");
    close(fd);
    assert_int_equal(chmod(secret_path(), 0644), 0);
    refuses_to_start("", "secret.key can be read by others");
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_signal_drains),
        TEST(ends_by_command),
        TEST(two_do_not_share_a_folder),
        TEST(a_start_that_fails_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
