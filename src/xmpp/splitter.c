#include "splitter.h"

#include "limits.h"

enum lex {
    LEX_BETWEEN, /* two things; at the beginning of the stream as well */
    LEX_BOM,     /* inside a byte-order mark */
    LEX_OPEN,    /* behind '<' */
    LEX_DECLARATION_NAME,
    LEX_DECLARATION,
    LEX_DECLARATION_END, /* behind '?' */
    LEX_BANG,            /* behind "<!" */
    LEX_CDATA_NAME,
    LEX_CDATA,
    LEX_CDATA_END_1, /* behind ']' */
    LEX_CDATA_END_2, /* behind "]]" */
    LEX_TAG,         /* in a start tag, outside values */
    LEX_TAG_EMPTY,   /* behind the '/' of an empty element */
    LEX_VALUE,       /* in a value that ends at the apostrophe */
    LEX_VALUE_QUOTE, /* … at the quotation mark */
    LEX_END_TAG,
    LEX_TEXT,
    LEX_COUNT
};

/* Bytes outside values and text. */
enum { C_NAME, C_SPACE, C_EQUALS, C_QUOTE, C_GT, C_LT, C_SLASH };

static const uint8_t classes[256] = {
    [' '] = C_SPACE, ['\t'] = C_SPACE, ['\n'] = C_SPACE, ['\r'] = C_SPACE, ['='] = C_EQUALS,
    ['"'] = C_QUOTE, ['\''] = C_QUOTE, ['>'] = C_GT,     ['<'] = C_LT,     ['/'] = C_SLASH,
};

/* The bytes still to be looked at, and what came out. */
struct scan {
    const char *at, *end;
    struct split split;
};

static void bad(struct scan *scan, enum stream_error error, const char *text)
{
    scan->split.what = SPLIT_BAD;
    scan->split.error = error;
    scan->split.text = text;
}

static void malformed(struct scan *scan)
{
    bad(scan, STREAM_NOT_WELL_FORMED, NULL);
}

static void found(struct splitter *s, struct scan *scan, enum split_what what)
{
    s->lex = LEX_BETWEEN;
    scan->split.what = what;
}

static void count_node(struct splitter *s, struct scan *scan)
{
    if (++s->node_count > LIMIT_XML_NODES)
        bad(scan, STREAM_POLICY_VIOLATION, "too many elements");
}

/* The fixed text behind what is there already; `next` follows it. */
static void match(struct splitter *s, struct scan *scan, const char *literal, enum lex next,
                  enum stream_error otherwise)
{
    while (scan->at < scan->end && literal[s->literal]) {
        if (*scan->at++ != literal[s->literal++]) {
            bad(scan, otherwise, NULL);
            return;
        }
    }
    if (!literal[s->literal]) {
        s->literal = 0;
        s->lex = (uint8_t)next;
    }
}

/* Moves behind the next `c`; true when it was there. */
static inline bool pass(struct scan *scan, char c)
{
    const char *at = memchr(scan->at, c, (size_t)(scan->end - scan->at));
    scan->at = at ? at + 1 : scan->end;
    return at;
}

static void in_between(struct splitter *s, struct scan *scan)
{
    s->node_count = 0;
    s->in_text = false;
    scan->at++; /* the '<' */
    s->lex = LEX_OPEN;
}

static void in_open_declaration(struct splitter *s, struct scan *scan)
{
    if (s->header_seen || s->declaration_seen)
        bad(scan, STREAM_RESTRICTED_XML, "processing instruction");
    s->declaration_seen = true;
    s->lex = LEX_DECLARATION_NAME;
}

static void in_open_start_tag(struct splitter *s, struct scan *scan)
{
    if (s->depth >= LIMIT_XML_DEPTH)
        bad(scan, STREAM_POLICY_VIOLATION, "too deep");
    count_node(s, scan);
    s->in_text = false;
    s->attr_count = 0;
    s->name_len = 1;
    s->lex = LEX_TAG;
}

static void in_open(struct splitter *s, struct scan *scan)
{
    char c = *scan->at++;
    if (c == '/') {
        s->in_text = false;
        s->name_len = 0;
        s->lex = LEX_END_TAG;
        if (!s->header_seen)
            malformed(scan);
    } else if (c == '!') {
        s->lex = LEX_BANG;
    } else if (c == '?') {
        in_open_declaration(s, scan);
    } else if (classes[(uint8_t)c] == C_NAME) {
        in_open_start_tag(s, scan);
    } else {
        malformed(scan);
    }
}

static void in_declaration_name(struct splitter *s, struct scan *scan)
{
    match(s, scan, "xml", LEX_DECLARATION, STREAM_RESTRICTED_XML);
}

static void in_declaration(struct splitter *s, struct scan *scan)
{
    if (pass(scan, '?'))
        s->lex = LEX_DECLARATION_END;
}

static void in_declaration_end(struct splitter *s, struct scan *scan)
{
    char c = *scan->at++;
    if (c == '>')
        found(s, scan, SPLIT_DECLARATION);
    else
        bad(scan, STREAM_NOT_WELL_FORMED, "XML declaration");
}

static void in_bang(struct splitter *s, struct scan *scan)
{
    if (*scan->at++ != '[')
        bad(scan, STREAM_RESTRICTED_XML, "comment or document type");
    else if (s->depth == 0)
        bad(scan, s->header_seen ? STREAM_BAD_FORMAT : STREAM_NOT_WELL_FORMED, NULL);
    s->lex = LEX_CDATA_NAME;
}

static void in_cdata_name(struct splitter *s, struct scan *scan)
{
    match(s, scan, "CDATA[", LEX_CDATA, STREAM_NOT_WELL_FORMED);
    if (s->lex == LEX_CDATA && !s->in_text) {
        s->in_text = true;
        count_node(s, scan);
    }
}

static void in_cdata(struct splitter *s, struct scan *scan)
{
    if (pass(scan, ']'))
        s->lex = LEX_CDATA_END_1;
}

static void in_cdata_end_1(struct splitter *s, struct scan *scan)
{
    s->lex = *scan->at++ == ']' ? LEX_CDATA_END_2 : LEX_CDATA;
}

static void in_cdata_end_2(struct splitter *s, struct scan *scan)
{
    char c = *scan->at++;
    if (c == '>')
        s->lex = LEX_TEXT;
    else if (c != ']')
        s->lex = LEX_CDATA;
}

/* Behind the '>' of a start tag, or of an empty element. */
static void tag_done(struct splitter *s, struct scan *scan, bool empty)
{
    if (!s->header_seen && empty) {
        bad(scan, STREAM_BAD_FORMAT, "the stream ends where it begins");
    } else if (!s->header_seen) {
        s->header_seen = true;
        found(s, scan, SPLIT_HEADER);
    } else if (empty && s->depth == 0) {
        found(s, scan, SPLIT_ELEMENT);
    } else {
        s->depth += !empty;
        s->lex = LEX_TEXT;
    }
}

static void in_value(struct splitter *s, struct scan *scan)
{
    if (pass(scan, s->lex == LEX_VALUE ? '\'' : '"'))
        s->lex = LEX_TAG;
}

/* Behind an opening quote; goes to the closing one if it is there. */
static inline void value_begins(struct splitter *s, struct scan *scan, char quote)
{
    s->name_len = 0;
    if (++s->attr_count > LIMIT_XML_ATTRIBUTES)
        bad(scan, STREAM_POLICY_VIOLATION, "too many attributes");
    count_node(s, scan);
    if (!pass(scan, quote))
        s->lex = quote == '\'' ? LEX_VALUE : LEX_VALUE_QUOTE;
}

/* Takes bytes of a name; the first other byte is left. */
static inline void pass_name(struct splitter *s, struct scan *scan)
{
    const char *at = scan->at, *end = scan->end;
    while (at < end && classes[(uint8_t)*at] == C_NAME)
        at++;
    size_t len = s->name_len + (size_t)(at - scan->at);
    scan->at = at;
    s->name_len = (uint16_t)(len <= LIMIT_XML_NAME ? len : LIMIT_XML_NAME);
    if (len > LIMIT_XML_NAME)
        bad(scan, STREAM_POLICY_VIOLATION, "name too long");
}

static void in_tag(struct splitter *s, struct scan *scan)
{
    while (s->lex == LEX_TAG && scan->split.what == SPLIT_MORE) {
        pass_name(s, scan);
        if (scan->at == scan->end || scan->split.what == SPLIT_BAD)
            return;
        char c = *scan->at++;
        uint8_t class = classes[(uint8_t)c];
        if (class == C_SPACE || class == C_EQUALS) {
            s->name_len = 0;
        } else if (class == C_QUOTE) {
            value_begins(s, scan, c);
        } else if (class == C_GT) {
            tag_done(s, scan, false);
        } else if (class == C_SLASH) {
            s->lex = LEX_TAG_EMPTY;
        } else {
            malformed(scan);
        }
    }
}

static void in_tag_empty(struct splitter *s, struct scan *scan)
{
    if (*scan->at++ == '>')
        tag_done(s, scan, true);
    else
        malformed(scan);
}

static void in_end_tag(struct splitter *s, struct scan *scan)
{
    pass_name(s, scan);
    if (scan->at == scan->end || scan->split.what == SPLIT_BAD)
        return;
    uint8_t class = classes[(uint8_t)*scan->at++];
    if (class == C_SPACE) {
        s->name_len = 0;
    } else if (class != C_GT) {
        malformed(scan);
    } else if (s->depth == 0) {
        found(s, scan, SPLIT_CLOSE);
    } else if (--s->depth == 0) {
        found(s, scan, SPLIT_ELEMENT);
    } else {
        s->lex = LEX_TEXT;
    }
}

static void in_text(struct splitter *s, struct scan *scan)
{
    if (*scan->at != '<' && !s->in_text) {
        s->in_text = true;
        count_node(s, scan);
    }
    if (!pass(scan, '<'))
        return;
    s->lex = LEX_OPEN;
    if (scan->at < scan->end && scan->split.what == SPLIT_MORE)
        in_open(s, scan);
}

typedef void lex_fn(struct splitter *, struct scan *);

static lex_fn *const lexers[LEX_COUNT] = {
    [LEX_BETWEEN] = in_between,
    [LEX_BOM] = in_between, /* splitter_skip is the one to leave it */
    [LEX_OPEN] = in_open,
    [LEX_DECLARATION_NAME] = in_declaration_name,
    [LEX_DECLARATION] = in_declaration,
    [LEX_DECLARATION_END] = in_declaration_end,
    [LEX_BANG] = in_bang,
    [LEX_CDATA_NAME] = in_cdata_name,
    [LEX_CDATA] = in_cdata,
    [LEX_CDATA_END_1] = in_cdata_end_1,
    [LEX_CDATA_END_2] = in_cdata_end_2,
    [LEX_TAG] = in_tag,
    [LEX_TAG_EMPTY] = in_tag_empty,
    [LEX_VALUE] = in_value,
    [LEX_VALUE_QUOTE] = in_value,
    [LEX_END_TAG] = in_end_tag,
    [LEX_TEXT] = in_text,
};

struct split splitter_scan(struct splitter *s, struct str input)
{
    struct scan scan = {input.at, input.at + input.len, {SPLIT_MORE, 0, STREAM_NO_ERROR, NULL}};
    while (scan.at < scan.end && scan.split.what == SPLIT_MORE)
        lexers[s->lex](s, &scan);
    scan.split.used_len = (size_t)(scan.at - input.at);
    return scan.split;
}

static struct split skip_failed(const struct splitter *s, uint8_t c)
{
    struct split split = {SPLIT_BAD, 0, STREAM_NOT_WELL_FORMED, NULL};
    if (s->header_seen) {
        split.error = STREAM_BAD_FORMAT;
        split.text = "text between stanzas";
    } else if (c >= 0xfe) { /* UTF-16 says so in its byte-order mark */
        split.error = STREAM_UNSUPPORTED_ENCODING;
    }
    return split;
}

static bool skip_bom(struct splitter *s, uint8_t c)
{
    static const uint8_t bom[] = {0xef, 0xbb, 0xbf};
    bool here = s->lex == LEX_BOM || (!s->header_seen && !s->declaration_seen);
    if (!here || s->literal >= sizeof bom || c != bom[s->literal])
        return false;
    s->literal++;
    s->lex = s->literal < sizeof bom ? LEX_BOM : LEX_BETWEEN;
    return true;
}

struct split splitter_skip(struct splitter *s, struct str *input)
{
    for (; input->len; input->at++, input->len--) {
        uint8_t c = (uint8_t)input->at[0];
        if (s->lex == LEX_BETWEEN && c == '<') {
            s->literal = 0;
            break;
        }
        bool space = s->lex == LEX_BETWEEN && classes[c] == C_SPACE;
        if (!space && !skip_bom(s, c))
            return skip_failed(s, c);
    }
    return (struct split){SPLIT_MORE, 0, STREAM_NO_ERROR, NULL};
}

struct str splitter_tag_name(struct str tag)
{
    size_t len = 1;
    while (len < tag.len && classes[(uint8_t)tag.at[len]] == C_NAME)
        len++;
    return (struct str){tag.at + 1, len - 1};
}

void splitter_init_inside(struct splitter *splitter)
{
    *splitter = (struct splitter){.header_seen = true};
}
