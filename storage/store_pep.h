/*
 * What operations on the publish-subscribe nodes of accounts (XEP-0060, XEP-0163) take and give;
 * parts of store.h. What a node is set to is one text: a line "name value" for each field of
 * pubsub#node_config, by its name without that prefix; a form feed; the names of roster groups, one
 * a line; a form feed; affiliations and subscriptions, "affiliation s|- JID", one a line.
 */
#ifndef RT_STORE_PEP_H
#define RT_STORE_PEP_H

#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer body of a last item is not given with its node. */
enum { STORE_PEP_LAST_MAX = 4096 };

struct store_pep_item {
    struct str name;
    uint64_t number; /* the later, the greater; 0: there is none */
    struct str body;
};

struct store_pep_node {
    struct str name, settings;
    uint64_t count, bytes;      /* of the bodies of all items */
    struct store_pep_item last; /* body.at NULL: it is longer than STORE_PEP_LAST_MAX */
};

struct store_pep {
    struct str user, domain;
    struct str node;     /* its name, never empty but for NODES: all of them */
    struct str settings; /* SET; PUBLISH: of a node that is not there yet */
    uint64_t keep;       /* SET, PUBLISH: so many items stay, the latest */
    struct store_pep_item *items;
    size_t count;                 /* PUBLISH: one; RETRACT, PICK: their names */
    struct store_pep_node *nodes; /* NODES: in order of name; the others that change: the one */
    size_t node_count;
    /* PAGE: latest first, from behind an item, or in front of one (backwards) */
    struct str from; /* an item, or empty: the end of the list */
    bool backwards;
    uint64_t limit, total;
    uint64_t changed; /* private */
};

#endif
