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
    uint64_t key; /* of two with the same one the later stands for both; 0: it stands for itself */
    size_t len;
    char xml[];
};

/* What is kept, in its order. Zeroed: nothing. */
struct kept_queue {
    struct kept *first, **last;
    uint64_t count, size; /* of stanzas, of their bytes */
};

/* Keeps the accumulator's stanza; the hold of its delivery moves to the result. Presence that says
 * whether a full JID is there has a key, for only the newest of that JID matters. */
struct kept *kept_new(struct acc *acc);

/* Frees it; the hold of a delivery ends. NULL is fine. */
void kept_free(struct kept *kept);

/* At the end; from the front (there is one); all. */
void kept_push(struct kept_queue *queue, struct kept *kept);
struct kept *kept_pop(struct kept_queue *queue);
void kept_clear(struct kept_queue *queue);

/* Frees the one with that key, if there is one behind the first `skip`; false: there is none. */
bool kept_drop(struct kept_queue *queue, uint64_t skip, uint64_t key);

/* A key for what this sender says, or 0. 64 bits of a keyed hash: nobody can make two that meet,
 * and chance does not. */
uint64_t kept_key(const struct acc *acc);

/* The stanza again, in that arena. */
struct element *kept_element(struct arena *arena, const struct kept *kept);

/* Takes out all that `drop` says are to go, behind the first `skip`, and frees them. */
void kept_sift(struct kept_queue *queue, uint64_t skip,
               bool (*drop)(const struct kept *kept, void *own), void *own);

/* A look at it: an accumulator with its addresses (empty where it has none) and stamp. */
struct acc *kept_look(const struct kept *kept, struct host *host);

/* A journey of its own for it, as above and with its delivery; frees it. */
struct acc *kept_acc(struct kept **kept, struct host *host);

/* Says when the server got the stanza (XEP-0203), unless somebody has said so before. */
void kept_delay(struct arena *arena, struct element *stanza, struct str from, uint64_t stamp_us);

#endif
