/* What stream_in.c asks of parser.c: trees of whole elements. */
#ifndef RT_BUILD_H
#define RT_BUILD_H

#include "parser.h"
#include "scope.h"

struct built {
    struct element *element; /* NULL: error and text */
    enum stream_error error;
    const char *text; /* a constant, or NULL */
};

/* One whole element, with nothing around it. `declarations` as in scope.h; NULL: the usual. */
struct built build_element(struct parser *parser, struct arena *arena, const char *declarations,
                           struct str xml);

/* The start tag of a stream, which is closed for the tree's sake. What it declared is in *scope,
 * whose texts are in the arena. */
struct built build_header(struct parser *parser, struct arena *arena, struct str xml,
                          struct scope *scope);

#endif
