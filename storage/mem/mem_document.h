/* Documents in memory; the lock of mem.c is held. */
#ifndef RT_MEM_DOCUMENT_H
#define RT_MEM_DOCUMENT_H

#include "store.h"

struct mem_document {
    struct mem_document *next;
    enum store_document_kind kind;
    char *name, *body;
};

/* Runs an operation on the documents of an account. */
enum err mem_document(struct mem_document **documents, struct store_op *op);
void mem_document_fini(struct mem_document **documents);

#endif
