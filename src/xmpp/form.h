/* Data forms (XEP-0004): reading submitted ones, making forms and results. */
#ifndef RT_FORM_H
#define RT_FORM_H

#include "element.h"

/* A fresh <x xmlns='jabber:x:data' type=…/> with the hidden FORM_TYPE field. Type: form, result. */
struct element *form_new(struct arena *arena, const char *type, const char *form_type);

/* Adds a field; type NULL: none (results). Value empty with at NULL: a field without value. Returns
 * the field for more values or options. */
struct element *form_field(struct arena *arena, struct element *form, const char *var,
                           const char *type, const char *label, struct str value);
void form_value(struct arena *arena, struct element *field, struct str value);

/* The submitted form inside `parent` whose FORM_TYPE is `form_type`; NULL when there is none. */
struct element *form_find(struct arena *arena, const struct element *parent, const char *form_type);

/* The first value of a field; .at NULL when the field is not there. */
struct str form_get(struct arena *arena, const struct element *form, const char *var);

#endif
