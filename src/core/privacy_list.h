/*
 * A privacy list (XEP-0016 section 2.1): items in order, of which the first that matches a stanza
 * says whether it may pass. Lists are immutable and counted; they belong to one shard.
 */
#ifndef RT_PRIVACY_LIST_H
#define RT_PRIVACY_LIST_H

#include "buf.h"
#include "jid.h"
#include "subscription.h"

/* What an item is about. Only items about all of it match what has no bit of its own: messages and
 * iqs that the user sends, and stanzas that manage subscriptions. */
enum privacy_kinds {
    PRIVACY_MESSAGE = 1, /* to the user, as PRIVACY_IQ */
    PRIVACY_IQ = 2,
    PRIVACY_PRESENCE_IN = 4,
    PRIVACY_PRESENCE_OUT = 8,
    PRIVACY_REST = 16,
    PRIVACY_ALL = 31,
};

/* Whom an item is about; by these letters in a list's text. */
enum privacy_type {
    PRIVACY_ANYBODY = 'a',
    PRIVACY_JID = 'j',
    PRIVACY_GROUP = 'g',
    PRIVACY_SUBSCRIPTION = 's',
};

struct privacy_item {
    uint32_t order;
    enum privacy_type type;
    bool denies;
    unsigned kinds;    /* enum privacy_kinds */
    struct str value;  /* a prepared JID, a group, or none, to, from, both */
    struct str report; /* why (XEP-0377), or empty */
};

struct privacy_list {
    unsigned refs;
    bool asks_roster; /* has items about groups or subscriptions */
    struct str name, text;
    struct privacy_item *items; /* in order */
    size_t count;
    uint64_t *blocked; /* hashes of addresses that are denied as a whole, sorted */
    size_t blocked_count;
};

/* The text that storage keeps: one item a line. Items are written in the order of `order`; a value
 * or report has neither tabs nor line ends. */
void privacy_write(struct buf *text, const struct privacy_item *item);

/* A list from its text; the caller's reference. Lines that are no items are left out. */
struct privacy_list *privacy_list_new(struct str name, struct str text);
const struct privacy_list *privacy_list_ref(const struct privacy_list *list); /* NULL is fine */
void privacy_list_unref(const struct privacy_list *list);

/* True when the list (NULL: none) denies stanzas of this kind, one bit of privacy_kinds, between
 * its owner and `peer`. `contact`: what the roster says of the peer, NULL: nothing. */
bool privacy_list_denies(const struct privacy_list *list, unsigned kind, const struct jid *peer,
                         const struct subscription *contact);

/* True when an address that is denied as a whole, all kinds of stanzas, is the peer's: the full
 * JID, bare JID, domain with resource, or domain (XEP-0191 section 3.1). Costs a few hashes,
 * however long the list is. */
bool privacy_list_blocks(const struct privacy_list *list, const struct jid *peer);

/* True when the list (NULL: none) blocks just this address. */
bool privacy_list_names(const struct privacy_list *list, struct str jid);

/* True for an item that makes a block list: it denies an address as a whole. */
static inline bool privacy_item_blocks(const struct privacy_item *item)
{
    return item->type == PRIVACY_JID && item->denies && item->kinds == PRIVACY_ALL;
}

#endif
