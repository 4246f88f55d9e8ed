#include "resolve.h"

#include "text.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

enum { NAME_ROOM = 256, ADDRESSES_MAX = 12 };

static bool is_socket(const char *host)
{
    return host[0] == '\0' || host[0] == '/' || host[0] == '@';
}

static bool is_address(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

bool resolve_needed(const char *hosts)
{
    struct str rest = str_of(hosts);
    while (rest.at) {
        char host[NAME_ROOM];
        text_copy(host, sizeof host, str_cut(rest, ',', &rest));
        if (!is_socket(host) && !is_address(host))
            return true;
    }
    return false;
}

static void append(char *list, size_t room, const char *entry, bool first)
{
    size_t len = strlen(list);
    snprintf(list + len, room - len, "%s%s", first ? "" : ",", entry);
}

static void add(struct resolved *out, size_t *count, const char *host, const char *address,
                const char *port)
{
    bool first = *count == 0;
    if (++*count > ADDRESSES_MAX) /* the lists must stay of one length */
        return;
    append(out->hosts, sizeof out->hosts, host, first);
    append(out->addresses, sizeof out->addresses, address, first);
    append(out->ports, sizeof out->ports, port, first);
}

static enum err look_up(const char *host, const char *port, struct resolved *out, size_t *count,
                        char *why, size_t room)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int failed = getaddrinfo(host, NULL, &hints, &found);
    if (failed) {
        snprintf(why, room, "the host name \"%s\" cannot be looked up: %s", host,
                 gai_strerror(failed));
        return ERR_DOWN;
    }
    for (struct addrinfo *one = found; one; one = one->ai_next) {
        char text[INET6_ADDRSTRLEN + 32];
        if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, NULL, 0,
                        NI_NUMERICHOST) == 0)
            add(out, count, host, text, port);
    }
    freeaddrinfo(found);
    return ERR_OK;
}

enum err resolve_hosts(struct resolve_request request, struct resolved *out, char *why, size_t room)
{
    *out = (struct resolved){0};
    struct str hosts = str_of(request.hosts), ports = str_of(request.ports);
    bool one_port = !memchr(ports.at ? ports.at : "", ',', ports.len);
    size_t count = 0;
    while (hosts.at) {
        char host[NAME_ROOM], port[16];
        text_copy(host, sizeof host, str_cut(hosts, ',', &hosts));
        text_copy(port, sizeof port, one_port ? ports : str_cut(ports, ',', &ports));
        enum err err = ERR_OK;
        if (is_socket(host) || is_address(host))
            add(out, &count, host, is_socket(host) ? "" : host, port);
        else
            err = look_up(host, port, out, &count, why, room);
        if (err)
            return err;
    }
    return ERR_OK;
}
