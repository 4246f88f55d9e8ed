/* What waits for its user, in memory; the lock of mem.c is held. */
#ifndef RT_MEM_OFFLINE_H
#define RT_MEM_OFFLINE_H

#include "store.h"

struct mem_waiting {
    struct mem_waiting *next; /* in order of number */
    uint64_t number, message, stamp_us, expires_us;
    char *body; /* NULL: a mark */
    char *room; /* whose archive has it; NULL: the owner's */
};

/* As the operations of store.h, on what waits for an account; CLEAN for one after the other. */
enum err mem_offline(struct mem_waiting **waiting, struct store_op *op);
void mem_offline_clean(struct mem_waiting **waiting, struct store_op *op);

/* Gives all back. */
void mem_offline_fini(struct mem_waiting **waiting);

#endif
