#include "inflate.h"

#include <limits.h>
#include <stdio.h>
#include <zlib.h>

enum err inflate_whole(struct str in, uint8_t *out, size_t len)
{
    if (in.len > UINT_MAX || len > UINT_MAX)
        return ERR_INVALID;
    z_stream stream = {.next_in = (Bytef *)in.at,
                       .avail_in = (uInt)in.len,
                       .next_out = out,
                       .avail_out = (uInt)len};
    if (inflateInit(&stream) != Z_OK)
        return ERR_INVALID;
    int result = inflate(&stream, Z_FINISH);
    bool whole = result == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0;
    inflateEnd(&stream);
    return whole ? ERR_OK : ERR_INVALID;
}

const char *inflate_version(void)
{
    static char text[32];
    snprintf(text, sizeof text, "zlib %s", zlibVersion());
    return text;
}
