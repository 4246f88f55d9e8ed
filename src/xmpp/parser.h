/*
 * From bytes to elements. A splitter (a few bytes a stream) finds the end of each top-level
 * element; whole elements go to one primed expat parser a shard. So an idle stream holds no parser,
 * and one in the middle of a stanza holds raw bytes. RFC 6120 section 11: no DTD, no comments, no
 * processing instructions, only predefined entities and character references; UTF-8 only.
 */
#ifndef RT_PARSER_H
#define RT_PARSER_H

#include "arena.h"
#include "buf.h"
#include "element.h"
#include "error.h"
#include "splitter.h"

struct parser; /* one a shard */

/* A parser for the running thread; free NULL is fine. */
struct parser *parser_new(void);
void parser_free(struct parser *parser);

enum stream_event {
    STREAM_MORE,    /* all input is used up; more bytes are needed */
    STREAM_OPEN,    /* the stream header: out->element is <stream:stream> without children */
    STREAM_ELEMENT, /* a whole top-level element */
    STREAM_CLOSE,   /* </stream:stream> */
    STREAM_BAD,     /* out->error; the stream is over */
};

struct stream_item {
    struct element *element; /* in the arena given */
    struct str raw;          /* the bytes of the element; valid until the next call */
    enum stream_error error;
    const char *text;   /* for the error's <text/>, a constant, or NULL */
    enum ns content_ns; /* STREAM_OPEN: the default namespace, NS_CLIENT or NS_SERVER */
};

/* One direction of one stream. Zeroed: waiting for a header. */
struct stream_in {
    struct splitter splitter; /* has seen all of `partial` */
    bool raw_held;            /* `partial` is what the last call gave as raw */
    bool over;                /* closed or broken: what follows is dropped */
    uint32_t limit_len;       /* the longest element allowed; 0: LIMIT_PREAUTH_STANZA */
    struct buf partial;       /* an element that has begun and not ended */
    char *declarations;       /* scope.h; NULL when the header declared the usual */
};

/* Takes the next thing out of *input, which is advanced past what was used. An element is built in
 * `arena`; nothing is taken from it for STREAM_MORE. White space between elements is skipped. After
 * STREAM_CLOSE and STREAM_BAD all input is dropped with STREAM_MORE, until a restart. */
enum stream_event stream_in_next(struct stream_in *in, struct parser *parser, struct arena *arena,
                                 struct str *input, struct stream_item *out);

/* The same stream begins anew (after STARTTLS or SASL): a header is next; what was buffered is
 * dropped. The limit stays. */
void stream_in_restart(struct stream_in *in);

/* True when bytes of an unfinished element are held. */
bool stream_in_partial(const struct stream_in *in);

/* Gives back what is held; the struct is zeroed. */
void stream_in_fini(struct stream_in *in);

/* Parses one whole element in no stream (tests, imports, storage); namespace scope NS_CLIENT. */
RT_NODISCARD enum err parser_element(struct parser *parser, struct arena *arena, struct str xml,
                                     struct element **out);

/* Parses what element_write wrote in scope NS_CLIENT; NULL when it is something else. No limits but
 * memory: they were kept when the parts of it came in. */
struct element *parser_written(struct parser *parser, struct arena *arena, struct str xml);

/* Bytes of expat's heap, for the metrics; at most LIMIT_XML_NAMES_BYTES between elements. */
size_t parser_heap_len(const struct parser *parser);

/* The version of expat, for --version. */
const char *parser_version(void);

#endif
