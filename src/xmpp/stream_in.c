#include "build.h"
#include "limits.h"
#include "mem.h"

static enum stream_event over(struct stream_in *in, struct stream_item *out,
                              enum stream_error error, const char *text)
{
    in->over = true;
    buf_fini(&in->partial);
    out->element = NULL;
    out->raw = (struct str){NULL, 0};
    out->error = error;
    out->text = text;
    return STREAM_BAD;
}

static void advance(struct str *input, size_t len)
{
    if (len) /* `at` may be NULL */
        input->at += len;
    input->len -= len;
}

static size_t limit_of(const struct stream_in *in)
{
    if (!in->splitter.header_seen)
        return LIMIT_XML_HEADER;
    return in->limit_len ? in->limit_len : LIMIT_PREAUTH_STANZA;
}

/* Adds the bytes to what is held of the thing at hand. */
static void hold(struct stream_in *in, struct str *input, size_t len)
{
    buf_push(&in->partial, input->at, len);
    advance(input, len);
}

/* A header inside a stream looks like an element that never ends: said as soon as its name is
 * there, whatever follows, so that it does not matter how the bytes were cut. */
static bool is_second_header(const struct stream_in *in, struct str fresh)
{
    const struct str mark = STR("<stream:stream ");
    char name[16];
    struct str held = buf_str(&in->partial);
    if (held.len + fresh.len < mark.len || (held.len ? held : fresh).at[0] != '<')
        return false;
    size_t from_held = held.len < mark.len ? held.len : mark.len;
    if (from_held)
        memcpy(name, held.at, from_held);
    if (from_held < mark.len)
        memcpy(name + from_held, fresh.at, mark.len - from_held);
    return memcmp(name, mark.at, mark.len) == 0;
}

/* The next thing that is whole, in place where the input has all of it. The splitter never gets
 * more than the limit allows, so a thing that does not end there is too big. */
static struct split take(struct stream_in *in, struct str *input, struct str *raw)
{
    size_t held = buf_len(&in->partial), limit = limit_of(in);
    struct split split = {SPLIT_MORE, 0, STREAM_NO_ERROR, NULL};
    if (held == 0)
        split = splitter_skip(&in->splitter, input);
    if (input->len == 0 || split.what == SPLIT_BAD)
        return split;
    size_t room = limit > held ? limit - held : 0;
    struct str window = {input->at, input->len < room ? input->len : room};
    bool inside = in->splitter.header_seen;
    split = splitter_scan(&in->splitter, window);
    if (inside && is_second_header(in, (struct str){window.at, split.used_len}))
        return (struct split){SPLIT_BAD, 0, STREAM_POLICY_VIOLATION, "a second stream header"};
    if (split.what == SPLIT_MORE && window.len < input->len) {
        bool header = !in->splitter.header_seen;
        return (struct split){SPLIT_BAD, 0, STREAM_POLICY_VIOLATION,
                              header ? "stream header too big" : "stanza too big"};
    }
    if (held || split.what == SPLIT_MORE) {
        hold(in, input, split.used_len);
        *raw = buf_str(&in->partial);
    } else {
        *raw = (struct str){input->at, split.used_len};
        advance(input, split.used_len);
    }
    in->raw_held = held && split.what != SPLIT_MORE;
    return split;
}

static void drop_space(struct str *s)
{
    while (s->len && memchr(" \t\r\n", s->at[0], 4))
        advance(s, 1);
}

/* One ` name='value'` of the XML declaration; false when it is not what comes next. */
static bool pseudo_attr(struct str *rest, const char *name, struct str *value)
{
    struct str s = *rest, wanted = str_of(name);
    drop_space(&s);
    if (s.at == rest->at || s.len < wanted.len || memcmp(s.at, wanted.at, wanted.len) != 0)
        return false;
    advance(&s, wanted.len);
    drop_space(&s);
    if (s.len == 0 || s.at[0] != '=')
        return false;
    advance(&s, 1);
    drop_space(&s);
    if (s.len == 0 || (s.at[0] != '\'' && s.at[0] != '"'))
        return false;
    char quote = s.at[0];
    advance(&s, 1);
    *value = str_cut(s, quote, rest);
    return rest->at;
}

/* RFC 6120 11.5 and 11.6: version 1.0, and UTF-8 where an encoding is named. */
static enum stream_error check_declaration(struct str raw)
{
    struct str rest = {raw.at + 5, raw.len - 7}, value; /* between "<?xml" and "?>" */
    if (!pseudo_attr(&rest, "version", &value) || !str_is(value, "1.0"))
        return STREAM_NOT_WELL_FORMED;
    if (pseudo_attr(&rest, "encoding", &value) && !str_eq_nocase(value, STR("utf-8")))
        return STREAM_UNSUPPORTED_ENCODING;
    if (rest.at && pseudo_attr(&rest, "standalone", &value) && !str_is(value, "yes") &&
        !str_is(value, "no"))
        return STREAM_NOT_WELL_FORMED;
    drop_space(&rest);
    return rest.len || !rest.at ? STREAM_NOT_WELL_FORMED : STREAM_NO_ERROR;
}

static void keep_declarations(struct stream_in *in, const struct scope *scope, struct str raw)
{
    struct buf text = {0};
    if (scope_is_usual(scope))
        return;
    scope_write(scope, splitter_tag_name(raw), &text);
    in->declarations = mem_strndup(buf_str(&text).at, buf_len(&text));
    buf_fini(&text);
}

static enum stream_event header(struct stream_in *in, struct parser *parser, struct arena *arena,
                                struct stream_item *out)
{
    struct scope scope;
    struct built built = build_header(parser, arena, out->raw, &scope);
    if (!built.element)
        return over(in, out, built.error, built.text);
    if (!str_is(built.element->name, "stream"))
        return over(in, out, STREAM_BAD_FORMAT, "no stream header");
    if (built.element->ns != NS_STREAM)
        return over(in, out, STREAM_INVALID_NAMESPACE, "namespace of the stream");
    out->content_ns = scope_find(&scope, STR(""))->ns;
    if (out->content_ns != NS_CLIENT && out->content_ns != NS_SERVER)
        return over(in, out, STREAM_INVALID_NAMESPACE, "default namespace");
    keep_declarations(in, &scope, out->raw);
    out->element = built.element;
    return STREAM_OPEN;
}

static enum stream_event element(struct stream_in *in, struct parser *parser, struct arena *arena,
                                 struct stream_item *out)
{
    struct built built = build_element(parser, arena, in->declarations, out->raw);
    if (!built.element)
        return over(in, out, built.error, built.text);
    out->element = built.element;
    return STREAM_ELEMENT;
}

/* The end tag must be that of the header. */
static enum stream_event close_tag(struct stream_in *in, struct stream_item *out)
{
    struct str name = str_trim((struct str){out->raw.at + 2, out->raw.len - 3});
    if (name.at != out->raw.at + 2 ||
        !str_is(name, in->declarations ? in->declarations : "stream:stream"))
        return over(in, out, STREAM_NOT_WELL_FORMED, "end tag");
    in->over = true;
    return STREAM_CLOSE;
}

enum stream_event stream_in_next(struct stream_in *in, struct parser *parser, struct arena *arena,
                                 struct str *input, struct stream_item *out)
{
    *out = (struct stream_item){0};
    for (;;) {
        if (in->raw_held)
            buf_fini(&in->partial);
        in->raw_held = false;
        if (in->over)
            advance(input, input->len);
        struct split split = take(in, input, &out->raw);
        switch (split.what) {
        case SPLIT_MORE:
            out->raw = (struct str){NULL, 0};
            return STREAM_MORE;
        case SPLIT_BAD:
            return over(in, out, split.error, split.text);
        case SPLIT_HEADER:
            return header(in, parser, arena, out);
        case SPLIT_ELEMENT:
            return element(in, parser, arena, out);
        case SPLIT_CLOSE:
            return close_tag(in, out);
        case SPLIT_DECLARATION:
            split.error = check_declaration(out->raw);
            if (split.error)
                return over(in, out, split.error, "XML declaration");
        }
    }
}

void stream_in_restart(struct stream_in *in)
{
    uint32_t limit_len = in->limit_len;
    stream_in_fini(in);
    in->limit_len = limit_len;
}

bool stream_in_partial(const struct stream_in *in)
{
    return buf_len(&in->partial) > 0 && !in->raw_held;
}

void stream_in_fini(struct stream_in *in)
{
    buf_fini(&in->partial);
    mem_free(in->declarations);
    *in = (struct stream_in){0};
}

/* The whole text is one element, white space around it aside. */
static struct split split_alone(struct str *xml)
{
    struct splitter splitter;
    splitter_init_inside(&splitter);
    struct split split = splitter_skip(&splitter, xml);
    if (split.what != SPLIT_BAD)
        split = splitter_scan(&splitter, *xml);
    struct str rest = str_trim((struct str){xml->at + split.used_len, xml->len - split.used_len});
    if (split.what == SPLIT_ELEMENT && rest.len)
        split.what = SPLIT_BAD;
    xml->len = split.used_len;
    return split;
}

enum err parser_element(struct parser *parser, struct arena *arena, struct str xml,
                        struct element **out)
{
    *out = NULL;
    if (xml.len == 0 || xml.len > INT32_MAX)
        return xml.len ? ERR_TOO_BIG : ERR_INVALID;
    struct split split = split_alone(&xml);
    if (split.what != SPLIT_ELEMENT)
        return split.error == STREAM_POLICY_VIOLATION ? ERR_TOO_BIG : ERR_INVALID;
    struct built built = build_element(parser, arena, NULL, xml);
    *out = built.element;
    if (built.element)
        return ERR_OK;
    return built.error == STREAM_POLICY_VIOLATION ? ERR_TOO_BIG : ERR_INVALID;
}

struct element *parser_written(struct parser *parser, struct arena *arena, struct str xml)
{
    return build_element(parser, arena, NULL, xml).element;
}
