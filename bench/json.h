/* JSON as the reports write it. They read it back as YAML, of which it is a part. */
#ifndef RT_JSON_H
#define RT_JSON_H

#include "buf.h"

/* A text in quotes, escaped; NULL: "". */
void json_text(struct buf *out, const char *text);

/* `"name": ` with a comma before it, unless it is the first member of an object that was just
 * opened with "{". */
void json_name(struct buf *out, const char *name);

/* A number member. */
void json_number(struct buf *out, const char *name, double value, int decimals);

/* A text member. */
void json_member(struct buf *out, const char *name, const char *text);

#endif
