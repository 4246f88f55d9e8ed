/*
 * One simulated user: connects, negotiates (STARTTLS or direct TLS, SASL, bind, the legacy
 * session), sends presence, then hands whole stanzas to the scenario. It lives in a shard's thread;
 * its owner keeps the memory until on_gone. Through a relay the two ends meet without a server:
 * each one's stream header reaches the other, and nothing is negotiated.
 */
#ifndef RT_CLIENT_H
#define RT_CLIENT_H

#include "conn.h"
#include "options.h"
#include "parser.h"

struct client;

/* What a user keeps from one connection to the next, to resume the stream (XEP-0198). */
struct client_memory {
    char id[64];      /* empty: there is nothing to resume */
    uint32_t handled; /* stanzas that came */
};

/* Shared by all clients of a run; read-only while they live. */
struct client_setup {
    const struct options *options;
    struct tls_context *tls; /* NULL without TLS */
    struct parser *parser;
    unsigned relay_group; /* who are connected with each other by a relay; 0: there is none */
    struct client_memory *memories; /* of all clients; NULL: streams are not resumed */
    struct scram_kept *keys;        /* of all clients */
    /* It may send stanzas now. */
    void (*on_ready)(struct client *client);
    /* A stanza came, in the read that was taken up at `now_us`. The element lives during the call.
     */
    void (*on_stanza)(struct client *client, const struct element *element, uint64_t now_us);
    /* It is over and its memory is the owner's. `why` is NULL after client_close, else a sentence.
     */
    void (*on_gone)(struct client *client, const char *why);
};

enum client_stage {
    CLIENT_IDLE,
    CLIENT_CONNECT,
    CLIENT_FEATURES, /* the first, or those behind STARTTLS */
    CLIENT_PROCEED,
    CLIENT_SECURE,
    CLIENT_REGISTER,
    CLIENT_AUTH,
    CLIENT_FEATURES_AGAIN,
    CLIENT_BIND,
    CLIENT_SESSION,
    CLIENT_ENABLE,
    CLIENT_RESUME,
    CLIENT_READY,
    CLIENT_CLOSING
};

struct client {
    const struct client_setup *setup;
    unsigned number; /* of the user, and by its order in the fleet */
    enum client_stage stage;
    struct conn conn;
    struct op connecting;
    struct stream_in in;
    struct client_sasl *sasl;     /* while it authenticates */
    struct client_memory *memory; /* NULL: its stream is not resumed */
    struct scram_kept *keys;      /* of its logins before */
    char why[160];                /* the first thing that went wrong */
    uint32_t handled, written;    /* stanzas, while they are counted (XEP-0198) */
    bool established, counting;
    uint64_t due_us; /* when its login was to begin; the scenario sets it */
};

/* Begins to connect and log in. The struct must be zeroed (but for `memory` and `keys`), or gone.
 */
void client_open(struct client *client, const struct client_setup *setup, unsigned number);

/* Writes to the stream; it goes out at the end of the turn. */
static inline void client_write(struct client *client, struct str bytes)
{
    conn_write(&client->conn, bytes);
}

/* One stanza was written: now and then the server is asked what it has handled (XEP-0198). */
void client_count_written(struct client *client);

/* Ends the stream and the connection. */
void client_close(struct client *client);

/* Ends the connection without a word, as a lost network does. */
void client_cut(struct client *client);

#endif
