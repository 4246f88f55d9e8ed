/*
 * A stanza that a module keeps for a session (for a resend, or until the client looks again): its
 * text and what belongs to it, in one block; a tenth of what its accumulator takes. The keeper
 * bounds how many there are.
 */
#ifndef RT_KEPT_H
#define RT_KEPT_H

#include "acc.h"

struct kept {
    struct kept *next; /* the keeper's */
    uint64_t stamp_us; /* when it reached the server */
    struct delivery *delivery;
    size_t len;
    char xml[];
};

/* Keeps the accumulator's stanza; the hold of its delivery moves to the result. */
struct kept *kept_new(struct acc *acc);

/* Frees it; the hold of a delivery ends. NULL is fine. */
void kept_free(struct kept *kept);

/* The stanza again, in that arena. */
struct element *kept_element(struct arena *arena, const struct kept *kept);

/* A journey of its own for it, with its addresses (empty where it has none), stamp and delivery;
 * frees it. */
struct acc *kept_acc(struct kept **kept, struct host *host);

/* Says when the server got the stanza (XEP-0203), unless somebody has said so before. */
void kept_delay(struct arena *arena, struct element *stanza, struct str from, uint64_t stamp_us);

#endif
