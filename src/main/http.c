#include "http.h"

#include "data_dir.h"
#include "health.h"
#include "metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>

enum { CONNECTIONS_MAX = 64, IDLE_S = 15, MEMORY_MAX = 16384 };

/* One of listen.http. */
struct web {
    struct MHD_Daemon *daemon;
    struct op poll;
    struct timer timer;
    struct task task;
    int epoll;
    struct link waiting; /* requests whose answer is asked for */
};

/* A request, from its first line to its end. */
struct request {
    struct web *web;
    struct MHD_Connection *connection;
    struct link link; /* in waiting */
    struct health *health;
    struct buf reasons;
    bool answered;
};

static struct {
    struct web *webs;
    size_t count;
} all;

static struct metric requests = {"http_requests_total", "HTTP requests.", METRIC_COUNTER, 0};
struct metric *const http_metrics[] = {&requests, NULL};

/* --- Answers --- */

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, struct buf *body)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(buf_len(body), buf_at(body), MHD_RESPMEM_MUST_COPY);
    buf_fini(body);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            "text/plain; version=0.0.4; charset=utf-8");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result respond_text(struct MHD_Connection *connection, unsigned status,
                                    const char *text)
{
    struct buf body = {0};
    buf_push_str(&body, str_of(text));
    return respond(connection, status, &body);
}

static enum MHD_Result on_metrics(struct request *request)
{
    struct buf body = {0};
    metrics_write(&body);
    return respond(request->connection, MHD_HTTP_OK, &body);
}

static enum MHD_Result on_healthz(struct request *request)
{
    return respond_text(request->connection, MHD_HTTP_OK, "ok\n");
}

/* The connection sleeps until the shards have answered; then the request comes here again. */
static void on_health(void *owner, struct buf *reasons)
{
    struct request *request = owner;
    request->health = NULL;
    request->answered = true;
    buf_push_str(&request->reasons, buf_str(reasons));
    list_drop(&request->link);
    MHD_resume_connection(request->connection);
    shard_soon(&request->web->task);
}

static enum MHD_Result on_readyz(struct request *request)
{
    if (!request->answered) {
        request->health = health_ask(on_health, request);
        list_push(&request->web->waiting, &request->link);
        MHD_suspend_connection(request->connection);
        return MHD_YES;
    }
    if (buf_len(&request->reasons) == 0)
        return respond_text(request->connection, MHD_HTTP_OK, "ready\n");
    return respond(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE, &request->reasons);
}

static const struct {
    const char *path;
    enum MHD_Result (*answer)(struct request *request);
} routes[] = {
    {"/metrics", on_metrics},
    {"/healthz", on_healthz},
    {"/readyz", on_readyz},
};

static enum MHD_Result route(struct request *request, const char *path, const char *method)
{
    if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
        return respond_text(request->connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only\n");
    for (size_t i = 0; i < COUNT_OF(routes); i++)
        if (strcmp(path, routes[i].path) == 0)
            return routes[i].answer(request);
    return respond_text(request->connection, MHD_HTTP_NOT_FOUND,
                        "there are /metrics, /healthz and /readyz\n");
}

/* Called for the head, for each piece of a body (which is dropped), and at its end. */
static enum MHD_Result on_request(void *owner, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_len, void **own)
{
    struct request *request = *own;
    (void)version;
    (void)body;
    if (!request) {
        request = *own = mem_zalloc(sizeof *request);
        request->web = owner;
        request->connection = connection;
        metric_count(&requests);
        return MHD_YES;
    }
    if (*body_len) {
        *body_len = 0;
        return MHD_YES;
    }
    return route(request, path, method);
}

static void on_completed(void *owner, struct MHD_Connection *connection, void **own,
                         enum MHD_RequestTerminationCode why)
{
    struct request *request = *own;
    (void)owner;
    (void)connection;
    (void)why;
    *own = NULL;
    if (!request)
        return;
    if (request->health)
        health_revoke(request->health);
    if (list_has(&request->link))
        list_drop(&request->link);
    buf_fini(&request->reasons);
    mem_free(request);
}

/* --- The loop --- */

static void run(struct web *web)
{
    MHD_UNSIGNED_LONG_LONG ms;
    MHD_run(web->daemon);
    if (MHD_get_timeout(web->daemon, &ms) != MHD_YES)
        shard_drop(&web->timer);
    else if (ms == 0)
        shard_soon(&web->task);
    else
        shard_after(&web->timer, ms, web->timer.fire);
}

static void on_timer(struct timer *timer)
{
    run(LIST_OWNER(timer, struct web, timer));
}

static void on_task(struct task *task)
{
    run(LIST_OWNER(task, struct web, task));
}

static void on_poll(struct op *op, int result, const uint8_t *data, bool more)
{
    struct web *web = LIST_OWNER(op, struct web, poll);
    (void)data;
    if (result == -ECANCELED)
        return;
    run(web);
    if (!more)
        ring_poll(shard_self->ring, op, web->epoll, POLLIN);
}

/* --- Life --- */

static char last_error[256];

__attribute__((format(printf, 2, 0))) static void on_log(void *owner, const char *format,
                                                         va_list args)
{
    (void)owner;
    vsnprintf(last_error, sizeof last_error, format, args);
    last_error[strcspn(last_error, "\n")] = '\0';
    LOG(LOG_DEBUG, "http_trouble", LF("why", last_error));
}

/* Returns the flag for the address family; 0 with *v6 untouched is IPv4. */
static unsigned fill_address(const struct listen_http *listen, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    *out = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, listen->ip, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)listen->port);
        return MHD_NO_FLAG;
    }
    inet_pton(AF_INET6, listen->ip, &v6->sin6_addr);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)listen->port);
    return MHD_USE_IPv6;
}

static enum err open_one(struct web *web, const struct listen_http *listen, const char **why)
{
    struct sockaddr_storage address;
    unsigned flags = fill_address(listen, &address) | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_ERROR_LOG;
    list_init(&web->waiting);
    web->daemon = MHD_start_daemon(
        flags, (uint16_t)listen->port, NULL, NULL, on_request, web, MHD_OPTION_EXTERNAL_LOGGER,
        on_log, NULL, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MAX, MHD_OPTION_END);
    if (!web->daemon) {
        *why = sentence("cannot listen at %s port %u for HTTP: %s", listen->ip,
                        (unsigned)listen->port, *last_error ? last_error : strerror(errno));
        return ERR_SYSTEM;
    }
    web->epoll = MHD_get_daemon_info(web->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return ERR_OK;
}

enum err http_open(const struct config *config, const char **why)
{
    enum err err = ERR_OK;
    all.webs = mem_zalloc(config->listen.http.count * sizeof *all.webs);
    for (size_t i = 0; i < config->listen.http.count && !err; i++)
        err = open_one(&all.webs[all.count++], config_http(config, i), why);
    return err;
}

void http_start(void)
{
    for (size_t i = 0; i < all.count; i++) {
        struct web *web = &all.webs[i];
        web->poll.done = on_poll;
        web->timer.fire = on_timer;
        web->task.run = on_task;
        ring_poll(shard_self->ring, &web->poll, web->epoll, POLLIN);
    }
}

/* A daemon must not be stopped while requests sleep. */
static void wake_all(struct web *web)
{
    struct link *link;
    while ((link = list_pop(&web->waiting))) {
        struct request *request = LIST_OWNER(link, struct request, link);
        if (request->health)
            health_revoke(request->health);
        request->health = NULL;
        request->answered = true;
        MHD_resume_connection(request->connection);
    }
}

void http_stop(void)
{
    for (size_t i = 0; i < all.count; i++) {
        struct web *web = &all.webs[i];
        shard_drop(&web->timer);
        task_drop(&web->task);
        if (web->poll.armed)
            ring_cancel(shard_self->ring, &web->poll);
        wake_all(web);
    }
}

void http_close(void)
{
    for (size_t i = 0; i < all.count; i++)
        if (all.webs[i].daemon)
            MHD_stop_daemon(all.webs[i].daemon);
    mem_free(all.webs);
    all.webs = NULL;
    all.count = 0;
}

const char *http_library_version(void)
{
    return MHD_get_version();
}
