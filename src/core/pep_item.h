/*
 * What modules tell each other of the items that accounts publish (XEP-0163), through hooks:
 * pep_published is told by whoever keeps nodes, when an item is on disk; pep_publish asks for an
 * item to be published, as if the account's owner had done it. Both on the owner's home shard, with
 * the owner's bare JID as acc->from and a struct pep_item at acc->event_data.
 */
#ifndef RT_PEP_ITEM_H
#define RT_PEP_ITEM_H

#include "element.h"

struct pep_item {
    struct str node, id;
    const struct element *payload;
    bool open; /* pep_published: everybody may read the node */
};

#endif
