#include "proxy.h"

#include <arpa/inet.h>
#include <stdint.h>

enum { V1_MAX = 107, V2_HEAD = 16, V2_MAX = 2048 };

static const char v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";

static bool is_address(int family, struct str text, char out[PROXY_ADDRESS_ROOM])
{
    uint8_t raw[16];
    return text.len < PROXY_ADDRESS_ROOM && text_copy(out, PROXY_ADDRESS_ROOM, text) &&
           inet_pton(family, out, raw) == 1;
}

/* "TCP4 192.0.2.1 198.51.100.2 51234 5222": the source is kept, the rest must be there. */
static bool take_v1_line(struct str line, char address[PROXY_ADDRESS_ROOM])
{
    char destination[PROXY_ADDRESS_ROOM];
    uint64_t port;
    struct str family = str_cut(line, ' ', &line), source = str_cut(line, ' ', &line);
    struct str target = str_cut(line, ' ', &line), from_port = str_cut(line, ' ', &line);
    int kind = str_is(family, "TCP4") ? AF_INET : str_is(family, "TCP6") ? AF_INET6 : 0;
    return kind && is_address(kind, source, address) && is_address(kind, target, destination) &&
           text_u64(from_port, 0, 65535, &port) && text_u64(line, 0, 65535, &port);
}

/* "PROXY TCP4 192.0.2.1 198.51.100.2 51234 5222\r\n" */
static enum err parse_v1(struct str bytes, size_t *used, char address[PROXY_ADDRESS_ROOM])
{
    struct str rest = bytes;
    const char *end = memchr(bytes.at, '\n', bytes.len < V1_MAX ? bytes.len : V1_MAX);
    if (!end)
        return bytes.len < V1_MAX ? ERR_AGAIN : ERR_INVALID;
    *used = (size_t)(end - bytes.at) + 1;
    rest.len = *used - 2;
    if (*used < 2 || end[-1] != '\r')
        return ERR_INVALID;
    str_cut(rest, ' ', &rest);
    address[0] = '\0';
    struct str behind;
    if (str_is(str_cut(rest, ' ', &behind), "UNKNOWN"))
        return ERR_OK;
    return take_v1_line(rest, address) ? ERR_OK : ERR_INVALID;
}

static enum err parse_v2(struct str bytes, size_t *used, char address[PROXY_ADDRESS_ROOM])
{
    const uint8_t *head = (const uint8_t *)bytes.at;
    address[0] = '\0';
    if (bytes.len < V2_HEAD)
        return ERR_AGAIN;
    size_t len = (size_t)head[14] << 8 | head[15];
    if (head[12] >> 4 != 2 || (head[12] & 15) > 1 || len > V2_MAX)
        return ERR_INVALID;
    if (bytes.len < V2_HEAD + len)
        return ERR_AGAIN;
    *used = V2_HEAD + len;
    if ((head[12] & 15) == 0) /* LOCAL: a health check of the balancer itself */
        return ERR_OK;
    int family = head[13] >> 4 == 1 ? AF_INET : head[13] >> 4 == 2 ? AF_INET6 : 0;
    size_t need = family == AF_INET ? 12 : family == AF_INET6 ? 36 : 0;
    if (len < need)
        return ERR_INVALID;
    if (family)
        inet_ntop(family, head + V2_HEAD, address, PROXY_ADDRESS_ROOM);
    return ERR_OK;
}

enum err proxy_parse(struct str bytes, size_t *used, char address[PROXY_ADDRESS_ROOM])
{
    static const char v1[6] = "PROXY ";
    size_t v2_len = bytes.len < sizeof v2_signature ? bytes.len : sizeof v2_signature;
    size_t v1_len = bytes.len < sizeof v1 ? bytes.len : sizeof v1;
    if (memcmp(bytes.at, v2_signature, v2_len) == 0)
        return v2_len < sizeof v2_signature ? ERR_AGAIN : parse_v2(bytes, used, address);
    if (memcmp(bytes.at, v1, v1_len) == 0)
        return v1_len < sizeof v1 ? ERR_AGAIN : parse_v1(bytes, used, address);
    return ERR_INVALID;
}
