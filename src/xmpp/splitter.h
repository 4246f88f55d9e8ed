/*
 * Finds where the top-level elements of a stream end, byte by byte or in pieces of any size, and
 * keeps the limits on what is inside them. It refuses what XMPP forbids (RFC 6120 11.1); whether a
 * whole element is well-formed is the parser's to say. Never looks at a byte twice.
 */
#ifndef RT_SPLITTER_H
#define RT_SPLITTER_H

#include "error.h"
#include "text.h"

/* Zeroed: at the very beginning of a stream. */
struct splitter {
    uint8_t lex;     /* where in the grammar */
    uint8_t literal; /* bytes of a fixed text that matched */
    bool header_seen, declaration_seen, in_text;
    uint16_t depth;      /* elements that are open, without the stream's */
    uint16_t name_len;   /* of the name at hand */
    uint16_t attr_count; /* of the tag at hand */
    uint32_t node_count; /* elements, attributes and texts of the element at hand */
};

enum split_what {
    SPLIT_MORE,        /* all bytes are used, the thing goes on */
    SPLIT_DECLARATION, /* <?xml …?> */
    SPLIT_HEADER,      /* the start tag of the stream */
    SPLIT_ELEMENT,     /* a whole top-level element */
    SPLIT_CLOSE,       /* an end tag at top level */
    SPLIT_BAD,         /* error and text */
};

struct split {
    enum split_what what;
    size_t used_len; /* bytes up to the end of what was found */
    enum stream_error error;
    const char *text; /* a constant, or NULL */
};

/* Between two things: skips white space (and a byte-order mark at the very beginning) so that
 * *input begins with '<' or is empty. Anything else is SPLIT_BAD, else it says SPLIT_MORE. */
struct split splitter_skip(struct splitter *splitter, struct str *input);

/* Goes on with the thing at hand, or begins one: then `input` begins with '<'. */
struct split splitter_scan(struct splitter *splitter, struct str input);

/* The name in a start tag ("<name…"). */
struct str splitter_tag_name(struct str tag);

/* A splitter that is inside a stream already, for elements that stand alone. */
void splitter_init_inside(struct splitter *splitter);

#endif
