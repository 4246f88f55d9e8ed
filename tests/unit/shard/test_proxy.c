/* The PROXY protocol: both versions, in pieces, and what is none. */
#include "proxy.h"

#include "buf.h"
#include "shard_test.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"

struct header {
    const char *bytes;
    size_t len;
    const char *address;
};

#define HEADER(literal, address)                                                                   \
    {                                                                                              \
        (literal), sizeof(literal) - 1, (address)                                                  \
    }

static const struct header headers[] = {
    HEADER("PROXY TCP4 192.0.2.1 198.51.100.2 51234 5222\r\n", "192.0.2.1"),
    HEADER("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"),
    HEADER("PROXY TCP6 2001:db8::1 2001:db8::2 51234 5222\r\n", "2001:db8::1"),
    HEADER("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    HEADER("PROXY UNKNOWN\r\n", ""),
    HEADER("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
           ""),
    HEADER(V2 "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\xc8\x22\x14\x66", "192.0.2.1"),
    HEADER(V2 "\x21\x12\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x02\xc8\x22\x14\x66", "192.0.2.7"),
    HEADER(V2 "\x21\x11\x00\x10\xc0\x00\x02\x01\xc6\x33\x64\x02\xc8\x22\x14\x66\x04\x00\x01X",
           "192.0.2.1"), /* with a TLV behind the addresses */
    HEADER(V2 "\x21\x21\x00\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
              "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\xc8\x22\x14\x66",
           "2001:db8::1"),
    HEADER(V2 "\x20\x00\x00\x00", ""), /* LOCAL */
    HEADER(V2 "\x20\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\xc8\x22\x14\x66", ""),
    HEADER(V2 "\x21\x00\x00\x00", ""), /* an address family that is not told */
    HEADER(V2 "\x21\x00\x00\x03"
              "abc",
           ""),
};

static void reads_what_is_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        const struct header *header = &headers[i];
        char address[PROXY_ADDRESS_ROOM] = "x";
        size_t used = 0;
        struct buf more = {0};
        buf_push(&more, header->bytes, header->len);
        buf_push(&more, "<stream:stream>\n", 16); /* what follows is not looked at */
        assert_int_equal(proxy_parse(buf_str(&more), &used, address), ERR_OK);
        assert_int_equal(used, header->len);
        assert_string_equal(address, header->address);
        buf_fini(&more);
    }
}

/* A copy of exactly those bytes, so that a look behind them is seen. */
static enum err parse_exactly(const char *bytes, size_t len)
{
    char address[PROXY_ADDRESS_ROOM], *copy = mem_alloc(len);
    size_t used = 0;
    memcpy(copy, bytes, len);
    enum err err = proxy_parse((struct str){copy, len}, &used, address);
    mem_free(copy);
    if (!err)
        assert_true(used <= len);
    return err;
}

static void every_beginning_is_not_whole_yet(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        for (size_t len = 0; len < headers[i].len; len++)
            assert_int_equal(parse_exactly(headers[i].bytes, len), ERR_AGAIN);
        assert_int_equal(parse_exactly(headers[i].bytes, headers[i].len), ERR_OK);
    }
}

static const struct header malformed[] = {
    HEADER("<stream:stream", NULL),
    HEADER("PROXX", NULL),
    HEADER("proxy ", NULL),
    HEADER("\r\n\r\n\1", NULL),
    HEADER("PROXY \r\n", NULL),
    HEADER("PROXY \n", NULL),
    HEADER("PROXY TCP4 192.0.2.1 198.51.100.2 51234 5222\n", NULL),
    HEADER("PROXY TCP5 192.0.2.1 198.51.100.2 51234 5222\r\n", NULL),
    HEADER("PROXY TCP4 2001:db8::1 2001:db8::2 51234 5222\r\n", NULL),
    HEADER("PROXY TCP6 192.0.2.1 198.51.100.2 51234 5222\r\n", NULL),
    HEADER("PROXY TCP4 192.0.2.256 198.51.100.2 51234 5222\r\n", NULL),
    HEADER("PROXY TCP4  198.51.100.2 51234 5222\r\n", NULL),
    HEADER("PROXY TCP4\r\n", NULL),
    HEADER("PROXY TCP4 192.0.2.1\r\n", NULL),
    HEADER("PROXY TCP4 192.0.2.1 198.51.100.2 51234\r\n", NULL),
    HEADER("PROXY TCP4 192.0.2.1 198.51.100.2 51234 65536\r\n", NULL),
    HEADER("PROXY TCP4 192.0.2.1 2001:db8::2 51234 5222\r\n", NULL),
    HEADER("PROXY UNKNOWNX\r\n", NULL),
    HEADER("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
           "::1 1 1\r\n",
           NULL),
    HEADER(V2 "\x11\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\xc8\x22\x14\x66", NULL),
    HEADER(V2 "\x22\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\xc8\x22\x14\x66", NULL),
    HEADER(V2 "\x21\x11\x00\x0b\xc0\x00\x02\x01\xc6\x33\x64\x02\xc8\x22\x14", NULL),
    HEADER(V2 "\x21\x21\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\xc8\x22\x14\x66", NULL),
    HEADER(V2 "\x21\x11\xff\xff", NULL), /* more than anybody needs */
};

static void refuses_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(malformed); i++)
        assert_int_equal(parse_exactly(malformed[i].bytes, malformed[i].len), ERR_INVALID);
}

/* Version 1 ends within 107 bytes. */
static void a_line_without_end_is_refused(void **state)
{
    (void)state;
    char line[200];
    memset(line, 'x', sizeof line);
    memcpy(line, "PROXY UNKNOWN ", 14);
    assert_int_equal(parse_exactly(line, 106), ERR_AGAIN);
    assert_int_equal(parse_exactly(line, 107), ERR_INVALID);
    assert_int_equal(parse_exactly(line, 200), ERR_INVALID);
    line[105] = '\r';
    line[106] = '\n';
    assert_int_equal(parse_exactly(line, 106), ERR_AGAIN);
    assert_int_equal(parse_exactly(line, 107), ERR_OK);
    line[106] = 'x';
    line[107] = '\n';
    assert_int_equal(parse_exactly(line, 200), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_right),
        cmocka_unit_test(every_beginning_is_not_whole_yet),
        cmocka_unit_test(refuses_what_is_wrong),
        cmocka_unit_test(a_line_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
