#include "form.h"

struct element *form_new(struct arena *arena, const char *type, const char *form_type)
{
    struct element *form = element_new(arena, NS_DATA, "x");
    element_set(arena, form, "type", str_of(type));
    form_field(arena, form, "FORM_TYPE", "hidden", NULL, str_of(form_type));
    return form;
}

struct element *form_field(struct arena *arena, struct element *form, const char *var,
                           const char *type, const char *label, struct str value)
{
    struct element *field = element_add(arena, form, NS_DATA, "field");
    element_set(arena, field, "var", str_of(var));
    if (type)
        element_set(arena, field, "type", str_of(type));
    if (label)
        element_set(arena, field, "label", str_of(label));
    if (value.at)
        form_value(arena, field, value);
    return field;
}

void form_value(struct arena *arena, struct element *field, struct str value)
{
    struct element *child = element_add(arena, field, NS_DATA, "value");
    if (value.len)
        element_add_text(arena, child, value);
}

struct element *form_find(struct arena *arena, const struct element *parent, const char *form_type)
{
    for (struct element *form = element_first(parent); form; form = element_next(form))
        if (element_is(form, NS_DATA, "x") && str_is(element_attr(form, "type"), "submit") &&
            str_is(form_get(arena, form, "FORM_TYPE"), form_type))
            return form;
    return NULL;
}

struct str form_get(struct arena *arena, const struct element *form, const char *var)
{
    for (struct element *field = element_first(form); field; field = element_next(field)) {
        if (!element_is(field, NS_DATA, "field") || !str_is(element_attr(field, "var"), var))
            continue;
        struct element *value = element_child(field, NS_DATA, "value");
        return value ? element_text(arena, value) : STR("");
    }
    return (struct str){NULL, 0};
}
