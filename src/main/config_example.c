/* The example: a file with all keys, each with its help and its preset. */
#include "config_print.h"

enum { WIDTH = 100 };

/* What stands where a preset cannot. */
static const struct {
    const char *path, *value;
} examples[] = {
    {"domains", "[localhost]"},
    {"listen.c2s.tls.certificate", "localhost.pem"},
    {"listen.c2s.tls.key", "localhost.key"},
    {"listen.c2s.tls.sni.domain", "chat.example.org"},
    {"listen.c2s.tls.sni.certificate", "chat.example.org.pem"},
    {"listen.c2s.tls.sni.key", "chat.example.org.key"},
};

/* Lists that have a member in the example; others are empty, with a member in a comment. */
static const char *const shown[] = {"listen.c2s", "listen.http", NULL};

/* Modules that open something up, and stand in a comment. */
static const char *const careful[] = {"register", NULL};

static bool is_one_of(const char *const *words, const char *word)
{
    while (*words && strcmp(*words, word))
        words++;
    return *words != NULL;
}

/* Words in lines of a comment. */
static void put_comment(struct buf *out, unsigned indent, struct str text)
{
    size_t column = 0; /* 0: no line is begun */
    while (text.len) {
        struct str word = str_cut(text, ' ', &text);
        if (column && column + word.len + 1 > WIDTH) {
            buf_push_str(out, STR("\n"));
            column = 0;
        }
        if (!column) {
            yaml_indent(out, indent);
            buf_push_str(out, STR("#"));
            column = indent + 1;
        }
        buf_format(out, " %.*s", STR_ARG(word));
        column += word.len + 1;
    }
    buf_push_str(out, STR("\n"));
}

static void put_help(struct buf *out, const struct key *key, unsigned indent)
{
    struct buf text = {0};
    bool composed = key->type == KEY_GROUP || key->type == KEY_LIST;
    buf_push_str(&text, str_of(key->help));
    if (!composed && key->type != KEY_TEXT && key->type != KEY_BOOL) {
        buf_push_str(&text, STR(" Takes "));
        key_describe(&text, key);
        buf_push_str(&text, STR("."));
    }
    put_comment(out, indent, buf_str(&text));
    buf_fini(&text);
}

static const char *example_of(const char *path)
{
    for (size_t i = 0; i < COUNT_OF(examples); i++)
        if (strcmp(examples[i].path, path) == 0)
            return examples[i].value;
    return NULL;
}

static void put_value(struct buf *out, const struct key *key, const char *path)
{
    const char *example = example_of(path);
    if (example)
        buf_push_str(out, str_of(example));
    else if (key->type == KEY_TEXTS)
        buf_format(out, "[%s]", key->preset ? key->preset : "");
    else
        yaml_put_text(out, key->preset);
}

/* The same lines behind "# ". */
static void put_as_comment(struct buf *out, struct str lines, unsigned indent)
{
    while (lines.len) {
        struct str line = str_cut(lines, '\n', &lines);
        size_t cut = line.len < indent ? line.len : indent;
        yaml_indent(out, indent);
        buf_format(out, "# %.*s\n", (int)(line.len - cut), line.at + cut);
    }
}

static void put_keys(struct buf *out, struct arena *arena, const struct key *keys, const char *path,
                     unsigned indent);

/* A member of a list: its keys one step in, a dash in front of the first. */
static void put_member(struct buf *out, struct arena *arena, const struct key *key,
                       const char *path, unsigned indent)
{
    struct buf member = {0};
    put_keys(&member, arena, key->keys, path, indent + 2);
    yaml_indent(out, indent);
    buf_format(out, "-\n%.*s", STR_ARG(buf_str(&member)));
    buf_fini(&member);
}

static void put_list(struct buf *out, struct arena *arena, const struct key *key, const char *path,
                     unsigned indent)
{
    struct buf member = {0};
    put_member(&member, arena, key, path, indent);
    if (is_one_of(shown, path)) {
        buf_format(out, "\n%.*s", STR_ARG(buf_str(&member)));
    } else {
        buf_push_str(out, STR(" []\n"));
        put_as_comment(out, buf_str(&member), indent);
    }
    buf_fini(&member);
}

static void put_key(struct buf *out, struct arena *arena, const struct key *key, const char *path,
                    unsigned indent)
{
    yaml_indent(out, indent);
    buf_format(out, "%s:", key->name);
    if (key->type == KEY_GROUP) {
        buf_push_str(out, STR("\n"));
        put_keys(out, arena, key->keys, path, indent + 2);
    } else if (key->type == KEY_LIST) {
        put_list(out, arena, key, path, indent + 2);
    } else {
        buf_push_str(out, STR(" "));
        put_value(out, key, path);
        buf_push_str(out, STR("\n"));
    }
}

static void put_keys(struct buf *out, struct arena *arena, const struct key *keys, const char *path,
                     unsigned indent)
{
    for (const struct key *key = keys; key->name; key++) {
        put_help(out, key, indent);
        put_key(out, arena, key, bind_path(arena, path, key->name), indent);
    }
}

static void put_module(struct buf *out, struct arena *arena, const struct module *module)
{
    bool bare = !module->keys || !module->keys->name;
    buf_format(out, "  %s:%s", module->name, bare ? " {}" : "");
    if (module->xep)
        buf_format(out, " # %s", module->xep);
    buf_push_str(out, STR("\n"));
    if (!bare)
        put_keys(out, arena, module->keys, bind_path(arena, "modules", module->name), 4);
}

static void put_modules(struct buf *out, struct arena *arena)
{
    buf_push_str(out, STR("modules:\n"));
    for (size_t i = 0; modules_all[i]; i++) {
        struct buf lines = {0};
        put_module(&lines, arena, modules_all[i]);
        if (is_one_of(careful, modules_all[i]->name))
            put_as_comment(out, buf_str(&lines), 2);
        else
            buf_push_str(out, buf_str(&lines));
        buf_fini(&lines);
    }
}

void config_example(struct buf *out)
{
    struct arena arena;
    arena_init(&arena);
    buf_push_str(out, STR("# All keys of Ringtail's configuration with their presets; made by "
                          "`ringtaild --example`.\n# Only domains and listen.c2s are needed. "
                          "Durations take ms, s, m, h, d; sizes take k, M, G.\n# Check a file with "
                          "`ringtaild --check -c FILE`.\n"));
    for (const struct key *key = config_keys; key->name; key++) {
        buf_push_str(out, STR("\n"));
        put_help(out, key, 0);
        if (key->type == KEY_GROUP && !key->keys)
            put_modules(out, &arena);
        else
            put_key(out, &arena, key, key->name, 0);
    }
    arena_fini(&arena);
}
