/* The parts of module privacy: what lists stop (privacy.c), and requests about them (privacy_iq.c).
 */
#ifndef RT_PRIVACY_IQ_H
#define RT_PRIVACY_IQ_H

#include "module.h"
#include "store.h"

extern const struct module module_privacy;

struct privacy_conf {
    uint64_t max_lists, max_items;
};

/* IQ handlers. */
hook_fn privacy_on_get, privacy_on_set;

#endif
