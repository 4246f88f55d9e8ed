/* Privacy lists in memory; the lock of mem.c is held. */
#ifndef RT_MEM_PRIVACY_H
#define RT_MEM_PRIVACY_H

#include "store.h"

struct mem_list {
    struct mem_list *next; /* in order of name */
    char *name, *items;
    bool is_default;
};

/* As the operations of store.h, on the lists of an account. */
enum err mem_privacy(struct mem_list **lists, struct store_op *op);
/* Gives all back. */
void mem_privacy_fini(struct mem_list **lists);

#endif
