/* What the parts of module vcard share. */
#ifndef RT_VCARD_H
#define RT_VCARD_H

#include "module.h"
#include "store.h"

extern const struct module module_vcard;

struct vcard_conf {
    uint64_t max_bytes;
};

/* A user has two documents: the card, and the hash of its photo. */
#define VCARD_CARD "vCard"
#define VCARD_HASH "photo"

/* An operation on a user's documents of this kind, without any yet; and one more of them. */
struct store_op *vcard_op(const struct host *host, enum store_kind kind, const struct jid *user);
void vcard_op_add(struct store_op *op, struct str name, struct str body);

/* Gets the card; sets it, with the hash of its photo ("": it has none). */
struct store_op *vcard_get_op(const struct host *host, const struct jid *user);
struct store_op *vcard_set_op(const struct host *host, const struct jid *user,
                              const struct element *card, struct str hash);

/* What is in memory of a user that is online. */
struct vcard_user {
    bool known;
    char hash[41]; /* of the photo, in hex; "": there is none */
};

/* The vCard that a STORE_DOCUMENT_GET has found, in the accumulator's arena, or NULL. */
struct element *vcard_of(struct acc *acc, const struct store_op *op);

/* The same in the form of RFC 6351 (XEP-0292). */
struct element *vcard_four(struct acc *acc, const struct element *card);

/* And back; NULL: *lost is the name of a field that has no place in a vcard-temp. */
struct element *vcard_temp(struct acc *acc, const struct element *four, struct str *lost);

#endif
