/* What the parts of module pep share. All on the home shard of the account. */
#ifndef RT_PEP_H
#define RT_PEP_H

#include "pep_account.h"

extern const struct module module_pep;

struct pep_conf {
    uint64_t max_nodes, max_items, max_item_size, max_bytes;
    bool ignore_offline;
};

extern struct metric pep_published, pep_broadcasts, pep_notifications, pep_lasts, pep_full,
    pep_cached;

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

/* The same as if the owner had asked for it; what is wrong is answered to nobody. Takes the
 * accumulator, whose element becomes the request: `pubsub` with one action. */
void pep_request_run(struct acc *acc, const struct jid *owner, struct element *pubsub);

/* Publishes an item for the owner. */
void pep_publish_for(const struct host *host, const struct jid *owner, struct str node,
                     struct str id, const struct element *payload);

/* Retracts it, and tells so. */
void pep_retract_for(const struct host *host, const struct jid *owner, struct str node,
                     struct str id);

/* --- What stands on nodes: bookmarks (pep_bookmarks.c), displayed messages (pep_displayed.c) ---
 */

/* A view of XEP-0402 as XEP-0048 has it: nodes of that, and private XML. */
pep_fn pep_bookmarks_items, pep_bookmarks_publish;
bool pep_is_old_bookmarks(const struct pep_request *request);
hook_fn pep_on_private_get, pep_on_private_set;

/* The node of bookmarks was changed: clients that want the old form are told. */
void pep_bookmarks_changed(const struct acc *news, struct str node);

hook_fn pep_on_displayed;

/* Refuses with an application-specific condition of XEP-0060, or without (NULL). */
enum verdict pep_refuse(struct acc *acc, enum stanza_error error, const char *condition);
enum verdict pep_unsupported(struct acc *acc, const char *feature);
enum verdict pep_not_written(struct acc *acc);

/* --- People (pep_subscribe.c) --- */

/* An operation that sets the people of a node anew. */
struct store_op *pep_people_op(const struct jid *owner, const struct pep_node *node,
                               struct str people);

/* Adds <subscription/>; an empty `node` is left out. */
void pep_add_subscription(struct acc *acc, struct element *parent, enum ns ns, struct str node,
                          const struct pep_person *person);

/* --- Approval (pep_approve.c): XEP-0060 8.6 --- */

/* The owner of acc->to is asked whether somebody may subscribe. */
void pep_ask_owner(struct acc *acc, struct str node, struct str subscriber);

/* Whoever has asked is told what has become of it. */
void pep_tell_subscriber(struct acc *acc, struct str node, const struct pep_person *person);

hook_fn pep_on_approval;

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
