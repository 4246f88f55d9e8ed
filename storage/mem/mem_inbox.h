/* The inbox of the memory back end. Under its lock. */
#ifndef RT_MEM_INBOX_H
#define RT_MEM_INBOX_H

#include "store_backend.h"

/* Operations of the inbox; ERR_UNSUPPORTED for others. */
enum err mem_inbox(struct store_op *op);
void mem_inbox_drop(void);

/* What a room's message does to the inboxes of its parties. */
void mem_inbox_add_parties(const struct store_message *message);
bool mem_inbox_is_room(struct str owner, struct str peer);

/* A message was stored with these flags. */
void mem_inbox_add(const struct store_message *message, unsigned flags);

/* Drops the conversations of an owner whose newest message is not above an id. */
void mem_inbox_remove(struct str owner, uint64_t upto);

#endif
