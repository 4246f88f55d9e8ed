/*
 * Services: domains below a host's own for which a module answers (`muclight.DOMAIN`). They are
 * found through the host, static or dynamic, and never registered one by one.
 *
 * A stanza for an address of a service (a room) goes to the shard of that address, one for the
 * service itself stays on its sender's; there hook service_packet has it. An iq that no handler of
 * it stops goes on to the iq handlers for IQ_SERVICE and IQ_ROOM.
 */
#ifndef RT_SERVICE_H
#define RT_SERVICE_H

#include "host.h"

struct service {
    const struct module *module; /* whose it is */
    struct str before, behind;   /* what stands around the host's domain */
    bool fixed;                  /* `before` is the whole name */
};

/* At start of a module: "muclight.@HOST@", or a fixed name, prepared; the text must live as long as
 * the host type. ERR_INVALID: *why is a sentence. */
RT_NODISCARD enum err service_declare(struct host_type *type, const struct module *module,
                                      const char *pattern, const char **why);

/* The service of a prepared domain, and the host that it belongs to, or NULL. Any thread. */
const struct service *service_find(struct str domain, struct host **host);

/* What a module's service is called on a host; false: it has none there. */
bool service_jid(struct arena *arena, const struct host *host, const struct module *module,
                 struct jid *out);

/* Sends a stanza whose service and host are known on its way; takes it. */
void service_route(struct acc *acc, struct session *session);

#endif
