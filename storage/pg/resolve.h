/*
 * Host names of a conninfo to addresses. Blocks: on a helper, because libpq would look them up on
 * the shard.
 */
#ifndef RT_RESOLVE_H
#define RT_RESOLVE_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

/* Comma-separated lists, as in a conninfo; `ports` may be NULL or one for all. */
struct resolve_request {
    const char *hosts, *ports;
};

/* The same lists with an entry for each address of each host. */
struct resolved {
    char hosts[1024], addresses[1024], ports[256];
};

/* True when one of the hosts is neither an address nor the folder of a Unix socket. */
bool resolve_needed(const char *hosts);

/* ERR_DOWN: a name could not be looked up; `why` gets a sentence. */
RT_NODISCARD enum err resolve_hosts(struct resolve_request request, struct resolved *out, char *why,
                                    size_t room);

#endif
