/* A client on a thread of its own, while the test's shard turns. */
#ifndef RT_TEST_CLIENT_H
#define RT_TEST_CLIENT_H

#include "ctl_stage.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_bool client_over;

static inline void *client_body(void *argument)
{
    void (*const *run)(void) = argument;
    (*run)();
    atomic_store(&client_over, true);
    return NULL;
}

/* Runs a client; it must not use cmocka's asserts, which are not for a second thread. */
static inline void with_client(void (*run)(void))
{
    pthread_t thread;
    atomic_store(&client_over, false);
    assert_int_equal(pthread_create(&thread, NULL, client_body, &run), 0);
    while (!atomic_load(&client_over))
        shard_turn(shard, 1000);
    pthread_join(thread, NULL);
    for (int i = 0; i < 5; i++) /* what the client's end has set off */
        shard_turn(shard, 1000);
}

/* Writes all, then reads to the end or to `len` bytes. Into `out`, with a NUL behind. */
static inline size_t talk(int fd, struct str bytes, char *out, size_t len)
{
    size_t got = 0;
    while (bytes.len) {
        ssize_t sent = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            break;
        bytes.at += sent;
        bytes.len -= (size_t)sent;
    }
    while (got < len) {
        ssize_t more = recv(fd, out + got, len - got, 0);
        if (more <= 0)
            break;
        got += (size_t)more;
    }
    out[got] = '\0';
    return got;
}

#endif
