/* Publish-subscribe nodes in memory; the lock of mem.c is held. */
#ifndef RT_MEM_PEP_H
#define RT_MEM_PEP_H

#include "store.h"

struct mem_pep_item {
    struct mem_pep_item *next; /* latest first */
    char *name, *body;
    uint64_t number;
};

struct mem_pep_node {
    struct mem_pep_node *next; /* in order of name */
    char *name, *settings;
    struct mem_pep_item *items;
};

/* Runs an operation on the nodes of an account. */
enum err mem_pep(struct mem_pep_node **nodes, struct store_op *op);
void mem_pep_fini(struct mem_pep_node **nodes);

#endif
