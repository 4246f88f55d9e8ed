/* The inbox in SQLite: one function a kind of operation, as in lite_account.h. */
#ifndef RT_LITE_INBOX_H
#define RT_LITE_INBOX_H

#include "inbox_merge.h"
#include "lite_account.h"

lite_op_fn lite_inbox_page, lite_inbox_get, lite_inbox_set, lite_inbox_read;
lite_op_fn lite_inbox_empty_bin, lite_inbox_drop, lite_inbox_remove, lite_inbox_import,
    lite_inbox_clean;

/* What a batch does to inboxes, in its transaction, after its messages; sorts the events. */
enum err lite_inbox_add(struct lite *lite, struct inbox_event *events, size_t count);

/* Adds the events of a room's message, one a party at most, to an array that has room. */
enum err lite_inbox_parties(struct lite *lite, const struct store_message *message,
                            struct inbox_event *events, size_t *event_count);

#endif
