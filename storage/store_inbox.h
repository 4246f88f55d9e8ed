/*
 * What the operations of the inbox ask and answer; part of store.h. A conversation is a row of its
 * owner and the peer that points at the newest message in the archive, and counts what is unread.
 * Rows come with the messages (STORE_INBOX flags of store_mam.h) and are exact: a message that is
 * not stored again does not count again, and what came late does not undo what came after it.
 * Changes of one owner's inbox are done in the order in which its shard asked for them, and who
 * asks behind them sees them.
 */
#ifndef RT_STORE_INBOX_H
#define RT_STORE_INBOX_H

#include "text.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    STORE_INBOX_PAGE_MAX = 1000,
    STORE_INBOX_CLEAN_MAX = 1000,
    STORE_INBOX_LOOK =
        1000, /* a message that is to be marked is one of so many newest of the peer */
};

/* The boxes that are always there; others are names of the operator's. A message moves a
 * conversation from STORE_BOX_ARCHIVE to STORE_BOX_INBOX, and from no other. */
#define STORE_BOX_INBOX   "inbox"
#define STORE_BOX_ARCHIVE "archive"
#define STORE_BOX_BIN     "bin"

struct store_inbox_entry {
    struct str peer, box;
    bool room;     /* the peer is one: its messages are those sent to it */
    uint64_t last; /* id of the newest message */
    uint64_t unread;
    uint64_t muted_until_us; /* since 1970; 0: never muted */
    struct str body;         /* of the newest message; .at NULL: it is gone, or was not asked for */
};

enum store_inbox_read { STORE_READ_AS_IS, STORE_READ_ALL, STORE_READ_NONE };

struct store_inbox {
    struct str owner, peer; /* bare */
    struct {
        struct str box;      /* empty: as it is */
        uint64_t expires_us; /* with a box: when STORE_INBOX_CLEAN may drop it; 0: never */
        bool mutes;
        uint64_t muted_until_us;
        enum store_inbox_read read; /* NONE: one is unread, if none was */
    } set;
    struct {
        uint64_t id;          /* up to this message, */
        struct str client_id; /* or the newest one with this; neither is known: nothing changes */
        bool all;             /* up to the last */
    } up_to; /* DROP: not one that has a newer message than `id`; 0: whatever it has */
    uint64_t now_us;
    bool bodies; /* GET, SET: the entry with its message */
    /* IMPORT: it will point at the newest message that the owner has of the peer; `last` is for
     * when there is none */
    struct store_inbox_entry entry;
    uint64_t count;
};

/* A place in the list: conversations are in the order of the time of the newest message, then of
 * the peer. */
struct store_inbox_place {
    uint64_t us; /* since 1970 */
    struct str peer;
};

struct store_inbox_page {
    /* asked */
    struct str owner;
    struct str box; /* empty: all of them */
    bool without_bin, only_unread, bodies;
    struct store_inbox_place above, below; /* those between */
    bool descending;                       /* the newest first */
    bool backwards;                        /* the page is at the end */
    size_t limit;
    /* answered */
    struct store_inbox_entry *items;
    size_t count;
    bool more;      /* behind the page; backwards: before it */
    uint64_t total; /* in these boxes, unread if only those are asked for, wherever between */
    struct {
        uint64_t conversations, active, unread; /* all but the bin; active: with unread messages */
    } all;
};

#endif
