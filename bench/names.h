/* How users, their domains and their rooms are called. All by a user's number. */
#ifndef RT_NAMES_H
#define RT_NAMES_H

#include "buf.h"
#include "options.h"

enum { DOMAIN_ROOM = 300 };

/* The domain of a user, with its NUL. Neighbours (--domain-bucket of them) share one. */
void names_domain(const struct options *options, unsigned number, char out[DOMAIN_ROOM]);

/* The bare JID of a user. */
void names_user(struct buf *out, const struct options *options, unsigned number);

/* The room JID of a group, which has the number of its first user. `service`: the usual place of
 * such rooms, before the domain, unless --room-service names another (with a dot it is whole). */
void names_room(struct buf *out, const struct options *options, unsigned number,
                const char *service);

#endif
