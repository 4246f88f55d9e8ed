/* Plays streams in pieces of any size and tells what they said; for the tests of stream_in.c and of
 * parser.c. */
#ifndef RT_STREAM_PLAY_H
#define RT_STREAM_PLAY_H

#include "parser.h"
#include "xmpp_test.h"

#define HEADER                                                                                     \
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "        \
    "to='example.org' version='1.0'>"
#define OPEN "<stream xmlns='http://etherx.jabber.org/streams' to='example.org' version='1.0'/>\n"

static struct parser *parser;

/* What a stream says: each item as a line. `piece` bytes arrive at a time, the first `first` at
 * once. */
struct play {
    struct stream_in in;
    struct buf lines;
    size_t max_room;
};

static inline void put_item(struct play *play, enum stream_event event,
                            const struct stream_item *item)
{
    switch (event) {
    case STREAM_OPEN:
        element_write(&play->lines, item->element, NS_NONE);
        break;
    case STREAM_ELEMENT:
        element_write(&play->lines, item->element, NS_CLIENT);
        break;
    case STREAM_CLOSE:
        buf_push_str(&play->lines, STR("close"));
        break;
    case STREAM_BAD:
        assert_null(item->element);
        buf_format(&play->lines, "bad %s", stream_error_name(item->error));
        break;
    case STREAM_MORE:
        return;
    }
    buf_push(&play->lines, "\n", 1);
}

static inline void play_piece(struct play *play, struct str input)
{
    enum stream_event event;
    do {
        struct stream_item item;
        size_t taken = arena.taken_len;
        event = stream_in_next(&play->in, parser, &arena, &input, &item);
        if (event == STREAM_MORE)
            assert_int_equal(arena.taken_len, taken);
        put_item(play, event, &item);
        if (play->in.partial.room > play->max_room)
            play->max_room = play->in.partial.room;
    } while (event != STREAM_MORE && event != STREAM_BAD);
}

static inline struct str play(struct str bytes, size_t first, size_t piece)
{
    struct play play = {0};
    for (size_t at = 0; at < bytes.len;) {
        size_t len = at ? piece : first;
        if (len > bytes.len - at)
            len = bytes.len - at;
        /* on the heap, so that the sanitizer sees a byte read too far */
        char *copy = malloc(len);
        memcpy(copy, bytes.at + at, len);
        play_piece(&play, (struct str){copy, len});
        free(copy);
        at += len;
    }
    struct str lines = arena_str(&arena, buf_str(&play.lines));
    buf_fini(&play.lines);
    stream_in_fini(&play.in);
    return lines;
}

/* The same at every split into two, and byte by byte. */
static inline void assert_plays_len(struct str bytes, const char *expected)
{
    assert_str(play(bytes, bytes.len, bytes.len), expected);
    assert_str(play(bytes, 1, 1), expected);
    for (size_t first = 1; first < bytes.len; first++)
        assert_str(play(bytes, first, bytes.len), expected);
}

static inline void assert_plays(const char *bytes, const char *expected)
{
    assert_plays_len(str_of(bytes), expected);
}

/* What follows a usual header. */
static inline void assert_inside(const char *bytes, const char *expected)
{
    struct str whole = arena_format(&arena, HEADER "%s", bytes);
    struct str lines = arena_format(&arena, OPEN "%s\n", expected);
    assert_plays_len(whole, lines.at);
}

static inline struct str repeated(const char *before, const char *what, size_t count,
                                  const char *after)
{
    struct buf out = {0};
    buf_push_str(&out, str_of(before));
    for (size_t i = 0; i < count; i++)
        buf_push_str(&out, str_of(what));
    buf_push_str(&out, str_of(after));
    struct str text = arena_str(&arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

static inline int up(void **state)
{
    (void)state;
    parser = parser_new();
    assert_true(strlen(parser_version()) > 0);
    return 0;
}

static inline int down(void **state)
{
    (void)state;
    parser_free(parser);
    parser_free(NULL);
    return 0;
}

#endif
