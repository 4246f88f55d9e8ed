#include "parser.h"

#include "build.h"
#include "check.h"
#include "element_read.h"
#include "mem.h"

#include <expat.h>
#include <limits.h>

/* Debian's 2.5.0 has it since an update, others since 2.6.0: a weak symbol asks the library. */
extern XML_Bool XML_SetReparseDeferralEnabled(XML_Parser parser, XML_Bool enabled)
    __attribute__((weak));

enum { TEXT_KEEP = 65536 }; /* room for text that a parser keeps between elements */

struct frame {
    struct element *element;
    unsigned binding_count; /* of the scope around it */
};

struct parser {
    XML_Parser expat;
    size_t heap_len;      /* bytes that expat holds */
    uint64_t fed_len;     /* bytes that it was fed */
    struct arena *arena;  /* NULL: what expat tells is of no interest */
    struct element *root; /* of the element at hand */
    unsigned depth;
    struct frame open[LIMIT_XML_DEPTH];
    struct scope scope;
    struct buf text;     /* of the text node at hand, whose pieces expat tells one by one */
    struct buf doubtful; /* see judge */
    enum stream_error error;
    const char *why;
};

/* expat's allocator has no argument of its own, so who pays is set before expat is called. */
static _Thread_local size_t *payer;

enum { HEAD = 16 }; /* in front of each block: its size; 16 keeps the alignment */

static void *pay_realloc(void *old, size_t size)
{
    char *block = old ? (char *)old - HEAD : NULL;
    size_t old_size = 0;
    if (block)
        memcpy(&old_size, block, sizeof old_size);
    block = mem_realloc(block, size + HEAD);
    memcpy(block, &size, sizeof size);
    *payer += size - old_size;
    return block + HEAD;
}

static void *pay_malloc(size_t size)
{
    return pay_realloc(NULL, size);
}

static void pay_free(void *memory)
{
    size_t size;
    if (!memory)
        return;
    memcpy(&size, (char *)memory - HEAD, sizeof size);
    *payer -= size;
    mem_free((char *)memory - HEAD);
}

static void fail(struct parser *parser, enum stream_error error, const char *why)
{
    if (parser->error)
        return;
    parser->error = error;
    parser->why = why;
    XML_StopParser(parser->expat, XML_FALSE);
}

static void malformed(struct parser *parser, const char *why)
{
    fail(parser, STREAM_NOT_WELL_FORMED, why);
}

static void flush_text(struct parser *parser)
{
    struct str text = buf_str(&parser->text);
    if (text.len == 0)
        return;
    element_add_text(parser->arena, parser->open[parser->depth - 1].element, text);
    parser->text.start = parser->text.end = 0; /* the room is for the next one */
}

/* Without namespaces expat takes any character of a name behind the colon, also one that no name
 * begins with. ASCII is looked at in scope.c; other names are put to expat after the element. */
static void doubt(struct parser *parser, struct str name)
{
    if (!(name.at[0] & 0x80))
        return;
    buf_push_str(&parser->doubtful, STR("<"));
    buf_push_str(&parser->doubtful, name);
    buf_push_str(&parser->doubtful, STR("/>"));
}

static void declare(struct parser *parser, struct str prefix, struct str uri)
{
    enum err err = scope_bind(&parser->scope, parser->arena, prefix, uri);
    if (err == ERR_FULL)
        fail(parser, STREAM_POLICY_VIOLATION, "too many namespaces");
    else if (err)
        malformed(parser, "namespace declaration");
    else if (prefix.len)
        doubt(parser, prefix);
}

/* Puts the declarations into the scope and lists the other attributes, names as they stand. */
static size_t sort_attrs(struct parser *parser, const XML_Char **pairs, struct attr *attrs)
{
    size_t count = 0;
    for (; *pairs && !parser->error; pairs += 2) {
        struct str name = str_of(pairs[0]), value = str_of(pairs[1]), prefix;
        if (scope_declares(name, &prefix))
            declare(parser, prefix, value);
        else if (count == LIMIT_XML_ATTRIBUTES)
            fail(parser, STREAM_POLICY_VIOLATION, "too many attributes");
        else
            attrs[count++] = (struct attr){NULL, {NULL, 0}, name, value};
    }
    return count;
}

/* The binding of the name's prefix; the name is cut to its local part. */
static const struct binding *resolve(struct parser *parser, struct str *name)
{
    struct str prefix, local;
    if (!scope_split(*name, &prefix, &local)) {
        malformed(parser, "name");
        return NULL;
    }
    const struct binding *binding = scope_find(&parser->scope, prefix);
    if (!binding)
        malformed(parser, "unbound prefix");
    else if (prefix.len)
        doubt(parser, local);
    *name = local;
    return binding;
}

static bool has_twin(const struct attr *attrs, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (str_eq(attrs[i].name, attrs[index].name) &&
            str_eq(attrs[i].ns_uri, attrs[index].ns_uri))
            return true;
    return false;
}

/* Links the attributes and finds the namespaces of those with a prefix. */
static void resolve_attrs(struct parser *parser, struct attr *attrs, size_t count)
{
    for (size_t i = 0; i < count && !parser->error; i++) {
        attrs[i].next = i + 1 < count ? &attrs[i + 1] : NULL;
        if (!memchr(attrs[i].name.at, ':', attrs[i].name.len))
            continue;
        const struct binding *binding = resolve(parser, &attrs[i].name);
        if (!binding)
            return;
        attrs[i].ns_uri = binding->uri;
        if (has_twin(attrs, i))
            malformed(parser, "duplicate attribute");
    }
}

static void push_element(struct parser *parser, struct element *element, unsigned binding_count)
{
    if (parser->depth)
        element_push(parser->open[parser->depth - 1].element, element);
    else
        parser->root = element;
    parser->open[parser->depth++] = (struct frame){element, binding_count};
}

/* The splitter has kept the limits; that the two agree is not taken for granted. */
static bool may_begin(struct parser *parser)
{
    if (!parser->arena || parser->error)
        return false;
    if (parser->depth == COUNT_OF(parser->open))
        fail(parser, STREAM_POLICY_VIOLATION, "too deep");
    else if (parser->depth == 0 && parser->root)
        malformed(parser, "two elements");
    return !parser->error;
}

static void on_start(void *user, const XML_Char *name, const XML_Char **pairs)
{
    struct parser *parser = user;
    struct attr attrs[LIMIT_XML_ATTRIBUTES];
    if (!may_begin(parser))
        return;
    flush_text(parser);
    unsigned binding_count = parser->scope.count;
    size_t count = sort_attrs(parser, pairs, attrs);
    struct element model = {.name = str_of(name), .attrs = count ? attrs : NULL};
    const struct binding *binding = parser->error ? NULL : resolve(parser, &model.name);
    resolve_attrs(parser, attrs, count);
    if (parser->error)
        return;
    model.ns = binding->ns;
    model.ns_uri = binding->uri;
    push_element(parser, element_shallow(parser->arena, &model), binding_count);
}

static void on_end(void *user, const XML_Char *name)
{
    struct parser *parser = user;
    (void)name;
    if (!parser->arena || parser->error)
        return;
    flush_text(parser);
    parser->scope.count = parser->open[--parser->depth].binding_count;
}

static void on_text(void *user, const XML_Char *text, int len)
{
    struct parser *parser = user;
    if (!parser->arena || parser->error)
        return;
    if (parser->depth)
        buf_push(&parser->text, text, (size_t)len);
    else
        malformed(parser, "text outside");
}

static void on_comment(void *user, const XML_Char *text)
{
    (void)text;
    fail(user, STREAM_RESTRICTED_XML, NULL);
}

static void on_instruction(void *user, const XML_Char *target, const XML_Char *text)
{
    (void)target;
    on_comment(user, text);
}

/* True when expat took all of it and finds nothing wrong. */
static bool feed(struct parser *parser, struct str xml)
{
    payer = &parser->heap_len;
    CHECK(xml.len <= INT_MAX);
    if (XML_Parse(parser->expat, xml.at, (int)xml.len, 0) != XML_STATUS_OK)
        return false;
    parser->fed_len += xml.len;
    return (uint64_t)XML_GetCurrentByteIndex(parser->expat) == parser->fed_len;
}

static void close_expat(struct parser *parser)
{
    payer = &parser->heap_len;
    XML_ParserFree(parser->expat);
}

/* Every element is a child of one that stays open, so that expat never sees an end. */
static void open_expat(struct parser *parser)
{
    static const XML_Memory_Handling_Suite suite = {pay_malloc, pay_realloc, pay_free};
    payer = &parser->heap_len;
    parser->fed_len = 0;
    parser->expat = XML_ParserCreate_MM("UTF-8", &suite, NULL);
    CHECK(parser->expat);
    if (XML_SetReparseDeferralEnabled)
        XML_SetReparseDeferralEnabled(parser->expat, XML_FALSE);
    XML_SetUserData(parser->expat, parser);
    XML_SetElementHandler(parser->expat, on_start, on_end);
    XML_SetCharacterDataHandler(parser->expat, on_text);
    XML_SetCommentHandler(parser->expat, on_comment);
    XML_SetProcessingInstructionHandler(parser->expat, on_instruction);
    CHECK(feed(parser, STR("<s>")));
}

struct parser *parser_new(void)
{
    struct parser *parser = mem_zalloc(sizeof *parser);
    open_expat(parser);
    return parser;
}

void parser_free(struct parser *parser)
{
    if (!parser)
        return;
    close_expat(parser);
    buf_fini(&parser->text);
    buf_fini(&parser->doubtful);
    mem_free(parser);
}

/* Whether the names that were put off are names. */
static bool judge(struct parser *parser)
{
    if (buf_len(&parser->doubtful) == 0)
        return true;
    parser->arena = NULL;
    bool right = feed(parser, buf_str(&parser->doubtful));
    buf_fini(&parser->doubtful);
    return right;
}

static void begin(struct parser *parser, struct arena *arena)
{
    parser->arena = arena;
    parser->root = NULL;
    parser->depth = 0;
    parser->error = STREAM_NO_ERROR;
    parser->why = NULL;
}

/* Ends an element; a parser that saw an error, or has kept too many names, is made anew. */
static struct built finish(struct parser *parser, bool fed)
{
    struct built built = {parser->root, STREAM_NO_ERROR, NULL};
    if (!fed || parser->depth || !parser->root || !judge(parser)) {
        enum XML_Error code = XML_GetErrorCode(parser->expat);
        const char *why = code ? XML_ErrorString(code) : NULL;
        built = (struct built){NULL, STREAM_NOT_WELL_FORMED, why};
        if (parser->error)
            built = (struct built){NULL, parser->error, parser->why};
    }
    parser->arena = NULL;
    if (built.error || parser->heap_len > LIMIT_XML_NAMES_BYTES) {
        close_expat(parser);
        open_expat(parser);
    }
    if (built.error || parser->text.room > TEXT_KEEP)
        buf_fini(&parser->text);
    buf_fini(&parser->doubtful);
    return built;
}

struct built build_element(struct parser *parser, struct arena *arena, const char *declarations,
                           struct str xml)
{
    struct element *plain = declarations ? NULL : element_read(arena, xml);
    if (plain)
        return (struct built){plain, STREAM_NO_ERROR, NULL};
    begin(parser, arena);
    if (declarations)
        scope_init_written(&parser->scope, declarations);
    else
        scope_init_usual(&parser->scope);
    return finish(parser, feed(parser, xml));
}

struct built build_header(struct parser *parser, struct arena *arena, struct str xml,
                          struct scope *scope)
{
    struct buf end = {0};
    begin(parser, arena);
    parser->scope.count = 0;
    bool fed = feed(parser, xml);
    *scope = parser->scope;
    buf_push_str(&end, STR("</"));
    buf_push_str(&end, splitter_tag_name(xml));
    buf_push_str(&end, STR(">"));
    fed = fed && feed(parser, buf_str(&end));
    buf_fini(&end);
    return finish(parser, fed);
}

size_t parser_heap_len(const struct parser *parser)
{
    return parser->heap_len;
}

const char *parser_version(void)
{
    return XML_ExpatVersion();
}
