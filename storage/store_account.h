/* What operations on accounts take and give: parts of store.h. */
#ifndef RT_STORE_ACCOUNT_H
#define RT_STORE_ACCOUNT_H

#include "text.h"

/* A longer list page is cut to this; a longer import answers ERR_TOO_BIG. */
enum { STORE_LIST_MAX = 1000, STORE_IMPORT_MAX = 10000 };

/* Parts of a JID are prepared. `credentials` is the text form of credentials.h; `pending` is a
 * sealed password whose keys are not derived yet (bulk import), or empty. */
struct store_account {
    struct str user, domain;
    struct str credentials;
    struct str pending;
};

struct store_account_list {
    struct str domain, after; /* users behind `after`; empty: from the start */
    size_t limit;
    struct store_account *items; /* user and domain only */
    size_t count;
    uint64_t total;
};

struct store_account_import {
    const struct store_account *accounts;
    size_t count;
    uint64_t added;
};

#endif
