/*
 * A message that several sessions of a user get is one delivery: when one of them ends without
 * having handled its copy, that is rerouted only if no other has one. Sessions of a user are on one
 * shard, and so is the delivery. RFC 6121 8.5.2, XEP-0198 section 4.
 */
#ifndef RT_DELIVERY_H
#define RT_DELIVERY_H

#include <stdbool.h>

struct acc;
struct delivery;

/* `copy` is another copy of what `acc` carries: both hold the same delivery from now. */
void delivery_share(struct acc *acc, struct acc *copy);

/* Somebody has it for good; the hold ends. NULL is fine, as below. */
void delivery_take(struct delivery **delivery);

/* True: nobody else holds or has it. */
bool delivery_is_only(const struct delivery *delivery);

/* The hold ends. True: nobody else holds or has it. */
bool delivery_leave(struct delivery **delivery);

#endif
