#include "bind.h"

#include <inttypes.h>

/* Where a value comes from and goes to. */
struct place {
    struct arena *arena;
    struct problems *problems;
    const struct key *key;
    const char *path;
    unsigned line;
    void *out;
};

const char *bind_path(struct arena *arena, const char *path, const char *name)
{
    return arena_format(arena, "%s%s%s", path, *path ? "." : "", name).at;
}

void bind_unknown(struct problems *problems, const struct conf_node *member, const char *path,
                  const char *const *names)
{
    const char *near = text_nearest(member->name, names);
    if (near)
        problem(problems, member->name_line, path, "unknown key (did you mean `%s`?)", near);
    else
        problem(problems, member->name_line, path, "unknown key");
}

static void wrong(const struct place *place, struct str got)
{
    struct buf expected = {0};
    key_describe(&expected, place->key);
    problem(place->problems, place->line, place->path, "expects %.*s, got `%.*s`",
            STR_ARG(buf_str(&expected)), STR_ARG(got));
    buf_fini(&expected);
}

/* --- Scalars --- */

static bool parse_bool(struct str text, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true},   {"yes", true}, {"on", true},
                 {"false", false}, {"no", false}, {"off", false}};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_is(text, words[i].word)) {
            *out = words[i].value;
            return true;
        }
    return false;
}

static bool parse_choice(struct str text, const char *const *choices, int *out)
{
    for (int i = 0; choices[i]; i++)
        if (str_is(text, choices[i])) {
            *out = i;
            return true;
        }
    return false;
}

static bool in_range(const struct key *key, uint64_t value)
{
    return (!key->min && !key->max) || (value >= key->min && value <= key->max);
}

static bool parse_amount(const struct key *key, struct str text, uint64_t *value)
{
    if (key->type == KEY_SIZE)
        return text_size(text, value);
    return key->type == KEY_DURATION ? text_duration(text, value)
                                     : text_u64(text, 0, UINT64_MAX, value);
}

static bool parse_number(const struct key *key, struct str text, uint64_t *out)
{
    if (key->type == KEY_NUMBER && key->choices && str_is(text, key->choices[0])) {
        *out = 0;
        return true;
    }
    *out = KEY_INFINITY;
    return (str_is(text, "infinity") || parse_amount(key, text, out)) && in_range(key, *out);
}

static bool parse_text(const struct place *place, struct str text)
{
    if (text.len == 0 && place->key->required)
        return false;
    *(const char **)place->out = arena_str(place->arena, text).at;
    return true;
}

/* Writes the value; false when the text is none of this key. */
static bool parse_scalar(const struct place *place, struct str text)
{
    const struct key *key = place->key;
    switch (key->type) {
    case KEY_BOOL:
        return parse_bool(text, place->out);
    case KEY_NUMBER:
    case KEY_SIZE:
    case KEY_DURATION:
        return parse_number(key, text, place->out);
    case KEY_CHOICE:
        return parse_choice(text, key->choices, place->out);
    case KEY_TEXT:
        return parse_text(place, text);
    case KEY_TEXTS:
    case KEY_GROUP:
    case KEY_LIST:
        break;
    }
    return false;
}

static void bind_scalar(const struct place *place, const struct conf_node *node)
{
    static const char *const shapes[] = {
        [NODE_SCALAR] = "", [NODE_MAP] = "{…}", [NODE_LIST] = "[…]"};
    if (node->type != NODE_SCALAR)
        wrong(place, str_of(shapes[node->type]));
    else if (!parse_scalar(place, node->text))
        wrong(place, node->text);
}

/* --- Lists of texts --- */

static bool has_text(const struct key_texts *texts, struct str text)
{
    for (size_t i = 0; i < texts->count; i++)
        if (str_is(text, texts->items[i]))
            return true;
    return false;
}

static void add_text(const struct place *place, struct key_texts *texts, struct str text)
{
    int index;
    const char *const *choices = place->key->choices;
    if (text.len == 0 || (choices && !parse_choice(text, choices, &index)))
        wrong(place, text);
    else if (has_text(texts, text))
        problem(place->problems, place->line, place->path, "`%.*s` is there twice", STR_ARG(text));
    else
        texts->items[texts->count++] = arena_str(place->arena, text).at;
}

static void bind_texts(const struct place *place, const struct conf_node *node)
{
    struct key_texts *texts = place->out;
    if (node->type == NODE_MAP) {
        wrong(place, STR("{…}"));
        return;
    }
    /* One text may stand there without brackets. */
    const struct conf_node *item = node->type == NODE_LIST ? node->first : node;
    texts->items = arena_zero(place->arena, (node->count + 1) * sizeof *texts->items);
    for (; item; item = node->type == NODE_LIST ? item->next : NULL) {
        struct place here = *place;
        here.line = item->line;
        if (item->type == NODE_SCALAR)
            add_text(&here, texts, item->text);
        else
            wrong(&here, STR("[…]"));
    }
}

static size_t count_commas(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == ',';
    return count;
}

static void preset_texts(const struct place *place)
{
    struct key_texts *texts = place->out;
    struct str rest = str_of(place->key->preset);
    texts->items =
        arena_zero(place->arena, (count_commas(place->key->preset) + 1) * sizeof *texts->items);
    while (rest.len)
        add_text(place, texts, str_trim(str_cut(rest, ',', &rest)));
}

/* --- Groups --- */

static void bind_groups(const struct place *place, const struct conf_node *node)
{
    struct key_list *list = place->out;
    size_t size = place->key->group_size;
    if (node->type != NODE_LIST) {
        wrong(place, node->type == NODE_MAP ? STR("{…}") : node->text);
        return;
    }
    list->items = arena_zero(place->arena, node->count * size);
    for (const struct conf_node *item = node->first; item; item = item->next) {
        const char *path = arena_format(place->arena, "%s[%zu]", place->path, list->count).at;
        char *out = (char *)list->items + list->count++ * size;
        if (item->type == NODE_MAP || conf_is_null(item))
            bind_map(place->arena, place->problems, place->key->keys,
                     conf_is_null(item) ? NULL : item, path, out);
        else
            problem(place->problems, item->line, path, "expects keys and values");
    }
}

static void bind_group(const struct place *place, const struct conf_node *node)
{
    if (!place->key->keys)
        return;
    if (node && node->type != NODE_MAP) {
        wrong(place, node->type == NODE_LIST ? STR("[…]") : node->text);
        node = NULL;
    }
    bind_map(place->arena, place->problems, place->key->keys, node, place->path, place->out);
}

/* --- All of a map --- */

static void apply_preset(const struct place *place)
{
    const struct key *key = place->key;
    if (key->type == KEY_GROUP)
        bind_group(place, NULL);
    else if (key->preset && key->type == KEY_TEXTS)
        preset_texts(place);
    else if (key->preset && !parse_scalar(place, str_of(key->preset)))
        wrong(place, str_of(key->preset)); /* a mistake in the table shows itself at once */
    else if (key->required)
        problem(place->problems, place->line, place->path, "is missing");
}

static void bind_value(const struct place *place, const struct conf_node *node)
{
    if (!node || conf_is_null(node))
        apply_preset(place);
    else if (place->key->type == KEY_TEXTS)
        bind_texts(place, node);
    else if (place->key->type == KEY_LIST)
        bind_groups(place, node);
    else if (place->key->type == KEY_GROUP)
        bind_group(place, node);
    else
        bind_scalar(place, node);
}

static const char *const *names_of(struct arena *arena, const struct key *keys)
{
    size_t count = 0;
    while (keys && keys[count].name)
        count++;
    const char **names = arena_zero(arena, (count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = keys[i].name;
    return names;
}

static void refuse_unknown(struct arena *arena, struct problems *problems, const struct key *keys,
                           const struct conf_node *map, const char *path)
{
    const char *const *names = names_of(arena, keys);
    for (const struct conf_node *member = map->first; member; member = member->next) {
        int index;
        if (!parse_choice(member->name, names, &index))
            bind_unknown(problems, member, bind_path(arena, path, member->name.at), names);
    }
}

void bind_map(struct arena *arena, struct problems *problems, const struct key *keys,
              const struct conf_node *map, const char *path, void *out)
{
    if (map)
        refuse_unknown(arena, problems, keys, map, path);
    for (const struct key *key = keys; key && key->name; key++) {
        const struct conf_node *node = map ? conf_find(map, str_of(key->name)) : NULL;
        struct place place = {.arena = arena,
                              .problems = problems,
                              .key = key,
                              .path = bind_path(arena, path, key->name),
                              .line = node  ? node->line
                                      : map ? map->line
                                            : 0,
                              .out = (char *)out + key->offset};
        bind_value(&place, node);
    }
}
