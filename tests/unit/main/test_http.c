#include "client.h"
#include "http.h"
#include "metrics.h"
#include "store.h"

#include <arpa/inet.h>

static struct metric counted = {"test_counted_total", "Counted by a test.", METRIC_COUNTER, 0};
static struct metric gauge = {"test_gauge", "Set by a test.", METRIC_GAUGE, 0};
static struct metric *const test_metrics[] = {&counted, &gauge, NULL};

static struct listen_http listen_at = {.ip = "127.0.0.1"};
static char got[1 << 17];
static const char *to_send;

/* A port that was free a moment ago. */
static uint64_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bind(fd, (struct sockaddr *)&address, len);
    getsockname(fd, (struct sockaddr *)&address, &len);
    close(fd);
    return ntohs(address.sin_port);
}

static int up(void **state)
{
    const char *why;
    metric_register(test_metrics);
    metric_register(store_metrics);
    if (stage_up(state))
        return -1;
    listen_at.port = free_port();
    config.listen.http = (struct key_list){.items = &listen_at, .count = 1};
    if (http_open(&config, &why))
        return -1;
    http_start();
    return 0;
}

static int down(void **state)
{
    http_stop();
    http_close();
    return stage_down(state);
}

/* While the shard goes on: what is asked of the ring must come back first. */
static void stop_now(void)
{
    http_stop();
    shard_turn(shard, 1000);
    shard_turn(shard, 1000);
    http_close();
}

static int connect_there(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)listen_at.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return connect(fd, (struct sockaddr *)&address, sizeof address) ? -1 : fd;
}

static void client_asks(void)
{
    int fd = connect_there();
    talk(fd, str_of(to_send), got, sizeof got - 1);
    close(fd);
}

static const char *ask(const char *head)
{
    to_send = arena_format(&arena, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", head).at;
    with_client(client_asks);
    return got;
}

static void begins(const char *text, const char *with)
{
    if (strncmp(text, with, strlen(with)) != 0)
        print_error("%s\n", text);
    assert_memory_equal(text, with, strlen(with));
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        print_error("%s\nlacks %s\n", text, part);
    assert_non_null(strstr(text, part));
}

static void metrics_in_prometheus_text(void **state)
{
    (void)state;
    metric_add(&counted, 5);
    metric_add(&gauge, -3);
    const char *text = ask("GET /metrics");
    begins(text, "HTTP/1.1 200 OK\r\n");
    has(text, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    has(text, "\n# HELP ringtail_test_counted_total Counted by a test.\n"
              "# TYPE ringtail_test_counted_total counter\n"
              "ringtail_test_counted_total{shard=\"0\"} ");
    has(text, "\n# TYPE ringtail_test_gauge gauge\nringtail_test_gauge{shard=\"0\"} -");
    has(text, "\nprocess_resident_memory_bytes ");
    has(text, "\nringtail_uptime_seconds ");
    has(text, "\nringtail_build_info{version=\"");
}

static void metrics_by_name_and_thread(void **state)
{
    (void)state;
    assert_ptr_equal(metrics_find("test_counted_total"), &counted);
    assert_null(metrics_find("nothing"));
    int64_t before = metrics_of_shard(&counted, 0);
    metric_count(&counted);
    assert_int_equal(metrics_of_shard(&counted, 0), before + 1);
    assert_int_equal(metrics_of_shard(&counted, 7), 0);
    assert_int_equal(metrics_of_helpers(&counted), 0);
}

static void health(void **state)
{
    (void)state;
    begins(ask("GET /healthz"), "HTTP/1.1 200 OK\r\n");
    const char *text = ask("GET /readyz");
    begins(text, "HTTP/1.1 200 OK\r\n");
    has(text, "\r\n\r\nready\n");
}

static void other_paths_and_methods(void **state)
{
    (void)state;
    begins(ask("GET /"), "HTTP/1.1 404 ");
    begins(ask("GET /metrics/x"), "HTTP/1.1 404 ");
    const char *text = ask("DELETE /metrics");
    begins(text, "HTTP/1.1 405 ");
    has(text, "Allow: GET, HEAD\r\n");
    text = ask("HEAD /healthz");
    begins(text, "HTTP/1.1 200 ");
    assert_string_equal(text + strlen(text) - 4, "\r\n\r\n");
    to_send = "POST /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"
              "12345";
    with_client(client_asks);
    begins(got, "HTTP/1.1 405 ");
}

static void client_keeps_alive(void)
{
    static const char twice[] = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
                                "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    int fd = connect_there();
    talk(fd, STR(twice), got, sizeof got - 1);
    close(fd);
}

static void one_connection_two_requests(void **state)
{
    (void)state;
    with_client(client_keeps_alive);
    begins(got, "HTTP/1.1 200 ");
    has(got + 20, "HTTP/1.1 200 ");
}

static void client_vanishes(void)
{
    for (int i = 0; i < 50; i++) {
        int fd = connect_there();
        talk(fd, STR("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"), got, 0);
        close(fd);
    }
}

/* Also the end of the server while an answer is asked for. */
static void clients_that_vanish(void **state)
{
    (void)state;
    with_client(client_vanishes);
    begins(ask("GET /readyz"), "HTTP/1.1 200 ");
    int fd = connect_there();
    talk(fd, STR("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"), got, 0);
    shard_turn(shard, 1000);
    stop_now();
    close(fd);
}

static void two_at_one_port(void **state)
{
    (void)state;
    const char *why = NULL;
    stop_now();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)listen_at.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bind(fd, (struct sockaddr *)&address, sizeof address);
    listen(fd, 1);
    assert_int_equal(http_open(&config, &why), ERR_SYSTEM);
    has(why, "for HTTP: ");
    close(fd);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(metrics_in_prometheus_text),
        TEST(metrics_by_name_and_thread),
        TEST(health),
        TEST(other_paths_and_methods),
        TEST(one_connection_two_requests),
        TEST(clients_that_vanish),
        TEST(two_at_one_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
