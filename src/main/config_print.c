#include "config_print.h"

void yaml_indent(struct buf *out, unsigned indent)
{
    buf_format(out, "%*s", (int)indent, "");
}

/* Plain as it is: what no YAML reader takes for something else. */
static bool is_plain(const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-";
    return *text && text[strspn(text, plain)] == '\0' && strcmp(text, "null") && *text != '-';
}

/* The code point at *at (the text is UTF-8: libyaml and our tables give nothing else); moves on. */
static uint32_t next_code(const char **at)
{
    const unsigned char *byte = (const unsigned char *)*at;
    unsigned more = *byte < 0xc0 ? 0 : *byte < 0xe0 ? 1 : *byte < 0xf0 ? 2 : 3;
    uint32_t code = more ? *byte & (0x3fu >> more) : *byte;
    while (more-- && byte[1])
        code = code << 6 | (*++byte & 0x3f);
    *at = (const char *)byte + 1;
    return code;
}

/* What YAML does not allow in a text as it is, or folds. */
static bool must_escape(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
           code == 0xfeff || code >= 0xfffe;
}

static void put_escaped(struct buf *out, const char *text)
{
    while (*text) {
        const char *from = text;
        uint32_t code = next_code(&text);
        if (code == '"' || code == '\\')
            buf_format(out, "\\%c", (int)code);
        else if (must_escape(code))
            buf_format(out, "\\U%08x", code);
        else
            buf_push(out, from, (size_t)(text - from));
    }
}

void yaml_put_text(struct buf *out, const char *text)
{
    if (!text || is_plain(text)) {
        buf_push_str(out, text ? str_of(text) : STR("null"));
        return;
    }
    buf_push_str(out, STR("\""));
    put_escaped(out, text);
    buf_push_str(out, STR("\""));
}

/* While printing. */
struct printing {
    struct buf *out;
    struct arena *arena; /* for masked texts */
};

static bool is_secret(const char *name)
{
    static const char *const ends[] = {"password", "secret", "token"};
    size_t len = strlen(name);
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        if (len >= strlen(ends[i]) && strcmp(name + len - strlen(ends[i]), ends[i]) == 0)
            return true;
    return false;
}

static void put_text(const struct printing *to, const struct key *key, const char *text)
{
    if (text && is_secret(key->name))
        text = "***";
    else if (text)
        text = mask_passwords(to->arena, text);
    yaml_put_text(to->out, text);
}

static void put_texts(struct buf *out, const struct key_texts *texts)
{
    buf_push_str(out, STR("["));
    for (size_t i = 0; i < texts->count; i++) {
        buf_push_str(out, i ? STR(", ") : STR(""));
        yaml_put_text(out, texts->items[i]);
    }
    buf_push_str(out, STR("]"));
}

static void put_scalar(const struct printing *to, const struct key *key, const void *from)
{
    switch (key->type) {
    case KEY_BOOL:
        buf_push_str(to->out, *(const bool *)from ? STR("true") : STR("false"));
        break;
    case KEY_NUMBER:
    case KEY_SIZE:
    case KEY_DURATION:
        key_format_number(to->out, key, *(const uint64_t *)from);
        break;
    case KEY_TEXT:
        put_text(to, key, *(const char *const *)from);
        break;
    case KEY_CHOICE:
        buf_push_str(to->out, str_of(key->choices[*(const int *)from]));
        break;
    case KEY_TEXTS:
        put_texts(to->out, from);
        break;
    case KEY_GROUP:
    case KEY_LIST:
        break;
    }
}

static void put_keys(const struct printing *to, const struct key *keys, const void *from,
                     unsigned indent, bool first_stands);

static void put_list(const struct printing *to, const struct key *key, const struct key_list *list,
                     unsigned indent)
{
    if (list->count == 0)
        buf_push_str(to->out, STR(" []"));
    buf_push_str(to->out, STR("\n"));
    for (size_t i = 0; i < list->count; i++) {
        yaml_indent(to->out, indent);
        buf_push_str(to->out, STR("- "));
        put_keys(to, key->keys, (const char *)list->items + i * key->group_size, indent + 2, true);
    }
}

static void put_key(const struct printing *to, const struct key *key, const void *from,
                    unsigned indent)
{
    buf_format(to->out, "%s:", key->name);
    if (key->type == KEY_LIST) {
        put_list(to, key, from, indent + 2);
    } else if (key->type == KEY_GROUP) {
        buf_push_str(to->out, STR("\n"));
        put_keys(to, key->keys, from, indent + 2, false);
    } else {
        buf_push_str(to->out, STR(" "));
        put_scalar(to, key, from);
        buf_push_str(to->out, STR("\n"));
    }
}

/* `first_stands`: the first key follows a "- " that is there already. */
static void put_keys(const struct printing *to, const struct key *keys, const void *from,
                     unsigned indent, bool first_stands)
{
    for (const struct key *key = keys; key->name; key++) {
        if (!(first_stands && key == keys))
            yaml_indent(to->out, indent);
        put_key(to, key, (const char *)from + key->offset, indent);
    }
}

static void put_modules(const struct printing *to, const struct config *config)
{
    buf_push_str(to->out, config->module_count ? STR("modules:\n") : STR("modules: {}\n"));
    for (size_t i = 0; i < config->module_count; i++) {
        const struct module *module = config->modules[i].module;
        bool bare = !module->keys || !module->keys->name;
        buf_format(to->out, "  %s:%s\n", module->name, bare ? " {}" : "");
        if (!bare)
            put_keys(to, module->keys, config->modules[i].conf, 4, false);
    }
}

void config_print(struct buf *out, const struct config *config)
{
    struct arena arena;
    arena_init(&arena);
    struct printing to = {out, &arena};
    for (const struct key *key = config_keys; key->name; key++) {
        if (key->type == KEY_GROUP && !key->keys)
            put_modules(&to, config);
        else
            put_key(&to, key, (const char *)config + key->offset, 0);
    }
    arena_fini(&arena);
}
