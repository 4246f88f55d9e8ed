/* Pieces that printing what is in effect and printing the example share. */
#ifndef RT_CONFIG_PRINT_H
#define RT_CONFIG_PRINT_H

#include "config.h"

/* A text as a YAML scalar, in quotes where it needs them; NULL becomes `null`. */
void yaml_put_text(struct buf *out, const char *text);

/* `indent` spaces. */
void yaml_indent(struct buf *out, unsigned indent);

/* A text without the passwords in it: values of `password=`, the password of a URI's user. */
const char *mask_passwords(struct arena *arena, const char *text);

#endif
