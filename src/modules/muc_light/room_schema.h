/*
 * The fields that the configuration of a room has: by name, with a type and the value of a room
 * that does not say otherwise. In storage they stand under a name of their own (internal_key).
 */
#ifndef RT_ROOM_SCHEMA_H
#define RT_ROOM_SCHEMA_H

#include "module.h"

/* As in the configuration file: exactly one of the values is given. */
struct room_schema_key {
    const char *field, *internal_key;
    const char *string_value, *integer_value, *float_value;
};

enum room_schema_type { SCHEMA_STRING, SCHEMA_INTEGER, SCHEMA_FLOAT };

struct room_schema_field {
    struct str name, stored, preset;
    enum room_schema_type type;
};

struct room_schema {
    struct room_schema_field *fields;
    size_t count;
};

extern const struct key room_schema_keys[];

/* At start; without keys: roomname "Untitled" and subject. *why is a sentence. */
RT_NODISCARD enum err room_schema_make(struct room_schema *schema, const struct key_list *keys,
                                       const char **why);
void room_schema_free(struct room_schema *schema);

/* By the name that clients write; NULL: there is none. */
const struct room_schema_field *room_schema_find(const struct room_schema *schema, struct str name);

/* True when the text is a value of the field's type. */
bool room_schema_fits(const struct room_schema_field *field, struct str value);

/* A field's value in a stored configuration, in the arena; its preset when it is not there. */
struct str room_schema_value(struct arena *arena, struct str config,
                             const struct room_schema_field *field);

/* The stored configuration with the fields that are elements of `given` (already checked) set. */
struct str room_schema_merge(struct arena *arena, const struct room_schema *schema,
                             struct str config, const struct element *given);

/* Adds all fields to an element, in its namespace. */
void room_schema_tell(struct arena *arena, const struct room_schema *schema, struct str config,
                      struct element *parent);

/* Looks at the fields in a request, and drops those without a text. NULL, or what is wrong. */
const char *room_schema_check(struct arena *arena, const struct room_schema *schema,
                              struct element *given);

#endif
