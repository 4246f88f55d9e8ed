/* Keys from passwords on helper threads, for handlers that set one (registration). */
#ifndef RT_DERIVE_H
#define RT_DERIVE_H

#include "acc.h"
#include "credentials.h"

/* Derives keys for a password and parks until it is done: `on` then finds the text form of the
 * credentials at acc->event_data (struct str *, in its arena), or NULL when the password is not
 * acceptable. Returns HOOK_PARK. */
enum verdict derive_park(struct acc *acc, struct session *session, struct str password,
                         hook_fn *on);

#endif
