/*
 * What operations on privacy lists (XEP-0016) take and give; parts of store.h. The block list of
 * XEP-0191 is one of them. A list is always read and written whole, so its items are one text,
 * whose form is that of src/core/privacy_list.h.
 */
#ifndef RT_STORE_PRIVACY_H
#define RT_STORE_PRIVACY_H

#include "text.h"

#include <stdbool.h>

struct store_privacy_list {
    struct str name;
    struct str items;
    bool is_default; /* at most one of a user's; SET leaves it as it is */
};

struct store_privacy {
    struct str user, domain;
    struct store_privacy_list *lists; /* SET, REMOVE, DEFAULT: one */
    size_t count;
};

#endif
