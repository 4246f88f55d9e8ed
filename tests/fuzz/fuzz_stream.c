/*
 * The bytes are a stream; a '+' in front stands for the usual header, so that mutations get inside.
 * A stream in pieces of any size gives what it gives in one piece; what is given is what expat with
 * its own namespaces makes of the same bytes; and a tree that is written and parsed is the same.
 */
#include "map.h"
#include "parser.h"
#include "prng.h"

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>

#define DEMAND(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static struct parser *parser;

/* Both sides tell trees in this form: "(uri name uri attr=value …text…)", parts behind a byte that
 * XML does not have. */
static void tell(struct buf *out, char what, struct str s)
{
    buf_push(out, &what, 1);
    buf_push_str(out, s);
}

static void tell_name(struct buf *out, char what, struct str uri, struct str name)
{
    tell(out, what, uri);
    if (uri.len)
        buf_push(out, "\x01", 1);
    buf_push_str(out, name);
}

static void tell_start(struct buf *out, const struct element *element)
{
    tell_name(out, '\x02', element->ns_uri, element->name);
    for (const struct attr *attr = element->attrs; attr; attr = attr->next) {
        tell_name(out, '\x03', attr->ns_uri, attr->name);
        tell(out, '\x04', attr->value);
    }
}

static void tell_tree(struct buf *out, const struct element *element)
{
    tell_start(out, element);
    for (const struct node *node = element->first; node; node = node->next) {
        if (node->kind == NODE_ELEMENT)
            tell_tree(out, (const struct element *)node);
        else
            tell(out, '\x05', ((const struct text_node *)node)->text);
    }
    buf_push(out, "\x06", 1);
}

/* expat's side. */
struct oracle {
    struct buf told;
    unsigned depth;
    bool in_text;
};

static void on_start(void *user, const XML_Char *name, const XML_Char **atts)
{
    struct oracle *oracle = user;
    oracle->depth++;
    oracle->in_text = false;
    tell(&oracle->told, '\x02', str_of(name));
    for (; *atts; atts += 2) {
        tell(&oracle->told, '\x03', str_of(atts[0]));
        tell(&oracle->told, '\x04', str_of(atts[1]));
    }
}

static void on_end(void *user, const XML_Char *name)
{
    struct oracle *oracle = user;
    (void)name;
    oracle->in_text = false;
    if (--oracle->depth)
        buf_push(&oracle->told, "\x06", 1);
}

static void on_text(void *user, const XML_Char *text, int len)
{
    struct oracle *oracle = user;
    if (oracle->depth < 2)
        return; /* between stanzas */
    if (!oracle->in_text)
        buf_push(&oracle->told, "\x05", 1);
    oracle->in_text = true;
    buf_push(&oracle->told, text, (size_t)len);
}

static bool ask_oracle(struct oracle *oracle, struct str bytes)
{
    XML_Parser expat = XML_ParserCreateNS("UTF-8", '\x01');
    XML_SetUserData(expat, oracle);
    XML_SetElementHandler(expat, on_start, on_end);
    XML_SetCharacterDataHandler(expat, on_text);
    bool right = XML_Parse(expat, bytes.at, (int)bytes.len, 0) == XML_STATUS_OK;
    XML_ParserFree(expat);
    return right;
}

static void check_round_trip(struct arena *arena, const struct element *element)
{
    struct buf once = {0}, twice = {0}, before = {0}, after = {0};
    struct element *back;
    tell_tree(&before, element);
    element_write(&once, element, NS_CLIENT);
    enum err err = parser_element(parser, arena, buf_str(&once), &back);
    /* generated prefixes may be longer than what was there, and full is full */
    if (err != ERR_TOO_BIG) {
        DEMAND(err == ERR_OK);
        tell_tree(&after, back);
        DEMAND(str_eq(buf_str(&before), buf_str(&after)));
        element_write(&twice, back, NS_CLIENT);
        DEMAND(str_eq(buf_str(&once), buf_str(&twice)));
    }
    buf_fini(&once);
    buf_fini(&twice);
    buf_fini(&before);
    buf_fini(&after);
}

struct outcome {
    struct buf told;
    size_t used_len; /* bytes up to the end of the last thing */
    enum stream_error error;
    const char *text;
    bool closed;
};

static void take_item(struct outcome *outcome, struct arena *arena, enum stream_event event,
                      const struct stream_item *item)
{
    outcome->error = item->error;
    outcome->text = item->text;
    if (event == STREAM_OPEN)
        tell_start(&outcome->told, item->element);
    if (event == STREAM_ELEMENT) {
        tell_tree(&outcome->told, item->element);
        check_round_trip(arena, item->element);
    }
    if (event == STREAM_CLOSE)
        outcome->closed = true;
}

/* Plays the bytes in pieces of up to `most`; in one if it is 0. */
static void play(struct str bytes, struct prng *prng, size_t most, struct outcome *outcome)
{
    struct stream_in in = {0};
    bool over = false;
    for (size_t at = 0; at < bytes.len && !over;) {
        size_t len = most ? 1 + prng_below(prng, most) : bytes.len;
        if (len > bytes.len - at)
            len = bytes.len - at;
        struct str piece = {bytes.at + at, len};
        for (enum stream_event event = STREAM_OPEN; event != STREAM_MORE && !over;) {
            struct arena arena;
            struct stream_item item;
            arena_init(&arena);
            event = stream_in_next(&in, parser, &arena, &piece, &item);
            take_item(outcome, &arena, event, &item);
            if (event != STREAM_MORE && event != STREAM_BAD)
                outcome->used_len = (size_t)(piece.at - bytes.at);
            over = event == STREAM_CLOSE || event == STREAM_BAD;
            arena_fini(&arena);
        }
        at += len;
    }
    stream_in_fini(&in);
}

static void check_oracle(struct str bytes, const struct outcome *outcome)
{
    struct oracle oracle = {0};
    struct str seen = {bytes.at, outcome->used_len};
    static const char bom[] = "\xef\xbb\xbf";
    while (seen.len && memchr(" \t\r\n", seen.at[0], 4)) { /* we are kinder than expat here */
        seen.at++;
        seen.len--;
    }
    if (seen.len >= 3 && memcmp(seen.at, bom, 3) == 0 && seen.at != bytes.at)
        return;
    if (seen.len >= 3 && memcmp(seen.at, bom, 3) == 0) {
        seen.at += 3;
        seen.len -= 3;
        seen = str_trim(seen);
    }
    DEMAND(ask_oracle(&oracle, seen));
    DEMAND(str_eq(buf_str(&oracle.told), buf_str(&outcome->told)));
    buf_fini(&oracle.told);
    /* what is not well-formed to us is not to expat */
    bool declaration = outcome->text && strcmp(outcome->text, "XML declaration") == 0;
    /* a NUL at the beginning is UTF-16 to expat, whatever it was told */
    bool utf16 = bytes.len > 1 && (!bytes.at[0] || !bytes.at[1]);
    if (outcome->error == STREAM_NOT_WELL_FORMED && !declaration && !utf16) {
        struct buf more = {0};
        oracle = (struct oracle){0};
        buf_push_str(&more, bytes);
        buf_push_str(&more, STR(" '\"<x/>")); /* it may wait for the end of a token */
        DEMAND(!ask_oracle(&oracle, buf_str(&more)));
        buf_fini(&oracle.told);
        buf_fini(&more);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    parser = parser_new();
    return 0;
}

static void check(struct str bytes)
{
    struct outcome whole = {0};
    struct prng prng;
    prng_init(&prng, map_hash(bytes));
    play(bytes, &prng, 0, &whole);
    for (size_t most = 1; most <= 64; most *= 8) {
        struct outcome pieces = {0};
        play(bytes, &prng, most, &pieces);
        DEMAND(str_eq(buf_str(&whole.told), buf_str(&pieces.told)));
        DEMAND(whole.error == pieces.error && whole.closed == pieces.closed);
        DEMAND(whole.used_len == pieces.used_len);
        buf_fini(&pieces.told);
    }
    check_oracle(bytes, &whole);
    buf_fini(&whole.told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf bytes = {0};
    if (size && data[0] == '+') {
        buf_push_str(&bytes, STR("<stream:stream xmlns='jabber:client' "
                                 "xmlns:stream='http://etherx.jabber.org/streams'>"));
        data++;
        size--;
    }
    buf_push(&bytes, data, size);
    check(buf_str(&bytes));
    buf_fini(&bytes);
    arena_pool_drop();
    return 0;
}
