#include "err.h"

static const char *const names[ERR_COUNT] = {
    [ERR_OK] = "ok",           [ERR_NOT_FOUND] = "not_found", [ERR_CONFLICT] = "conflict",
    [ERR_FULL] = "full",       [ERR_DOWN] = "down",           [ERR_TIMEOUT] = "timeout",
    [ERR_AGAIN] = "again",     [ERR_CLOSED] = "closed",       [ERR_INVALID] = "invalid",
    [ERR_TOO_BIG] = "too_big", [ERR_DENIED] = "denied",       [ERR_UNSUPPORTED] = "unsupported",
    [ERR_SYSTEM] = "system",
};

const char *err_name(enum err err)
{
    return (unsigned)err < ERR_COUNT ? names[err] : "unknown";
}
