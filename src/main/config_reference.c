/* The reference of all keys as Markdown and as a man page: two ways to write the same sections. */
#include "config_print.h"

/* How a kind of document writes its parts. */
struct style {
    const char *head, *tail;
    void (*section)(struct buf *out, const char *path, const char *help, bool has_keys);
    void (*key)(struct buf *out, const struct key *key);
    void (*end)(struct buf *out);
};

static void put_preset(struct buf *out, const struct key *key)
{
    if (key->required && !key->preset)
        buf_push_str(out, STR("required"));
    else if (key->preset)
        buf_push_str(out, str_of(key->preset));
    else if (key->type == KEY_LIST || key->type == KEY_TEXTS)
        buf_push_str(out, STR("empty"));
    else if (key->type == KEY_TEXT)
        buf_push_str(out, STR("none"));
}

static void walk(struct buf *out, struct arena *arena, const struct style *style,
                 const struct key *keys, const char *path, const char *help)
{
    bool has_keys = keys && keys->name;
    style->section(out, path, help, has_keys);
    for (const struct key *key = keys; has_keys && key->name; key++)
        style->key(out, key);
    if (has_keys)
        style->end(out);
    for (const struct key *key = keys; has_keys && key->name; key++) {
        const char *below = bind_path(arena, path, key->name);
        if (key->type == KEY_LIST)
            below = arena_format(arena, "%s[]", below).at;
        if (key->keys)
            walk(out, arena, style, key->keys, below, key->help);
    }
}

static void write_document(struct buf *out, const struct style *style)
{
    struct arena arena;
    arena_init(&arena);
    buf_push_str(out, str_of(style->head));
    walk(out, &arena, style, config_keys, "", "");
    for (size_t i = 0; modules_all[i]; i++) {
        const struct module *module = modules_all[i];
        const char *help =
            arena_format(&arena, "%s%s%s", module->xep ? "Implements " : "",
                         module->xep ? module->xep : "A module of Ringtail's own",
                         module->keys && module->keys->name ? "." : "; it has no options.")
                .at;
        walk(out, &arena, style, module->keys, bind_path(&arena, "modules", module->name), help);
    }
    buf_push_str(out, str_of(style->tail));
    arena_fini(&arena);
}

/* --- Markdown --- */

static void md_section(struct buf *out, const char *path, const char *help, bool has_keys)
{
    if (*path)
        buf_format(out, "\n## `%s`\n\n%s\n", path, help);
    if (has_keys)
        buf_push_str(out, STR("\n| key | takes | preset | |\n|---|---|---|---|\n"));
}

static void md_key(struct buf *out, const struct key *key)
{
    buf_format(out, "| `%s` | ", key->name);
    key_describe(out, key);
    buf_push_str(out, STR(" | "));
    if (key->preset)
        buf_push_str(out, STR("`"));
    put_preset(out, key);
    if (key->preset)
        buf_push_str(out, STR("`"));
    buf_format(out, " | %s |\n", key->help);
}

static void md_end(struct buf *out)
{
    (void)out;
}

void config_reference(struct buf *out)
{
    static const struct style markdown = {
        .head =
            "# Configuration\n\n"
            "One YAML file, read at start: `ringtaild -c FILE`. `ringtaild --check -c FILE` "
            "validates it and prints what is\nin effect. An unknown key, a wrong type or a "
            "value out of range stops the start with file, line and what is wrong.\n\n"
            "Durations take the units ms, s, m, h, d (a bare number: seconds), sizes take k, "
            "M, G (binary). Relative paths start\nat the file's folder. `null` is as if the key "
            "were not there.\n\n"
            "This page is made by `ringtaild --reference` from the tables that read the "
            "file; `ringtaild --example` prints a file\nwith all keys, `ringtaild --man` the "
            "man page.\n",
        .tail = "",
        .section = md_section,
        .key = md_key,
        .end = md_end,
    };
    write_document(out, &markdown);
}

/* --- The man page --- */

/* Text for troff: hyphens that are meant, no backslash, no control line. */
static void man_text(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            buf_format(out, "\\%c", *text == '-' ? '-' : 'e');
        else if (*text == '`')
            buf_push_str(out, STR("\""));
        else
            buf_push(out, text, 1);
    }
}

static void man_section(struct buf *out, const char *path, const char *help, bool has_keys)
{
    (void)has_keys;
    buf_push_str(out, STR(".SH "));
    man_text(out, *path ? path : "TOP LEVEL");
    buf_push_str(out, STR("\n"));
    if (!*help)
        return;
    man_text(out, help);
    buf_push_str(out, STR("\n"));
}

static void man_key(struct buf *out, const struct key *key)
{
    struct buf what = {0};
    buf_format(out, ".TP\n.B %s\n", key->name);
    man_text(out, key->help);
    buf_push_str(out, STR("\n.br\nTakes "));
    key_describe(&what, key);
    bool required = key->required && !key->preset;
    if (required || key->type != KEY_GROUP)
        buf_push_str(&what, required ? STR("; ") : STR("; preset "));
    put_preset(&what, key);
    buf_push(&what, ".\n", 3); /* with a NUL */
    man_text(out, buf_str(&what).at);
    buf_fini(&what);
}

void config_man(struct buf *out)
{
    static const struct style man = {
        .head = ".\\\" Made by ringtaild --man\n"
                ".TH RINGTAIL.YAML 5 \"\" \"Ringtail\" \"File formats\"\n"
                ".SH NAME\nringtail.yaml \\- configuration of the XMPP server ringtaild\n"
                ".SH DESCRIPTION\n"
                "One YAML file, read at start by\n.B ringtaild \\-c FILE\nand checked by\n"
                ".B ringtaild \\-\\-check \\-c FILE\n"
                "which also prints what is in effect. Durations take the units ms, s, m, h, d (a "
                "bare number: seconds), sizes take k, M, G (binary). Relative paths start at the "
                "file's folder. A path like listen.c2s[] means each member of a list.\n",
        .tail = ".SH SEE ALSO\n.BR ringtaild (8),\n.BR ringtailctl (1)\n",
        .section = man_section,
        .key = man_key,
        .end = md_end,
    };
    write_document(out, &man);
}
