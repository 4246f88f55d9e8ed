/*
 * What the operations of the message archive (XEP-0313) ask and answer; part of store.h. One row is
 * in both archives of a one-to-one message. Ids as in stanza_id.h. JIDs are prepared.
 */
#ifndef RT_STORE_MAM_H
#define RT_STORE_MAM_H

#include "text.h"

#include <stdbool.h>
#include <stdint.h>

enum { STORE_MAM_PAGE_MAX = 1000, STORE_MAM_PREFS_MAX = 500 };

/* FIND looks at so many of the last messages of a conversation, and gives so many. */
enum { STORE_MAM_LOOK = 10000, STORE_MAM_FOUND = 4 };

/* A sender's stanza with the same origin-id is not stored again within this time. */
#define STORE_MAM_RESENT_US (7ull * 24 * 3600 * 1000000)

enum { STORE_NOT_OF_SENDER = 1, STORE_NOT_OF_RECIPIENT = 2 }; /* who has no copy */

/* Which inboxes a message goes to, if that side keeps a copy of it (store_inbox.h). Back ends keep
 * the last one among the flags of the message. */
enum {
    STORE_INBOX_SENDER = 1,    /* the sender's: all before it is read */
    STORE_INBOX_RECIPIENT = 2, /* the recipient's */
    STORE_INBOX_UNREAD = 4,    /* where it counts as unread */
};

/* Into whose inbox a room's message goes, as long as there is such an account. */
struct store_party {
    struct str bare;
    bool own;    /* the author: all before it is read */
    bool counts; /* as unread */
};

/* Who is told by preferences not to have a copy is found out by the back end. */
struct store_message {
    uint64_t id;
    struct str sender, recipient; /* bare */
    struct str sender_resource, recipient_resource;
    struct str origin_id; /* empty: none */
    struct str body;      /* the whole stanza as XML */
    struct str client_id; /* the `id` attribute, by which markers name it; empty: none */
    struct str text;      /* what is searched, if anything is (store_searches) */
    unsigned flags;
    unsigned inbox; /* STORE_INBOX flags */
    /* The recipient keeps a copy only with an account: who registers a name later must not find
     * what was sent to it before. */
    bool if_registered;
    /* A room's (it is the recipient): STORE_BATCH_PARTIES at most. The others are in operations
     * that are asked behind it, in which this is the `rest`: only id, recipient and inbox matter.
     */
    const struct store_party *parties;
    size_t party_count;
    bool rest;
};

struct store_mam_item {
    uint64_t id;
    struct str body;
};

struct store_mam_page {
    /* asked */
    struct str owner;               /* whose archive, bare; METADATA and REMOVE: only this */
    struct str with, with_resource; /* with whom; empty: anybody, any resource */
    uint64_t from, to;              /* the set: from < id < to */
    uint64_t after, before;         /* the page within the set: after < id < before */
    const uint64_t *ids;            /* NOT_FOUND if one of them is not in the archive */
    size_t id_count, limit;
    bool only_ids;        /* the set is those ids */
    bool backwards;       /* the page is at the end */
    bool counted;         /* total wanted */
    struct str text;      /* all of its words are in the message; empty: any message */
    struct str client_id; /* FIND; others may have the same hash: look at the body */
    /* answered */
    struct store_mam_item *items; /* oldest first */
    size_t count;
    bool more; /* behind the page; backwards: before it */
    uint64_t total;
    uint64_t first, last; /* METADATA: ids; 0: the archive is empty */
    /* the back end's */
    uint64_t found; /* of the ids */
};

/* Preferences: what is kept (XEP-0441). */
enum store_mam_keeps { STORE_KEEPS_NEVER, STORE_KEEPS_ALWAYS, STORE_KEEPS_ROSTER };

struct store_mam_pref {
    struct str bare, resource; /* empty resource: all of them */
    bool keeps;
};

struct store_mam_prefs {
    struct str owner;
    int keeps; /* messages with those who are not listed: enum store_mam_keeps */
    struct store_mam_pref *items;
    size_t count;
};

#endif
