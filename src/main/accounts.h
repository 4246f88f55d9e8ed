/*
 * Accounts as an operator sees them: JIDs and passwords on this side, stored credentials on the
 * other. All of it runs on a shard, with callbacks; key derivation on helper threads.
 */
#ifndef RT_ACCOUNTS_H
#define RT_ACCOUNTS_H

#include "config.h"

/* How it went: NULL, or a sentence for the operator (valid during the call). */
typedef void account_fn(void *owner, const char *why);

/* Adds an account, or sets the password of one that is there. */
void account_add(const struct config *config, struct str jid, struct str password, account_fn *done,
                 void *owner);
void account_passwd(const struct config *config, struct str jid, struct str password,
                    account_fn *done, void *owner);
void account_remove(const struct config *config, struct str jid, account_fn *done, void *owner);

/* Parses a bare JID of a domain of this server. NULL, or what is wrong with it. */
const char *account_parse(const struct config *config, struct arena *arena, struct str text,
                          struct jid *out);

/* NULL, or why nobody may have this password. */
const char *account_check_password(struct arena *arena, struct str password);

/* What an outcome of storage means to an operator. */
const char *account_why(enum err outcome);

#endif
