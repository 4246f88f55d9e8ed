/* The message archive of the memory back end. Under its lock. */
#ifndef RT_MEM_MAM_H
#define RT_MEM_MAM_H

#include "store_backend.h"

/* Operations of the archive; ERR_UNSUPPORTED for others. */
enum err mem_mam(struct store_op *op);
void mem_mam_drop(void);

/* Takes from an owner what archive and inbox have up to an id; drops the preferences. */
void mem_mam_remove(struct str owner, uint64_t upto);
void mem_mam_forget(struct str owner);

/* mem.c: whether a bare JID has an account. */
bool mem_has_account(struct str bare);

/* mem.c: whether the roster of an account lists a contact. */
bool mem_has_contact(struct str bare, struct str contact);

/* For mem_inbox.c, of what `owner` has got from `peer`: how many count as unread behind a message;
 * the id of the newest with this id or client id, 0: none. The text of a message; .at NULL. */
uint64_t mem_mam_unread(struct str owner, struct str peer, uint64_t after);
uint64_t mem_mam_find(struct str owner, struct str peer, uint64_t id, struct str client_id);
struct str mem_mam_body(uint64_t id);

/* For mem_offline.c: what the preferences of `owner` say of a peer. */
bool mem_mam_keeps(struct str owner, struct str peer, struct str resource);
/* The newest message that `owner` has of `peer`, and the nth newest of those got that count as
 * unread; 0: there is none. */
uint64_t mem_mam_newest(struct str owner, struct str peer);
uint64_t mem_mam_counted(struct str owner, struct str peer, uint64_t nth);

#endif
