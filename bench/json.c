#include "json.h"

#include <math.h>

void json_text(struct buf *out, const char *text)
{
    buf_push_str(out, STR("\""));
    for (; text && *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            buf_format(out, "\\%c", c);
        else if (c < 0x20)
            buf_format(out, "\\u%04x", c);
        else
            buf_push(out, text, 1);
    }
    buf_push_str(out, STR("\""));
}

void json_name(struct buf *out, const char *name)
{
    bool first = buf_len(out) == 0 || out->memory[out->end - 1] == '{';
    buf_format(out, "%s\"%s\": ", first ? "" : ", ", name);
}

void json_number(struct buf *out, const char *name, double value, int decimals)
{
    json_name(out, name);
    buf_format(out, "%.*f", decimals, isfinite(value) ? value : 0.0);
}

void json_member(struct buf *out, const char *name, const char *text)
{
    json_name(out, name);
    json_text(out, text);
}
