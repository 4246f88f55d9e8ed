/*
 * What clients are interested in, by their entity capabilities (XEP-0115): nodes of which they want
 * news ("…+notify" features, XEP-0163 4). Many clients share one entry; module `caps` finds out,
 * and sets that of a session. An entry belongs to a shard.
 */
#ifndef RT_CAPS_H
#define RT_CAPS_H

#include "list.h"
#include "map.h"

struct session;

struct caps {
    struct map_node node;
    struct link link; /* least recently used first */
    unsigned refs;    /* sessions */
    struct str key, notify;
    char text[];
};

/* What a shard knows; in struct core. */
struct caps_cache {
    struct map all;
    struct link used;
};

/* On the shard's thread, at its begin and end, when there are no sessions any more. */
void caps_start(struct caps_cache *cache);
void caps_stop(struct caps_cache *cache);

/* What was learned of a client with this hash and verification string on the running shard; NULL:
 * nothing. */
const struct caps *caps_find(struct str hash, struct str ver);

/* Keeps what was verified: `notify` has one node a line. At most LIMIT_CAPS_KNOWN entries stay that
 * no session has. */
const struct caps *caps_learn(struct str hash, struct str ver, struct str notify);

/* The session's, or NULL. */
void caps_set(struct session *session, const struct caps *caps);

/* True when the session's client wants news of that node. */
bool caps_wants(const struct session *session, struct str node);

#endif
