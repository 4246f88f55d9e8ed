/* What operations on rosters take and give: parts of store.h. */
#ifndef RT_STORE_ROSTER_H
#define RT_STORE_ROSTER_H

#include "text.h"

/* What stands between a user and a contact (RFC 6121 appendix A). */
enum store_roster_flags {
    ROSTER_TO = 1,        /* the user gets the contact's presence */
    ROSTER_FROM = 2,      /* the contact gets the user's presence */
    ROSTER_ASK = 4,       /* the user has asked for the contact's presence */
    ROSTER_ASKED = 8,     /* the contact has asked for the user's (`request`) */
    ROSTER_APPROVED = 16, /* the user has approved that beforehand */
    ROSTER_LISTED = 32,   /* the contact is in the roster that clients see */
};

struct store_roster_item {
    struct str contact, name;
    struct str groups;  /* one name a line */
    struct str request; /* the stanza that ROSTER_ASKED speaks of */
    unsigned flags;
};

struct store_roster {
    struct str user, domain;
    struct store_roster_item *items; /* SET, REMOVE: one */
    size_t count;
    uint64_t version; /* SET, REMOVE: the new one; IMPORT counts on */
    uint64_t added;
};

#endif
