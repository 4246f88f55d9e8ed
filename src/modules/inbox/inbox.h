/*
 * The parts of module inbox: what messages do to it (inbox.c), what pages of both protocols share
 * (inbox_page.c), MongooseIM's query (inbox_query.c), conversations one by one
 * (inbox_conversation.c), XEP-0430 (inbox_entries.c).
 */
#ifndef RT_INBOX_H
#define RT_INBOX_H

#include "module.h"
#include "store.h"

extern const struct module module_inbox;

struct inbox_conf {
    struct key_texts boxes, reset_markers;
    uint64_t bin_ttl_days, bin_clean_after_hours, max_result_limit;
    bool aff_changes, remove_on_kicked;
};

/* Names that are boxes without being configured, NULL-ended. */
extern const char *const inbox_boxes[];

extern struct metric inbox_queries, inbox_entries, inbox_gets, inbox_sets, inbox_resets;

/* What a message is to an inbox, and who has one. */
bool inbox_is_marker(const struct element *message);
bool inbox_is_new_to_read(const struct element *message);
bool inbox_is_of(const struct jid *jid);

/* Rooms (inbox_room.c). */
hook_fn inbox_room_packet, inbox_forget_room;
extern struct metric *const inbox_room_metrics[];

/* IQ handlers. */
hook_fn inbox_form, inbox_query, inbox_list;
hook_fn inbox_conversation_get, inbox_conversation_set, inbox_reset, inbox_empty_bin;

/* True when the iq is about the asker's own inbox; else it has been answered. */
bool inbox_is_own(struct acc *acc, struct session *session);

/* Answers with item-not-found or resource-constraint when the operation failed. */
bool inbox_failed(struct acc *acc);

/* Always there, or configured. */
bool inbox_has_box(const struct inbox_conf *conf, struct str name);

/* The text of an element's child, a boolean; false: it is none. */
bool inbox_bool(struct str text, bool *out);

/* --- Pages (inbox_page.c) --- */

/* A query while it is read; with `text` it is wrong. */
struct inbox_reading {
    struct acc *acc;
    struct store_op *op;
    struct store_inbox_page *page;
    enum stanza_error error;
    const char *text;
};

/* A page of the asker's inbox without bounds, newest first. */
struct inbox_reading inbox_read(struct acc *acc);

/* The first thing that is wrong is told. */
void inbox_wrong(struct inbox_reading *reading, enum stanza_error error, const char *text);

/* XEP-0059: the page within what is asked for; after `descending` is known. */
void inbox_read_set(struct inbox_reading *reading, const struct element *query);

/* Asks for it and parks, or answers what is wrong. */
enum verdict inbox_ask(struct inbox_reading *reading, struct session *session, hook_fn *on_page);

/* Cuts the page where its messages become too large for an answer (1 MiB). */
void inbox_cut(struct store_inbox_page *page);

/* Adds <set/> of the page. */
void inbox_add_set(struct acc *acc, struct element *fin, const struct store_inbox_page *page);

/* Adds an element with text. */
void inbox_add_text(struct acc *acc, struct element *parent, enum ns ns, const char *name,
                    struct str text);
void inbox_add_number(struct acc *acc, struct element *parent, const char *name, uint64_t number);

/* Adds <forwarded/> with the stamp of the newest message, and the message if it is there. */
void inbox_add_forwarded(struct acc *acc, struct element *parent,
                         const struct store_inbox_entry *entry);

/* Adds <box/>, <archive/>, <mute/> and <read/> in a namespace. */
void inbox_add_properties(struct acc *acc, struct element *parent, enum ns ns,
                          const struct store_inbox_entry *entry);

/* A <message/> of the account to this client. */
struct element *inbox_message(struct acc *acc);

#endif
