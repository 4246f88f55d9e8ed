/* What operations on accounts take and give: parts of store.h. */
#ifndef RT_STORE_ACCOUNT_H
#define RT_STORE_ACCOUNT_H

#include "text.h"

#include <stdbool.h>
#include <stdint.h>

/* A longer list page is cut to this; a longer import answers ERR_TOO_BIG. */
enum { STORE_LIST_MAX = 1000, STORE_IMPORT_MAX = 10000 };

/* Parts of a JID are prepared. `credentials` is the text form of credentials.h; `pending` is a
 * sealed password whose keys are not derived yet (bulk import), or empty. */
struct store_account {
    struct str user, domain;
    struct str credentials;
    struct str pending;
    uint64_t upto; /* REMOVE: the newest id that the archive may have; private to the floor */
};

/* Of a domain (prepared), or of all that has to go. */
struct store_removal {
    struct str domain;
    uint64_t upto; /* RETAIN: the newest id that goes; REMOVE: private to the floor */
    uint64_t rows; /* STEP: most of them at once */
    bool left;     /* STEP: ask again */
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
