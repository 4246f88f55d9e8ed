/* Rosters in memory; the lock of mem.c is held. */
#ifndef RT_MEM_ROSTER_H
#define RT_MEM_ROSTER_H

#include "store.h"

struct mem_item {
    struct mem_item *next; /* in order of contact */
    char *contact, *name, *groups, *request;
    unsigned flags;
};

struct mem_roster {
    uint64_t version;
    struct mem_item *items;
};

/* As the operations of store.h; `get` fills in op->roster. */
enum err mem_roster_get(const struct mem_roster *roster, struct store_op *op);
enum err mem_roster_set(struct mem_roster *roster, const struct store_op *op);
enum err mem_roster_remove(struct mem_roster *roster, const struct store_op *op);
enum err mem_roster_import(struct mem_roster *roster, struct store_op *op);
/* Gives all back. */
void mem_roster_fini(struct mem_roster *roster);

#endif
