/*
 * Plays against a real server on loopback: play_tcp MODE C2S_PORT LEGACY_PORT FILE… Mode tcp: plain
 * text; tls: STARTTLS is negotiated before the play begins.
 */
#include "play.h"

#include "mem.h"
#include "tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int fd;
    struct tls *tls;
    bool secured, ended;
};

static bool with_tls;
static uint16_t c2s_port, legacy_port;
static struct tls_context *context;

static void nothing(void) {}

static void send_raw(struct connection *c, struct str bytes)
{
    while (bytes.len) {
        ssize_t went = send(c->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (went <= 0)
            return; /* the play will see the end */
        bytes.at += went;
        bytes.len -= (size_t)went;
    }
}

static void send_buf(struct connection *c, struct buf *out)
{
    send_raw(c, buf_str(out));
    buf_fini(out);
}

/* Reads once, waiting up to `ms`; false when nothing came or it has ended. */
static bool read_once(struct connection *c, struct buf *into, unsigned ms)
{
    struct pollfd wait = {.fd = c->fd, .events = POLLIN};
    char bytes[16384];
    if (c->ended || poll(&wait, 1, (int)ms) <= 0)
        return false;
    ssize_t got = recv(c->fd, bytes, sizeof bytes, 0);
    if (got <= 0) {
        c->ended = true;
        return false;
    }
    struct str came = {bytes, (size_t)got};
    if (!c->tls) {
        buf_push_str(into, came);
        return true;
    }
    struct buf out = {0};
    if (tls_input(c->tls, came, into, &out, &c->secured))
        c->ended = true;
    send_buf(c, &out);
    return true;
}

static void say(struct connection *c, const char *text)
{
    send_raw(c, str_of(text));
}

static bool read_until(struct connection *c, const char *mark)
{
    struct buf got = {0};
    bool found = false;
    while (!found && read_once(c, &got, 4000))
        found = memmem(buf_at(&got), buf_len(&got), mark, strlen(mark)) != NULL;
    buf_fini(&got);
    return found;
}

static bool start_tls(struct connection *c)
{
    struct buf out = {0}, plain = {0};
    say(c, "<stream:stream xmlns='jabber:client' to='localhost' version='1.0' "
           "xmlns:stream='http://etherx.jabber.org/streams'>");
    if (!read_until(c, "</stream:features>"))
        return false;
    say(c, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    if (!read_until(c, "<proceed"))
        return false;
    c->tls = tls_new_client(context, "localhost", &out);
    send_buf(c, &out);
    while (!c->secured && read_once(c, &plain, 4000))
        ;
    buf_fini(&plain);
    return c->secured;
}

/* Until the server has seen that, so that the next play does not hear of this one. */
static void wait_for_end(const struct connection *c)
{
    struct timeval patience = {.tv_sec = 2};
    char rest[4096];
    shutdown(c->fd, SHUT_WR);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (recv(c->fd, rest, sizeof rest, 0) > 0)
        ;
}

static void do_drop(void *connection, bool reset)
{
    struct connection *c = connection;
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    if (reset)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    else
        wait_for_end(c);
    close(c->fd);
    tls_free(c->tls);
    mem_free(c);
}

static void *do_connect(const char *listener)
{
    struct connection *c = mem_zalloc(sizeof *c);
    uint16_t port = strcmp(listener, "legacy") == 0 ? legacy_port : c2s_port;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) || (with_tls && !start_tls(c))) {
        do_drop(c, false);
        return NULL;
    }
    return c;
}

static void do_send(void *connection, struct str bytes)
{
    struct connection *c = connection;
    struct buf out = {0};
    if (!c->tls)
        send_raw(c, bytes);
    else if (tls_output(c->tls, bytes, &out) == ERR_OK)
        send_buf(c, &out);
}

static bool do_receive(void *connection, struct buf *into, unsigned ms)
{
    struct connection *c = connection;
    size_t had = buf_len(into);
    while (buf_len(into) == had && read_once(c, into, ms))
        ;
    return !c->ended || buf_len(into) > had;
}

static void do_wait(unsigned ms)
{
    usleep(ms * 1000);
}

int main(int argc, char **argv)
{
    struct wire wire = {NULL, nothing, nothing, do_connect, do_send, do_receive, do_drop, do_wait};
    if (argc < 5) {
        fputs("play_tcp tcp|tls C2S_PORT LEGACY_PORT FILE…\n", stderr);
        return 2;
    }
    wire.mode = argv[1];
    with_tls = strcmp(argv[1], "tls") == 0;
    c2s_port = (uint16_t)strtoul(argv[2], NULL, 10);
    legacy_port = (uint16_t)strtoul(argv[3], NULL, 10);
    context = tls_context_client("xmpp-client");
    int bad = play_all(&wire, argv + 4, argc - 4);
    tls_context_free(context);
    return bad;
}
