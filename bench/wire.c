#include "wire.h"

#include "clock.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 65536 };

/* --- Addresses --- */

/* Splits "HOST:PORT" at its last colon; brackets around the host go. */
static bool split(const char *address, char host[256], const char **port)
{
    const char *colon = strrchr(address, ':');
    if (!colon || colon == address || (size_t)(colon - address) >= 256)
        return false;
    struct str name = {address, (size_t)(colon - address)};
    if (name.at[0] == '[' && name.at[name.len - 1] == ']')
        name = (struct str){name.at + 1, name.len - 2};
    text_copy(host, 256, name);
    *port = colon + 1;
    return true;
}

static struct addrinfo *resolve(const char *address, int flags)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags}, *list = NULL;
    char host[256];
    const char *port;
    int failed = EAI_NONAME;
    if (split(address, host, &port))
        failed = getaddrinfo(host, port, &hints, &list);
    if (failed)
        fprintf(stderr, "ringtail-bench: %s: %s (expects HOST:PORT)\n", address,
                gai_strerror(failed));
    return failed ? NULL : list;
}

static int socket_for(const struct addrinfo *at)
{
    return socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
}

/* Tells why, unless there is a descriptor. */
static int told(int fd, const char *address, const char *what)
{
    if (fd < 0)
        fprintf(stderr, "ringtail-bench: %s: %s: %s\n", address, what, strerror(errno));
    return fd;
}

int wire_listen(const char *address)
{
    struct addrinfo *list = resolve(address, AI_PASSIVE);
    int fd = -1, on = 1;
    if (!list)
        return -1;
    fd = socket_for(list);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, list->ai_addr, list->ai_addrlen) || listen(fd, 4)) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return told(fd, address, "cannot listen there");
}

int wire_connect(const char *address)
{
    struct addrinfo *list = resolve(address, 0);
    int fd = -1;
    if (!list)
        return -1;
    for (const struct addrinfo *at = list; at && fd < 0; at = at->ai_next) {
        fd = socket_for(at);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen)) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return told(fd, address, "cannot connect");
}

/* --- Lines --- */

void wire_init(struct wire *wire, int fd)
{
    unsigned silence_ms = WIRE_SILENCE_MS;
    int on = 1;
    *wire = (struct wire){.fd = fd, .heard_us = clock_monotonic_us()};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof silence_ms);
}

void wire_close(struct wire *wire)
{
    if (wire->fd >= 0)
        close(wire->fd);
    wire->fd = -1;
    wire->dead = true;
    buf_fini(&wire->in);
}

void wire_say(struct wire *wire, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        return;
    text[len] = '\n'; /* in the place of the NUL */
    for (int at = 0; at < len + 1 && !wire->dead;) {
        ssize_t sent = send(wire->fd, text + at, (size_t)(len + 1 - at), MSG_NOSIGNAL);
        if (sent > 0)
            at += (int)sent;
        else if (errno != EINTR)
            wire->dead = true;
    }
    free(text);
}

static bool find_line(struct wire *wire, struct str *line)
{
    struct str all = buf_str(&wire->in);
    const char *end = all.len ? memchr(all.at, '\n', all.len) : NULL;
    if (!end)
        return false;
    *line = (struct str){all.at, (size_t)(end - all.at)};
    wire->taken = line->len + 1;
    return true;
}

static void take_bytes(struct wire *wire)
{
    ssize_t got = recv(wire->fd, buf_reserve(&wire->in, CHUNK), CHUNK, MSG_DONTWAIT);
    if (got > 0) {
        buf_grow(&wire->in, (size_t)got);
        wire->heard_us = clock_monotonic_us();
        wire->dead = buf_len(&wire->in) > WIRE_LINE_MAX;
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        wire->dead = true;
    }
}

bool wire_hear(struct wire *wire, unsigned wait_ms, struct str *line)
{
    uint64_t until_us = clock_monotonic_us() + (uint64_t)wait_ms * 1000;
    buf_pop(&wire->in, wire->taken);
    wire->taken = 0;
    while (!find_line(wire, line)) {
        struct pollfd poll_fd = {.fd = wire->fd, .events = POLLIN};
        uint64_t now_us = clock_monotonic_us();
        int left_ms = now_us < until_us ? (int)((until_us - now_us + 999) / 1000) : 0;
        if (wire->dead)
            return false;
        if (poll(&poll_fd, 1, left_ms) > 0)
            take_bytes(wire);
        else if (left_ms == 0)
            return false;
    }
    return true;
}
