/*
 * Addresses (RFC 7622; prepared by stringprep as RFC 6122 says, which is what the field does).
 * ASCII goes a table path, the rest through libidn.
 */
#ifndef RT_JID_H
#define RT_JID_H

#include "arena.h"

#include <stdbool.h>
#include <stdint.h>

/* A prepared address. All views are into one text `full`; user and resource may be empty. */
struct jid {
    struct str full, bare;
    struct str user, domain, resource;
    uint64_t bare_hash; /* map_hash(bare): finds the home shard */
};

/* Parses and prepares. ERR_INVALID: not an address (empty part, forbidden character, longer than
 * LIMIT_JID_PART). The text is put into the arena. Any thread. */
RT_NODISCARD enum err jid_parse(struct arena *arena, struct str text, struct jid *out);

/* Joins parts that are prepared already; user and resource may be empty. */
void jid_make(struct arena *arena, struct str user, struct str domain, struct str resource,
              struct jid *out);

/* The same address without the resource (views into the same text). */
struct jid jid_bare(const struct jid *jid);

/* A copy on the heap, given back with jid_drop. */
void jid_keep(struct jid *out, const struct jid *jid);
void jid_drop(struct jid *jid);

/* Prepare one part: nodeprep, nameprep (a trailing dot is dropped), resourceprep. ERR_INVALID as
 * above; also when empty. */
RT_NODISCARD enum err jid_prep_user(struct arena *arena, struct str in, struct str *out);
RT_NODISCARD enum err jid_prep_domain(struct arena *arena, struct str in, struct str *out);
RT_NODISCARD enum err jid_prep_resource(struct arena *arena, struct str in, struct str *out);

/* SASLprep of a password or user name (RFC 4013). ERR_INVALID for forbidden characters. */
RT_NODISCARD enum err jid_saslprep(struct arena *arena, struct str in, struct str *out);

/* The version of libidn, for --version. */
const char *jid_version(void);

#endif
