/*
 * The nodes of accounts in memory, on their home shards.
 */
#ifndef RT_PEP_ACCOUNT_H
#define RT_PEP_ACCOUNT_H

#include "pep_settings.h"

struct pep_node {
    struct pep_node *next; /* in order of name */
    struct str name, text; /* text: the settings as they are stored */
    struct pep_settings settings;
    uint64_t count, bytes, turn;
    struct store_pep_item last; /* body.at NULL: not kept here */
    size_t size;
    char block[];
};

struct pep_account;

/* Runs `then` as soon as the owner's nodes are there, now or later (HOOK_PARK). */
enum verdict pep_account_with(struct acc *acc, struct session *session, const struct jid *owner,
                              hook_fn *then);

/* The same outside of a hook: takes the accumulator, applies its effects, and frees it. */
void pep_account_run(struct acc *acc, const struct jid *owner, hook_fn *then);

/* Inside `then`. The error of reading: ERR_NOT_FOUND: there is no such account. */
struct pep_account *pep_account_find(const struct jid *owner);
enum err pep_account_err(const struct pep_account *account);

/* Nodes in order of name; NULL: there is none. */
struct pep_node *pep_node_first(const struct pep_account *account);
struct pep_node *pep_node_find(const struct pep_account *account, struct str name);

/* Nodes, and bytes of all items. */
size_t pep_account_nodes(const struct pep_account *account);
uint64_t pep_account_bytes(const struct pep_account *account);

/* An operation on a node of the accumulator's `to`. */
struct store_op *pep_op(const struct jid *owner, enum store_kind kind, struct str node);

/* Asks for a change, and parks until it is on disk and in memory; then `then` runs
 * (acc->answer->outcome tells). `news` (pep_news.c) goes out if it succeeded, whether or not who
 * asked is still there; NULL: none. */
enum verdict pep_write(struct acc *acc, struct session *session, struct store_op *op,
                       struct acc *news, hook_fn *then);

/* What is in memory of an account is forgotten. */
void pep_account_forget(const struct jid *owner);

/* The shard ends. */
void pep_accounts_end(void *own);

#endif
