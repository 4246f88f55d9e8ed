/*
 * What becomes of a room's occupants by a request: who changes, who joins and leaves, and who is
 * the owner in the end. Knows no room; all lies in an arena.
 */
#ifndef RT_AFFILIATIONS_H
#define RT_AFFILIATIONS_H

#include "module.h"
#include "store.h"

struct affiliations {
    struct arena *arena;
    const struct store_occupant *now; /* in order */
    size_t now_count;
    const struct store_occupant *asked; /* each user once, or it is wrong */
    size_t asked_count;
    bool several_owners;
    /* what comes of it */
    struct store_occupant *after; /* in order */
    size_t after_count;
    struct store_occupant *changes; /* those that were asked for, and what follows from them */
    size_t change_count;
    struct room_change *moves; /* who joins and leaves */
    size_t move_count;
};

/* MongooseIM's order of occupants: by user, then by domain. */
int affiliations_order(struct str a, struct str b);

/* NULL, or what is wrong with the request. */
const char *affiliations_apply(struct affiliations *affiliations);

/* As they stand in stanzas: none, member, owner. */
const char *affiliation_name(enum store_affiliation affiliation);
bool affiliation_parse(struct str text, enum store_affiliation *out);

#endif
