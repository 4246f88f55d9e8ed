/* The PROXY protocol, versions 1 and 2: what a load balancer says of the client it stands before.
 */
#ifndef RT_PROXY_H
#define RT_PROXY_H

#include "err.h"
#include "text.h"

enum { PROXY_ADDRESS_ROOM = 64 };

/* Reads the header at the start of `bytes`. ERR_AGAIN: not whole yet; ERR_INVALID: not a PROXY
 * header. *used: its length. `address` gets the client's address, or "" for LOCAL and UNKNOWN. */
RT_NODISCARD enum err proxy_parse(struct str bytes, size_t *used, char address[PROXY_ADDRESS_ROOM]);

#endif
