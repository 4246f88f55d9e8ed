#include "room.h"

void room_write(struct buf *out, const struct options *options, unsigned room, const char *service)
{
    if (options->room_service)
        service = options->room_service;
    bool whole = strchr(service, '.');
    buf_format(out, "%sroom%u@%s%s%s", options->prefix,
               (unsigned)(options->first + room * options->room_size), service, whole ? "" : ".",
               whole ? "" : options->domain);
}
