#include "names.h"

#include <inttypes.h>
#include <stdio.h>

void names_domain(const struct options *options, unsigned number, char out[DOMAIN_ROOM])
{
    if (options->domain_count)
        snprintf(out, DOMAIN_ROOM, "d%" PRIu64 ".%s",
                 number / options->domain_bucket % options->domain_count, options->domain);
    else
        text_copy(out, DOMAIN_ROOM, str_of(options->domain));
}

void names_user(struct buf *out, const struct options *options, unsigned number)
{
    char domain[DOMAIN_ROOM];
    names_domain(options, number, domain);
    buf_format(out, "%s%u@%s", options->prefix, number, domain);
}

void names_room(struct buf *out, const struct options *options, unsigned number,
                const char *service)
{
    char domain[DOMAIN_ROOM];
    if (options->room_service)
        service = options->room_service;
    buf_format(out, "%sroom%u@%s", options->prefix, number, service);
    if (strchr(service, '.'))
        return;
    names_domain(options, number, domain);
    buf_format(out, ".%s", domain);
}
