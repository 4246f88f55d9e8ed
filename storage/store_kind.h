/* The operations of storage: what each takes, gives, and how it fails; part of store.h. */
#ifndef RT_STORE_KIND_H
#define RT_STORE_KIND_H

enum store_kind {
    STORE_ACCOUNT_GET,    /* account: user, domain → credentials, pending. NOT_FOUND */
    STORE_ACCOUNT_ADD,    /* account: user, domain, credentials, pending. CONFLICT: is there, or
                             the domain is being removed */
    STORE_ACCOUNT_SET,    /* account: new credentials (clears pending). NOT_FOUND */
    STORE_ACCOUNT_REMOVE, /* account: with all that belongs to it: what is much is hidden at once,
                             and goes little by little (removal.h). NOT_FOUND */
    STORE_ACCOUNT_LIST,   /* list: domain, after, limit → items in order of user */
    STORE_ACCOUNT_IMPORT, /* import: adds those that are not there; → added */
    STORE_ACCOUNT_COUNT,  /* list: domain → total */
    STORE_DOMAIN_REMOVE,  /* removal: all accounts of the domain, little by little. NOT_FOUND */
    STORE_DOMAIN_RETAIN,  /* removal: archives of its users lose what is not above `upto`, little by
                             little. NOT_FOUND: no such domain, or it was done before */
    STORE_REMOVAL_STEP,   /* removal: does a bounded part → left */
    STORE_ROSTER_GET, /* roster: user, domain → items in order of contact, version. NOT_FOUND */
    STORE_ROSTER_SET, /* roster: adds or replaces one item. NOT_FOUND: no such account */
    STORE_ROSTER_REMOVE, /* roster: drops the contact of one item. NOT_FOUND */
    STORE_ROSTER_IMPORT, /* roster: adds those contacts that are not there; → added. NOT_FOUND */
    STORE_MAM_STORE,     /* message: batched, no deadline; one that is there already is fine */
    STORE_MAM_ROOM,      /* nothing: done when store_mam_has_room, in turn. FULL, TIMEOUT */
    STORE_MAM_BATCH,     /* private: what batch.c makes of those */
    STORE_MAM_IMPORT,    /* batch: messages of before, all or none; → stored. INVALID */
    STORE_MAM_PAGE,     /* page → items, more, total; sees what is in batches. NOT_FOUND: an id */
    STORE_MAM_METADATA, /* page: owner → first, last; sees what is in batches */
    STORE_MAM_REMOVE,   /* page: owner: the archive below `to`, and the inbox of that */
    STORE_MAM_FIND, /* page: owner, with, client_id → items: what the owner sent, newest first */
    STORE_MAM_REPLACE,   /* message: id, sender, body: the row has this body from now. NOT_FOUND */
    STORE_MAM_PREFS_GET, /* prefs: owner → the rest. NOT_FOUND: never set */
    STORE_MAM_PREFS_SET, /* prefs: all of them */
    STORE_INBOX_PAGE, /* inbox_page → items, totals; sees what is in batches, as do those below */
    STORE_INBOX_GET,  /* inbox: owner, peer → entry. NOT_FOUND: no such conversation */
    STORE_INBOX_SET,  /* inbox: owner, peer, what changes → entry. NOT_FOUND */
    STORE_INBOX_READ, /* inbox: owner, peer, up to where. NOT_FOUND */
    STORE_INBOX_EMPTY_BIN, /* inbox: owner → count */
    STORE_INBOX_DROP,      /* inbox: owner, peer, up_to. NOT_FOUND */
    STORE_INBOX_REMOVE,    /* inbox: owner: all of it */
    STORE_INBOX_IMPORT,    /* inbox: owner, peer, entry, set.expires_us. CONFLICT: is there */
    STORE_INBOX_CLEAN,     /* inbox: now_us → count, STORE_INBOX_CLEAN_MAX at most: ask again */
    STORE_PRIVACY_GET, /* privacy: user, domain → lists in order of name. NOT_FOUND: no account */
    STORE_PRIVACY_SET, /* privacy: adds or replaces a list. NOT_FOUND: no such account */
    STORE_PRIVACY_REMOVE,  /* privacy: drops a list. NOT_FOUND */
    STORE_PRIVACY_DEFAULT, /* privacy: which list is the default (no name: none). NOT_FOUND */
    STORE_LAST_GET,     /* last: user, domain → the rest. NOT_FOUND: no account, or never there */
    STORE_LAST_SET,     /* last: all of it. NOT_FOUND: no such account */
    STORE_DOCUMENT_GET, /* documents: user, domain, kind, names → bodies. NOT_FOUND: no account */
    STORE_DOCUMENT_SET, /* documents: adds or replaces all or none. NOT_FOUND. CONFLICT: a cap */
    STORE_PEP_NODES,    /* pep: user, domain → nodes. NOT_FOUND: no account */
    STORE_PEP_SET,      /* pep: adds a node, or sets it anew → it. NOT_FOUND: no account */
    STORE_PEP_PUBLISH, /* pep: adds or replaces an item, and the node if need be → it. NOT_FOUND */
    STORE_PEP_RETRACT,  /* pep: drops items → the node. NOT_FOUND: none of them was there */
    STORE_PEP_PURGE,    /* pep: drops all items → the node. NOT_FOUND */
    STORE_PEP_DELETE,   /* pep: drops a node. NOT_FOUND */
    STORE_PEP_PICK,     /* pep: names → those items that are there, latest first */
    STORE_PEP_PAGE,     /* pep → items, total. NOT_FOUND: no node, or `from` is not there */
    STORE_OFFLINE_ADD,  /* offline: one message. NOT_FOUND: no account. CONFLICT: there are `max` */
    STORE_OFFLINE_PAGE, /* offline → items, oldest first; sees what is in batches */
    STORE_OFFLINE_DROP, /* offline: numbers; those that are not there are fine */
    STORE_OFFLINE_CLEAN, /* offline: now_us → dropped, STORE_OFFLINE_CLEAN_MAX at most */
    STORE_ROOM_CREATE,   /* room: all of it. CONFLICT: is there, or crowded */
    STORE_ROOM_GET,      /* room: bare → the rest. NOT_FOUND */
    STORE_ROOM_SET,      /* room: bare, version, what changes. NOT_FOUND. CONFLICT: crowded */
    STORE_ROOM_DESTROY,  /* room: bare; its messages stay. NOT_FOUND */
    STORE_ROOM_PAGE,     /* room_page → items, more, total */
    STORE_ROOM_GUESTS,   /* guests → prevented */
    STORE_ROOM_BLOCKING, /* blocking: owner → items in order, STORE_ROOM_BLOCKING_MAX at most */
    STORE_ROOM_BLOCK,    /* blocking: adds and takes off. INVALID: more than that */
    STORE_ROOM_GONE,     /* gone: after, limit → items */
    STORE_UPKEEP,        /* upkeep: what time does to the archive (upkeep.h) */
    STORE_KIND_COUNT
};

#endif
