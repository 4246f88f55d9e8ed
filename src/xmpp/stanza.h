/* What every stanza has: kind, type, addresses, and the answers made from one. RFC 6120 section 8.
 */
#ifndef RT_STANZA_H
#define RT_STANZA_H

#include "element.h"
#include "error.h"
#include "jid.h"

enum stanza_kind { STANZA_NONE, STANZA_MESSAGE, STANZA_PRESENCE, STANZA_IQ };

enum stanza_type {
    TYPE_UNKNOWN, /* a value that the kind does not have */
    /* message; RFC 6121 5.2.2: absent or unknown means normal */
    TYPE_NORMAL,
    TYPE_CHAT,
    TYPE_GROUPCHAT,
    TYPE_HEADLINE,
    /* presence; absent is TYPE_AVAILABLE */
    TYPE_AVAILABLE,
    TYPE_UNAVAILABLE,
    TYPE_SUBSCRIBE,
    TYPE_SUBSCRIBED,
    TYPE_UNSUBSCRIBE,
    TYPE_UNSUBSCRIBED,
    TYPE_PROBE,
    /* iq */
    TYPE_GET,
    TYPE_SET,
    TYPE_RESULT,
    /* all three */
    TYPE_ERROR,
};

/* STANZA_NONE unless it is message, presence or iq in jabber:client. */
enum stanza_kind stanza_kind(const struct element *element);

/* What `type` says for this kind; an absent one means what RFC 6121 says it means. */
enum stanza_type stanza_type(const struct element *stanza, enum stanza_kind kind);

/* A fresh <iq/> of type result, addressed back: to = its from, from = its to, same id. */
struct element *stanza_result(struct arena *arena, const struct element *iq);

/* A fresh error answer: type error, addressed back, same id, the original children (without error
 * children) kept, <error type><condition/><text/></error>. `text` may be NULL.
 * RFC 6120 8.3.1: never call it for a stanza that is an error itself. */
struct element *stanza_error(struct arena *arena, const struct element *stanza,
                             enum stanza_error error, const char *text);

/* As stanza_error; returns in *out_error the <error/> element, for application-specific children.
 */
struct element *stanza_error_with(struct arena *arena, const struct element *stanza,
                                  enum stanza_error error, const char *text,
                                  struct element **out_error);

/* <stream:error> as a tree, to be written in scope NS_CLIENT. `text` may be NULL. */
struct element *stream_error_element(struct arena *arena, enum stream_error error,
                                     const char *text);

#endif
