/* From bytes to elements and back; addresses. */
#include "jid.h"
#include "micro.h"
#include "parser.h"

static struct parser *parser;
static struct stream_in in;
static struct arena kept;
static struct element *message;

static void open_stream(void)
{
    struct str header = STR("<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
                            "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' "
                            "to='localhost'>");
    struct stream_item item;
    parser = parser_new();
    arena_init(&kept);
    CHECK(stream_in_next(&in, parser, &kept, &header, &item) == STREAM_OPEN);
    in.limit_len = 1 << 16;
}

static void close_stream(void)
{
    arena_fini(&kept);
    stream_in_fini(&in);
    parser_free(parser);
}

/* What comes in pieces is put together first. */
static uint64_t parse(uint64_t count, size_t piece)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct arena arena;
        struct stream_item item;
        enum stream_event event = STREAM_MORE;
        arena_init(&arena);
        for (struct str all = STR(MICRO_STANZA); all.len;) {
            struct str part = {all.at, all.len < piece ? all.len : piece};
            all = (struct str){all.at + part.len, all.len - part.len};
            event = stream_in_next(&in, parser, &arena, &part, &item);
        }
        CHECK(event == STREAM_ELEMENT);
        sum += item.element->name.len;
        arena_fini(&arena);
    }
    return sum;
}

static uint64_t run_parse(uint64_t count)
{
    return parse(count, SIZE_MAX);
}

static uint64_t run_parse_pieces(uint64_t count)
{
    return parse(count, 100);
}

static uint64_t run_split(uint64_t count)
{
    uint64_t sum = 0;
    struct splitter splitter;
    splitter_init_inside(&splitter);
    for (uint64_t i = 0; i < count; i++)
        sum += splitter_scan(&splitter, STR(MICRO_STANZA)).used_len;
    return sum;
}

static void make_message(void)
{
    open_stream();
    CHECK(parser_element(parser, &kept, STR(MICRO_STANZA), &message) == ERR_OK);
}

static uint64_t run_write(uint64_t count)
{
    struct buf out = {0};
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        element_write(&out, message, NS_CLIENT);
        sum += buf_len(&out);
        buf_pop(&out, buf_len(&out));
    }
    buf_fini(&out);
    return sum;
}

static uint64_t run_copy(uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct arena arena;
        arena_init(&arena);
        sum += element_copy(&arena, message)->name.len;
        arena_fini(&arena);
    }
    return sum;
}

static uint64_t parse_jids(uint64_t count, struct str text)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct arena arena;
        struct jid jid;
        arena_init(&arena);
        CHECK(jid_parse(&arena, text, &jid) == ERR_OK);
        sum += jid.bare_hash;
        arena_fini(&arena);
    }
    return sum;
}

static uint64_t run_jid(uint64_t count)
{
    return parse_jids(count, STR("somebody@example.org/a phone"));
}

static uint64_t run_jid_unicode(uint64_t count)
{
    return parse_jids(count, STR("J\xc3\xbcrgen@example.org/Ger\xc3\xa4t"));
}

const struct micro micro_xmpp[] = {
    {"parse", "a message of 300 bytes to a tree", open_stream, run_parse, close_stream, 2000,
     false},
    {"parse_pieces", "the same in pieces of 100 bytes", open_stream, run_parse_pieces, close_stream,
     2000, false},
    {"split", "its end found", NULL, run_split, NULL, 5000, false},
    {"write", "it written", make_message, run_write, close_stream, 5000, false},
    {"copy", "it copied into another arena", make_message, run_copy, close_stream, 5000, false},
    {"jid", "a full JID in ASCII, prepared", NULL, run_jid, NULL, 20000, false},
    {"jid_unicode", "one that is not", NULL, run_jid_unicode, NULL, 500, false},
    {0},
};
