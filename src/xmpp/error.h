/* Error conditions of RFC 6120 (stanza 8.3.3, stream 4.9.3, SASL 6.5) as numbers. */
#ifndef RT_ERROR_H
#define RT_ERROR_H

#define SASL_ERROR(name, condition)
#define STREAM_ERROR(name, condition)
#define STANZA_ERROR(name, condition, type) STANZA_##name,
enum stanza_error {
    STANZA_NO_ERROR,
#include "error.def"
    STANZA_ERROR_COUNT
};
#undef STANZA_ERROR
#undef STREAM_ERROR

#define STANZA_ERROR(name, condition, type)
#define STREAM_ERROR(name, condition) STREAM_##name,
enum stream_error {
    STREAM_NO_ERROR,
#include "error.def"
    STREAM_ERROR_COUNT
};
#undef STREAM_ERROR
#undef SASL_ERROR

#define STREAM_ERROR(name, condition)
#define SASL_ERROR(name, condition) SASL_##name,
enum sasl_error {
    SASL_NO_ERROR,
#include "error.def"
    SASL_ERROR_COUNT
};
#undef SASL_ERROR
#undef STREAM_ERROR
#undef STANZA_ERROR

/* The condition's element name; the stanza error's default type. Any thread. */
const char *stanza_error_name(enum stanza_error error);
const char *stanza_error_type(enum stanza_error error);
const char *stream_error_name(enum stream_error error);
const char *sasl_error_name(enum sasl_error error);

#endif
