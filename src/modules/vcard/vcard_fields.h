/* Which field of vcard-temp is which of vCard 4: XEP-0292 section 5. */
#ifndef RT_VCARD_FIELDS_H
#define RT_VCARD_FIELDS_H

#include "vcard.h"

/* `four` has a child of the type `value`. The first one of several is what it becomes again. */
struct vcard_simple {
    const char *temp, *four, *value; /* temp NULL: the end */
};

/* Which part becomes which; one of types (<HOME/>): which type. */
struct vcard_part {
    const char *temp, *four; /* temp NULL: the end */
};

struct vcard_structured {
    const char *temp, *four; /* temp NULL: the end */
    const struct vcard_part *parts;
    bool all; /* parts that are empty, too, in this order */
};

extern const struct vcard_simple vcard_simple[];
extern const struct vcard_structured vcard_structured[];
extern const struct vcard_part vcard_types[];

#endif
