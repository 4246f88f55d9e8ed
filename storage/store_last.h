/* What operations on the last activity of users (XEP-0012) take and give; parts of store.h. */
#ifndef RT_STORE_LAST_H
#define RT_STORE_LAST_H

#include "text.h"

/* When a user was last available, and what he said when he went. */
struct store_last {
    struct str user, domain;
    uint64_t stamp_us; /* since 1970 */
    struct str status;
};

#endif
