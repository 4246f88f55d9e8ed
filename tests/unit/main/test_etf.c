/* Stanzas as Erlang terms: what MongooseIM writes, and whatever else bytes can be. */
#include "main_test.h"

#include "etf.h"
#include "limits.h"

#include <zlib.h>

static struct buf term;

static void put_u8(unsigned number)
{
    uint8_t byte = (uint8_t)number;
    buf_push(&term, &byte, 1);
}

static void put_u32(size_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        put_u8((unsigned)(number >> shift) & 255);
}

static void put_binary(const char *text)
{
    put_u8(109);
    put_u32(strlen(text));
    buf_push_str(&term, str_of(text));
}

static void put_atom(const char *name)
{
    put_u8(100);
    put_u8(0);
    put_u8((unsigned)strlen(name));
    buf_push_str(&term, str_of(name));
}

static void put_tuple(unsigned arity, const char *name)
{
    put_u8(104);
    put_u8(arity);
    put_atom(name);
}

static void put_list(size_t count)
{
    put_u8(108);
    put_u32(count);
}

static void put_pair(const char *name, const char *value)
{
    put_u8(104);
    put_u8(2);
    put_binary(name);
    put_binary(value);
}

enum { NIL = 106 };

static void put_text(const char *text)
{
    put_tuple(2, "xmlcdata");
    put_binary(text);
}

/* <name>text</name> without attributes. */
static void put_simple(const char *name, const char *text)
{
    put_tuple(4, "xmlel");
    put_binary(name);
    put_u8(NIL);
    put_list(1);
    put_text(text);
    put_u8(NIL);
}

static void begin(void)
{
    buf_fini(&term);
    put_u8(131);
}

static void put_message(void)
{
    begin();
    put_tuple(4, "xmlel");
    put_binary("message");
    put_list(2);
    put_pair("from", "a@x/'r'");
    put_pair("type", "chat");
    put_u8(NIL);
    put_list(2);
    put_simple("body", "1 < 2 & \xc3\xa4");
    put_tuple(4, "xmlel");
    put_binary("p:x");
    put_list(1);
    put_pair("xmlns:p", "urn:p");
    put_u8(NIL);
    put_u8(NIL);
    put_u8(NIL);
}

static const char message_xml[] = "<message from='a@x/&apos;r&apos;' type='chat'>"
                                  "<body>1 &lt; 2 &amp; \xc3\xa4</body><p:x xmlns:p='urn:p'/>"
                                  "</message>";

static enum err decode(struct str bytes, struct buf *xml)
{
    struct arena own;
    arena_init(&own);
    /* on the heap, of just that size: a read too far is found */
    char *exact = malloc(bytes.len + 1);
    exact = realloc(exact, bytes.len ? bytes.len : 1);
    if (bytes.len)
        memcpy(exact, bytes.at, bytes.len);
    enum err err = etf_write_xml(&own, (struct str){exact, bytes.len}, xml);
    free(exact);
    arena_fini(&own);
    return err;
}

static enum err outcome_of(struct str bytes)
{
    struct buf xml = {0};
    enum err err = decode(bytes, &xml);
    assert_true(err ? buf_len(&xml) == 0 : buf_len(&xml) > 0);
    buf_fini(&xml);
    return err;
}

static void assert_xml(const char *wanted)
{
    struct buf xml = {0};
    assert_int_equal(decode(buf_str(&term), &xml), ERR_OK);
    assert_string_equal(text_of(&xml), wanted);
}

static void assert_outcome(enum err err)
{
    assert_int_equal(outcome_of(buf_str(&term)), err);
}

/* The term as term_to_binary(Term, [compressed]) has it; `claimed` bytes are promised. */
static void compress_term(size_t claimed)
{
    struct buf plain = term;
    uLongf len = compressBound(buf_len(&plain) - 1);
    uint8_t *bytes = malloc(len);
    assert_int_equal(compress(bytes, &len, buf_at(&plain) + 1, buf_len(&plain) - 1), Z_OK);
    term = (struct buf){0};
    begin();
    put_u8(80);
    put_u32(claimed ? claimed : buf_len(&plain) - 1);
    buf_push(&term, bytes, len);
    free(bytes);
    buf_fini(&plain);
}

static void plain_and_compressed(void **state)
{
    (void)state;
    put_message();
    assert_true(etf_is_term(buf_str(&term)));
    assert_false(etf_is_term(STR("<message/>")));
    assert_false(etf_is_term(STR("")));
    assert_xml(message_xml);
    compress_term(0);
    assert_xml(message_xml);
}

/* What later versions write: attributes in a map, character nodes with a style. */
static void later_versions(void **state)
{
    (void)state;
    begin();
    put_tuple(4, "xmlel");
    put_binary("a");
    put_u8(116);
    put_u32(1);
    put_binary("b");
    put_binary("c");
    put_list(1);
    put_tuple(3, "xmlcdata");
    put_binary("d");
    put_atom("escaped");
    put_u8(NIL);
    assert_xml("<a b='c'>d</a>");
}

/* Texts may be iodata; atoms and tuples have short and long forms. */
static void other_forms(void **state)
{
    (void)state;
    begin();
    put_u8(105);
    put_u32(4);
    put_u8(119);
    put_u8(5);
    buf_push_str(&term, STR("xmlel"));
    put_binary("a");
    put_u8(NIL);
    put_list(2);
    put_tuple(2, "xmlcdata");
    put_list(3); /* ["x", <<"y">>, $z | <<"!">>] */
    put_u8(107);
    put_u8(0);
    put_u8(1);
    put_u8('x');
    put_binary("y");
    put_u8(97);
    put_u8('z');
    put_binary("!");
    put_u8(104);
    put_u8(2);
    put_u8(115);
    put_u8(8);
    buf_push_str(&term, STR("xmlcdata"));
    put_u8(NIL);
    put_u8(NIL);
    assert_xml("<a>xyz!</a>");
}

static void truncated(void **state)
{
    (void)state;
    put_message();
    struct str whole = arena_str(&arena, buf_str(&term));
    for (size_t len = 0; len < whole.len; len++)
        assert_int_equal(outcome_of((struct str){whole.at, len}), ERR_INVALID);
    put_message();
    put_u8(0);
    assert_outcome(ERR_INVALID); /* something behind it */
    put_message();
    compress_term(0);
    whole = arena_str(&arena, buf_str(&term));
    for (size_t len = 0; len < whole.len; len++)
        assert_int_equal(outcome_of((struct str){whole.at, len}), ERR_INVALID);
}

/* Each byte replaced by others: any answer, but no read or write out of place. */
static void spoilt(void **state)
{
    (void)state;
    static const uint8_t others[] = {0, 1, 80, 97, 104, 105, 106, 107, 108, 109, 116, 127, 255};
    put_message();
    struct str whole = arena_str(&arena, buf_str(&term));
    for (size_t i = 0; i < whole.len; i++)
        for (size_t k = 0; k < sizeof others; k++) {
            char *bytes = (char *)arena_str(&arena, whole).at;
            bytes[i] = (char)others[k];
            enum err err = outcome_of((struct str){bytes, whole.len});
            assert_true(err == ERR_OK || err == ERR_INVALID || err == ERR_TOO_BIG);
        }
}

static void lying_lengths(void **state)
{
    (void)state;
    begin();
    put_tuple(4, "xmlel");
    put_u8(109);
    put_u32(0xffffffff);
    assert_outcome(ERR_INVALID);
    begin();
    put_tuple(4, "xmlel");
    put_binary("a");
    put_u8(NIL);
    put_list(0xffffffff);
    put_text("x");
    assert_outcome(ERR_INVALID);
    begin();
    put_tuple(4, "xmlel");
    put_binary("a");
    put_list(LIMIT_XML_ATTRIBUTES + 1);
    assert_outcome(ERR_TOO_BIG);
}

static void bombs(void **state)
{
    (void)state;
    begin();
    char *blanks = arena_zero(&arena, LIMIT_IMPORT_STANZA + 1);
    memset(blanks, ' ', LIMIT_IMPORT_STANZA);
    put_simple("a", blanks);
    assert_outcome(ERR_TOO_BIG);
    compress_term(0);
    assert_outcome(ERR_TOO_BIG);
    put_message();
    compress_term(10); /* more comes out than was promised */
    assert_outcome(ERR_INVALID);
    put_message();
    compress_term(100000); /* less */
    assert_outcome(ERR_INVALID);
    put_message();
    compress_term(0xffffffff);
    assert_outcome(ERR_TOO_BIG);
}

static void put_nested(unsigned depth)
{
    begin();
    for (unsigned i = 0; i < depth; i++) {
        put_tuple(4, "xmlel");
        put_binary("a");
        put_u8(NIL);
        if (i + 1 < depth)
            put_list(1);
    }
    put_u8(NIL);
    for (unsigned i = 1; i < depth; i++)
        put_u8(NIL);
}

static void deep_and_wide(void **state)
{
    (void)state;
    put_nested(LIMIT_XML_DEPTH);
    assert_outcome(ERR_OK);
    put_nested(LIMIT_XML_DEPTH + 1);
    assert_outcome(ERR_TOO_BIG);
    put_nested(100000);
    assert_outcome(ERR_TOO_BIG);
    begin();
    put_tuple(2, "xmlel");
    assert_outcome(ERR_INVALID);
    begin();
    put_tuple(4, "xmlel");
    put_binary("a");
    put_u8(NIL);
    put_list(1);
    put_tuple(2, "xmlcdata");
    for (int i = 0; i < 100000; i++)
        put_list(1);
    assert_outcome(ERR_TOO_BIG);
    begin();
    put_tuple(4, "xmlel");
    put_binary("a");
    put_u8(NIL);
    put_list(LIMIT_XML_NODES + 1);
    for (int i = 0; i <= LIMIT_XML_NODES; i++)
        put_text("x");
    put_u8(NIL);
    assert_outcome(ERR_TOO_BIG);
}

/* A name cannot smuggle markup into the text that is written. */
static void names(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "a b", "a><b", "1a", "-a", "a'", "a/", "a\xc3", "a\x01"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        begin();
        put_simple(bad[i], "x");
        assert_outcome(ERR_INVALID);
        begin();
        put_tuple(4, "xmlel");
        put_binary("a");
        put_list(1);
        put_pair(bad[i], "x");
        put_u8(NIL);
        put_u8(NIL);
        assert_outcome(ERR_INVALID);
    }
    begin();
    put_simple("a.b-2", "x");
    assert_xml("<a.b-2>x</a.b-2>");
}

static int down(void **state)
{
    buf_fini(&term);
    return main_down(state);
}

#define ETF(name) cmocka_unit_test_setup_teardown(name, main_up, down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ETF(plain_and_compressed),
        ETF(later_versions),
        ETF(other_forms),
        ETF(truncated),
        ETF(spoilt),
        ETF(lying_lengths),
        ETF(bombs),
        ETF(deep_and_wide),
        ETF(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
