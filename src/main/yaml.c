#include "yaml.h"

#include <yaml.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* While a document of libyaml becomes a tree. */
struct reading {
    struct arena *arena;
    yaml_document_t document;
    struct problems *problems;
    size_t node_count;
    bool failed;
};

static unsigned line_of(yaml_mark_t mark)
{
    return (unsigned)mark.line + 1;
}

static void fail(struct reading *reading, unsigned line, const char *what)
{
    if (!reading->failed)
        problem(reading->problems, line, NULL, "%s", what);
    reading->failed = true;
}

static struct str scalar_text(struct reading *reading, const yaml_node_t *from)
{
    struct str text = {(const char *)from->data.scalar.value, from->data.scalar.length};
    if (memchr(text.at, '\0', text.len))
        fail(reading, line_of(from->start_mark), "a NUL character");
    return arena_str(reading->arena, text);
}

static struct conf_node *convert(struct reading *reading, int index, unsigned depth);

static void append(struct conf_node *parent, struct conf_node ***tail, struct conf_node *child)
{
    **tail = child;
    *tail = &child->next;
    parent->count++;
}

static void convert_list(struct reading *reading, const yaml_node_t *from, struct conf_node *list,
                         unsigned depth)
{
    struct conf_node **tail = &list->first;
    const yaml_node_item_t *end = from->data.sequence.items.top;
    for (const yaml_node_item_t *item = from->data.sequence.items.start; item < end; item++) {
        struct conf_node *child = convert(reading, *item, depth + 1);
        if (!child)
            return;
        append(list, &tail, child);
    }
}

static bool name_child(struct reading *reading, const struct conf_node *map, int key,
                       struct conf_node *child)
{
    const yaml_node_t *from = yaml_document_get_node(&reading->document, key);
    unsigned line = line_of(from->start_mark);
    if (from->type != YAML_SCALAR_NODE) {
        fail(reading, line, "a key must be a plain word");
        return false;
    }
    child->name = scalar_text(reading, from);
    child->name_line = line;
    const struct conf_node *twin = conf_find(map, child->name);
    if (twin && !reading->failed) {
        problem(reading->problems, line, child->name.at, "the key is there twice (line %u)",
                twin->name_line);
        reading->failed = true;
    }
    return !reading->failed;
}

static void convert_map(struct reading *reading, const yaml_node_t *from, struct conf_node *map,
                        unsigned depth)
{
    struct conf_node **tail = &map->first;
    const yaml_node_pair_t *end = from->data.mapping.pairs.top;
    for (const yaml_node_pair_t *pair = from->data.mapping.pairs.start; pair < end; pair++) {
        struct conf_node *child = convert(reading, pair->value, depth + 1);
        if (!child || !name_child(reading, map, pair->key, child))
            return;
        append(map, &tail, child);
    }
}

static struct conf_node *convert(struct reading *reading, int index, unsigned depth)
{
    const yaml_node_t *from = yaml_document_get_node(&reading->document, index);
    if (!from)
        return NULL;
    if (++reading->node_count > YAML_NODES_MAX || depth > YAML_DEPTH_MAX)
        fail(reading, line_of(from->start_mark), "too many or too deeply nested values");
    if (reading->failed)
        return NULL;
    struct conf_node *node = arena_zero(reading->arena, sizeof *node);
    node->line = line_of(from->start_mark);
    node->column = (unsigned)from->start_mark.column + 1;
    if (from->type == YAML_MAPPING_NODE) {
        node->type = NODE_MAP;
        convert_map(reading, from, node, depth);
    } else if (from->type == YAML_SEQUENCE_NODE) {
        node->type = NODE_LIST;
        convert_list(reading, from, node, depth);
    } else {
        node->type = NODE_SCALAR;
        node->text = scalar_text(reading, from);
        node->plain = from->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    }
    return reading->failed ? NULL : node;
}

static struct conf_node *empty_map(struct arena *arena)
{
    struct conf_node *map = arena_zero(arena, sizeof *map);
    map->type = NODE_MAP;
    map->line = map->column = 1;
    return map;
}

static void say_error(const yaml_parser_t *parser, struct problems *problems)
{
    const char *what = parser->problem ? parser->problem : "it cannot be read";
    problem(problems, line_of(parser->problem_mark), NULL, "not YAML: %s%s%s",
            parser->context ? parser->context : "", parser->context ? ": " : "", what);
}

/* What follows the first document must be nothing. */
static void expect_end(yaml_parser_t *parser, struct reading *reading)
{
    yaml_document_t more;
    if (!yaml_parser_load(parser, &more)) {
        say_error(parser, reading->problems);
        reading->failed = true;
        return;
    }
    if (yaml_document_get_root_node(&more))
        fail(reading, line_of(more.start_mark), "a second document: there must be one");
    yaml_document_delete(&more);
}

static struct conf_node *read_document(yaml_parser_t *parser, struct arena *arena,
                                       struct problems *problems)
{
    struct reading reading = {.arena = arena, .problems = problems};
    if (!yaml_parser_load(parser, &reading.document)) {
        say_error(parser, problems);
        return NULL;
    }
    struct conf_node *root = empty_map(arena);
    if (yaml_document_get_root_node(&reading.document)) {
        root = convert(&reading, 1, 0);
        if (!reading.failed)
            expect_end(parser, &reading);
    }
    yaml_document_delete(&reading.document);
    return reading.failed ? NULL : root;
}

struct conf_node *yaml_parse(struct arena *arena, struct str text, struct problems *problems)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        problem(problems, 0, NULL, "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.at, text.len);
    struct conf_node *root = read_document(&parser, arena, problems);
    yaml_parser_delete(&parser);
    return root;
}

/* All of a file that is not too big; false with errno. */
static bool read_file(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;
    if (fd < 0)
        return false;
    while (buf_len(out) <= YAML_FILE_MAX && (got = read(fd, buf_reserve(out, 65536), 65536)) > 0)
        buf_grow(out, (size_t)got);
    int saved = got < 0 ? errno : buf_len(out) > YAML_FILE_MAX ? EFBIG : 0;
    close(fd);
    errno = saved;
    return saved == 0;
}

struct conf_node *yaml_load(struct arena *arena, struct problems *problems)
{
    struct buf text = {0};
    struct conf_node *root = NULL;
    if (read_file(problems->file, &text))
        root = yaml_parse(arena, buf_len(&text) ? buf_str(&text) : STR(""), problems);
    else
        problem(problems, 0, NULL, "cannot be read: %s", strerror(errno));
    buf_fini(&text);
    return root;
}

struct conf_node *conf_find(const struct conf_node *map, struct str name)
{
    struct conf_node *child = map->type == NODE_MAP ? map->first : NULL;
    while (child && !str_eq(child->name, name))
        child = child->next;
    return child;
}

static const struct conf_node *nth(const struct conf_node *list, struct str digits)
{
    uint64_t index;
    if (list->type != NODE_LIST || !text_u64(digits, 0, UINT32_MAX, &index))
        return NULL;
    const struct conf_node *child = list->first;
    while (child && index--)
        child = child->next;
    return child;
}

const struct conf_node *conf_at(const struct conf_node *root, const char *path)
{
    const struct conf_node *node = root;
    while (*path) {
        size_t len = strcspn(path, ".[]");
        struct str part = {path, len};
        bool numbered = path[len] == ']';
        const struct conf_node *next = len == 0   ? node
                                       : numbered ? nth(node, part)
                                                  : conf_find(node, part);
        if (!next)
            break;
        node = next;
        path += len + (path[len] != '\0');
    }
    return node;
}

bool conf_is_null(const struct conf_node *node)
{
    return node->type == NODE_SCALAR && node->plain &&
           (node->text.len == 0 || str_is(node->text, "~") || str_is(node->text, "null"));
}

const char *yaml_library_version(void)
{
    return yaml_get_version_string();
}
