/*
 * What a batch of messages does to inboxes, one change a conversation; for back ends that write the
 * rows one by one. JIDs are the back end's numbers.
 */
#ifndef RT_INBOX_MERGE_H
#define RT_INBOX_MERGE_H

#include "store_backend.h"

struct inbox_event {
    int64_t owner, peer;
    uint64_t id;
    bool own;    /* the owner's: all before it is read */
    bool counts; /* as unread */
    bool room;   /* the peer is one */
};

struct inbox_change {
    int64_t owner, peer;
    uint64_t last;    /* message */
    uint64_t read_to; /* the owner's last; 0: none */
    uint64_t first;   /* that counts and is behind it; INT64_MAX: none */
    uint64_t unread;  /* how many do */
    bool room;
};

/* Adds the events of a message that was stored with these flags; at most two, to an array that has
 * room. Returns how many. */
size_t inbox_events(struct inbox_event *events, const struct store_message *message, unsigned flags,
                    int64_t sender, int64_t recipient);

/* Sorts the events, and takes those of the first conversation off them. False: none is left. */
void inbox_sort(struct inbox_event *events, size_t count);
bool inbox_merge(struct inbox_event **events, size_t *count, struct inbox_change *change);

#endif
