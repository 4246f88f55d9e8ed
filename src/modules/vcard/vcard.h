/* What the parts of module vcard share. */
#ifndef RT_VCARD_H
#define RT_VCARD_H

#include "module.h"
#include "store.h"

extern const struct module module_vcard;

struct vcard_conf {
    uint64_t max_bytes;
};

/* An operation on a user's vCard; for SET, `card` becomes its body. */
struct store_op *vcard_op(const struct host *host, enum store_kind kind, const struct jid *user,
                          const struct element *card);

/* The vCard that a STORE_DOCUMENT_GET has found, in the accumulator's arena, or NULL. */
struct element *vcard_of(struct acc *acc, const struct store_op *op);

/* The same in the form of RFC 6351 (XEP-0292). */
struct element *vcard_four(struct acc *acc, const struct element *card);

#endif
