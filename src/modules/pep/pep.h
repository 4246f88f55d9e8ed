/* What the parts of module pep share. All on the home shard of the account. */
#ifndef RT_PEP_H
#define RT_PEP_H

#include "pep_settings.h"

extern const struct module module_pep;

struct pep_conf {
    uint64_t max_nodes, max_items, max_item_size, max_bytes;
    bool ignore_offline;
};

extern struct metric pep_published, pep_broadcasts, pep_notifications, pep_lasts, pep_full;

/* --- Accounts in memory (pep_account.c) --- */

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
void pep_accounts_stop(void);

/* --- Requests (pep.c) --- */

struct pep_request;
typedef enum verdict pep_fn(struct acc *acc, struct session *session, struct pep_request *request);

struct pep_action {
    enum ns ns;
    enum stanza_type type;
    const char *element;
    bool owner_only, nodeless;
    pep_fn *run;
};

/* In the accumulator's arena, found by acc->event_data while an action runs. */
struct pep_request {
    const struct pep_action *action;
    const struct element *pubsub, *what;
    struct str name; /* of the node */
    bool own;
    struct subscription asker; /* what the roster says, if it is not the owner */
    struct pep_account *account;
    struct pep_node *node; /* NULL: there is none; both are looked up after each park */
};

extern const struct pep_action pep_item_actions[], pep_node_actions[], pep_people_actions[];

/* Looks account and node up again. */
struct pep_request *pep_request_again(struct acc *acc);

/* Refuses with an application-specific condition of XEP-0060, or without (NULL). */
enum verdict pep_refuse(struct acc *acc, enum stanza_error error, const char *condition);
enum verdict pep_unsupported(struct acc *acc, const char *feature);
enum verdict pep_not_written(struct acc *acc);

/* --- Who may (pep_access.c) --- */

struct pep_denial {
    enum stanza_error error;
    const char *condition;
};

/* NULL: the contact may read the node. */
const struct pep_denial *pep_denied(const struct pep_settings *settings,
                                    const struct subscription *contact);

/* For a request: true when it may read; else it is answered. */
bool pep_may_read(struct acc *acc, const struct pep_request *request);
bool pep_may_publish(const struct pep_request *request);

/* --- News (pep_news.c): XEP-0163 4, XEP-0060 7.1.2, 7.2.2, 8.4, 8.5 --- */

/* A notification that is to be broadcast: `change` is the child of <event/>, written once. */
struct acc *pep_news_new(const struct acc *acc, struct str node, struct str settings,
                         const struct element *change);
struct acc *pep_news_item(const struct acc *acc, struct str node, struct str settings,
                          struct str id, const struct element *payload);

/* Sends it; takes it. */
void pep_news_send(struct acc *news);

/* Sends the last item of a node to one address; `filtered`: to those of its clients that want it.
 */
void pep_last_send(struct acc *acc, const struct pep_node *node, struct str to, bool filtered);

hook_fn pep_on_caps, pep_on_probe, pep_on_roster_changed;

/* --- Discovery (pep_disco.c) --- */

hook_fn pep_on_disco_info, pep_on_disco_items;

#endif
