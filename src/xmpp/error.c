#include "error.h"

#include <stddef.h>

#define STREAM_ERROR(name, condition)
#define SASL_ERROR(name, condition)
#define STANZA_ERROR(name, condition, type) [STANZA_##name] = {condition, type},
static const struct {
    const char *condition, *type;
} stanza_errors[STANZA_ERROR_COUNT] = {
#include "error.def"
};
#undef STANZA_ERROR
#undef STREAM_ERROR

#define STANZA_ERROR(name, condition, type)
#define STREAM_ERROR(name, condition) [STREAM_##name] = condition,
static const char *const stream_errors[STREAM_ERROR_COUNT] = {
#include "error.def"
};
#undef STREAM_ERROR
#undef SASL_ERROR

#define STREAM_ERROR(name, condition)
#define SASL_ERROR(name, condition) [SASL_##name] = condition,
static const char *const sasl_errors[SASL_ERROR_COUNT] = {
#include "error.def"
};
#undef SASL_ERROR
#undef STREAM_ERROR
#undef STANZA_ERROR

/* A number that is no error names the condition that fits nothing. */
const char *stanza_error_name(enum stanza_error error)
{
    const char *name = (unsigned)error < STANZA_ERROR_COUNT ? stanza_errors[error].condition : NULL;
    return name ? name : stanza_errors[STANZA_UNDEFINED_CONDITION].condition;
}

const char *stanza_error_type(enum stanza_error error)
{
    const char *type = (unsigned)error < STANZA_ERROR_COUNT ? stanza_errors[error].type : NULL;
    return type ? type : stanza_errors[STANZA_UNDEFINED_CONDITION].type;
}

const char *stream_error_name(enum stream_error error)
{
    const char *name = (unsigned)error < STREAM_ERROR_COUNT ? stream_errors[error] : NULL;
    return name ? name : stream_errors[STREAM_UNDEFINED_CONDITION];
}

const char *sasl_error_name(enum sasl_error error)
{
    const char *name = (unsigned)error < SASL_ERROR_COUNT ? sasl_errors[error] : NULL;
    return name ? name : sasl_errors[SASL_NOT_AUTHORIZED];
}
