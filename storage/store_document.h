/*
 * What operations on documents take and give; parts of store.h. A document is a piece of XML that
 * an account keeps as it was given: private XML (XEP-0049) by the name of its element, the vCard.
 */
#ifndef RT_STORE_DOCUMENT_H
#define RT_STORE_DOCUMENT_H

#include "text.h"

#include <stddef.h>
#include <stdint.h>

/* Numbers of the database. */
enum store_document_kind { DOCUMENT_PRIVATE = 1, DOCUMENT_VCARD = 2 };

struct store_document {
    /* Within the kind, never empty; no two of one operation are the same. Of private XML:
     * namespace, a space, local name. */
    struct str name;
    struct str body; /* GET: `at` is NULL when there is none */
};

struct store_documents {
    struct str user, domain;
    enum store_document_kind kind;
    struct store_document *items;
    size_t count;
    uint64_t max_count, max_bytes; /* SET: of all of that kind, afterwards */
};

#endif
