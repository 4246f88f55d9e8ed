/* A pair of sockets, counters by name, and bytes that tell their place. */
#ifndef RT_ROW_TEST_H
#define RT_ROW_TEST_H

#include "buf.h"
#include "conn.h"
#include "metric.h"
#include "shard_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static inline struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A port that nobody has now. */
static inline uint16_t free_port(void)
{
    struct sockaddr_in at = loopback(0);
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return ntohs(at.sin_port);
}

/* A pair over TCP. */
static inline void tcp_pair(int fds[2])
{
    struct sockaddr_in at = loopback(0);
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fds[1], (struct sockaddr *)&at, len), 0);
    fds[0] = accept(listener, NULL, NULL);
    assert_true(fds[0] >= 0);
    close(listener);
}

/* A counter of conn.c or shard.c by its name. */
static inline uint64_t counted(const char *name)
{
    struct metric *const *const tables[] = {conn_metrics, shard_metrics};
    for (size_t t = 0; t < COUNT_OF(tables); t++)
        for (size_t i = 0; tables[t][i]; i++)
            if (strcmp(tables[t][i]->name, name) == 0)
                return metric_sum(tables[t][i]);
    fail_msg("no metric %s", name);
    return 0;
}

/* Bytes that tell their place in the row. */
static inline void fill_row(uint8_t *bytes, size_t len, uint64_t first)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)((first + i) * 2654435761u >> 13);
}

static inline void assert_row(const struct buf *buf, size_t len)
{
    uint8_t *want = mem_alloc(len);
    fill_row(want, len, 0);
    assert_int_equal(buf_len(buf), len);
    assert_memory_equal(buf_at(buf), want, len);
    mem_free(want);
}

#endif
