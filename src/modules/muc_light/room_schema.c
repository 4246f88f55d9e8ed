#include "room_schema.h"

#include "store.h"

#include <ctype.h>
#include <stdlib.h>

const struct key room_schema_keys[] = {
    {.name = "field",
     .type = KEY_TEXT,
     .offset = offsetof(struct room_schema_key, field),
     .required = true,
     .help = "Name of the field, as clients write it."},
    {.name = "string_value",
     .type = KEY_TEXT,
     .offset = offsetof(struct room_schema_key, string_value),
     .help = "The field is a text, and this its value in a new room."},
    {.name = "integer_value",
     .type = KEY_TEXT,
     .offset = offsetof(struct room_schema_key, integer_value),
     .help = "The field is a whole number, and this its value in a new room."},
    {.name = "float_value",
     .type = KEY_TEXT,
     .offset = offsetof(struct room_schema_key, float_value),
     .help = "The field is a number, and this its value in a new room."},
    {.name = "internal_key",
     .type = KEY_TEXT,
     .offset = offsetof(struct room_schema_key, internal_key),
     .help = "Name under which the database has it; without it, that of the field."},
    {0},
};

static const struct room_schema_key preset_keys[] = {
    {.field = "roomname", .string_value = "Untitled"},
    {.field = "subject", .string_value = ""},
};

/* --- Values --- */

static bool is_integer(struct str value)
{
    int64_t number;
    return text_i64(value, INT64_MIN, INT64_MAX, &number);
}

static bool is_float(struct str value)
{
    char text[64], *end;
    if (value.len == 0 || value.len >= sizeof text)
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (!strchr("0123456789+-.eE", value.at[i]) || !value.at[i])
            return false;
    text_copy(text, sizeof text, value);
    strtod(text, &end);
    return *end == '\0';
}

bool room_schema_fits(const struct room_schema_field *field, struct str value)
{
    if (field->type == SCHEMA_INTEGER)
        return is_integer(value);
    return field->type == SCHEMA_STRING || is_float(value);
}

/* --- At start --- */

static bool is_name(struct str name)
{
    bool is = name.len > 0 && !str_is(name, "version");
    for (size_t i = 0; i < name.len; i++)
        is = is && (isalnum((unsigned char)name.at[i]) || strchr("_-.", name.at[i]));
    return is && !strchr("0123456789-.", name.at[0]);
}

static enum err make_field(struct room_schema *schema, const struct room_schema_key *key)
{
    const char *const values[] = {
        [SCHEMA_STRING] = key->string_value,
        [SCHEMA_INTEGER] = key->integer_value,
        [SCHEMA_FLOAT] = key->float_value,
    };
    struct room_schema_field field = {.name = str_of(key->field), .stored = str_of(key->field)};
    unsigned given = 0;
    for (size_t i = 0; i < COUNT_OF(values); i++)
        if (values[i]) {
            field.type = (enum room_schema_type)i;
            field.preset = str_of(values[i]);
            given++;
        }
    if (key->internal_key)
        field.stored = str_of(key->internal_key);
    if (given != 1 || !is_name(field.name) || !is_name(field.stored) ||
        !room_schema_fits(&field, field.preset) || room_schema_find(schema, field.name))
        return ERR_INVALID;
    schema->fields[schema->count++] = field;
    return ERR_OK;
}

enum err room_schema_make(struct room_schema *schema, const struct key_list *keys, const char **why)
{
    const struct room_schema_key *items = keys->count ? keys->items : preset_keys;
    size_t count = keys->count ? keys->count : COUNT_OF(preset_keys);
    schema->fields = mem_zalloc(count * sizeof *schema->fields);
    *why = "module muc_light: each of `config_schema` has a name (a letter, then letters, digits, "
           "`_`, `-`; not `version`) that no other has, and exactly one value, of its type";
    enum err err = ERR_OK;
    for (size_t i = 0; i < count && !err; i++)
        err = make_field(schema, &items[i]);
    return err;
}

void room_schema_free(struct room_schema *schema)
{
    mem_free(schema->fields);
    schema->fields = NULL;
    schema->count = 0;
}

const struct room_schema_field *room_schema_find(const struct room_schema *schema, struct str name)
{
    for (size_t i = 0; i < schema->count; i++)
        if (str_eq(schema->fields[i].name, name))
            return &schema->fields[i];
    return NULL;
}

/* --- Rooms --- */

struct str room_schema_value(struct arena *arena, struct str config,
                             const struct room_schema_field *field)
{
    struct str name, value;
    while (store_room_next_field(arena, &config, &name, &value))
        if (str_eq(name, field->stored))
            return value;
    return field->preset;
}

static const struct element *given_field(const struct element *given, struct str name)
{
    for (struct element *child = given ? element_first(given) : NULL; child;
         child = element_next(child))
        if (str_eq(child->name, name))
            return child;
    return NULL;
}

/* Fields that the schema has not (any more) stay in storage. */
static void push_unknown(struct arena *arena, const struct room_schema *schema, struct str config,
                         struct buf *out)
{
    struct str name, value;
    while (store_room_next_field(arena, &config, &name, &value)) {
        bool known = false;
        for (size_t i = 0; i < schema->count; i++)
            known |= str_eq(schema->fields[i].stored, name);
        if (!known)
            store_room_push_field(out, name, value);
    }
}

struct str room_schema_merge(struct arena *arena, const struct room_schema *schema,
                             struct str config, const struct element *given)
{
    struct buf out = {0};
    for (size_t i = 0; i < schema->count; i++) {
        const struct room_schema_field *field = &schema->fields[i];
        const struct element *child = given_field(given, field->name);
        struct str value =
            child ? element_text(arena, child) : room_schema_value(arena, config, field);
        store_room_push_field(&out, field->stored, value);
    }
    push_unknown(arena, schema, config, &out);
    struct str merged = arena_str(arena, buf_str(&out));
    buf_fini(&out);
    return merged;
}

void room_schema_tell(struct arena *arena, const struct room_schema *schema, struct str config,
                      struct element *parent)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct room_schema_field *field = &schema->fields[i];
        struct element *child = element_new_uri(arena, parent->ns_uri, field->name);
        element_push(parent, child);
        element_add_text(arena, child, room_schema_value(arena, config, field));
    }
}

const char *room_schema_check(struct arena *arena, const struct room_schema *schema,
                              struct element *given)
{
    struct element *next;
    for (struct element *child = element_first(given); child; child = next) {
        next = element_next(child);
        struct str value = element_text(arena, child);
        if (value.len == 0) {
            element_drop(given, child);
            continue;
        }
        const struct room_schema_field *field = room_schema_find(schema, child->name);
        if (!field || !room_schema_fits(field, value))
            return arena_format(arena, "%.*s:not_found", STR_ARG(child->name)).at;
    }
    return NULL;
}
