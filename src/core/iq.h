/* IQ handlers: who answers which namespace, for the host or for an account. RFC 6120 8.2.3. */
#ifndef RT_IQ_H
#define RT_IQ_H

#include "hook.h"
#include "stanza.h"

enum iq_target {
    IQ_HOST = 1,    /* addressed to the domain */
    IQ_ACCOUNT = 2, /* addressed to a bare JID, or without `to` */
    IQ_SERVICE = 4, /* addressed to a service of the host (service.h) */
    IQ_ROOM = 8,    /* addressed to an address of a service: look at acc->occupant */
};

/* Runs on the shard of the sender (host, service) or of the account or room. acc->element is the
 * iq; the payload is its first child element. It answers by effect_answer or effect_error and
 * returns HOOK_STOP, or parks. HOOK_OK: not answered here, the next handler is tried. `session` is
 * the sender's if it is on this shard, else NULL. */
struct iq_handler {
    enum ns ns;
    const char *element;
    unsigned target;       /* enum iq_target */
    enum stanza_type type; /* TYPE_GET, TYPE_SET, or TYPE_UNKNOWN for both */
    hook_fn *run;
};

struct iq_table {
    const struct iq_handler **handlers;
    size_t count;
};

/* Collects the handlers of these modules. */
void iq_compile(struct iq_table *table, const struct module *const *modules, size_t count);
void iq_free(struct iq_table *table);

/* Answers an iq get or set for a target; takes the accumulator. What nobody answers gets
 * service-unavailable; a payload that is not exactly one element gets bad-request. */
void iq_answer(struct acc *acc, enum iq_target target, struct session *session);

#endif
